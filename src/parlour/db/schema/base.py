"""What every table is made with: one MetaData, its naming, and how moments are kept."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    DateTime,
    Dialect,
    Index,
    MetaData,
    String,
    TextClause,
    TypeDecorator,
    text,
)
from sqlalchemy.types import TypeEngine


def _read(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. SQLite keeps fixed-width ISO text, which sorts as time does; PostgreSQL timestamptz."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return f"{value.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"

    def result_processor(self, dialect: Dialect, _: object) -> Callable[[Any], datetime | None] | None:
        """At once, not by way of `process_result_value`: a page reads a hundred moments."""
        return _read if dialect.name == "sqlite" else None


class PartialIndex(Index):
    """An index of the rows alone for which `where` holds.

    SQLAlchemy's own arguments for that load both dialects with the schema. The words are handed out when an
    index is made or compared, so that SQLite does without PostgreSQL: 20 ms of a start, 2 MiB.
    """

    def __init__(self, name: str, *columns: str | TextClause, where: str, unique: bool = False) -> None:
        super().__init__(name, *columns, unique=unique)
        self._where = text(where)

    @property
    def dialect_options(self) -> Any:
        options = super().dialect_options
        for dialect in ("sqlite", "postgresql"):
            options[dialect]["where"] = self._where
        return options


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
