"""Lists of tickets: the table, the search, the dashboard."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from parlour.db import dialect
from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.tickets import listing_store, store
from parlour.features.tickets.models import Filters, Order, Page, Ticket, TicketRow
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import NotFound

MATCHES_READ = 200
"""Places that one page of a search looks at, at most: what it costs does not grow with what is there."""
OVERVIEW = 5


@dataclass(frozen=True, slots=True)
class Overview:
    recent: Sequence[TicketRow]
    urgent: Sequence[TicketRow]
    counts: dict[str, int]


@requires(Permission.TICKET_LIST)
def workspace_tickets(tx: Tx, filters: Filters) -> Page:
    """One page of the workspace's tickets. Raises NotFound for a cursor that is none of ours."""
    page = _search(tx, filters) if filters.q.strip() else _page(tx, filters)
    unread = chat.unread_rooms(tx, [row.chat_room_id for row in page.rows])
    return replace(page, rows=[replace(row, unread=row.chat_room_id in unread) for row in page.rows])


def _page(tx: Tx, filters: Filters) -> Page:
    backwards = filters.before is not None
    cursor = filters.before or filters.after
    key = _read_cursor(filters.order, cursor) if cursor else None
    rows = listing_store.page(tx, filters, key=key, backwards=backwards, limit=filters.limit + 1)
    more = len(rows) > filters.limit
    rows = (rows[1:] if backwards else rows[:-1]) if more else rows
    has_next, has_previous = (True, more) if backwards else (more, cursor is not None)
    return Page(
        rows=rows,
        next=_cursor(filters.order, rows[-1]) if rows and has_next else None,
        previous=_cursor(filters.order, rows[0]) if rows and has_previous else None,
        count=listing_store.count(tx, filters),
    )


def _key(order: Order, row: TicketRow) -> list[Any]:
    key: list[Any] = [row.created_at if order is Order.CREATED else row.last_message_at, row.ticket_id]
    return [store.RANKS[row.priority], *key] if order is Order.PRIORITY else key


def _cursor(order: Order, row: TicketRow) -> str:
    values = [value if isinstance(value, int) else str(value) for value in _key(order, row)]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _read_cursor(order: Order, cursor: str) -> list[Any]:
    try:
        *rank, moment, ticket_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        at = datetime.fromisoformat(moment)
        key = [*map(int, rank), at, UUID(ticket_id)]
    except (ValueError, TypeError, AttributeError):
        raise NotFound from None
    if len(key) != len(listing_store.ORDERS[order]) or at.tzinfo is None:
        raise NotFound
    return key


def _search(tx: Tx, filters: Filters) -> Page:
    """A number, an address, or words: the newest place first."""
    typed = filters.q.strip()
    number = typed.removeprefix("#")
    if number.isascii() and number.isdecimal() and len(number) < 10:
        rows = listing_store.by_number_or_email(tx, filters, number=int(number), email=None, limit=1)
        if rows:
            return Page(rows, None, None, len(rows))
    if "@" in typed and " " not in typed:
        rows = listing_store.by_number_or_email(
            tx, filters, number=None, email=typed.lower(), limit=filters.limit
        )
        if rows:
            return Page(rows, None, None, None)
    return _by_words(tx, filters)


def _by_words(tx: Tx, filters: Filters) -> Page:
    before = _position(filters.after)
    matches = dialect.matching(tx, filters.q, before=before, limit=MATCHES_READ)
    allowed = listing_store.among(tx, filters, list({match.ticket_id for match in matches}))
    rows: dict[UUID, TicketRow] = {}
    last = before
    for match in matches:
        if match.ticket_id in allowed and match.ticket_id not in rows:
            if len(rows) == filters.limit:
                return Page(list(rows.values()), str(last), None, None)
            rows[match.ticket_id] = replace(allowed[match.ticket_id], excerpt=match.excerpt)
        last = match.position
    more = str(last) if len(matches) == MATCHES_READ else None
    return Page(list(rows.values()), more, None, None)


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 18:
        raise NotFound
    return int(cursor)


@requires(Permission.TICKET_LIST)
def row(tx: Tx, ticket_id: UUID) -> TicketRow:
    """One row of the table as it is now. Raises NotFound."""
    found = store.these(tx, [ticket_id])
    if not found:
        raise NotFound
    return replace(found[0], unread=bool(chat.unread_rooms(tx, [found[0].chat_room_id])))


@requires(Permission.TICKET_LIST)
def overview(tx: Tx) -> Overview:
    """The dashboard: what happened last, what is most urgent, how many there are."""
    return Overview(
        recent=listing_store.page(tx, Filters(), key=None, backwards=False, limit=OVERVIEW),
        urgent=listing_store.urgent(tx, limit=OVERVIEW),
        counts=listing_store.counts(tx),
    )


@requires(Permission.TICKET_LIST)
def others_of_customer(tx: Tx, ticket: Ticket) -> Sequence[Ticket]:
    """The newest other tickets from the address that opened this one."""
    newest = store.of_email(tx, ticket.email, limit=OVERVIEW + 1)
    return [other for other in newest if other.ticket_id != ticket.ticket_id][:OVERVIEW]
