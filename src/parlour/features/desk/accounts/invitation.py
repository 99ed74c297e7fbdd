"""Accepting an invitation."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.service import AddressUnproven, SecondFactorNeeded, WrongCredentials
from parlour.features.desk import units
from parlour.features.desk.accounts import events
from parlour.features.desk.accounts.second_factor import ask_for_code
from parlour.features.desk.agent import device_of, tries_at
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.secrets import secret_in
from parlour.web.counting import count, network_of
from parlour.web.forms import REFUSALS, read_form_leniently
from parlour.web.limits import Limit
from parlour.web.pages import redirect, render
from parlour.web.session import keep_session, session_token
from parlour.web.site import db, site
from parlour.web.tries import Tries


async def ask(request: Request) -> Response:
    """The page that takes the secret out of the address, or lets people paste it."""
    return _ask(request)


def _ask(request: Request, *, token: str = "", refused: DomainError | None = None) -> Response:
    return render(request, "desk/invitation.html", refused=refused, state="ask", form={"token": token})


async def look(request: Request) -> Response:
    fields, stale = await read_form_leniently(request)
    token = secret_in(fields.get("token", ""))
    try:
        if stale:
            raise stale
        if not token:
            raise Invalid({"token": "missing"})
        await count(request, Limit.EXCHANGE, network_of(request))
    except REFUSALS as error:
        return _ask(request, token=token, refused=error)
    return await _form(request, token)


async def _form(
    request: Request, token: str, *, name: str = "", refused: DomainError | None = None
) -> Response:
    try:
        found, place, known = await db(request).read(Actor.visitor(), units.invitation, token)
    except invitations.InvitationExpired as error:
        return render(request, "desk/invitation.html", status=error.status, state="expired", form={})
    return render(
        request,
        "desk/invitation.html",
        refused=refused,
        state="known" if known else "new",
        place=place,
        invitation=found,
        mailed=site(request).settings.smtp_url is not None,
        form={"token": token, "name": name},
    )


async def accept(request: Request) -> Response:
    fields, stale = await read_form_leniently(request)
    token, name = secret_in(fields.get("token", "")), fields.get("name", "")
    email = ""
    try:
        if stale:
            raise stale
        found, *_ = await db(request).read(Actor.visitor(), units.invitation, token)
        email = found.email
        tries = await tries_at(request, email)
        workspace_id, session = await _accept(request, tries, token, name, fields.get("password", ""))
    except invitations.InvitationExpired:
        return await _form(request, token)
    except SecondFactorNeeded as needed:
        return ask_for_code(request, needed.pending, "/")
    except AddressUnproven as error:
        return await _form(request, token, name=name, refused=error)
    except (*REFUSALS, WrongCredentials) as error:
        response = await _form(request, token, name=name, refused=error)
        return events.not_let_in(request, response, email, error)
    response = redirect(f"/workspace/{workspace_id}")
    events.signed_in(request, response, email)
    keep_session(request, response, session)
    tries.remember(response)
    return response


async def _accept(request: Request, tries: Tries, token: str, name: str, password: str) -> tuple[UUID, str]:
    """Of a new account, nobody has guessed at a password: what is refused there is no try either."""
    await tries.count_password()
    try:
        done = await invitations.accept(
            db(request), token, name, password, session_token(request), device_of(request)
        )
    except (SecondFactorNeeded, AddressUnproven, Invalid):
        await tries.password_was_right()
        raise
    await tries.password_was_right()
    return done
