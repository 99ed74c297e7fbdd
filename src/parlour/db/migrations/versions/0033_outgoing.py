"""Every mail that goes out about a ticket, and what became of it.

Revision: 0033, after 0032
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "outgoing_mails",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="of its job"),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("upto_seq", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False, comment="by the mail server that did not take it"),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "mail_id"),
        sa.ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    )
    for name, *columns in (
        ("ix_outgoing_mails_ticket", "workspace_id", "ticket_id", "upto_seq"),
        ("ix_outgoing_mails_outcome", "workspace_id", "outcome", "mail_id"),
        ("ix_outgoing_mails_lately", "outcome", "changed_at"),
    ):
        op.create_index(name, "outgoing_mails", columns)
