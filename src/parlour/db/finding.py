"""The newest places that hold the words of a search, and what is said there."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice, repeat
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Text, Uuid, bindparam, select, text

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import workspaces
from parlour.db.search import progress
from parlour.kernel import words

_HERE = bindparam("workspace", type_=Uuid())
_TEXTS = (
    "FROM {} CROSS JOIN (SELECT id, c0 AS workspace, c1 AS ticket_id, c2 AS words FROM ticket_search_content)"
    " AS s ON s.id = {} "
)
"""Where FTS5 keeps what stands in `ticket_search`: a row takes a fifth of what it takes by that table."""
_OF_TERMS = (
    _TEXTS.format("ticket_search_terms AS t", "t.rowid")
    + "WHERE t.ticket_search_terms MATCH :wanted AND t.rowid < :before {}ORDER BY t.rowid DESC LIMIT :limit"
)
_NEWEST_SQLITE = text("SELECT s.id, s.ticket_id, s.workspace, s.words " + _OF_TERMS.format(""))
_FOUND_SQLITE = (
    text(
        "SELECT s.id AS place, s.ticket_id AS ticket, "
        "CASE WHEN length(s.words) <= :shown THEN s.words END AS said "
        + _OF_TERMS.format("AND s.workspace = :workspace ")
    )
    .bindparams(_HERE)
    .columns(place=BigInteger(), ticket=Uuid(), said=Text())
)
_FOUND_OF_OLD = text(
    "SELECT rowid, ticket_id FROM ticket_search WHERE ticket_search MATCH :wanted "
    "AND rowid < :before ORDER BY rowid DESC"
)
_TERM_SQLITE = text(
    "SELECT term FROM ticket_search_vocabulary WHERE term >= :least AND term < :beyond LIMIT 1"
).columns(term=Text())
_NEXT_POSTGRESQL = text(
    "SELECT place, ticket, CASE WHEN length(found_words) <= :shown THEN found_words END AS said "
    "FROM app.search_next(:wanted, :before, :enough, CAST(:looks AS integer[]), :hardly, :rare, :rare)"
).columns(place=BigInteger(), ticket=Uuid(), said=Text())
_NEIGHBOUR = select(workspaces.c.workspace_id).where(workspaces.c.workspace_id != HERE).limit(1)
_SAID_SQLITE = (
    text(
        "SELECT s.id AS place, s.words AS said "
        + _TEXTS.format("json_each(:places) AS one", "one.value")
        + "WHERE s.workspace = :workspace"
    )
    .bindparams(_HERE)
    .columns(place=BigInteger(), said=Text())
)
_SAID_POSTGRESQL = text("SELECT place, found_words FROM app.search_words(CAST(:places AS bigint[]))").columns(
    place=BigInteger(), found_words=Text()
)

FIRST_LOOKS = (30, 70, 200, 700)
"""So many of the newest places SQLite looks at, one by one, before its index is asked for older ones; so many
are told at once of what it finds. A page of 25 is full with the first part, where all hold the words."""
SHOWN = 2_000
"""The words of so many characters come along with the places of the first part, which are what is shown."""
SURE, FEW = 200, 30
"""Where less than one of 30 places holds the words, in a look at 200, SQLite's index is asked at once."""
LOOK_CHARACTERS = 150_000
"""A look ends with the place that brings it to so many: to take them apart takes up to half a
microsecond each. PostgreSQL compares what it keeps of them."""
TERMS = 12
"""Where no more terms begin as the last word does, SQLite's index is asked for these: it finds them from the
newest on, and what begins so only all at once."""
PARTS = (30, 60, 200, 800)
"""So many places that hold the words PostgreSQL tells at once."""
LOOKS = (300, 1_000, 10_000)
"""So many it compares one by one for that, at first, then, and in all: half a microsecond each. It goes on
while as many as there were so far would make the part full."""
HARDLY = 1
"""Where fewer of the first hold the words, its index is asked at once."""
RARE = 20_000
"""Its index has no order and tells all that hold the words, two microseconds each, or nothing where there are
more. It is asked once."""
TOGETHER = 10
"""The words of so many places PostgreSQL sends at once: 20,000 characters each, at most."""
_BEYOND = 2**62


class Match(NamedTuple):
    """A place where the words were found. `position` grows with time; `said` are all of its words, if anybody
    has read them already.
    """

    position: int
    ticket_id: UUID
    said: str | None = None


class Looked(NamedTuple):
    """What was looked at, from the newest place on down to `until`; None: there is no older one."""

    matches: list[Match]
    until: int | None


def newest(tx: Tx, typed: str, *, before: int | None) -> Generator[Looked]:
    """The places that hold all the words, the last of them as a beginning; part by part, from the newest on.

    What many hold is among the newest; what few hold the index knows. Of words that are common, and missing
    among the newest, only so many places are looked at as the constants above say: the last part has an
    `until`. No words, no parts. Whoever needs no more of them closes it.
    """
    asked = words.wanted(typed)
    if asked:
        find = _newest_on_sqlite if _is_sqlite(tx) else _newest_on_postgresql
        yield from find(tx, asked, _BEYOND if before is None else before)


def _newest_on_postgresql(tx: Tx, asked: Sequence[words.Wanted], before: int) -> Iterator[Looked]:
    """Each part is one question: `app.search_next` tells how the words are looked for."""
    how = {"looks": list(LOOKS), "hardly": HARDLY, "rare": RARE}
    for enough in PARTS:
        asking = {"wanted": _tsquery(asked), "before": before, "enough": enough, "shown": _shown(enough)}
        *found, (until, _, _) = tx.rows(_NEXT_POSTGRESQL, **asking, **how)
        yield Looked([Match(*each) for each in found], until)
        if until is None or len(found) < enough:
            return
        before = until


def _newest_on_sqlite(tx: Tx, asked: Sequence[words.Wanted], before: int) -> Iterator[Looked]:
    narrow, last = _narrowed(tx, asked), before
    if narrow is None:
        for size in FIRST_LOOKS:
            looked = _look(tx, asked, last, size)
            yield looked
            if looked.until is None:
                return
            last = looked.until
            if size >= SURE and len(looked.matches) * FEW < size:
                break
        narrow = _matching(asked)
    yield from _indexed(tx, narrow, _matching(asked), last)


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


def _shown(size: int) -> int:
    return SHOWN if size in (FIRST_LOOKS[0], PARTS[0]) else -1


def _look(tx: Tx, asked: Sequence[words.Wanted], before: int, size: int) -> Looked:
    """The words of the next places that hold those of which no beginning will do, compared one by one."""
    here, shown = tx.workspace_id.hex, _shown(size)
    terms = [f'"{each.term}"' for each in asked if not each.begins]
    values = {"before": before, "limit": size, "wanted": _of_here(tx, terms)}
    matches, until, seen, characters = [], before, 0, 0
    with closing(tx.execute(_NEWEST_SQLITE, values)) as found:
        for until, ticket_id, workspace, said in found:  # one is in memory at a time
            seen, characters = seen + 1, characters + len(said)
            if workspace == here and words.holds(said, asked):
                matches.append(Match(until, UUID(ticket_id), said if len(said) <= shown else None))
            if characters >= LOOK_CHARACTERS:
                break
    if seen == size or characters >= LOOK_CHARACTERS:
        return Looked(matches, until)
    # The older ones have no terms yet, as long as there are any: the index that is theirs will tell.
    return Looked(matches, until if progress(tx)[0] else None)


def _indexed(tx: Tx, narrow: str, wide: str, before: int) -> Iterator[Looked]:
    """What the index tells of places before this one, and then the one of places that have no terms yet."""
    wanted, last, low = _of_here(tx, [narrow]), before, 0
    for size in _sizes():
        rows = tx.rows(_FOUND_SQLITE, wanted=wanted, before=last, limit=size, shown=_shown(size))
        last, ends = rows[-1][0] if rows else last, len(rows) < size
        low = progress(tx)[0] if ends else 0
        yield Looked([Match(*row) for row in rows], None if ends and not low else last)
        if ends:
            break
    if low:
        here = tx.workspace_id.hex
        values = {"wanted": f'workspace : "{here}" AND words : ({wide})', "before": min(before, low)}
        with closing(tx.execute(_FOUND_OF_OLD, values)) as found:
            yield from _in_parts(Match(place, UUID(ticket_id)) for place, ticket_id in found)


def _of_here(tx: Tx, terms: Sequence[str]) -> str:
    """All of these in this workspace, whose id is a term of each of its places: to walk along that one as
    well takes half of the time, so it is left out where there is no other workspace.
    """
    apart = not terms or tx.first(_NEIGHBOUR)
    return " AND ".join([f'"{tx.workspace_id.hex}"', *terms] if apart else terms)


def _sizes() -> Iterator[int]:
    return chain(FIRST_LOOKS, repeat(FIRST_LOOKS[-1]))


def _in_parts(found: Iterator[Match]) -> Iterator[Looked]:
    """As many at once as are looked at one by one. Of nothing there is a part, too, which says so."""
    for size in _sizes():
        part = list(islice(found, size))
        ends = len(part) < size
        yield Looked(part, None if ends else part[-1].position)
        if ends:
            return


def _matching(asked: Sequence[words.Wanted]) -> str:
    return " AND ".join(f'"{each.term}"' + "*" * each.begins for each in asked)


def _tsquery(asked: Sequence[words.Wanted]) -> str:
    return " & ".join(f"'{each.term}'" + ":*" * each.begins for each in asked)


def said_at(tx: Tx, places: Sequence[int]) -> Generator[tuple[int, str]]:
    """These places with their words, in no order: few of them are in memory at a time."""
    if places and _is_sqlite(tx):
        with closing(tx.run(_SAID_SQLITE, places=json.dumps(list(places)))) as found:
            yield from ((place, said) for place, said in found)
        return
    for at in range(0, len(places), TOGETHER):
        rows = tx.rows(_SAID_POSTGRESQL, places=list(places[at : at + TOGETHER]))
        yield from ((place, said) for place, said in rows)


def _is_sqlite(tx: Tx) -> bool:
    return dialect.name_of(tx) == "sqlite"
