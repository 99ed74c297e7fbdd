"""The ticket table: filters, orders, pages and views, all of it in the address."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, read_at, render_at
from parlour.features.desk.query import ME, TableQuery, read_list
from parlour.features.desk.sidebar import Sidebar, search_beside, sidebar
from parlour.features.desk.tickets.cells import excerpts_of, table_rows
from parlour.features.desk.tickets.change_note import named_in
from parlour.features.tickets.bulk import service as changes
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import COUNT_LIMIT, LOOKED_THROUGH, PAGE_SIZES, Whose
from parlour.kernel import clock, seen
from parlour.kernel.access import Permission
from parlour.kernel.errors import DomainError
from parlour.web.pages import redirect
from parlour.web.site import db, site

ANYBODY = UUID(int=0)
"""Whoever asks: what a list costs does not depend on it."""
_LIMITS = {
    "count_limit": COUNT_LIMIT,
    "looked_through": LOOKED_THROUGH,
    "page_sizes": PAGE_SIZES,
    "bulk_limit": changes.LIMIT,
}


async def tickets(request: Request) -> Response:
    query = read_list(request.scope["query_string"].decode("latin-1"))
    if "hx-request" not in request.headers:
        return await page(request, None, query)
    answer = await page(request, None, query, template="desk/ticket_list_fragment.html")
    answer.headers["HX-Push-Url"] = _address(request.state.desk, query.text)
    return answer


async def back(request: Request) -> Response:
    """A refused form leaves its page at its own address: whoever loads that again sees the table."""
    return redirect(_address(await desk_in(request), ""))


async def page(
    request: Request,
    desk: Desk | None,
    query: TableQuery,
    *,
    template: str = "desk/tickets.html",
    refused: DomainError | None = None,
    typed: Mapping[str, str] | None = None,
    selected: Sequence[str] = (),
) -> Response:
    """The table at `query`; after a refused form with what was typed into it."""
    desk, found, beside = await _read(request, desk, query)
    actor = desk.actor
    context: dict[str, Any] = {
        "rows": table_rows(
            site(request).renderer, actor, found.page.rows, excerpts_of(found.page), selected=selected
        ),
        "on_page": len(found.page.rows),
        "count": found.page.count,
        **_LIMITS,
        "further": found.page.further,
        "mentions_told": found.mentions_told,
        "ahead": found.page.ahead,
        "query": query,
        "here": _address(desk, query.text),
        **_ways_on(desk, query, found),
        **_view_of(query, beside),
        "members": tuple((str(member.user_id), member.name) for member in found.members if member.answers),
        "tags": tuple((str(tag.tag_id), tag.name) for tag in found.tags),
        "of_another": _of_another(query, found),
        "shown": clock.now().isoformat(),
        "live": query.live(desk.person.user_id),
        **_bulk(found),
        "back": _address(desk, query.text),
        "may_update": actor.may(Permission.TICKET_UPDATE),
        "may_bulk": actor.may(Permission.BULK_UPDATE),
        "typed": typed or {},
    }
    return await render_at(request, desk, template, refused=refused, **context)


async def _read(request: Request, desk: Desk | None, query: TableQuery) -> tuple[Desk, units.Table, Sidebar]:
    bulk_id = named_in(request)
    if listing.costs_the_same(query.filters(ANYBODY)):  # as most lists do, whatever there is
        return await read_at(
            request,
            desk,
            lambda desk: lambda tx: units.table(tx, query.filters(desk.person.user_id), bulk_id),
            whole=True,
        )
    # It may take long, away from everyone else's requests.
    desk = desk or await desk_in(request)
    actor, filters = desk.actor, query.filters(desk.person.user_id)
    if filters.q:
        return desk, *await search_beside(request, desk, actor, units.table, filters, bulk_id)
    found = await db(request).scan(actor, units.table, filters, bulk_id)
    return desk, found, await sidebar(request, desk, actor)


def _bulk(found: units.Table) -> dict[str, Any]:
    change, name = found.bulk or (None, "")
    return {"bulk": change, "bulk_name": name}


def _ways_on(desk: Desk, query: TableQuery, found: units.Table) -> dict[str, Any]:
    """The addresses that lead from this list to others."""
    return {
        "next": _beside(desk, query, "after", found.page.next),
        "previous": _beside(desk, query, "before", found.page.previous),
        "sorts": {order: _address(desk, text) for order, text in query.sorts.items()},
    }


def _view_of(query: TableQuery, beside: Sidebar) -> dict[str, Any]:
    """Which of the views the list is, if any; and all of them."""
    listed = query.first_page.text
    this = next((view for view in beside.views if view.query == listed), None)
    return {
        "sidebar": beside,
        "listed": listed if this else None,  # of lists that are none of them the menu looks the same
        "built_in": this.key if this and not this.name else "",
        "saved": {**this._asdict(), "seen": seen.mark(this.name)} if this and this.name else None,
    }


def _of_another(query: TableQuery, found: units.Table) -> str | None:
    """Whose tickets the list shows, when the choice beside it does not offer them; empty for unknown."""
    offered = {str(member.user_id) for member in found.members if member.answers}
    if query.assignee in ("", ME, Whose.NOBODY, *offered):
        return None
    return found.gone


def _address(desk: Desk, query: str) -> str:
    return f"/workspace/{desk.workspace_id}/tickets{'?' if query else ''}{query}"


def _beside(desk: Desk, query: TableQuery, side: str, cursor: str | None) -> str | None:
    return _address(desk, query.but(**{side: cursor})) if cursor else None
