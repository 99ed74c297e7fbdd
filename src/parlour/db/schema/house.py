"""What the database knows of itself."""

from sqlalchemy import Column, Table, Text

from parlour.db.schema.base import metadata

schema_floor = Table("schema_floor", metadata, Column("revision", Text, primary_key=True))
"""One row: the oldest revision whose program may work on this schema. Every migrate writes it."""
