"""An account whose address nobody has proven belongs to the workspace that made it.

Revision: 0027, after 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Accounts that are there stay free. What the release before invites meanwhile counts as handed over."""
    op.add_column("users", sa.Column("bound_to", sa.Uuid(), nullable=True))
    op.add_column("invitations", sa.Column("mailed", sa.Boolean(), server_default=sa.false(), nullable=False))
