"""What an answer by mail takes from the mail that it answers.

Revision: 0039, after 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    for name, says in (
        ("lineage", "Message-IDs that answers refer to"),
        ("subject", "of that mail"),
        ("reply_to", "where its sender wants answers"),
    ):
        op.add_column(
            "mail_threads", sa.Column(name, sa.Text(), nullable=False, server_default="", comment=says)
        )
    op.add_column(
        "mail_threads", sa.Column("mailbox_id", sa.Uuid(), nullable=True, comment="at which it came")
    )
