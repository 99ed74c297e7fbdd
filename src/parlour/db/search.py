"""The words by which tickets are found: one row for a ticket's subject and address, one for each message.

Both databases keep the same terms, which `kernel.words` makes. On SQLite they are an index of their own,
`ticket_search_terms`, under the rowids of `ticket_search`, whose own index is what the release before this
one searches. Terms that an older release has left are made anew, in steps, by `take_in`.
"""

import json
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice, repeat
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Text, Uuid, select, text, update

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
_OF_TERMS = (
    "SELECT s.rowid, s.ticket_id, s.workspace{} FROM ticket_search_terms AS t "
    "CROSS JOIN ticket_search AS s ON s.rowid = t.rowid WHERE t.ticket_search_terms MATCH :wanted "
    "AND t.rowid < :before {}ORDER BY t.rowid DESC"
)
_NEWEST_SQLITE = text(_OF_TERMS.format(", s.words", "") + " LIMIT :limit")
_FOUND_SQLITE = text(_OF_TERMS.format("", "AND s.workspace = :workspace "))
_FOUND_OF_OLD = text(
    "SELECT rowid, ticket_id FROM ticket_search WHERE ticket_search MATCH :wanted "
    "AND rowid < :before ORDER BY rowid DESC"
)
_TERM_SQLITE = text(
    "SELECT term FROM ticket_search_vocabulary WHERE term >= :least AND term < :beyond LIMIT 1"
).columns(term=Text())
_NEWEST_POSTGRESQL = text(
    "SELECT place, ticket, found_words IS NOT NULL AS fits FROM app.search_newest(:wanted, :before, :limit)"
).columns(place=BigInteger(), ticket=Uuid(), fits=Boolean())
_RARE_POSTGRESQL = text("SELECT place, ticket FROM app.search_rare(:wanted, :before, :limit, :most)").columns(
    place=BigInteger(), ticket=Uuid()
)
_SAID_SQLITE = text(
    "SELECT s.rowid, s.words FROM json_each(:places) AS one "
    "CROSS JOIN ticket_search AS s ON s.rowid = one.value WHERE s.workspace = :workspace"
)
_SAID_POSTGRESQL = text("SELECT place, found_words FROM app.search_words(CAST(:places AS bigint[]))").columns(
    place=BigInteger(), found_words=Text()
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
_SET_SQLITE = text("UPDATE ticket_search SET words = :words WHERE rowid = :place")
_SET_POSTGRESQL = text("SELECT app.search_terms(:place, :workspace, :words, :terms)")


FIRST_LOOKS = (30, 70, 200, 700)
"""So many of the newest places are looked at, one by one, before the index is asked for older ones; so many
are told at once of what it finds. A page of 25 is full with the first part, where all hold the words."""
SURE, FEW = 200, 30
"""Where less than one of 30 places holds the words, in a look at 200, SQLite's index is asked at once."""
LOOK_CHARACTERS = 150_000
"""A look on SQLite ends with the place that brings it to so many: to take them apart takes up to half a
microsecond each. PostgreSQL compares what it keeps of them."""
TERMS = 12
"""Where no more terms begin as the last word does, SQLite's index is asked for these: it finds them from the
newest on, and what begins so only all at once."""
INDEXED = 1_000
"""So many PostgreSQL's index tells at once."""
RARE = 20_000
"""PostgreSQL's index has no order: it is asked about words that so many places hold, at most."""
FURTHER_LOOKS = (1_000,) * 9
"""Where more hold them, so many of the next places are looked at, one by one."""
TOGETHER = 10
"""The words of so many places PostgreSQL sends at once: 20,000 characters each, at most."""
_BEYOND = 2**62
_CALLED = {"jpeg": ("jpg", "jpeg"), "mpeg": ("mp3",), "quicktime": ("mov",)}
"""Where people have another word than the media type's second half."""


class Match(NamedTuple):
    """A place where the words were found. `position` grows with time."""

    position: int
    ticket_id: UUID


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


class Looked(NamedTuple):
    """What was looked at, from the newest place on down to `until`; None: there is no older one."""

    matches: list[Match]
    until: int | None


def newest(tx: Tx, typed: str, *, before: int | None) -> Generator[Looked]:
    """The places that hold all the words, the last of them as a beginning; part by part, from the newest on.

    What many hold is among the newest; what few hold the index knows. Of words that are common, and missing
    among the newest, only so many places are looked at as the constants above say: the last part has an
    `until`. No words, no parts. Whoever needs no more of them closes it: SQLite reads on until then.
    """
    asked = words.wanted(typed)
    if asked:
        find = _newest_on_sqlite if _is_sqlite(tx) else _newest_on_postgresql
        yield from find(tx, asked, _BEYOND if before is None else before)


def _newest_on_postgresql(tx: Tx, asked: Sequence[words.Wanted], before: int) -> Iterator[Looked]:
    last: int | None = before
    for looked in _one_by_one(tx, asked, before, FIRST_LOOKS):
        yield looked
        last = looked.until
    if last is None:
        return
    rows = tx.rows(_RARE_POSTGRESQL, wanted=_tsquery(asked), before=last, limit=INDEXED, most=RARE)
    if rows and rows[-1][0] is None:
        yield from _one_by_one(tx, asked, last, FURTHER_LOOKS)
    else:
        yield from _in_parts(iter([Match(*row) for row in rows]), more=len(rows) == INDEXED)


def _newest_on_sqlite(tx: Tx, asked: Sequence[words.Wanted], before: int) -> Iterator[Looked]:
    narrow, last = _narrowed(tx, asked), before
    if narrow is None:
        for size, looked in zip(FIRST_LOOKS, _one_by_one(tx, asked, before, FIRST_LOOKS), strict=False):
            yield looked
            if looked.until is None:
                return
            last = looked.until
            if size >= SURE and len(looked.matches) * FEW < size:
                break
        narrow = _matching(asked)
    with closing(_indexed(tx, narrow, _matching(asked), last)) as found:
        yield from _in_parts(found)


def _narrowed(tx: Tx, asked: Sequence[words.Wanted]) -> str | None:
    """What the index of terms is asked for, without a beginning. None: too many terms begin so."""
    wanted = []
    for each in asked:
        terms = [each.term]
        if each.begins:
            terms = list(islice(_beginning(tx, each.term), TERMS + 1))
            if len(terms) > TERMS:
                return None
        wanted.append(" OR ".join(f'"{term}"' for term in terms or [each.term]))
    return " AND ".join(f"({one})" for one in wanted)


def _beginning(tx: Tx, term: str) -> Iterator[str]:
    """The terms of all workspaces that begin so, each by one search of the index."""
    least, beyond = term, term + "\U0010ffff"
    while found := tx.first(_TERM_SQLITE, least=least, beyond=beyond):
        yield found[0]
        least = found[0] + "\x01"


def _one_by_one(tx: Tx, asked: Sequence[words.Wanted], before: int, sizes: Iterable[int]) -> Iterator[Looked]:
    """A look at so many places each, until there is no older one."""
    look = _look if _is_sqlite(tx) else _look_on_postgresql
    for size in sizes:
        looked = look(tx, asked, before, size)
        yield looked
        if looked.until is None:
            return
        before = looked.until


def _look_on_postgresql(tx: Tx, asked: Sequence[words.Wanted], before: int, size: int) -> Looked:
    rows = tx.rows(_NEWEST_POSTGRESQL, wanted=_tsquery(asked), before=before, limit=size)
    matches = [Match(place, ticket_id) for place, ticket_id, fits in rows if fits]
    return Looked(matches, rows[-1][0] if len(rows) == size else None)


def _look(tx: Tx, asked: Sequence[words.Wanted], before: int, size: int) -> Looked:
    """The words of the next places that hold those of which no beginning will do, compared one by one."""
    here = tx.workspace_id.hex
    wanted = " AND ".join(f'"{term}"' for term in (here, *(each.term for each in asked if not each.begins)))
    values = {"before": before, "limit": size, "wanted": wanted}
    matches, until, seen, characters = [], before, 0, 0
    with closing(tx.execute(_NEWEST_SQLITE, values)) as found:
        for until, ticket_id, workspace, said in found:  # one is in memory at a time
            seen, characters = seen + 1, characters + len(said)
            if workspace == here and words.holds(said, asked):
                matches.append(Match(until, UUID(ticket_id)))
            if characters >= LOOK_CHARACTERS:
                break
    if seen == size or characters >= LOOK_CHARACTERS:
        return Looked(matches, until)
    # The older ones have no terms yet, as long as there are any: the index that is theirs will tell.
    return Looked(matches, until if _progress(tx)[0] else None)


def _indexed(tx: Tx, narrow: str, wide: str, before: int) -> Generator[Match]:
    """What the index tells of places before this one, and then the one of places that have no terms yet."""
    here = tx.workspace_id.hex
    values = {"wanted": f'"{here}" AND {narrow}', "before": before, "workspace": here}
    with closing(tx.execute(_FOUND_SQLITE, values)) as found:
        yield from _matches(found)
    if low := _progress(tx)[0]:
        values = {"wanted": f'workspace : "{here}" AND words : ({wide})', "before": min(before, low)}
        with closing(tx.execute(_FOUND_OF_OLD, values)) as found:
            yield from _matches(found)


def _in_parts(found: Iterator[Match], *, more: bool = False) -> Iterator[Looked]:
    """As many at once as are looked at one by one; whether there are `more` is asked of the last part. Of
    nothing there is a part, too, which says so.
    """
    last = None
    for size in chain(FIRST_LOOKS, repeat(FIRST_LOOKS[-1])):
        part = list(islice(found, size))
        last = part[-1].position if part else last
        ends = len(part) < size
        yield Looked(part, last if more or not ends else None)
        if ends:
            return


def _matching(asked: Sequence[words.Wanted]) -> str:
    return " AND ".join(f'"{each.term}"' + "*" * each.begins for each in asked)


def _tsquery(asked: Sequence[words.Wanted]) -> str:
    return " & ".join(f"'{each.term}'" + ":*" * each.begins for each in asked)


def _matches(rows: Iterable[Any]) -> Iterator[Match]:
    return (Match(row.rowid, UUID(row.ticket_id)) for row in rows)


def said_at(tx: Tx, places: Sequence[int]) -> Generator[tuple[int, str]]:
    """These places with their words, in no order: few of them are in memory at a time."""
    if _is_sqlite(tx):
        these = {"places": json.dumps(list(places)), "workspace": tx.workspace_id.hex}
        with closing(tx.execute(_SAID_SQLITE, these)) as found:
            yield from ((place, said) for place, said in found)
        return
    for at in range(0, len(places), TOGETHER):
        rows = tx.rows(_SAID_POSTGRESQL, places=list(places[at : at + TOGETHER]))
        yield from ((place, said) for place, said in rows)


def take_in(tx: Tx) -> int:
    """Make the terms that an older release did not, for some rows from each side. 0: that was the last.

    What came since the last time goes first, then what was there before, from the newest on.
    """
    low, high = before = _progress(tx)
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


def _progress(tx: Tx) -> tuple[int, int]:
    query = select(search_progress.c.low, search_progress.c.high)
    low, high = tx.execute(query).one()
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
