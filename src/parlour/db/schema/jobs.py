"""Work that is stored by the commit that causes it."""

from sqlalchemy import JSON, Column, Integer, Table, Text, Uuid

from parlour.db.schema.base import PartialIndex, UtcDateTime, metadata

_DUE = "finished_at IS NULL AND dead_at IS NULL"
_DEAD = "dead_at IS NOT NULL"
_FINISHED = "finished_at IS NOT NULL"

# `due_at` is when the job was first due, `put_at` when `run_at` was last set. A job that the release before
# has stored has neither, and runs in the lane where a slow other side is expected.
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
    Column("lane", Text, nullable=False, server_default="mail"),
    Column("due_at", UtcDateTime),
    Column("put_at", UtcDateTime),
    PartialIndex("ix_outbox_finished", "finished_at", where=_FINISHED),
    PartialIndex("ix_outbox_due", "run_at", where=_DUE),
    PartialIndex("ix_outbox_lane", "lane", "run_at", where=_DUE),
    PartialIndex("ix_outbox_dead", "dead_at", where=_DEAD),
)
