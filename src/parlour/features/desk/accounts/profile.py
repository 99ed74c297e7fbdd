"""An agent's own page: name, preferences, password, sessions. It belongs to no workspace."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Preferences, SignedIn
from parlour.features.accounts.profile import service as profiles
from parlour.features.desk import units
from parlour.features.desk.accounts import events
from parlour.features.desk.agent import device_of, person_in, proving, themselves
from parlour.features.desk.frame import whoami
from parlour.features.desk.notifications import chosen_in
from parlour.kernel.errors import DomainError
from parlour.web.forms import REFUSALS, read_form, read_form_leniently
from parlour.web.pages import redirect, render
from parlour.web.session import forget_session, forget_storage, keep_session, session_token
from parlour.web.site import db

SAVED = ("name", "preferences", "told", "password", "session")
GRIDS = 5
"""For so many workspaces the page itself asks what one hears of; it leads to the pages of all others."""


async def page(request: Request) -> Response:
    return await _page(request, await person_in(request))


async def back(request: Request) -> Response:
    """Whoever was sent to sign in while saving a form comes back to the form's page."""
    await person_in(request)
    return redirect("/profile")


async def _page(
    request: Request,
    person: SignedIn,
    *,
    name: str | None = None,
    refused: DomainError | None = None,
) -> Response:
    shown = await db(request).read(themselves(person), profiles.profile, session_token(request))
    places, _ = await db(request).read(themselves(person), units.start)
    saved = request.query_params.get("saved", "")
    return render(
        request,
        "desk/profile.html",
        refused=refused,
        me=whoami(person),
        profile=shown,
        sessions_shown=profiles.SESSIONS_SHOWN,
        places=[(str(place.workspace_id), place.name, chosen_in(place.told)) for place in places],
        grids=GRIDS,
        form={"name": person.name if name is None else name},
        saved=saved if saved in SAVED and not refused else "",
    )


async def rename(request: Request) -> Response:
    person = await person_in(request)
    fields, stale = await read_form_leniently(request)
    name = fields.get("name", "")
    try:
        if stale:
            raise stale
        await db(request).write(themselves(person), profiles.rename, session_token(request), name)
    except REFUSALS as error:
        return await _page(request, person, name=name, refused=error)
    return redirect("/profile?saved=name#your-name")


async def choose(request: Request) -> Response:
    """A box that isn't ticked isn't sent."""
    person = await person_in(request)
    fields = await read_form(request)
    ticked = {known: known in fields for known in Preferences.__struct_fields__}
    chosen = Preferences.of({**ticked, "after": fields.get("after")})
    await db(request).write(themselves(person), profiles.choose, session_token(request), chosen)
    return redirect("/profile?saved=preferences#preferences")


async def change_password(request: Request) -> Response:
    person = await person_in(request)
    fields, stale = await read_form_leniently(request)
    current, new = fields.get("password", ""), fields.get("new_password", "")
    try:
        if stale:
            raise stale
        async with proving(request, person):
            token = await profiles.change_password(
                db(request), themselves(person), session_token(request), current, new, device_of(request)
            )
    except REFUSALS as error:
        return events.not_let_in(request, await _page(request, person, refused=error), person.user_id, error)
    response = redirect("/profile?saved=password#your-password")
    keep_session(request, response, token)
    return response


async def end_session(request: Request) -> Response:
    person = await person_in(request)
    fields = await read_form(request)
    own = await db(request).write(
        themselves(person), profiles.end_session, session_token(request), fields.get("session", "")
    )
    return _signed_out(request) if own else redirect("/profile?saved=session#sessions")


async def sign_out_everywhere(request: Request) -> Response:
    person = await person_in(request)
    await read_form(request)
    await db(request).write(themselves(person), profiles.sign_out_everywhere, session_token(request))
    response = _signed_out(request)
    events.signed_out_everywhere(request, response, person.user_id)
    return response


def _signed_out(request: Request) -> Response:
    response = redirect("/auth/login")
    forget_session(request, response)
    forget_storage(response)
    return response
