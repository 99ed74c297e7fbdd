"""The dashboard: what happened last, what is most urgent, how much there is."""

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, read_at, render_at
from parlour.features.desk.tickets.cells import row_views
from parlour.features.desk.tickets.change_note import named_in, note
from parlour.features.tickets.models import Status
from parlour.features.workspaces.settings import service as choices
from parlour.kernel.access import Permission
from parlour.web.forms import read_form
from parlour.web.pages import redirect
from parlour.web.site import db, site


async def dashboard(request: Request) -> Response:
    template = "desk/overview.html" if "hx-request" in request.headers else "desk/dashboard.html"
    return await page(request, None, template=template)


async def page(request: Request, desk: Desk | None, *, template: str, status: int = 200) -> Response:
    """The whole page, or only the part of it that changes."""
    desk, (overview, steps), beside = await read_at(request, desk, lambda _: units.dashboard)
    return await render_at(
        request,
        desk,
        template,
        status=status,
        sidebar=beside,
        counts=overview.counts,
        recent=row_views(overview.recent),
        urgent=row_views(overview.urgent),
        statuses=[value.value for value in Status],
        may_update=desk.actor.may(Permission.TICKET_UPDATE),
        stale=status != 200,
        steps=_undone(request, steps),
        base_url=site(request).settings.base_url,
        **await note(request, desk, named_in(request), back=f"/workspace/{desk.workspace_id}"),
    )


def _undone(request: Request, steps: units.FirstSteps | None) -> dict[str, bool] | None:
    """What is done of each step; nothing once all of them are."""
    if steps is None:
        return None
    done = {**asdict(steps), "mail": site(request).settings.smtp_url is not None}
    return None if all(done.values()) else done


async def dismiss_first_steps(request: Request) -> Response:
    desk = await desk_in(request)
    await read_form(request)
    await db(request).write(desk.actor, choices.dismiss_first_steps)
    return redirect(f"/workspace/{desk.workspace_id}")
