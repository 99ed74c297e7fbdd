"""For how long a workspace keeps its tickets, with a look at what that would come to."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.tickets.retention.service import COUNTED
from parlour.features.workspaces.choices import DAYS_LIMIT
from parlour.features.workspaces.settings import service as choices
from parlour.kernel import seen
from parlour.kernel.access import permitted
from parlour.kernel.errors import DomainError, Invalid
from parlour.web.forms import REFUSALS, read_form_leniently
from parlour.web.pages import redirect
from parlour.web.site import db

FIELDS = ("close_after", "delete_after")


async def page(request: Request) -> Response:
    return await _page(request, await desk_in(request))


async def _page(
    request: Request,
    desk: Desk,
    *,
    typed: Mapping[str, str] | None = None,
    tried: tuple[int, int] | None = None,
    refused: DomainError | None = None,
) -> Response:
    """`tried`: numbers of days that are only looked at."""
    chosen, due = await db(request).read(desk.actor, units.retention, tried)
    now = choices.kept(chosen)
    form = dict(zip(FIELDS, now, strict=True))
    late = isinstance(refused, seen.ChangedMeanwhile)
    return await render_at(
        request,
        desk,
        "desk/settings_retention.html",
        refused=refused,
        form=form if typed is None else {name: typed.get(name, "") for name in form},
        seen=seen.mark(*now) if typed is None or late else typed.get("seen", ""),
        now=form,
        late=late,
        due=due,
        tried=tried is not None,
        counted=COUNTED,
        limit=DAYS_LIMIT,
        saved=request.query_params.get("saved") == "1" and not refused and not tried,
    )


async def keep_for(request: Request) -> Response:
    """Save it, or with the button for that only say what it would come to."""
    desk = await desk_in(request)
    permitted(desk.actor, choices.keep_for)
    fields, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        days = _days(fields)
        if "preview" in fields:
            return await _page(request, desk, typed=fields, tried=days)
        if days[1] and "sure" not in fields:
            raise Invalid({"sure": "required"})
        await db(request).write(desk.actor, choices.keep_for, *days, fields.get("seen", ""))
    except REFUSALS as error:
        return await _page(request, desk, typed=fields, refused=error)
    return redirect(f"/workspace/{desk.workspace_id}/settings/retention?saved=1")


def _days(fields: Mapping[str, str]) -> tuple[int, int]:
    """0 for what is left empty. Raises Invalid (no_days)."""
    said = [fields.get(name, "").strip() for name in FIELDS]
    wrong = [name for name, days in zip(FIELDS, said, strict=True) if days and not _is_days(days)]
    if wrong:
        raise Invalid(dict.fromkeys(wrong, "no_days"))
    return int(said[0] or 0), int(said[1] or 0)


def _is_days(said: str) -> bool:
    return said.isascii() and said.isdecimal() and len(said) <= 4 and 1 <= int(said) <= DAYS_LIMIT
