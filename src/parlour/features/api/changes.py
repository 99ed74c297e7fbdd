"""What happened, for programs that follow it."""

from typing import Any
from uuid import UUID

from parlour.features.api import cursors, shapes, units
from parlour.features.api.answers import Answer, answer
from parlour.features.api.contacts import contact_shape
from parlour.features.api.door import program_of
from parlour.features.api.followers import Followers
from parlour.features.api.operations import Call, Operation
from parlour.features.api.tickets import desk_of, message_shape, ticket_shape
from parlour.features.events import service as events
from parlour.features.events.models import Event
from parlour.kernel.access import PROGRAM, is_program
from parlour.web.site import db

_NOW = "now"
_SEALED = "changes"


async def list_changes(call: Call) -> Answer:
    """Follow what happens.

    Everything that has happened to tickets, messages, notes and contacts `after` a place, in an order that
    has no gaps and never changes, and the place behind it as `next`. Of one ticket it is the order in which
    it happened. Nothing is left out because two things happened at once, and nothing comes twice. What
    somebody blocked sends is not told of. It is kept for 30 days; whoever stands before that, or was there
    before the database was restored, is answered 410 and begins anew.
    """
    asked: shapes.ChangeQuery = call.query
    found = await _found(call, await _place(call, asked.after), asked.limit)
    if not found.events and asked.wait:
        found = await _waited(call, found.place, asked)
    desk = desk_of(call)
    items = [change_shape(each, found.about, desk) for each in found.events]
    return answer(shapes.ChangeList(items, cursors.seal_place(call, _SEALED, *found.place), found.more))


async def _waited(call: Call, place: units.Place, asked: shapes.ChangeQuery) -> units.Changes:
    """What has happened as soon as something has; nothing when the time is over.

    Raises BadKey when the key was revoked meanwhile, and what `Followers.place` raises.
    """
    followers: Followers = call.request.app.state.followers
    with followers.place(call.program.actor, asked.wait) as waiting:
        found = await _found(call, place, asked.limit)
        while not found.events and await waiting.listen(call.request):
            found = await _found(call, place, asked.limit)
    await program_of(call.request)
    return found


async def _place(call: Call, cursor: str) -> units.Place | None:
    """None before all that is kept. Raises BadQuery for what is no place of ours."""
    if cursor == _NOW:
        while await db(call.request).write(call.program.actor, events.settle) == events.STEP:
            pass
        return await call.read(units.newest_place)
    return units.Place(*cursors.unseal_place(call, _SEALED, cursor)) if cursor else None


async def _found(call: Call, after: units.Place | None, limit: int) -> units.Changes:
    found = await call.read(units.changes, after, limit)
    if found.unsettled:
        await db(call.request).write(call.program.actor, events.settle)
        found = await call.read(units.changes, after, limit)
    return found


def change_shape(event: Event, found: units.About, desk: str) -> shapes.Change:
    ticket = found.tickets.get(event.ticket_id) if event.ticket_id and not event.message_id else None
    message = found.messages.get(event.message_id) if event.message_id else None
    contact = found.contacts.get(event.contact_id) if event.contact_id else None
    return shapes.Change(
        event_id=event.event_id,
        type=event.kind.value,
        created_at=event.created_at,
        **_by(event.actor),
        changed=list(event.changed),
        ticket_id=event.ticket_id,
        message_id=event.message_id,
        contact_id=event.contact_id,
        ticket=ticket_shape(desk, ticket) if ticket else None,
        message=message_shape(message) if message else None,
        contact=contact_shape(contact) if contact else None,
    )


def _by(actor: str) -> dict[str, Any]:
    if is_program(actor):
        return {"by": "program", "user_id": None, "key_id": UUID(actor.removeprefix(PROGRAM))}
    if actor in ("customer", "system"):
        return {"by": actor, "user_id": None, "key_id": None}
    return {"by": "member", "user_id": UUID(actor), "key_id": None}


OPERATIONS = [
    Operation(
        "GET",
        "/changes",
        list_changes,
        shapes.ChangeList,
        query=shapes.ChangeQuery,
        refusals=(events.Forgotten,),
    ),
]
