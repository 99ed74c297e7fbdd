"""Lanes of jobs, since when each one waits, and the dead found without looking at the others.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema.base import UtcDateTime

revision = "0007"
down_revision = "0006"

OPEN = "finished_at IS NULL AND dead_at IS NULL"
DEAD = "dead_at IS NOT NULL"


def upgrade() -> None:
    """The release before names no lane. What it stores runs beside the mails, where it ran before."""
    op.add_column("outbox", sa.Column("lane", sa.Text(), nullable=False, server_default="mail"))
    op.add_column("outbox", sa.Column("due_at", UtcDateTime(), nullable=True))
    op.add_column("outbox", sa.Column("put_at", UtcDateTime(), nullable=True))
    op.execute(f"UPDATE outbox SET lane = 'work' WHERE kind NOT LIKE 'mail.%' AND {OPEN}")  # noqa: S608
    for name, columns, where in (
        ("ix_outbox_lane", ["lane", "run_at"], OPEN),
        ("ix_outbox_dead", ["dead_at"], DEAD),
    ):
        op.create_index(name, "outbox", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
