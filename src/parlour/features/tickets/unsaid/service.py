"""What the customers' rooms have not been told yet of a change of status.

An agent can take a change back for a moment, and what is taken back leaves no line. So the line waits: the
ticket keeps what its room heard last, `bulk.say_some` tells it once the moment is over, and whoever is about
to say or change something else tells it first. What came back to what the room heard is never told.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.chat.models import Audience
from parlour.features.tickets import life
from parlour.features.tickets import store as ticket_store
from parlour.features.tickets.models import Status, Ticket
from parlour.features.tickets.unsaid import store
from parlour.kernel.access import Permission, requires

WAITS = timedelta(seconds=12)
"""A page offers for ten seconds to undo a change; what is asked for in the last of them still has its way."""


@requires(Permission.TICKET_UPDATE)
def held(tx: Tx, status: Status, change_id: UUID) -> dict[str, Any]:
    """What is stored with this status of a ticket whose room is told of it later, in the actor's name."""
    return store.held(status, change_id, by=tx.actor.name)


@requires(Permission.TICKET_REPLY)
def say(tx: Tx, locked: Sequence[Ticket]) -> list[Ticket]:
    """Tell the rooms of these tickets what waits for it; the tickets, of which nothing waits any more."""
    waiting = [ticket for ticket in locked if ticket.unsaid_from]
    if not waiting:
        return list(locked)
    store.clear(tx, [ticket.ticket_id for ticket in waiting])
    lines = {ticket.ticket_id: _line(ticket) for ticket in waiting}
    for line in dict.fromkeys(lines.values()):
        word, by = line
        these = [ticket_id for ticket_id, said in lines.items() if said == line]
        chat.announce_to_all(tx, these, Audience.PUBLIC, word, by=by)
    return [
        replace(ticket, unsaid_from=None, unsaid_by=None, quiet=False) if ticket.unsaid_from else ticket
        for ticket in locked
    ]


def _line(ticket: Ticket) -> tuple[str, str]:
    heard = Status(ticket.unsaid_from or ticket.status)
    return f"status:{life.word_for(heard, ticket.status)}", ticket.unsaid_by or ""


@requires(Permission.BULK_UPDATE)
def of_change(tx: Tx, change_id: UUID, *, limit: int) -> list[UUID]:
    """Tickets whose rooms have not been told of what this change did to them."""
    return store.of_change(tx, change_id, limit=limit)


@requires(Permission.SYSTEM)
def say_some(tx: Tx, change_id: UUID, *, limit: int) -> tuple[list[Ticket], bool]:
    """Tell up to `limit` rooms what this change did. Returns the tickets that were quiet until then, and
    whether there may be more.
    """
    ticket_ids = store.of_change(tx, change_id, limit=limit)
    locked = ticket_store.lock_all(tx, ticket_ids)
    ours = [ticket for ticket in locked if ticket.status_change == change_id]
    told = say(tx, ours)
    were_quiet = [after for before, after in zip(ours, told, strict=True) if before.quiet]
    return were_quiet, len(ticket_ids) == limit
