"""A customer leaves a browser that others use too."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.portal.visitor import workspace_in
from parlour.features.tickets.access import service as access
from parlour.kernel.access import Actor
from parlour.web.forms import read_form_leniently
from parlour.web.pages import redirect, render
from parlour.web.session import browser_cookies, customer_cookies, forget, forget_storage
from parlour.web.site import db


async def ask(request: Request) -> Response:
    workspace = await workspace_in(request)
    done = request.query_params.get("done") == "1"
    return render(request, "portal/forget.html", workspace=workspace, done=done)


async def forget_browser(request: Request) -> Response:
    workspace = await workspace_in(request)
    _, stale = await read_form_leniently(request)
    if stale:
        return render(request, "portal/forget.html", refused=stale, workspace=workspace, done=False)
    held = customer_cookies(request)
    await db(request).write(Actor.system(), access.forget_secrets, list(held.values()))
    response = redirect(f"/support/{workspace.slug}/forget?done=1")
    forget(request, response, [*held, *browser_cookies(request)])
    forget_storage(response)
    return response
