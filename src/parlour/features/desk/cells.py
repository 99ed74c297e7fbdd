"""A ticket in a list, as templates show it."""

from typing import Any

from parlour.features.tickets.models import Status, TicketRow
from parlour.web.render import spelled


def row_view(row: TicketRow) -> dict[str, Any]:
    """Plain values: an object is slow to answer a template, and each call from there costs."""
    created_at, created = spelled(row.created_at)
    active_at, active = spelled(row.last_message_at)
    return {
        "ticket_id": str(row.ticket_id),
        "number": row.number,
        "subject": row.subject,
        "email": row.email,
        "customer_name": row.customer_name,
        "status": str(row.status),
        "priority": str(row.priority),
        "created_at": created_at,
        "created": created,
        "active_at": active_at,
        "active": active,
        "version": row.version,
        "assignee_id": str(row.assignee_id) if row.assignee_id else "",
        "assignee_name": row.assignee_name,
        "snoozed_until": row.snoozed_until if row.status is Status.PENDING else None,
        "blocked": row.blocked,
        "unread": row.unread,
        "tags": [(tag.name, tag.colour.value) for tag in row.tags],
        "excerpt": row.excerpt,
    }
