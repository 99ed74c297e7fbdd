"""Where a ticket stands in a list: its key, and that key as a cursor, which addresses carry."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from parlour.features.tickets import store
from parlour.features.tickets.listing.walks import store as walks
from parlour.features.tickets.models import Order, Ticket, TicketRow, WholeTicket
from parlour.kernel.errors import NotFound


def key_of(order: Order, row: TicketRow | Ticket | WholeTicket) -> list[Any]:
    key: list[Any] = [row.created_at if order is Order.CREATED else row.last_message_at, row.ticket_id]
    return [store.RANKS[row.priority], *key] if order is Order.PRIORITY else key


def cursor_of(key: Sequence[Any]) -> str:
    values = [value if isinstance(value, int) else str(value) for value in key]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def key_in(order: Order, cursor: str) -> list[Any]:
    """Raises NotFound for a cursor that is none of ours."""
    try:
        *rank, moment, ticket_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        at = datetime.fromisoformat(moment)
        key = [*map(int, rank), at.astimezone(UTC), UUID(ticket_id)]
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise NotFound from None
    known = not rank or key[0] in store.RANKS.values()
    if len(key) != len(walks.ORDERS[order]) or at.tzinfo is None or not known:
        raise NotFound
    return key
