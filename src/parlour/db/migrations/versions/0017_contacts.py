"""The people who write: one for each address that has a ticket.

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0017"
down_revision = "0016"

NEW_ID = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "gen_random_uuid()"}
KNOWN = (
    "INSERT INTO contacts (workspace_id, contact_id, email, name, note, created_at) "
    "SELECT workspace_id, {id}, email, '', '', min(created_at) FROM tickets GROUP BY workspace_id, email"
)


def upgrade() -> None:
    """An address whose first ticket a release before this one opens is known from its next ticket on."""
    op.create_table(
        "contacts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_contacts_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "contact_id", name="pk_contacts"),
        sa.UniqueConstraint("workspace_id", "email", name="uq_contacts_workspace_id_email"),
    )
    op.execute(KNOWN.format(id=NEW_ID[op.get_bind().dialect.name]))
