"""Keys with which programs act in a workspace, and the answers that are kept for them.

Revision: 0028, after 0027
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("role IN ('admin', 'agent', 'viewer')", name="role"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_api_keys_workspace_id"
        ),
        sa.ForeignKeyConstraint(["made_by"], ["users.user_id"], name="fk_api_keys_made_by"),
        sa.PrimaryKeyConstraint("workspace_id", "key_id", name="pk_api_keys"),
        sa.UniqueConstraint("workspace_id", "secret_hash", name="uq_api_keys_workspace_id_secret_hash"),
    )
    op.create_index("ix_api_keys_made_by", "api_keys", ["made_by"])
    op.create_table(
        "idempotency",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.workspace_id"], name="fk_idempotency_workspace_id"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "principal", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])
