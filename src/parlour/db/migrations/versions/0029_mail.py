"""Mail that comes in: the addresses of workspaces, the ledger, and the threads of tickets.

Revision: 0029, after 0028
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    _addresses()
    _ledger()
    _threads()


def _addresses() -> None:
    op.create_table(
        "mailboxes",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "mailbox_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.UniqueConstraint("address"),
    )


def _ledger() -> None:
    op.create_table(
        "mails",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False, comment="of the raw bytes"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Uuid(), comment="by its Message-ID, or its bytes; none before it was read"),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("ticket_id", sa.Uuid()),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "mail_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "mailbox_id"], ["mailboxes.workspace_id", "mailboxes.mailbox_id"]
        ),
        sa.ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    )
    for name, *columns in (
        ("ix_mails_mailbox", "workspace_id", "mailbox_id"),
        ("ix_mails_client", "workspace_id", "client_id"),
        ("ix_mails_message", "workspace_id", "message_id"),
        ("ix_mails_sender", "workspace_id", "sender", "received_at"),
        ("ix_mails_ticket", "workspace_id", "ticket_id"),
        ("ix_mails_outcome", "workspace_id", "outcome", "mail_id"),
    ):
        op.create_index(name, "mails", columns)


def _threads() -> None:
    op.create_table(
        "mail_threads",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column(
            "message_id",
            sa.Text(),
            nullable=False,
            comment="of the customer's newest mail, which answers name",
        ),
        sa.Column(
            "by_mail", sa.Boolean(), nullable=False, comment="whether the customer's last word came by mail"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "ticket_id"),
        sa.ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    )
