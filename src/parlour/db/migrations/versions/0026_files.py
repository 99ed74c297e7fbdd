"""What people attach to what they say.

Revision: 0026, after 0025
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0026"
down_revision = "0025"

STAGED = "seq IS NULL"


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("scan", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("thumbnail_key", sa.Text(), nullable=False),
        sa.Column("has_thumbnail", sa.Boolean(), nullable=False),
        sa.Column("uploader", sa.Text(), nullable=False),
        sa.Column("uploader_kind", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("uploader_kind IN ('visitor', 'customer', 'agent')", name="uploader_kind"),
        sa.CheckConstraint("scan IN ('off', 'clean', 'unscanned', 'infected')", name="scan"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"], name="fk_files_workspace_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "room_id"],
            ["chat_rooms.workspace_id", "chat_rooms.room_id"],
            name="fk_files_workspace_id_room_id",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "room_id", "seq"],
            ["messages.workspace_id", "messages.room_id", "messages.seq"],
            name="fk_files_workspace_id_room_id_seq",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "file_id", name="pk_files"),
    )
    _index_and_count()


def _index_and_count() -> None:
    op.create_index("ix_files_message", "files", ["workspace_id", "room_id", "seq", "position"])
    some = sa.text(STAGED)
    op.create_index("ix_files_staged", "files", ["created_at"], sqlite_where=some, postgresql_where=some)
    _count("messages", "files", sa.SmallInteger(), "how many it brought")
    _count("chat_rooms", "files_size", sa.BigInteger(), "bytes that customers have attached here")
    comment = "bytes of all files, also of those that no message brought yet"
    _count("workspaces", "files_size", sa.BigInteger(), comment)
    comment = "of these, bytes for tickets that are not opened yet"
    _count("workspaces", "visitors_size", sa.BigInteger(), comment)


def _count(table: str, column: str, kind: sa.types.TypeEngine[int], comment: str) -> None:
    op.add_column(table, sa.Column(column, kind, nullable=False, server_default="0", comment=comment))
