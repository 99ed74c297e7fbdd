"""Changes of many tickets may be about tags and about being put aside, too.

Revision: 0023, after 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"

CHECKED = "'status', 'priority', 'assignee'"
MORE = f"{CHECKED}, 'tag', 'untag', 'snooze'"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE bulk_changes DROP CONSTRAINT ck_bulk_changes_field, "
            f"ADD CONSTRAINT ck_bulk_changes_field CHECK (field IN ({MORE}))"
        )
        return
    # SQLite's own way to loosen a CHECK (https://sqlite.org/lang_altertable.html#otheralter): what is stored
    # stays as it is. To make the table anew would take the rows that point to it along.
    op.execute("PRAGMA writable_schema = ON")
    op.execute(
        f'UPDATE sqlite_schema SET sql = replace(sql, "{CHECKED}", "{MORE}") '  # noqa: S608
        "WHERE type = 'table' AND name = 'bulk_changes'"
    )
    version = op.get_bind().exec_driver_sql("PRAGMA schema_version").scalar_one()
    op.execute(f"PRAGMA schema_version = {version + 1}")
    op.execute("PRAGMA writable_schema = RESET")
