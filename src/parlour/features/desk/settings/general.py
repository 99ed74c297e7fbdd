"""What a workspace chooses for itself: the pages of its settings."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.workspaces.colours import accent
from parlour.features.workspaces.models import ReplyTime, WorkspaceSettings
from parlour.features.workspaces.settings import service as choices
from parlour.kernel import seen
from parlour.kernel.access import permitted
from parlour.kernel.errors import DomainError
from parlour.web.forms import REFUSALS, BadForm, read_form_leniently
from parlour.web.pages import redirect
from parlour.web.site import db, site

LOGO_LIMIT = 2 * 1024 * 1024
"""Bytes of what is uploaded; what is kept of it is small."""
FIELDS = ("name", "welcome", "reply_time", "accent", "auto_assign")
"""In the order in which `choices.shown` has them."""


async def page(request: Request) -> Response:
    return await _page(request, await desk_in(request))


async def _page(
    request: Request,
    desk: Desk,
    *,
    typed: Mapping[str, str] | None = None,
    refused: DomainError | None = None,
) -> Response:
    permitted(desk.actor, choices.choose)
    quota = site(request).settings.files_quota
    chosen, space = await db(request).read(desk.actor, units.general, quota)
    now = choices.shown(desk.workspace_name, chosen)
    form = dict(zip(FIELDS, now, strict=True))
    late = isinstance(refused, seen.ChangedMeanwhile)
    mark = seen.mark(*now) if typed is None or late else typed.get("seen", "")
    return await render_at(
        request,
        desk,
        "desk/settings_general.html",
        refused=refused,
        form=form if typed is None else {name: typed.get(name, "") for name in form},
        theirs={name: form[name] for name in form if typed and typed.get(name, "") != form[name]}
        if late
        else {},
        seen=mark,
        accent=accent(chosen.accent) if chosen.accent else None,
        chosen=chosen,
        space=space,
        logo_limit=LOGO_LIMIT,
        reply_times=[time.value for time in ReplyTime],
        base_url=site(request).settings.base_url,
        saved=request.query_params.get("saved") == "1" and not refused,
    )


async def page_refused(request: Request, desk: Desk, refused: DomainError) -> Response:
    """The page after another of its forms was not taken."""
    return await _page(request, desk, refused=refused)


async def choose(request: Request) -> Response:
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        name, chosen = fields.get("name", ""), _chosen(fields)
        await db(request).write(desk.actor, choices.choose, name, chosen, fields.get("seen", ""))
    except REFUSALS as error:
        return await _page(request, desk, typed=fields, refused=error)
    return redirect(f"/workspace/{desk.workspace_id}/settings?saved=1")


def _chosen(fields: Mapping[str, str]) -> WorkspaceSettings:
    """A box that isn't ticked isn't sent. Raises BadForm."""
    try:
        reply_time = ReplyTime(fields.get("reply_time", ""))
    except ValueError:
        raise BadForm from None
    return WorkspaceSettings(
        welcome=fields.get("welcome", ""),
        reply_time=reply_time,
        accent=fields.get("accent", ""),
        auto_assign=fields.get("auto_assign") == "yes",
    )
