"""The database that the settings name."""

from parlour.db.database import Database
from parlour.settings import Settings


def make_database(settings: Settings, *, exclusive: bool = True) -> Database:
    """Each half is imported only where it is used: neither needs the other's library in its memory."""
    if settings.is_postgresql:
        from parlour.db.postgres import PostgresDatabase

        return PostgresDatabase(settings.database_url)
    from parlour.db.sqlite import SqliteDatabase

    return SqliteDatabase(settings.sqlite_path, exclusive=exclusive)
