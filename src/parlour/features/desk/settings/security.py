"""How the people of a workspace sign in, for those who manage it."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.workspaces import service as workspaces
from parlour.kernel.errors import DomainError
from parlour.web.forms import REFUSALS, read_form_leniently
from parlour.web.pages import redirect
from parlour.web.site import db


async def page(request: Request) -> Response:
    return await _page(request, await desk_in(request))


async def _page(request: Request, desk: Desk, refused: DomainError | None = None) -> Response:
    stand = await db(request).read(desk.actor, units.security)
    return await render_at(
        request,
        desk,
        "desk/settings_security.html",
        refused=refused,
        required=desk.second_factor_required,
        stand=stand,
        with_second_factor=sum(standing.second_factor for _, standing in stand),
        shown=workspaces.MEMBERS_SHOWN,
    )


async def ask_for_second_factor(request: Request) -> Response:
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        required = fields.get("required") == "yes"
        await db(request).write(desk.actor, workspaces.ask_for_second_factor, required)
    except (*REFUSALS, workspaces.OwnFactorFirst) as error:
        return await _page(request, desk, error)
    return redirect(f"/workspace/{desk.workspace_id}/settings/security")
