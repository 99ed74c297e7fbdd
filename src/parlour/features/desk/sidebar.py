"""The views beside every page of the desk, each with how many tickets stand in it, and the bell's count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.query import BUILT_IN
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications.models import Bell
from parlour.features.tickets.views.service import COUNTED
from parlour.kernel.access import Actor
from parlour.web.site import db

COUNTED_ALWAYS = ("mine", "unassigned", "waiting_for_us", "active", "waiting_for_customer", "snoozed")
"""Work that waits. Of everything there ever was nobody needs the number."""


@dataclass(frozen=True, slots=True)
class Sidebar:
    """Built-in views by their names, then the saved ones: `query` is the list's address. `unread` is what
    stands beside the bell.
    """

    views: Sequence[Mapping[str, Any]] = ()
    unread: str = ""


async def sidebar(request: Request, desk: Desk, actor: Actor) -> Sidebar:
    me = desk.person.user_id
    lists = [BUILT_IN[name].filters(me) for name in COUNTED_ALWAYS]
    found = await db(request).read(actor, units.sidebar, lists, bell_at(desk))
    counts = iter(found.counts)
    built_in = [_entry(name, BUILT_IN[name].text, next(counts)) for name in COUNTED_ALWAYS]
    saved = [
        {**_entry(str(view.view_id), view.query, next(counts)), "name": view.name, "own": view.owner_id == me}
        for view in found.views
    ]
    return Sidebar([*built_in, _entry("all", BUILT_IN["all"].text, None), *saved], _shown(found.unread))


def bell_at(desk: Desk) -> Bell:
    """Whose bell it is, and what rings it."""
    return notifications.bell_of(desk.role, desk.person.user_id, desk.told, desk.bell_read_at)


def _entry(key: str, query: str, count: int | None) -> dict[str, Any]:
    return {"key": key, "query": query, "count": _shown(count), "name": "", "own": False}


def _shown(count: int | None) -> str:
    return "" if not count else f"{COUNTED - 1}+" if count >= COUNTED else str(count)
