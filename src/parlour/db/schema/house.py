"""What the database knows of itself. A copy of the data has rows of its own here."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table, Text

from parlour.db.schema.base import metadata

schema_floor = Table("schema_floor", metadata, Column("revision", Text, primary_key=True))
"""One row: the oldest revision whose program may work on this schema. Every migrate writes it."""

history = Table(
    "history",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("epoch", Text, nullable=False),
    CheckConstraint("one = 1", name="one"),
)
"""One row: the line of history that this database is on."""

search_progress = Table(
    "search_progress",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="one"),
)
"""One row: words to search by have their terms as this program makes them from position `low` to `high`."""

HOUSE_TABLES = (schema_floor, history, search_progress)
