"""Where a ticket was opened from, and the ways on from it: back to the list, to the next ticket of it.

It stands in the ticket's address (`from`, `at`) and in those that its forms post to; right after the list
itself the referrer says it, so that no row has to. It is only ever read as a list of this desk.
"""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import After, Desk
from parlour.features.desk.agent import desk_in
from parlour.features.desk.query import BUILT_IN, TableQuery, read_list
from parlour.features.desk.tickets.change_note import named_in, noted
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Order, Ticket
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.site import db

DASHBOARD = "dashboard"
EVERYTHING = "all"
"""The list that nothing narrows, whose own address says nothing."""
_PLACE = re.compile(r"[\w.-]{1,200}", re.ASCII)


class CameFrom(Struct, frozen=True):
    """`list`: as the list's address has it, or DASHBOARD. `at`: the ticket's place when it was opened."""

    list: str
    at: str = ""

    @property
    def query(self) -> TableQuery:
        """The list to go on in; the dashboard has none of its own, so the unfinished ones."""
        return BUILT_IN["active"] if self.list == DASHBOARD else read_list(self.list)

    @property
    def address(self) -> str:
        """What a ticket's address holds of it, with its question mark."""
        return _address(self)


@lru_cache(maxsize=1000)
def _address(came: CameFrom) -> str:
    """A page says it five times."""
    return f"?{urlencode({'from': came.list} | ({'at': came.at} if came.at else {}))}"


def came_from(request: Request, desk: Desk) -> CameFrom:
    """What the address says, else the page before, else the unfinished tickets."""
    given = request.query_params
    if given.get("from"):
        at = given.get("at", "")
        return CameFrom(_checked(given["from"]), at if _PLACE.fullmatch(at) else "")
    return CameFrom(_checked(_before(request, f"/workspace/{desk.workspace_id}")))


def _before(request: Request, home: str) -> str:
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:  # brackets in the host that hold no address
        return ""
    if page.path == f"{home}/tickets":
        return page.query or EVERYTHING
    if page.path == home:
        return DASHBOARD
    inside = page.path.startswith(f"{home}/tickets/")
    return dict(parse_qsl(page.query)).get("from", "") if inside else ""


def _checked(text: str) -> str:
    if text == DASHBOARD:
        return text
    return (read_list(text).text or EVERYTHING) if text else BUILT_IN["active"].text


def ways(desk: Desk, came: CameFrom, ticket: Ticket, here: str) -> dict[str, Any]:
    """Where a ticket's page leads. Its place is taken when it is opened, whatever becomes of it then.

    `here`: the ticket, as that page can say it.
    """
    at = came.at or ("" if came.query.q else listing.place(_order(came.query), ticket))
    came = CameFrom(came.list, at)
    after = desk.person.settings.after
    return {
        "back": back(desk, came, ticket.ticket_id),
        "to_dashboard": came.list == DASHBOARD,
        "address": came.address,
        "next": f"{here}/next{came.address}",
        "previous": f"{here}/previous{came.address}",
        "after": "" if after is After.STAY else go_on(desk, came, ticket.ticket_id),
    }


def back(desk: Desk, came: CameFrom, ticket_id: UUID) -> str:
    """The list, at the ticket's row."""
    home = f"/workspace/{desk.workspace_id}"
    if came.list == DASHBOARD:
        return home
    text = came.query.text
    return f"{home}/tickets{'?' if text else ''}{text}#ticket-{ticket_id}"


def go_on(desk: Desk, came: CameFrom, ticket_id: UUID) -> str:
    """Where an act that is the last one on a ticket leads, as the agent chose."""
    here = f"/workspace/{desk.workspace_id}/tickets/{ticket_id}"
    after = desk.person.settings.after
    if after is After.NEXT:
        return f"{here}/next{came.address}"
    return back(desk, came, ticket_id) if after is After.LIST else f"{here}{came.address}#latest"


async def following(request: Request) -> Response:
    """To the next ticket of the list; behind the last one, back to the list."""
    return await _beside(request, backwards=False)


async def preceding(request: Request) -> Response:
    return await _beside(request, backwards=True)


async def _beside(request: Request, *, backwards: bool) -> Response:
    desk = await desk_in(request)
    ticket_id = id_in(request, "ticket_id")
    came = came_from(request, desk)
    filters = came.query.filters(desk.person.user_id)
    run = db(request).read if listing.costs_the_same(filters) else db(request).scan
    found = await run(desk.actor, listing.beside, filters, ticket_id, came.at, backwards=backwards)
    if found is None:
        return redirect(noted(back(desk, came, ticket_id), named_in(request)))
    other, at = found
    there = f"/workspace/{desk.workspace_id}/tickets/{other}{CameFrom(came.list, at).address}"
    return redirect(noted(there, named_in(request)))


def _order(query: TableQuery) -> Order:
    return Order(query.sort) if query.sort else Order.ACTIVITY
