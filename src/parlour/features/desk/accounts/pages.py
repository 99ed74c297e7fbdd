"""The start page."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.desk import units
from parlour.features.desk.agent import person_in, themselves
from parlour.features.desk.frame import whoami
from parlour.kernel.errors import SignedOut
from parlour.web.pages import redirect, render
from parlour.web.site import db


async def start(request: Request) -> Response:
    """Agents go to their workspaces, straight in when there is one; others read what this is."""
    try:
        person = await person_in(request)
    except SignedOut:
        return render(request, "desk/landing.html")
    theirs, may_found = await db(request).read(themselves(person), units.start)
    if len(theirs) == 1:
        return redirect(f"/workspace/{theirs[0].workspace_id}")
    me = whoami(person, len(theirs))
    return render(request, "desk/workspaces.html", workspaces=theirs, may_found=may_found, me=me)
