"""The only SQL that differs between SQLite and PostgreSQL."""

import re
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql, sqlite

from parlour.db.database import Tx

MATCH_BEGINS, MATCH_ENDS = "\x02", "\x03"
WORDS_LIMIT = 12
EXCERPT_WORDS = 14

_WORD = re.compile(r"\w+")


class Match(NamedTuple):
    """A place where the words were found. `position` grows with time; `excerpt` marks the words."""

    position: int
    ticket_id: UUID
    excerpt: str


def insert(tx: Tx, table: Table) -> Any:
    """An INSERT that understands ON CONFLICT on the database at hand."""
    dialect = sqlite if tx.connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def index_words(tx: Tx, ticket_id: UUID, words: str) -> None:
    """Let these words find the ticket."""
    tx.execute(
        text("INSERT INTO ticket_search (workspace, ticket_id, words) VALUES (:workspace, :ticket, :words)"),
        {"workspace": tx.workspace_id.hex, "ticket": ticket_id.hex, "words": words},
    )


def matching(tx: Tx, typed: str, *, before: int | None, limit: int) -> list[Match]:
    """The newest places that hold all the words, the last of them as a beginning. No words, no matches.

    The workspace is a word of its own in the index, so that no search walks another's rows.
    """
    words = _WORD.findall(typed)[:WORDS_LIMIT]
    if not words:
        return []
    wanted = " AND ".join(f'"{word}"' for word in words) + "*"
    query = text(
        "SELECT rowid, ticket_id, snippet(ticket_search, 2, :begins, :ends, '…', :size) FROM ticket_search "
        "WHERE ticket_search MATCH :wanted AND rowid < :before ORDER BY rowid DESC LIMIT :limit"
    )
    found = tx.execute(
        query,
        {
            "begins": MATCH_BEGINS,
            "ends": MATCH_ENDS,
            "size": EXCERPT_WORDS,
            "wanted": f'workspace : "{tx.workspace_id.hex}" AND words : ({wanted})',
            "before": before or 2**62,
            "limit": limit,
        },
    )
    return [Match(position, UUID(ticket), excerpt) for position, ticket, excerpt in found]
