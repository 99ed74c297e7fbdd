"""A ticket as templates show it, in a list and on its own page."""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from msgspec import to_builtins

from parlour.features.tickets.models import Page, Status, Ticket, TicketRow
from parlour.kernel.access import Actor, Permission
from parlour.kernel.kept import Kept
from parlour.kernel.words import MATCH_BEGINS, MATCH_ENDS
from parlour.web.looks import Html, Kind, escaped
from parlour.web.render import Renderer, spelled_text, time_element

ROWS = 2_000
"""Rows of lists that are kept as they were shown."""
SHORT = 18
"""Characters of an address that a row of the table shows whole, however narrow."""
NOTHING = Html("")


def _row_views(pairs: Sequence[tuple[TicketRow, None]]) -> list[dict[str, Any]]:
    return [_row_view(TicketRow(*plain)) for plain in to_builtins([row for row, _ in pairs])]


def _row_view(row: Any) -> dict[str, Any]:
    """Plain values, as msgspec makes them: an object is slow to answer a template, and each call from there
    costs.
    """
    created_at, created = spelled_text(row.created_at)
    active_at, active = spelled_text(row.last_message_at)
    return {
        "ticket_id": row.ticket_id,
        "number": row.number,
        "subject": row.subject,
        "email": row.email,
        "customer_name": row.customer_name,
        "status": row.status,
        "priority": row.priority,
        "created_at": created_at,
        "created": created,
        "active_at": active_at,
        "active": active,
        "version": row.version,
        "assignee_id": row.assignee_id or "",
        "assignee_name": row.assignee_name,
    }


_views = Kept(_row_views, most=ROWS, length=lambda view: len(view["subject"]))


def row_views(rows: Sequence[TicketRow]) -> list[dict[str, Any]]:
    """Rows as lists show them that have a look of their own."""
    return _views.each(rows, repeat(None))


class _Look(NamedTuple):
    """What a row of the table has or has not, and what few rows have."""

    status: str
    priority: str
    named: bool
    long: bool
    unread: bool
    blocked: bool
    put_aside: bool
    assigned: bool
    ticked: bool
    tags: tuple[tuple[str, str], ...]


class _Values(NamedTuple):
    ticket_id: Html
    number: int
    subject: Html
    email: Html
    customer: Html
    version: int
    assignee_id: Html
    assignee_name: Html
    created_at: Html
    created: Html
    active_at: Html
    active: Html
    aside_until: Html


class _Plain(NamedTuple):
    """A `TicketRow` as msgspec makes it plain: of what people typed mypy knows that it is no HTML."""

    ticket_id: Html
    number: int
    subject: str
    email: str
    status: str
    priority: str
    created_at: str
    last_message_at: str
    chat_room_id: Html
    assignee_id: Html | None
    version: int
    waiting_since: str | None
    assignee_name: str | None
    snoozed_until: str | None
    customer_name: str | None
    tagged: bool
    blocked: bool | None
    quiet: bool
    unread: bool
    tags: Sequence[Mapping[str, str]]


def _told(rows: Sequence[TicketRow], around: Mapping[str, Any]) -> list[tuple[_Look, _Values]]:
    return [_row_told(_Plain(*plain), around["selected"]) for plain in to_builtins(rows)]


def _row_told(row: _Plain, selected: Sequence[str]) -> tuple[_Look, _Values]:
    aside = row.snoozed_until if row.status == Status.PENDING else None
    email = escaped(row.email)
    look = _Look(
        row.status,
        row.priority,
        bool(row.customer_name),
        len(row.email) > SHORT,
        row.unread,
        bool(row.blocked),
        aside is not None,
        bool(row.assignee_name),
        row.ticket_id in selected,
        tuple([(tag["colour"], tag["name"]) for tag in row.tags]) if row.tags else (),
    )
    return look, _Values(
        row.ticket_id,
        row.number,
        escaped(row.subject),
        email,
        escaped(row.customer_name) if row.customer_name else email,
        row.version,
        row.assignee_id or NOTHING,
        escaped(row.assignee_name or ""),
        *spelled_text(row.created_at),
        *spelled_text(row.last_message_at),
        Html(time_element(aside, "full")) if aside else NOTHING,
    )


_TABLE_ROW = Kind("desk/ticket_rows.html", _told, _Values._fields)


def table_rows(
    renderer: Renderer,
    actor: Actor,
    rows: Sequence[TicketRow],
    excerpts: Sequence[str] = (),
    *,
    selected: Sequence[str] = (),
    stale: bool = False,
) -> Callable[[str], str]:
    """What makes rows of the table as they stand there now, given `tickets_at`: what leads to a ticket, less
    its id.

    `stale`: somebody changed them before whoever asks did.
    """
    return lambda tickets_at: renderer.rows(
        _TABLE_ROW,
        rows,
        excerpts,
        tickets_at=tickets_at,
        selected=tuple(selected),
        stale=stale,
        may_update=actor.may(Permission.TICKET_UPDATE),
        may_bulk=actor.may(Permission.BULK_UPDATE),
    )


def excerpts_of(page: Page) -> list[str]:
    """What a search shows in each row, as HTML: the words that were typed, and those around them."""
    return [f'<p data-excerpt dir="auto">{_marked(each)}</p>' if each else "" for each in page.excerpts]


def _marked(excerpt: str) -> str:
    return escaped(excerpt).replace(MATCH_BEGINS, "<mark>").replace(MATCH_ENDS, "</mark>")


def ticket_view(ticket: Ticket) -> dict[str, Any]:
    """Plain values, for the same reason."""
    return {
        "ticket_id": str(ticket.ticket_id),
        "number": ticket.number,
        "subject": ticket.subject,
        "description": ticket.description,
        "email": ticket.email,
        "status": str(ticket.status),
        "priority": str(ticket.priority),
        "assignee_id": str(ticket.assignee_id) if ticket.assignee_id else "",
        "version": ticket.version,
        "created_at": ticket.created_at,
        "last_message_at": ticket.last_message_at,
        "aside_until": ticket.aside_until,
        "quiet": ticket.quiet,
        "merged": ticket.merged_into is not None,
    }
