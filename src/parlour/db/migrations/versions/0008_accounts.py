"""What somebody gave away ends with their right to give it.

Revision: 0008, after 0007
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Open invitations whose giver could not give them today end at once."""
    op.add_column("invitations", sa.Column("ended_at", UtcDateTime(), nullable=True))
    ended = sa.text(
        "UPDATE invitations SET ended_at = :now WHERE used_at IS NULL AND NOT EXISTS ("
        "SELECT 1 FROM members m WHERE m.workspace_id = invitations.workspace_id "
        "AND m.user_id = invitations.invited_by "
        "AND (m.role = 'owner' OR (m.role = 'admin' AND invitations.role <> 'owner')))"
    )
    op.execute(ended.bindparams(sa.bindparam("now", datetime.now(UTC), type_=UtcDateTime())))
