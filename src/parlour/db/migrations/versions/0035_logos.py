"""A workspace has a logo.

Revision: 0035, after 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_table(
        "logos",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("png", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"], name="fk_logos_workspace_id"),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_logos"),
    )
