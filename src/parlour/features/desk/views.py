"""Saving and deleting views of the ticket table."""

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.desk import rows, table
from parlour.features.desk.agent import actor_at, desk_in
from parlour.features.desk.query import TableQuery
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
            actor_at(desk),
            views.save_view,
            fields.get("name", ""),
            query.text,
            for_everyone=fields.get("for_everyone") == "yes",
        )
    except REFUSALS as error:
        return await table.page(request, desk, query, refused=error, typed=fields)
    return redirect(f"/workspace/{desk.workspace_id}/tickets?{query.text}")


async def delete(request: Request) -> Response:
    desk = await desk_in(request)
    fields = await read_form(request)
    await db(request).write(actor_at(desk), views.delete_view, id_in(request, "view_id"))
    return redirect(rows.back_to(desk, fields))


def query_in(text: str) -> TableQuery:
    """The list that a hidden field of a form names."""
    return TableQuery.read(dict(parse_qsl(text))).first_page
