"""A forgotten password: asking for the mail, and what its link leads to."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.password_reset import service as password_reset
from parlour.features.desk.agent import device_of
from parlour.kernel.access import Actor
from parlour.kernel.addresses import required_email
from parlour.kernel.errors import Invalid, TooMany
from parlour.web.forms import read_form, read_form_leniently
from parlour.web.limits import Limit, network_of
from parlour.web.pages import redirect, render
from parlour.web.site import db, site


async def forgot(request: Request) -> Response:
    return _forgot(request, "ask")


def _forgot(
    request: Request,
    state: str,
    *,
    email: str = "",
    problems: Mapping[str, str] | None = None,
    status: int = 200,
    retry_after: int | None = None,
) -> Response:
    response = render(
        request,
        "desk/forgot.html",
        status=status,
        state=state,
        form={"email": email},
        problems=problems or {},
        retry_after=retry_after,
    )
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


async def mail_link(request: Request) -> Response:
    """Three mails an address in an hour, and one answer for every address."""
    fields, ours = await read_form_leniently(request)
    email = fields.get("email", "")
    if not ours:
        return _forgot(request, "ask", email=email, problems={"form": "expired"}, status=403)
    limits = site(request).limits
    try:
        await limits.count(Limit.FORGOT_BY_NETWORK, network_of(request))
    except TooMany as error:
        wait = error.retry_after
        problems = {"form": "too_many"}
        return _forgot(request, "ask", email=email, problems=problems, status=429, retry_after=wait)
    try:
        address = required_email(email)
    except Invalid as error:
        return _forgot(request, "ask", email=email, problems=error.problems, status=error.status)
    if await limits.takes(Limit.FORGOT_BY_EMAIL, address):
        await db(request).write(Actor.visitor(), password_reset.ask, address)
    return _forgot(request, "sent")


async def form(request: Request) -> Response:
    return _reset(request, "code")


def _reset(
    request: Request,
    state: str,
    *,
    token: str = "",
    email: str = "",
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "desk/reset.html",
        status=status,
        state=state,
        form={"token": token, "email": email},
        problems=problems or {},
    )


async def reset(request: Request) -> Response:
    """First with the mailed code alone, which only shows the form; then with the new password too."""
    await site(request).limits.count(Limit.RESET, network_of(request))
    fields = await read_form(request)
    token = fields.get("token", "").strip()
    if not token:
        return _reset(request, "code", problems={"token": "missing"}, status=422)
    try:
        own = await db(request).read(Actor.visitor(), password_reset.owner, token)
        if "new_password" not in fields:
            return _reset(request, "password", token=token, email=own.email)
        await password_reset.reset(db(request), token, fields["new_password"], device_of(request))
    except password_reset.ResetExpired as error:
        return _reset(request, "expired", status=error.status)
    except Invalid as error:
        problems = error.problems
        return _reset(
            request, "password", token=token, email=own.email, problems=problems, status=error.status
        )
    return redirect("/auth/login?reset=done")
