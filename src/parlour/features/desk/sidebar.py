"""The views beside every page of the desk, each with how many tickets stand in it, and the bell's count."""

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request

from parlour.db.database import P, R, Unit
from parlour.features.accounts.models import Desk
from parlour.features.desk import sidebar_units as units
from parlour.features.desk.query import BUILT_IN
from parlour.features.tickets.models import SavedView
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications.models import Bell
from parlour.features.tickets.views.service import COUNTED
from parlour.kernel.access import Actor
from parlour.web.site import db

COUNTED_ALWAYS = (
    "mine",
    "unassigned",
    "waiting_for_us",
    "mentions",
    "active",
    "waiting_for_customer",
    "snoozed",
)
"""Work that waits. Of everything there ever was nobody needs the number."""


class Entry(NamedTuple):
    """A view that is built in by its name, or a saved one by its id: `query` is the list's address.

    Plain values: a menu of the same entries is drawn once.
    """

    key: str
    query: str
    shown: str
    name: str = ""
    own: bool = False


class Sidebar(Struct, frozen=True, eq=False):
    """The built-in views, then the saved ones. `unread` is what stands beside the bell.

    Of the same views and counts there is one, by which the menu is found as it was drawn.
    """

    views: tuple[Entry, ...] = ()
    unread: str = ""


NOTHING = Sidebar()
"""Where nobody asked for the counts."""


async def sidebar(request: Request, desk: Desk, actor: Actor) -> Sidebar:
    return shown(desk, await db(request).read(actor, units.sidebar, *around(desk)))


def around(desk: Desk) -> tuple[units.BuiltIn, Bell]:
    """What is read for it."""
    return _counted_always(desk.person.user_id), bell_at(desk)


def shown(desk: Desk, found: units.Sidebar | None) -> Sidebar:
    return _of(desk.person.user_id, found) if found else NOTHING


async def search_beside(
    request: Request, desk: Desk, actor: Actor, unit: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs
) -> tuple[R, Sidebar]:
    """What a search shows, and what stands beside it, away from everyone else's requests."""
    built_in, bell = around(desk)
    found, beside = await db(request).scan(
        actor, units.beside_found, lambda tx: unit(tx, *args, **kwargs), built_in, bell
    )
    return found, shown(desk, beside)


def _of(me: UUID, found: units.Sidebar) -> Sidebar:
    return _sidebar(me, tuple(found.views), tuple(found.counts), found.unread)


@lru_cache(maxsize=500)
def _sidebar(me: UUID, views: tuple[SavedView, ...], counted: tuple[int | None, ...], unread: int) -> Sidebar:
    counts = map(_shown, counted)
    built_in = [Entry(name, BUILT_IN[name].text, next(counts)) for name in COUNTED_ALWAYS]
    saved = [
        Entry(str(view.view_id), view.query, next(counts), view.name, view.owner_id == me) for view in views
    ]
    return Sidebar((*built_in, Entry("all", BUILT_IN["all"].text, ""), *saved), _shown(unread))


@lru_cache(maxsize=1000)
def _counted_always(me: UUID) -> units.BuiltIn:
    return units.BuiltIn([BUILT_IN[name].filters(me) for name in COUNTED_ALWAYS])


def bell_at(desk: Desk) -> Bell:
    """Whose bell it is, and what rings it."""
    return notifications.bell_of(desk.role, desk.person.user_id, desk.told, desk.bell_read_at)


def _shown(count: int | None) -> str:
    return "" if not count else f"{COUNTED - 1}+" if count >= COUNTED else str(count)
