"""What a page says of a change that was just made, with its undo: `bulk` in its address names it."""

from typing import Any
from uuid import UUID

from starlette.requests import Request

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.kernel.access import Permission
from parlour.kernel.errors import NotFound
from parlour.web.site import db


def noted(address: str, change_id: UUID | None) -> str:
    """The address, whose page shows the note."""
    if change_id is None:
        return address
    page, hash_sign, place = address.partition("#")
    return f"{page}{'&' if '?' in page else '?'}bulk={change_id}{hash_sign}{place}"


def named_in(request: Request) -> UUID | None:
    try:
        return UUID(request.query_params["bulk"])
    except (KeyError, ValueError):
        return None


async def note(request: Request, desk: Desk, change_id: UUID | None, *, back: str) -> dict[str, Any]:
    """What the note's template takes; nothing when there is no such change, or none for this agent.

    `back`: the page without the note, where undoing comes back to.
    """
    actor = desk.actor
    if change_id is None or not actor.may(Permission.BULK_UPDATE):
        return {"bulk": None}
    try:
        found, name = await db(request).read(actor, units.bulk_change, change_id)
    except NotFound:
        return {"bulk": None}
    return {"bulk": found, "bulk_name": name, "back": back}
