"""Changing many tickets from the table, watching it, undoing it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.desk.tickets import rows, table
from parlour.features.desk.tickets.change_note import noted
from parlour.features.desk.tickets.views import query_in
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.models import Bulk, Field
from parlour.features.tickets.snooze.mornings import morning
from parlour.kernel import clock
from parlour.kernel.errors import Invalid, NotFound
from parlour.web.forms import REFUSALS, every, read_form, read_form_leniently
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.site import db


async def start(request: Request) -> Response:
    """Change the selected tickets, or all of the list, and go back to it."""
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        field, value = _change(fields)
        if field is Field.SNOOZE:
            value = _moment_of(value, fields)
        ticket_ids = await _tickets(request, desk, fields)
        started = await db(request).write(desk.actor, bulk.start, ticket_ids, field, value)
    except REFUSALS as error:
        query = query_in(fields.get("query", ""))
        selected = await every(request, "ids")
        return await table.page(request, desk, query, refused=error, typed=fields, selected=selected)
    return _back(desk, fields, started)


def _change(fields: Mapping[str, str]) -> tuple[Field, str]:
    """`field` and `value`, or both in one as the page's choice has them: `status:open`."""
    name, value = fields.get("field", ""), fields.get("value", "")
    if not name:
        name, colon, value = fields.get("change", "").partition(":")
        if not colon:
            raise Invalid({"value": "required"})
    try:
        return Field(name), value
    except ValueError:
        raise Invalid({"value": "unknown"}) from None


def _moment_of(choice: str, fields: Mapping[str, str]) -> str:
    """The morning that is meant, where the agent is."""
    try:
        until = morning(choice, fields.get("day", ""), clock.zone_named(fields.get("zone", "")))
    except Invalid:
        raise Invalid({"value": "unknown"}) from None
    return until.isoformat()


async def _tickets(request: Request, desk: Desk, fields: Mapping[str, str]) -> list[UUID]:
    """Those that were ticked, and for `all` those that stood in the list when the page was shown.

    Raises NotFound for an id that is none.
    """
    try:
        ticked = [UUID(text) for text in await every(request, "ids")]
    except ValueError:
        raise NotFound from None
    if fields.get("all") != "yes":
        return ticked
    filters = query_in(fields.get("query", "")).filters(desk.person.user_id)
    shown = _moment(fields.get("shown", ""))
    return [*await db(request).scan(desk.actor, bulk.matching, filters, shown), *ticked]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


async def progress(request: Request) -> Response:
    """How far it is; a part of the table's page, or a page of its own."""
    desk = await desk_in(request)
    found, name = await db(request).read(desk.actor, units.bulk_change, id_in(request, "bulk_id"))
    template = "desk/bulk_panel.html" if "hx-request" in request.headers else "desk/bulk.html"
    back = rows.back_to(desk, request.query_params)
    context: dict[str, Any] = {"bulk": found, "bulk_name": name, "back": back}
    return await render_at(request, desk, template, **context)


async def undo(request: Request) -> Response:
    desk = await desk_in(request)
    fields = await read_form(request)
    undone = await db(request).write(desk.actor, bulk.undo, id_in(request, "bulk_id"))
    if "hx-request" in request.headers:  # from a note about one ticket, which shows the change by itself
        return Response(status_code=204 if undone.put_back else 409)
    return _back(desk, fields, undone)


def _back(desk: Desk, fields: Mapping[str, str], shown: Bulk) -> Response:
    """The list again, with what has become of it above."""
    return redirect(noted(rows.back_to(desk, fields), shown.bulk_id))
