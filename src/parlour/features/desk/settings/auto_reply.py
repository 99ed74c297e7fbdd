"""What the workspace answers mails by itself, and its hours."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.workspaces.auto_reply import service as auto_reply
from parlour.features.workspaces.models import AutoReply
from parlour.kernel import clock, seen
from parlour.kernel.errors import DomainError
from parlour.web.forms import REFUSALS, read_form_leniently
from parlour.web.pages import redirect
from parlour.web.site import db

FIELDS = ("on", "within", "outside", "zone", "days", "opens", "closes")
"""In the order in which `auto_reply.shown` has them."""
DAYS = range(7)


async def page(request: Request) -> Response:
    return await _page(request, await desk_in(request))


async def _page(
    request: Request,
    desk: Desk,
    typed: Mapping[str, str] | None = None,
    refused: DomainError | None = None,
) -> Response:
    chosen = await db(request).read(desk.actor, auto_reply.chosen)
    now, moment = auto_reply.shown(chosen), clock.now()
    late = isinstance(refused, seen.ChangedMeanwhile)
    mark = seen.mark(*now) if typed is None or late else typed.get("seen", "")
    return await render_at(
        request,
        desk,
        "desk/settings_auto_reply.html",
        refused=refused,
        form=dict(zip(FIELDS, auto_reply.shown(_wanted(typed)) if typed else now, strict=True)),
        seen=mark,
        limit=auto_reply.LIMIT,
        chosen=chosen,
        is_open=auto_reply.is_open(chosen, moment),
        said=auto_reply.text_at(chosen, moment),
        saved=request.query_params.get("saved") == "1" and not refused,
    )


async def choose(request: Request) -> Response:
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        await db(request).write(desk.actor, auto_reply.choose, _wanted(fields), fields.get("seen", ""))
    except REFUSALS as error:
        return await _page(request, desk, fields, error)
    return redirect(f"/workspace/{desk.workspace_id}/settings/auto-reply?saved=1")


def _wanted(fields: Mapping[str, str]) -> AutoReply:
    """A box that isn't ticked isn't sent."""
    return AutoReply(
        on=fields.get("on") == "yes",
        within=fields.get("within", ""),
        outside=fields.get("outside", ""),
        zone=fields.get("zone", "").strip(),
        days=tuple(day for day in DAYS if fields.get(f"day{day}") == "yes"),
        opens=fields.get("opens", "")[:5],
        closes=fields.get("closes", "")[:5],
    )
