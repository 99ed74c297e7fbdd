"""Lists of tickets: the table, the search, the dashboard."""

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from itertools import starmap
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from parlour.db import dialect, finding
from parlour.db.database import Tx
from parlour.features.tickets import store
from parlour.features.tickets.listing import store as listing_store
from parlour.features.tickets.listing.mentioned import store as mentioned_store
from parlour.features.tickets.listing.places import cursor_of, key_in, key_of
from parlour.features.tickets.listing.search import store as search_store
from parlour.features.tickets.listing.walks import store as walks
from parlour.features.tickets.models import (
    PAGE_SIZES,
    Filters,
    Order,
    Page,
    Tag,
    Ticket,
    TicketRow,
    WholeTicket,
)
from parlour.features.tickets.rows import store as rows_store
from parlour.features.tickets.rows.store import Listed, Reads
from parlour.features.tickets.tags import service as tags
from parlour.kernel import words
from parlour.kernel.access import Permission, requires
from parlour.kernel.addresses import beginning_of_email
from parlour.kernel.errors import NotFound
from parlour.kernel.kept import Kept

MATCHES_READ = 200
READS = 5
"""So many tickets of an address at a time, and so many times at most, one page of a search looks at."""
PLACES_READ = 1_000
"""Of places that hold the words a page looks at few more, and at as many before it, whatever is there."""
ADDRESSES = 50
"""So many addresses that begin alike are each read in order; the tickets of more are sorted."""
NEWEST = 10**18 - 1
"""A position beyond all there are."""
OVERVIEW = 5
ROWS = 2_000
"""Rows of lists that are kept as they were shown."""


class Overview(Struct, frozen=True):
    recent: Sequence[TicketRow]
    urgent: Sequence[TicketRow]
    counts: dict[str, int]


def costs_the_same(filters: Filters) -> bool:
    """Whether a page of this list is as quick among a million tickets as among a hundred."""
    return walks.indexed(filters)


@requires(Permission.TICKET_LIST)
def workspace_tickets(tx: Tx, filters: Filters) -> Page:
    """One page of the workspace's tickets. Raises NotFound for a cursor that is none of ours."""
    reads = _reads(tx)
    if not filters.q.strip():
        page = _page(tx, filters, reads)
        return replace(page, rows=_tagged(tx, page.rows))
    page, places = _search(tx, filters, reads)
    excerpts = ["" for _ in page.rows[len(places) :]] + _excerpts(tx, places, filters.q)
    return replace(page, rows=_tagged(tx, page.rows), excerpts=excerpts)


def _reads(tx: Tx) -> Reads[TicketRow]:
    """Whoever leaves no marks, a viewer, has nothing unread."""
    return rows_store.UNREAD if tx.actor.may(Permission.TICKET_REPLY) else rows_store.ROWS


def _page(tx: Tx, filters: Filters, reads: Reads[TicketRow]) -> Page:
    backwards = filters.before is not None
    cursor = filters.before or filters.after
    key = key_in(filters.order, cursor) if cursor else None
    with dialect.walking_in_order(tx):
        tx.ahead(lambda tx: listing_store.count(tx, filters))  # in vain where one page holds all
        rows, edge = listing_store.page(
            tx, filters, reads, key=key, backwards=backwards, limit=filters.limit + 1
        )
        more = len(rows) > filters.limit
        is_all = not (more or cursor or edge)
        count = len(rows) if is_all else listing_store.count(tx, filters)
    rows = (rows[1:] if backwards else rows[:-1]) if more else rows
    on = cursor_of(edge) if edge else None
    if backwards:
        following = place(filters.order, rows[-1]) if rows else cursor
        preceding = place(filters.order, rows[0]) if more else on
    else:
        following = place(filters.order, rows[-1]) if more else on
        preceding = place(filters.order, rows[0]) if rows and cursor else None
    return Page(
        rows=rows,
        next=following,
        previous=preceding,
        count=count,
        further=edge is not None,
        ahead=listing_store.ahead(tx, filters, key_of(filters.order, rows[0])) if rows and cursor else 0,
    )


@requires(Permission.TICKET_LIST)
def whole_page(tx: Tx, filters: Filters) -> tuple[Sequence[WholeTicket], str | None]:
    """`workspace_tickets` for who needs all of a ticket, and reads lists forwards: nobody counts them.

    And the cursor of the next page. Raises NotFound for a cursor that is none of ours.
    """
    if filters.q.strip():
        page, _ = _search(tx, filters)
        return whole(tx, [row.ticket_id for row in page.rows]), page.next
    key = key_in(filters.order, filters.after) if filters.after else None
    with dialect.walking_in_order(tx):
        found, edge = listing_store.page(
            tx, filters, rows_store.WHOLE, key=key, backwards=False, limit=filters.limit + 1
        )
    tickets = _tagged(tx, found[: filters.limit])
    if len(found) > filters.limit:
        return tickets, place(filters.order, tickets[-1])
    return tickets, cursor_of(edge) if edge else None


@requires(Permission.TICKET_LIST)
def whole(tx: Tx, ticket_ids: Sequence[UUID]) -> Sequence[WholeTicket]:
    """Those of the tickets that are there, in the order in which they are named."""
    return _tagged(tx, rows_store.named(tx, rows_store.WHOLE, ticket_ids))


def _tagged(tx: Tx, found: Sequence[Listed]) -> Sequence[Listed]:
    tagged = tags.of_tickets(tx, [each.ticket_id for each in found if each.tagged])
    if not tagged:
        return found
    return _with_tags.each(found, [tagged.get(each.ticket_id, ()) for each in found])


def _with(ticket: Any, its: tuple[Tag, ...]) -> Any:
    """`_replace` takes five times as long."""
    return type(ticket)(*ticket[:-1], its) if its else ticket


_with_tags: Kept[Any] = Kept(
    lambda pairs: list(starmap(_with, pairs)),
    most=ROWS,
    length=lambda ticket: len(ticket.subject) + len(getattr(ticket, "description", "")),
)


def place(order: Order, ticket: TicketRow | Ticket | WholeTicket) -> str:
    """Where the ticket stands now in any list of this order: the cursor of what comes before and after it."""
    return cursor_of(key_of(order, ticket))


@requires(Permission.TICKET_LIST)
def beside(tx: Tx, filters: Filters, ticket_id: UUID, at: str, *, backwards: bool) -> tuple[UUID, str] | None:
    """The ticket after this one in the list, or before it, and its place; None at the list's end.

    `at` is the `place` that this one had, which it may have left since; empty for where it is now. Of a
    search only the page that `filters` name is looked at. Raises NotFound.
    """
    if filters.q.strip():
        return _beside_found(tx, filters, ticket_id, backwards=backwards)
    if not at:
        at = place(filters.order, row(tx, ticket_id))
    key = key_in(filters.order, at)
    with dialect.walking_in_order(tx):
        found, _ = listing_store.page(tx, filters, rows_store.ROWS, key=key, backwards=backwards, limit=1)
    return (found[0].ticket_id, place(filters.order, found[0])) if found else None


def _beside_found(tx: Tx, filters: Filters, ticket_id: UUID, *, backwards: bool) -> tuple[UUID, str] | None:
    page, _ = _search(tx, filters)
    ids = [found.ticket_id for found in page.rows]
    if ticket_id not in ids:
        return None
    there = ids.index(ticket_id) + (-1 if backwards else 1)
    return (ids[there], "") if 0 <= there < len(ids) else None


def _search(
    tx: Tx, filters: Filters, reads: Reads[TicketRow] = rows_store.ROWS, *, repeats: bool = False
) -> tuple[Page, Sequence[finding.Match]]:
    """The ticket of a number, or those of an address; then the newest places that hold the words.

    And the places by which the last of the rows were found.
    """
    typed = filters.q.strip()
    number, address = _number(typed), _address(typed)
    found: Sequence[TicketRow] = []
    if number is not None and filters.after is None:
        found = listing_store.by_number(tx, filters, reads, number)
    if address and not _is_position(filters.after):
        page = _by_email(tx, filters, reads, address)
        if page.next:
            return page, ()
        found, filters = page.rows, replace(filters, after=None)

    def is_found(row: TicketRow) -> bool:
        return row.number == number or bool(address and row.email.startswith(address))

    return _by_words(tx, replace(filters, q=address or typed), reads, found, is_found, repeats=repeats)


def _number(typed: str) -> int | None:
    digits = typed.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None


def _address(typed: str) -> str:
    return beginning_of_email(typed) if "@" in typed and " " not in typed else ""


def _by_email(tx: Tx, filters: Filters, reads: Reads[TicketRow], beginning: str) -> Page:
    """The newest tickets of addresses that begin so. Raises NotFound for a cursor that is none of ours."""
    try:
        before = UUID(filters.after) if filters.after else None
    except ValueError:
        raise NotFound from None
    emails = search_store.addresses(tx, beginning, limit=ADDRESSES + 1)
    if not emails:
        return Page([], None, None, None)
    shown: list[UUID] = []

    def page(on: UUID | None, *, further: bool = False) -> Page:
        rows = rows_store.named(tx, reads, shown)
        return Page(rows, str(on) if on else None, None, None, further=further)

    for _ in range(READS):
        if len(emails) > ADDRESSES:
            ids = search_store.of_all_addresses(tx, beginning, before=before, limit=MATCHES_READ)
        else:
            ids = search_store.of_addresses(tx, emails, before=before, limit=MATCHES_READ)
        allowed = listing_store.among(tx, filters, rows_store.ROWS, ids)
        for ticket_id in ids:
            if ticket_id in allowed:
                if len(shown) == filters.limit:
                    return page(before)
                shown.append(ticket_id)
            before = ticket_id
        if len(ids) < MATCHES_READ:
            return page(None)
    return page(before, further=True)


def _by_words(
    tx: Tx,
    filters: Filters,
    reads: Reads[TicketRow],
    found: Sequence[TicketRow],
    is_found: Callable[[TicketRow], bool],
    *,
    repeats: bool = False,
) -> tuple[Page, Sequence[finding.Match]]:
    """What is found already, and on. A ticket stands where its newest place does: further pages leave it out,
    unless `repeats`.
    """
    dialect.planned_once(tx)
    before = _position(filters.after)
    shown = set() if repeats or before is None else _before(tx, filters.q, before)
    rows, places = [*found], list[finding.Match]()
    last, looked, further = NEWEST if before is None else before, 0, False
    with closing(finding.newest(tx, filters.q, before=before)) as parts:
        for part in parts:
            ids = dict.fromkeys([match.ticket_id for match in part.matches])
            these = [ticket_id for ticket_id in ids if ticket_id not in shown] if shown else list(ids)
            allowed = listing_store.among(tx, filters, reads, these)
            for match in part.matches:
                row = allowed.pop(match.ticket_id, None)
                if row and not is_found(row):
                    if len(rows) >= filters.limit:
                        return Page(rows, str(last), None, None), places
                    rows.append(row)
                    places.append(match)
                last = match.position
            shown.update(these)
            looked, further = looked + len(part.matches), part.until is not None
            last = last if part.until is None else part.until
            if looked >= PLACES_READ:
                break
    return Page(rows, str(last) if further else None, None, None, further=further), places


def _excerpts(tx: Tx, places: Sequence[finding.Match], typed: str) -> list[str]:
    """What is shown of the words of these places: no others are read whole."""
    typed = _address(typed.strip()) or typed
    longer = [place.position for place in places if place.said is None]
    with closing(finding.said_at(tx, longer)) as said_there:
        shown = {at: words.excerpt(said, typed) for at, said in said_there}
    return [
        shown.get(place.position, "") if place.said is None else words.excerpt(place.said, typed)
        for place in places
    ]


def _before(tx: Tx, typed: str, position: int) -> set[UUID]:
    """The tickets of the places from the newest to this one: those of the pages before it."""
    found: list[UUID] = []
    with closing(finding.newest(tx, typed, before=None)) as parts:
        for part in parts:
            found += (match.ticket_id for match in part.matches if match.position >= position)
            if part.until is None or part.until <= position or len(found) >= PLACES_READ:
                break
    return set(found)


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not _is_position(cursor):
        raise NotFound
    return int(cursor)


def _is_position(cursor: str | None) -> bool:
    return cursor is not None and cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18


@requires(Permission.TICKET_LIST)
def matching(tx: Tx, filters: Filters, *, limit: int) -> list[UUID]:
    """Up to `limit` of all the tickets that fit, on whatever page they are."""
    if not filters.q.strip():
        with dialect.walking_in_order(tx):
            return listing_store.ids(tx, filters, limit=limit)
    found: dict[UUID, None] = {}
    filters = replace(filters, limit=PAGE_SIZES[-1], after=None, before=None)
    while len(found) < limit:
        page, _ = _search(tx, filters, repeats=True)
        found.update((row.ticket_id, None) for row in page.rows)
        if page.next is None:
            break
        filters = replace(filters, after=page.next)
    return list(found)[:limit]


@requires(Permission.TICKET_LIST)
def mentions_told(tx: Tx, filters: Filters) -> int | None:
    """Of how many mentions, the newest, the list is made, when there are more of them; else None."""
    person = filters.mentioned
    return mentioned_store.LOOKED_AT if person and mentioned_store.are_older(tx, person) else None


@requires(Permission.TICKET_LIST)
def of_address(tx: Tx, email: str, *, before: UUID | None) -> tuple[Sequence[TicketRow], UUID | None]:
    """The newest tickets of exactly this address, older than `before`; and where the next page begins."""
    limit = PAGE_SIZES[0]
    ids = search_store.of_addresses(tx, [email], before=before, limit=limit + 1)
    return rows_store.named(tx, rows_store.ROWS, ids[:limit]), ids[limit - 1] if len(ids) > limit else None


@requires(Permission.TICKET_LIST)
def row(tx: Tx, ticket_id: UUID) -> TicketRow:
    """One row of the table as it is now. Raises NotFound."""
    found = _tagged(tx, rows_store.named(tx, _reads(tx), [ticket_id]))
    if not found:
        raise NotFound
    return found[0]


@requires(Permission.TICKET_LIST)
def these(tx: Tx, ticket_ids: Collection[UUID]) -> dict[UUID, TicketRow]:
    """The tickets by their ids, without what a row of the table shows beside."""
    return {each.ticket_id: each for each in rows_store.these(tx, list(ticket_ids))} if ticket_ids else {}


@requires(Permission.TICKET_LIST)
def overview(tx: Tx) -> Overview:
    """The dashboard: what happened last, what is most urgent, how many there are."""
    recent, urgent = listing_store.recent_and_urgent(tx, limit=OVERVIEW)
    return Overview(recent, urgent, listing_store.counts(tx))


@requires(Permission.TICKET_LIST)
def others_of_customer(tx: Tx, ticket: Ticket) -> Sequence[Ticket]:
    """The newest other tickets from the address that opened this one."""
    newest = store.of_email(tx, ticket.email, limit=OVERVIEW + 1)
    return [other for other in newest if other.ticket_id != ticket.ticket_id][:OVERVIEW]
