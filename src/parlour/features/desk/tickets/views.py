"""Saving, renaming, ordering and deleting views of the ticket table, and their counts."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.desk.agent import desk_in, render_at
from parlour.features.desk.query import TableQuery, read_list
from parlour.features.desk.sidebar import sidebar
from parlour.features.desk.tickets import rows, table
from parlour.features.tickets.views import service as views
from parlour.web.forms import REFUSALS, read_form, read_form_leniently
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.site import db


async def save(request: Request) -> Response:
    """Keep the list that the page shows under a name."""
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    query = query_in(fields.get("query", ""))
    try:
        if stale:
            raise stale
        await db(request).write(
            desk.actor,
            views.save_view,
            fields.get("name", ""),
            query.text,
            for_everyone=fields.get("for_everyone") == "yes",
        )
    except REFUSALS as error:
        return await table.page(request, desk, query, refused=error, typed=fields)
    return redirect(f"/workspace/{desk.workspace_id}/tickets?{query.text}")


async def counts(request: Request) -> Response:
    """How many tickets the views hold by now; a refused form leaves its page at this address."""
    desk = await desk_in(request)
    if "hx-request" not in request.headers:
        return redirect(f"/workspace/{desk.workspace_id}/tickets")
    views_now = await sidebar(request, desk, desk.actor)
    return await render_at(request, desk, "desk/views.html", sidebar=views_now)


async def rename(request: Request) -> Response:
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    view_id = id_in(request, "view_id")
    try:
        if stale:
            raise stale
        name, mark = fields.get("name", ""), fields.get("seen", "")
        await db(request).write(desk.actor, views.rename_view, view_id, name, mark)
    except REFUSALS as error:
        query = query_in(fields.get("query", ""))
        return await table.page(request, desk, query, refused=error, typed=fields)
    return redirect(rows.back_to(desk, fields))


async def move(request: Request) -> Response:
    desk = await desk_in(request)
    fields = await read_form(request)
    up = fields.get("to") == "up"
    await db(request).write(desk.actor, views.move_view, id_in(request, "view_id"), up=up)
    return redirect(rows.back_to(desk, fields))


async def delete(request: Request) -> Response:
    desk = await desk_in(request)
    fields = await read_form(request)
    await db(request).write(desk.actor, views.delete_view, id_in(request, "view_id"))
    return redirect(rows.back_to(desk, fields))


def query_in(text: str) -> TableQuery:
    """The list that a hidden field of a form names."""
    return read_list(text).first_page
