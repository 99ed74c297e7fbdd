"""What people attach; the bytes lie in the store of files."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    case,
    false,
)

from parlour.db.schema.base import PartialIndex, UtcDateTime, metadata
from parlour.kernel.messages import Attachment

_STAGED = "seq IS NULL"

files = Table(
    "files",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("file_id", Uuid, nullable=False),
    Column("room_id", Uuid, comment="none while it is for a ticket that is not opened yet"),
    Column("seq", Integer, comment="the message that it came with; none before that was sent"),
    Column("position", SmallInteger, nullable=False, default=0, comment="among the files of its message"),
    Column("name", Text, nullable=False),
    Column("media_type", Text, comment="by its bytes; none while they are on their way"),
    Column("size", BigInteger, nullable=False, comment="of the bytes that are kept"),
    Column("counted", BigInteger, nullable=False, comment="bytes that it counts for: those that came"),
    Column("sha256", Text, comment="of the bytes that came"),
    Column("width", Integer, nullable=False, default=0),
    Column("height", Integer, nullable=False, default=0),
    Column("scan", Text, nullable=False, default="unscanned"),
    Column(
        "unscannable",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="it is more than the virus scanner takes, so it stays unscanned",
    ),
    Column("storage_key", Text, nullable=False),
    Column("thumbnail_key", Text, nullable=False),
    Column("has_thumbnail", Boolean, nullable=False, default=False),
    Column("uploader", Text, nullable=False, comment="whose it is; of a visitor what is kept of a secret"),
    Column("uploader_kind", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "file_id"),
    ForeignKeyConstraint(["workspace_id", "room_id"], ["chat_rooms.workspace_id", "chat_rooms.room_id"]),
    ForeignKeyConstraint(
        ["workspace_id", "room_id", "seq"], ["messages.workspace_id", "messages.room_id", "messages.seq"]
    ),
    CheckConstraint("uploader_kind IN ('visitor', 'customer', 'agent')", name="uploader_kind"),
    CheckConstraint("scan IN ('off', 'clean', 'unscanned', 'infected')", name="scan"),
    Index("ix_files_message", "workspace_id", "room_id", "seq", "position"),
    PartialIndex("ix_files_staged", "created_at", where=_STAGED),
)

scan_state = case((files.c.unscannable, "unscannable"), else_=files.c.scan).label("scan")
"""What is known of a file, as the rest of the house reads it."""
attachment_columns = tuple(scan_state if name == "scan" else files.c[name] for name in Attachment._fields)
