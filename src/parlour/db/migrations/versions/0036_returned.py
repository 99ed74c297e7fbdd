"""Members are told of answers that came back, and contacts hold when they complained of a mail.

Revision: 0036, after 0035
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0036"
down_revision = "0035"

CHECKED = "'assigned', 'mentioned', 'answered'"
MORE = f"{CHECKED}, 'returned'"
TOLD = 256 | 512
"""In the browser and by mail."""


def upgrade() -> None:
    op.add_column("contacts", sa.Column("complained_at", UtcDateTime(), nullable=True))
    op.execute(f"UPDATE members SET told = told + {TOLD} WHERE told < {TOLD & -TOLD}")  # noqa: S608
    _loosen()


def _loosen() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE notifications DROP CONSTRAINT ck_notifications_kind, "
            f"ADD CONSTRAINT ck_notifications_kind CHECK (kind IN ({MORE}))"
        )
        return
    # SQLite's own way to loosen a CHECK (https://sqlite.org/lang_altertable.html#otheralter): what is stored
    # stays as it is.
    op.execute("PRAGMA writable_schema = ON")
    op.execute(
        f'UPDATE sqlite_schema SET sql = replace(sql, "{CHECKED}", "{MORE}") '  # noqa: S608
        "WHERE type = 'table' AND name = 'notifications'"
    )
    version = op.get_bind().exec_driver_sql("PRAGMA schema_version").scalar_one()
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = RESET")
