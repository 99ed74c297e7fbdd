"""The second factor: setting it up, turning it off, and the step after the password."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts import service as accounts
from parlour.features.accounts.models import Pending, SignedIn
from parlour.features.accounts.profile.service import public_id
from parlour.features.accounts.second_factor import service as second_factor
from parlour.features.desk.accounts import events
from parlour.features.desk.agent import device_of, person_in, proving, themselves
from parlour.features.desk.frame import whoami
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError, Invalid, SignedOut
from parlour.kernel.keyring import Keyring
from parlour.web.counting import count
from parlour.web.csrf import ForeignForm
from parlour.web.forms import REFUSALS, BadForm, read_form_leniently, safe_path
from parlour.web.limits import Limit
from parlour.web.pages import redirect, render
from parlour.web.qr import qr_svg
from parlour.web.seal import seal, unseal
from parlour.web.session import (
    PENDING_SECONDS,
    forget_pending,
    keep_pending,
    keep_session,
    pending_sign_in,
    session_token,
)
from parlour.web.site import db, site
from parlour.web.tries import Tries

HERE = "/profile/second-factor"
SETUP = "second factor set-up"
SIGN_IN = "sign-in"
SETUP_SECONDS = 30 * 60


async def page(request: Request) -> Response:
    return await _page(request, await person_in(request))


async def _page(
    request: Request,
    person: SignedIn,
    *,
    secret: str | None = None,
    code: str = "",
    refused: DomainError | None = None,
) -> Response:
    """A new secret with every visit, and the same one while its code is being typed."""
    state = await db(request).read(themselves(person), second_factor.state, session_token(request))
    context: dict[str, Any] = {"state": state}
    context["required"] = "required" in request.query_params and not state.on
    context["saved"] = request.query_params.get("saved") == "off" and not state.on
    if not state.on:
        secret = secret or second_factor.new_secret()
        context["secret"] = secret
        context["seal"] = seal(request, SETUP, secret, public_id(person.session_hash), seconds=SETUP_SECONDS)
        context["qr"] = qr_svg(second_factor.setup_address(secret, person.email))
        context["form"] = {"code": code}
    return render(request, "desk/second_factor.html", refused=refused, me=whoami(person), **context)


async def change(request: Request) -> Response:
    """Three forms come here, each with the password: on, off, and new recovery codes."""
    person = await person_in(request)
    fields, stale = await read_form_leniently(request)
    action = {"on": _turn_on, "off": _turn_off, "codes": _make_codes}.get(fields.get("action", ""))
    if action is None:
        raise BadForm
    secret = _secret_in(request, person, fields)
    try:
        if stale:
            raise stale
        if action is _turn_on and secret is None:
            raise Invalid({"form": ForeignForm.code})
        async with proving(request, person):
            return await action(request, person, fields, secret or "")
    except second_factor.AlreadySo:
        return redirect(HERE)
    except REFUSALS as error:
        response = await _page(request, person, secret=secret, code=fields.get("code", ""), refused=error)
        return events.not_let_in(request, response, person.user_id, error)


def _secret_in(request: Request, person: SignedIn, fields: Mapping[str, str]) -> str | None:
    """The secret that this browser was shown in this session."""
    facts = unseal(request, SETUP, fields.get("seal", ""))
    return facts[0] if facts and facts[1] == public_id(person.session_hash) else None


async def _turn_on(request: Request, person: SignedIn, fields: Mapping[str, str], secret: str) -> Response:
    done = await second_factor.turn_on(
        db(request),
        _keys(request),
        themselves(person),
        session_token(request),
        secret=secret,
        code=fields.get("code", ""),
        password=fields.get("password", ""),
        device=device_of(request),
    )
    response = _codes(request, person, done.codes, fresh=True)
    keep_session(request, response, done.token)
    return response


async def _turn_off(request: Request, person: SignedIn, fields: Mapping[str, str], _: str) -> Response:
    password = fields.get("password", "")
    token = await second_factor.turn_off(
        db(request),
        themselves(person),
        session_token(request),
        password=password,
        device=device_of(request),
    )
    response = redirect(f"{HERE}?saved=off")
    keep_session(request, response, token)
    return response


async def _make_codes(request: Request, person: SignedIn, fields: Mapping[str, str], _: str) -> Response:
    password = fields.get("password", "")
    codes = await second_factor.make_codes(
        db(request),
        themselves(person),
        session_token(request),
        password=password,
        device=device_of(request),
    )
    return _codes(request, person, codes, fresh=False)


def _codes(request: Request, person: SignedIn, codes: list[str], *, fresh: bool) -> Response:
    """Shown once, by the answer itself: no address leads here again."""
    return render(request, "desk/second_factor_codes.html", me=whoami(person), codes=codes, fresh=fresh)


# ------------------------------------------------------------------------------- after the password


def ask_for_code(request: Request, pending: Pending, target: str) -> Response:
    """Go on to the second step. Each sign-in has its own name, by which its tries are counted."""
    response = redirect("/auth/second-factor?" + urlencode({"next": target}))
    name = secrets.token_urlsafe(12)
    sealed = seal(request, SIGN_IN, pending.user_id.hex, pending.mark, name, seconds=PENDING_SECONDS)
    keep_pending(request, response, sealed)
    return response


async def code_form(request: Request) -> Response:
    target = safe_path(request.query_params.get("next", "/"))
    if unseal(request, SIGN_IN, pending_sign_in(request)) is None:
        return _from_the_start(request, target)
    return _code_form(request, target)


def _from_the_start(request: Request, target: str) -> Response:
    response = redirect("/auth/login?" + urlencode({"next": target}))
    forget_pending(request, response)
    return response


def _code_form(request: Request, target: str, refused: DomainError | None = None) -> Response:
    return render(request, "desk/second_factor_code.html", refused=refused, form={"next": target})


async def check_code(request: Request) -> Response:
    fields, stale = await read_form_leniently(request)
    target = safe_path(fields.get("next", "/"))
    facts = unseal(request, SIGN_IN, pending_sign_in(request))
    if facts is None:
        return _from_the_start(request, target)
    try:
        if stale:
            raise stale
        if not fields.get("code", "").strip():
            raise Invalid({"code": "required"})
        tries, token = await _finish(request, facts, fields["code"])
    except SignedOut:
        return _from_the_start(request, target)
    except REFUSALS as error:
        return events.not_let_in(request, _code_form(request, target, error), UUID(hex=facts[0]), error)
    response = redirect(target)
    events.signed_in(request, response, UUID(hex=facts[0]))
    keep_session(request, response, token)
    forget_pending(request, response)
    tries.remember(response)
    return response


async def _finish(request: Request, facts: list[str], code: str) -> tuple[Tries, str]:
    user_id, mark, name = facts
    owner = Actor.person(UUID(hex=user_id))
    account = await db(request).read(Actor.system(), accounts.counted_as_user, UUID(hex=user_id))
    tries = Tries(request, account)
    await count(request, Limit.CODE_BY_SIGN_IN, name)
    await tries.count_code()
    token = await db(request).write(
        owner, second_factor.finish, _keys(request), mark, code, session_token(request), device_of(request)
    )
    await tries.code_was_right()
    return tries, token


def _keys(request: Request) -> Keyring:
    return second_factor.keyring(site(request).settings.secret_keys)
