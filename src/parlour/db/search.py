"""The words by which tickets are found: one row for a ticket's subject and address, one for each message.

Both databases keep the same terms, which `kernel.words` makes. On SQLite they are an index of their own,
`ticket_search_terms`, under the rowids of `ticket_search`, whose own index is what the release before this
one searches. Terms that an older release has left are made anew, in steps, by `take_in`. Module `finding`
finds them.
"""

from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update

from parlour.db.database import Tx
from parlour.db.schema import search_progress
from parlour.kernel import words

STEP = 100
STEP_BYTES = 100_000
"""Of rows, and of their words, a transaction of `take_in` takes so many from each side, and one row more."""

_ADD_SQLITE = text(
    "INSERT INTO ticket_search (workspace, ticket_id, words) VALUES (:workspace, :ticket, :words)"
)
_ADD_ITS_TERMS = text("INSERT INTO ticket_search_terms (rowid, terms) VALUES (last_insert_rowid(), :terms)")
ADD_TERMS = text("INSERT INTO ticket_search_terms (rowid, terms) VALUES (:place, :terms)")
_ADD_POSTGRESQL = text(
    "INSERT INTO ticket_search (workspace_id, ticket_id, words, terms) "
    "VALUES (:workspace, :ticket, :words, :terms)"
)
_PLACES_SQLITE = """SELECT s.rowid, s.workspace, s.words AS said,
    (SELECT t.email FROM tickets AS t
        WHERE t.workspace_id = s.workspace AND t.ticket_id = s.ticket_id AND t.subject = s.words),
    EXISTS (SELECT 1 FROM ticket_search_terms AS x WHERE x.rowid = s.rowid)
    FROM ticket_search AS s WHERE s.rowid {side} :edge ORDER BY s.rowid {order} LIMIT :size"""
_NEWER_SQLITE = text(_PLACES_SQLITE.format(side=">", order=""))
_OLDER_SQLITE = text(_PLACES_SQLITE.format(side="<", order="DESC"))
_PLACES_POSTGRESQL = """SELECT place, workspace, found_words AS said, mailbox, found_terms
    FROM (SELECT p.*, sum(octet_length(found_words)) OVER (ORDER BY place {order}) AS so_far
        FROM app.search_places(:edge, :newer, :size) AS p) AS places
    WHERE so_far - octet_length(found_words) <= :most ORDER BY place {order}"""
_NEWER_POSTGRESQL = text(_PLACES_POSTGRESQL.format(order=""))
_OLDER_POSTGRESQL = text(_PLACES_POSTGRESQL.format(order="DESC"))
_AHEAD_SQLITE = text(
    "SELECT rowid, workspace, ticket_id FROM ticket_search WHERE rowid > :edge ORDER BY rowid LIMIT :size"
)
_WORDS_SQLITE = text("SELECT words FROM ticket_search WHERE rowid = :place")
_HAS_TERMS = text("SELECT 1 FROM ticket_search_terms WHERE rowid = :place")
_DROP_TERMS = text(
    "INSERT INTO ticket_search_terms (ticket_search_terms, rowid, terms) VALUES ('delete', :place, :terms)"
)
_AHEAD_POSTGRESQL = text(
    """SELECT "position" AS place, ticket_id FROM ticket_search
    WHERE workspace_id = :workspace AND "position" > :edge ORDER BY "position" LIMIT :size"""
)
_BLANK_POSTGRESQL = text(
    """UPDATE ticket_search SET words = '', terms = :terms
    WHERE workspace_id = :workspace AND "position" = ANY (:these)"""
)
_PROGRESS = select(search_progress.c.low, search_progress.c.high)
_SET_SQLITE = text("UPDATE ticket_search SET words = :words WHERE rowid = :place")
_SET_POSTGRESQL = text("SELECT app.search_terms(:place, :workspace, :words, :terms)")


_CALLED = {"jpeg": ("jpg", "jpeg"), "mpeg": ("mp3",), "quicktime": ("mov",)}
"""Where people have another word than the media type's second half."""


def subject_words(subject: str, email: str) -> str:
    """What a ticket itself is found by."""
    return f"{subject}\n{email}"


def file_words(name: str, media_type: str | None) -> str:
    """What a file is found by: its name, and what it is by its bytes as far as the name does not say so."""
    if media_type in (None, "application/octet-stream"):
        return name
    kind = media_type.partition("/")[2]
    untold = [each for each in _CALLED.get(kind, (kind,)) if not name.lower().endswith(f".{each}")]
    return " ".join([name, *untold])


def index_words(tx: Tx, ticket_id: UUID, said: str) -> None:
    """Let these words find the ticket."""
    terms = terms_of(tx.workspace_id, said)
    if not _is_sqlite(tx):
        values = {"workspace": tx.workspace_id, "ticket": ticket_id, "words": said, "terms": terms}
        tx.put(_ADD_POSTGRESQL, [values])
        return
    tx.change(_ADD_SQLITE, workspace=tx.workspace_id.hex, ticket=ticket_id.hex, words=said)
    tx.change(_ADD_ITS_TERMS, terms=terms)


def terms_of(workspace_id: UUID, said: str) -> str:
    """What the index is made of: the workspace, then each of the words once.

    The workspace is a word of its own, so that no search walks another's rows.
    """
    return " ".join([workspace_id.hex, *dict.fromkeys(words.terms(said))])


def take_in(tx: Tx) -> int:
    """Make the terms that an older release did not, for some rows from each side. 0: that was the last.

    What came since the last time goes first, then what was there before, from the newest on.
    """
    low, high = before = progress(tx)
    newer, more = _places(tx, high, newer=True)
    older, rest = _places(tx, low, newer=False) if low and not more else ([], False)
    if newer:
        high = newer[-1][0]
    if not more:
        low = older[-1][0] if rest else 0
    for row in (*newer, *older):
        _take_in(tx, *row)
    if (low, high) != before:
        tx.execute(update(search_progress).values(low=low, high=high))
    return len(newer) + len(older) if more or low else 0


def forget(tx: Tx, of_tickets: Collection[UUID], *, beyond: int) -> tuple[int, bool]:
    """Let the next places beyond that one find none of these tickets: which was the last of them, and whether
    there may be more. Only the owner of the tables may.
    """
    if not _is_sqlite(tx):
        return _forget_on_postgresql(tx, of_tickets, beyond)
    rows = tx.execute(_AHEAD_SQLITE, {"edge": beyond, "size": STEP * 10}).all()
    for row in rows:
        if row.workspace == tx.workspace_id.hex and UUID(row.ticket_id) in of_tickets:
            place = {"place": row.rowid}
            if tx.execute(_HAS_TERMS, place).first():
                said = tx.execute(_WORDS_SQLITE, place).scalar_one()
                tx.execute(_DROP_TERMS, {**place, "terms": terms_of(tx.workspace_id, said)})
            tx.execute(_SET_SQLITE, {**place, "words": ""})
    return (rows[-1].rowid if rows else beyond), bool(rows)


def _forget_on_postgresql(tx: Tx, of_tickets: Collection[UUID], beyond: int) -> tuple[int, bool]:
    values = {"workspace": tx.workspace_id, "edge": beyond, "size": STEP * 10}
    rows = tx.execute(_AHEAD_POSTGRESQL, values).all()
    these = [row.place for row in rows if row.ticket_id in of_tickets]
    if these:
        only = {"workspace": tx.workspace_id, "terms": tx.workspace_id.hex, "these": these}
        tx.execute(_BLANK_POSTGRESQL, only)
    return (rows[-1].place if rows else beyond), bool(rows)


def progress(tx: Tx) -> tuple[int, int]:
    """Below the first place, and from the second on, there may be no terms yet."""
    low, high = tx.one(_PROGRESS)
    return low, high


def _places(tx: Tx, edge: int, *, newer: bool) -> tuple[Sequence[Any], bool]:
    """The next rows beyond the edge, as many as STEP and STEP_BYTES say, and whether there may be more."""
    values: dict[str, Any] = {"edge": edge, "size": STEP}
    if _is_sqlite(tx):
        query = _NEWER_SQLITE if newer else _OLDER_SQLITE
    else:
        query = _NEWER_POSTGRESQL if newer else _OLDER_POSTGRESQL
        values |= {"newer": newer, "most": STEP_BYTES}
    rows, size = [], 0
    with closing(tx.execute(query, values)) as found:
        for row in found:
            rows.append(row)
            size += len(row.said.encode())
            if size > STEP_BYTES:
                break
    return rows, len(rows) == STEP or size > STEP_BYTES


def _take_in(tx: Tx, place: int, workspace: Any, said: str, email: str | None, has: Any) -> None:
    """`has`: the terms that are there, and on SQLite whether there are any."""
    known = said if email is None else subject_words(said, email)
    if _is_sqlite(tx):
        if known != said:
            tx.execute(_SET_SQLITE, {"place": place, "words": known})
        if not has:
            tx.execute(ADD_TERMS, {"place": place, "terms": terms_of(UUID(workspace), known)})
        return
    terms = terms_of(workspace, known)
    if terms != has or known != said:
        tx.execute(_SET_POSTGRESQL, {"place": place, "workspace": workspace, "words": known, "terms": terms})


def _is_sqlite(tx: Tx) -> bool:
    return tx.connection.dialect.name == "sqlite"
