"""What an owner or an admin reads of their workspace: who changed what, who came in, and who was refused."""

import csv
from collections.abc import AsyncIterator, Iterable
from io import StringIO
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from parlour.features.accounts.events import service as events
from parlour.features.desk import units
from parlour.features.desk.agent import actor_in, desk_in, render_at
from parlour.features.workspaces.models import TrailPage, TrailRow
from parlour.kernel import clock
from parlour.kernel.text import storable
from parlour.web.ids import NOBODYS, id_of
from parlour.web.render import iso
from parlour.web.site import db

EXPORTED_AT_ONCE = 500
"""Lines of an export that are in memory together."""
COLUMNS = ("at", "person", "action", "detail", "times", "via")
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as the system's old code page: `Zoë` as `ZoÃ«`."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a program for spreadsheets takes for the beginning of a formula (OWASP, CSV injection)."""


async def trail(request: Request) -> Response:
    """A filter or a place that is none is left out, as on the list of tickets."""
    desk = await desk_in(request)
    kind, person = storable(request.query_params.get("kind", "")), _id(request, "person")
    chosen = {"kind": kind, "person": str(person or "")}
    found = await db(request).scan(
        desk.actor,
        units.trail,
        action=kind,
        actor_id=chosen["person"],
        before=_id(request, "before"),
        after=_id(request, "after"),
    )
    rows = found.page.rows
    filters = {name: value for name, value in chosen.items() if value}
    return await render_at(
        request,
        desk,
        "desk/audit.html",
        rows=rows,
        members=found.members,
        chosen=chosen,
        filters=urlencode(filters),
        newer=urlencode({**filters, "after": rows[0].row_id}) if rows and found.page.newer else "",
        older=urlencode({**filters, "before": rows[-1].row_id}) if rows and found.page.older else "",
    )


async def export(request: Request) -> Response:
    """All lines that the filters let through, as CSV, the newest first."""
    first = await _exported(request, None)
    slug = request.state.desk.workspace_slug
    name = f"audit-{slug}-{clock.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(request, first), headers=headers, media_type="text/csv")


async def _exported(request: Request, before: UUID | None) -> TrailPage:
    """Somebody who loses the right while it comes in gets no more of it."""
    return await db(request).scan(
        await actor_in(request),
        events.trail,
        action=storable(request.query_params.get("kind", "")),
        actor_id=str(_id(request, "person") or ""),
        before=before,
        size=EXPORTED_AT_ONCE,
    )


async def _lines(request: Request, page: TrailPage) -> AsyncIterator[str]:
    """A page at a time, each read when the one before it has been taken."""
    yield BYTE_ORDER_MARK + _csv([COLUMNS])
    while True:
        yield _csv(map(_cells, page.rows))
        if not page.older:
            return
        page = await _exported(request, page.rows[-1].row_id)


def _cells(row: TrailRow) -> tuple[object, ...]:
    via = "api key" if row.by_program else ""
    return iso(row.at), row.actor_name, row.action, row.detail, row.times, via


def _csv(rows: Iterable[Iterable[object]]) -> str:
    text = StringIO()
    csv.writer(text).writerows([_harmless(str(value)) for value in row] for row in rows)
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def _id(request: Request, name: str) -> UUID | None:
    found = id_of(request.query_params.get(name, ""))
    return None if found == NOBODYS else found
