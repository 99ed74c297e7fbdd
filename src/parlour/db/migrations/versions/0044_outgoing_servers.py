"""Mail servers by which the answers of a mailbox leave.

Revision: 0044, after 0043
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.create_table(
        "outgoing_servers",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False, comment="smtps, smtp+starttls or smtp"),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False, comment="none where it asks for no sign-in"),
        sa.Column("password", sa.Text(), nullable=False, comment="sealed"),
        sa.Column(
            "password_key", sa.Text(), nullable=False, comment="the name of the key that it is sealed with"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "mailbox_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "mailbox_id"], ["mailboxes.workspace_id", "mailboxes.mailbox_id"]
        ),
    )
