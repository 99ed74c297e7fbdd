"""The only SQL that differs between SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from parlour.db.database import Tx


def insert(tx: Tx, table: Table) -> Any:
    """An INSERT that understands ON CONFLICT on the database at hand."""
    dialect = sqlite if tx.connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)
