"""A new workspace, made from the page."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import SignedIn
from parlour.features.desk.agent import person_in, themselves
from parlour.features.desk.frame import whoami
from parlour.features.workspaces import service as workspaces
from parlour.kernel.errors import DomainError, Forbidden
from parlour.web.forms import REFUSALS, read_form_leniently
from parlour.web.pages import redirect, render
from parlour.web.site import db, site


async def form(request: Request) -> Response:
    person = await person_in(request)
    if not await db(request).read(themselves(person), workspaces.may_found):
        raise Forbidden
    return _form(request, person, {"name": "", "slug": ""})


def _form(
    request: Request, person: SignedIn, typed: Mapping[str, str], refused: DomainError | None = None
) -> Response:
    return render(
        request,
        "desk/new_workspace.html",
        refused=refused,
        me=whoami(person),
        form=typed,
        base_url=site(request).settings.base_url,
    )


async def check_slug(request: Request) -> Response:
    """Said beside the field while it is typed."""
    person = await person_in(request)
    slug = request.query_params.get("slug", "").strip()
    problem = await db(request).read(themselves(person), workspaces.slug_problem, slug) if slug else ""
    return render(request, "desk/slug_check.html", slug=slug, problem=problem)


async def found(request: Request) -> Response:
    person = await person_in(request)
    fields, stale = await read_form_leniently(request)
    typed = {"name": fields.get("name", ""), "slug": fields.get("slug", "").strip()}
    try:
        if stale:
            raise stale
        made = await db(request).write(
            themselves(person), workspaces.found_workspace, typed["slug"], typed["name"]
        )
    except REFUSALS as error:
        return _form(request, person, typed, error)
    return redirect(f"/workspace/{made.workspace_id}")
