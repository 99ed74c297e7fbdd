"""What an owner or an admin reads of their workspace: who changed what, who came in, and who was refused."""

from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.desk import units
from parlour.features.desk.agent import actor_at, desk_in, render_at
from parlour.kernel.text import storable
from parlour.web.ids import NOBODYS, id_of
from parlour.web.site import db


async def trail(request: Request) -> Response:
    """A filter or a place that is none is left out, as on the list of tickets."""
    desk = await desk_in(request)
    kind, person = storable(request.query_params.get("kind", "")), _id(request, "person")
    chosen = {"kind": kind, "person": str(person or "")}
    found = await db(request).scan(
        actor_at(desk),
        units.trail,
        action=kind,
        actor_id=chosen["person"],
        before=_id(request, "before"),
        after=_id(request, "after"),
    )
    rows = found.page.rows
    filters = {name: value for name, value in chosen.items() if value}
    return render_at(
        request,
        desk,
        "desk/audit.html",
        rows=rows,
        members=found.members,
        chosen=chosen,
        newer=urlencode({**filters, "after": rows[0].row_id}) if rows and found.page.newer else "",
        older=urlencode({**filters, "before": rows[-1].row_id}) if rows and found.page.older else "",
    )


def _id(request: Request, name: str) -> UUID | None:
    found = id_of(request.query_params.get(name, ""))
    return None if found == NOBODYS else found
