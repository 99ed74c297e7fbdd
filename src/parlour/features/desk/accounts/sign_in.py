"""Signing in and out."""

from collections.abc import Mapping
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts import service as accounts
from parlour.features.desk.accounts import events
from parlour.features.desk.accounts.second_factor import ask_for_code
from parlour.features.desk.agent import device_of, tries_at
from parlour.kernel.errors import DomainError, SignedOut
from parlour.web.csrf import ForeignForm, same_origin
from parlour.web.forms import REFUSALS, read_form, read_form_leniently, safe_path
from parlour.web.pages import redirect, render
from parlour.web.session import forget_session, forget_storage, keep_session, session_token
from parlour.web.site import db
from parlour.web.tries import Tries


async def form(request: Request) -> Response:
    target = safe_path(request.query_params.get("next", "/"))
    try:
        token = session_token(request)
        await db(request).read(accounts.holding(token), accounts.signed_in, token)
    except SignedOut:
        return _form(request, {"email": "", "next": target})
    return redirect(target)


def _form(request: Request, typed: Mapping[str, str], refused: DomainError | None = None) -> Response:
    reset = request.query_params.get("reset") == "done" and not refused
    return render(request, "desk/sign_in.html", refused=refused, form=typed, reset=reset)


async def sign_in(request: Request) -> Response:
    fields, stale = await read_form_leniently(request)
    typed = {"email": fields.get("email", ""), "next": safe_path(fields.get("next", "/"))}
    try:
        if stale:
            raise stale
        tries = await tries_at(request, typed["email"])
        token = await _sign_in(request, tries, typed["email"], fields.get("password", ""))
    except accounts.SecondFactorNeeded as needed:
        return ask_for_code(request, needed.pending, typed["next"])
    except (*REFUSALS, accounts.WrongCredentials) as error:
        return events.not_let_in(request, _form(request, typed, error), typed["email"], error)
    response = redirect(typed["next"])
    events.signed_in(request, response, typed["email"])
    keep_session(request, response, token)
    tries.remember(response)
    return response


async def _sign_in(request: Request, tries: Tries, email: str, password: str) -> str:
    await tries.count_password()
    try:
        token = await accounts.sign_in(
            db(request), email, password, session_token(request), device_of(request)
        )
    except accounts.SecondFactorNeeded:
        await tries.password_was_right()
        raise
    await tries.password_was_right()
    return token


async def sign_out(request: Request) -> Response:
    token = session_token(request)
    try:
        await read_form(request)
    except ForeignForm:
        if token or not same_origin(request):
            raise
        return redirect("/auth/login")  # another tab was faster
    response = redirect("/auth/login")
    if token:
        with suppress(SignedOut):  # it ended by itself in the meantime
            await db(request).write(accounts.holding(token), accounts.sign_out, token)
        forget_session(request, response)
    forget_storage(response)
    return response
