"""A ticket as templates show it, in a list and on its own page."""

from collections.abc import Sequence
from html import escape
from itertools import repeat
from typing import Any

from msgspec import to_builtins

from parlour.features.tickets.models import Page, Status, Ticket, TicketRow
from parlour.kernel.kept import Kept
from parlour.kernel.words import MATCH_BEGINS, MATCH_ENDS
from parlour.web.render import spelled_text

ROWS = 2_000
"""Rows of lists that are kept as they were shown."""


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
        "snoozed_until": row.snoozed_until if row.status == Status.PENDING else None,
        "blocked": row.blocked,
        "unread": row.unread,
        "tags": row.tags,
    }


_views = Kept(_row_views, most=ROWS, length=lambda view: len(view["subject"]))


def row_views(rows: Sequence[TicketRow]) -> list[dict[str, Any]]:
    """The same view of the same row: by it templates find the row as it was drawn (`Renderer.lines`)."""
    return _views.each(rows, repeat(None))


def excerpts_of(page: Page) -> list[str]:
    """What a search shows in each row, as HTML: the words that were typed, and those around them."""
    if not page.excerpts:
        return []
    found = (page.excerpts.get(row.ticket_id, "") for row in page.rows)
    return [f'<p data-excerpt dir="auto">{_marked(each)}</p>' if each else "" for each in found]


def _marked(excerpt: str) -> str:
    return escape(excerpt).replace(MATCH_BEGINS, "<mark>").replace(MATCH_ENDS, "</mark>")


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
