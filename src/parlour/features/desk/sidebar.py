"""The views beside every page of the desk, each with how many tickets stand in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.query import BUILT_IN
from parlour.features.tickets.views.service import COUNTED
from parlour.kernel.access import Actor
from parlour.web.site import db

COUNTED_ALWAYS = ("mine", "unassigned", "waiting_for_us", "active", "waiting_for_customer", "snoozed")
"""Work that waits. Of everything there ever was nobody needs the number."""


async def sidebar(request: Request, desk: Desk, actor: Actor) -> Sequence[Mapping[str, Any]]:
    """Built-in views by their names, then the saved ones: `query` is the list's address."""
    me = desk.person.user_id
    found = await db(request).read(
        actor, units.sidebar, [BUILT_IN[name].filters(me) for name in COUNTED_ALWAYS]
    )
    counts = iter(found.counts)
    built_in = [_entry(name, BUILT_IN[name].text, next(counts)) for name in COUNTED_ALWAYS]
    saved = [
        {**_entry(str(view.view_id), view.query, next(counts)), "name": view.name, "own": view.owner_id == me}
        for view in found.views
    ]
    return [*built_in, _entry("all", BUILT_IN["all"].text, None), *saved]


def _entry(key: str, query: str, count: int | None) -> dict[str, Any]:
    shown = "" if not count else f"{COUNTED - 1}+" if count >= COUNTED else str(count)
    return {"key": key, "query": query, "count": shown, "name": "", "own": False}
