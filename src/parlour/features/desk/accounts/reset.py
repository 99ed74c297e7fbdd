"""A forgotten password: asking for the mail, and what its link leads to."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.password_reset import service as password_reset
from parlour.features.desk.agent import device_of, tries_at
from parlour.kernel.access import Actor
from parlour.kernel.addresses import mailbox_of, required_email
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.secrets import secret_in
from parlour.web.counting import count, network_of, takes
from parlour.web.forms import REFUSALS, read_form_leniently
from parlour.web.limits import Limit
from parlour.web.pages import redirect, render
from parlour.web.site import db


async def forgot(request: Request) -> Response:
    return _forgot(request, "ask")


def _forgot(request: Request, state: str, *, email: str = "", refused: DomainError | None = None) -> Response:
    return render(request, "desk/forgot.html", refused=refused, state=state, form={"email": email})


async def mail_link(request: Request) -> Response:
    fields, stale = await read_form_leniently(request)
    email = fields.get("email", "")
    try:
        if stale:
            raise stale
        await _mail_link(request, email)
    except REFUSALS as error:
        return _forgot(request, "ask", email=email, refused=error)
    return _forgot(request, "sent")


async def _mail_link(request: Request, email: str) -> None:
    """Three mails an address in an hour, and one answer for every address. Raises Invalid, TooMany."""
    await count(request, Limit.FORGOT_BY_NETWORK, network_of(request))
    address = required_email(email)
    if await takes(request, Limit.FORGOT_BY_EMAIL, mailbox_of(address)):
        await db(request).write(Actor.visitor(), password_reset.ask, address)


async def form(request: Request) -> Response:
    return _reset(request, "code")


def _reset(
    request: Request,
    state: str,
    *,
    token: str = "",
    email: str = "",
    status: int = 200,
    refused: DomainError | None = None,
) -> Response:
    typed = {"token": token, "email": email}
    return render(request, "desk/reset.html", status=status, refused=refused, state=state, form=typed)


async def reset(request: Request) -> Response:
    """First with the mailed code alone, which only shows the form; then with the new password too."""
    fields, stale = await read_form_leniently(request)
    token, email = secret_in(fields.get("token", "")), ""
    try:
        if stale:
            raise stale
        if not token:
            raise Invalid({"token": "missing"})
        await count(request, Limit.RESET, network_of(request))
        email = await db(request).read(Actor.visitor(), password_reset.address, token)
        if "new_password" not in fields:
            return _reset(request, "password", token=token, email=email)
        await password_reset.reset(db(request), token, fields["new_password"], device_of(request))
    except password_reset.ResetExpired as error:
        return _reset(request, "expired", status=error.status)
    except REFUSALS as error:
        return _reset(request, "password" if email else "code", token=token, email=email, refused=error)
    response = redirect("/auth/login?reset=done")
    tries = await tries_at(request, email)
    await tries.forget_passwords()
    tries.remember(response)
    return response
