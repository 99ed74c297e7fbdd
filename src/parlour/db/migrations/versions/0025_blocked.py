"""Those who are blocked are a list of their own.

Revision: 0025, after 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

BLOCKED = "blocked_at IS NOT NULL"


def upgrade() -> None:
    op.create_index(
        "ix_contacts_blocked",
        "contacts",
        ["workspace_id", "email"],
        sqlite_where=sa.text(BLOCKED),
        postgresql_where=sa.text(BLOCKED),
    )
