"""Work that is stored by the commit that causes it."""

from sqlalchemy import JSON, Column, Index, Integer, Table, Text, Uuid, text

from parlour.db.schema.base import UtcDateTime, metadata

_DUE = "finished_at IS NULL AND dead_at IS NULL"

outbox = Table(
    "outbox",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("workspace_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("run_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("locked_until", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("dead_at", UtcDateTime),
    Column("error", Text),
    Index("ix_outbox_due", "run_at", sqlite_where=text(_DUE), postgresql_where=text(_DUE)),
)
