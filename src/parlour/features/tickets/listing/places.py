"""Where a ticket stands in a list: its key, and that key as a cursor, which addresses carry."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from parlour.features.tickets import store
from parlour.features.tickets.listing.walks import store as walks
from parlour.features.tickets.models import Order, Ticket, TicketRow, WholeTicket
from parlour.kernel.errors import NotFound

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def key_of(order: Order, row: TicketRow | Ticket | WholeTicket) -> list[Any]:
    key: list[Any] = [row.created_at if order is Order.CREATED else row.last_message_at, row.ticket_id]
    return [store.RANKS[row.priority], *key] if order is Order.PRIORITY else key


def cursor_of(key: Sequence[Any]) -> str:
    """Short, because a page says it in dozens of addresses: `[rank.]microseconds.ticket`."""
    *rank, moment, ticket_id = key
    ticket = base64.urlsafe_b64encode(ticket_id.bytes).decode().rstrip("=")
    return ".".join([*map(str, rank), str((moment - EPOCH) // MICROSECOND), ticket])


def key_in(order: Order, cursor: str) -> list[Any]:
    """Raises NotFound for a cursor that is none of ours."""
    try:
        key = _long_key(cursor) if "." not in cursor else _key(*cursor.split("."))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise NotFound from None
    if len(key) != len(walks.ORDERS[order]) or (len(key) == 3 and key[0] not in store.RANKS.values()):
        raise NotFound
    return key


def _key(*parts: str) -> list[Any]:
    *rank, moment, ticket = parts
    ticket_id = UUID(bytes=base64.urlsafe_b64decode(f"{ticket}=="))
    return [*map(int, rank), EPOCH + int(moment) * MICROSECOND, ticket_id]


def _long_key(cursor: str) -> list[Any]:
    """As the release before says it."""
    *rank, moment, ticket_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    at = datetime.fromisoformat(moment)
    if at.tzinfo is None:
        raise ValueError
    return [*map(int, rank), at.astimezone(UTC), UUID(ticket_id)]
