"""Noting what happens around accounts at the desk, for those who manage its workspaces and for the log.

An event is noted after the answer, so that nobody learns from how long it takes whether an address has an
account, and a database that takes nothing keeps nobody from working.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from uuid import UUID

import structlog
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from parlour.features.accounts import service as accounts
from parlour.features.accounts.events import service as events
from parlour.features.accounts.events.service import Event
from parlour.features.accounts.models import Desk
from parlour.features.accounts.second_factor import service as second_factor
from parlour.features.desk.agent import device_of
from parlour.kernel.access import Actor
from parlour.kernel.addresses import clean_email
from parlour.kernel.errors import DomainError, Forbidden, TooMany
from parlour.web.counting import network_of
from parlour.web.csrf import is_ours
from parlour.web.site import db

log = structlog.get_logger("parlour.security")

Endpoint = Callable[[Request], Awaitable[Response]]


def signed_in(request: Request, response: Response, who: UUID | str) -> None:
    """`who`: the account, or its address."""
    _note_after(request, response, who, Event.SIGNED_IN)


def signed_out_everywhere(request: Request, response: Response, who: UUID) -> None:
    _note_after(request, response, who, Event.SIGNED_OUT_EVERYWHERE)


def not_let_in(request: Request, response: Response, who: UUID | str, refused: DomainError) -> Response:
    """Note a try that failed. What a form lacked is no try."""
    kinds = {
        accounts.WrongCredentials: Event.WRONG_PASSWORD,
        accounts.WrongPassword: Event.WRONG_PASSWORD,
        second_factor.WrongCode: Event.WRONG_CODE,
        TooMany: Event.TOO_MANY_TRIES,
    }
    if event := kinds.get(type(refused)):
        _note_after(request, response, who, event)
    return response


def _note_after(request: Request, response: Response, who: UUID | str, event: Event) -> None:
    response.background = BackgroundTask(_note, request, who, event)


async def _note(request: Request, who: UUID | str, event: Event) -> None:
    system = Actor.system()
    about = log.bind(network=network_of(request), device=device_of(request))
    try:
        user_id = await _account(request, who)
        about.info(f"security.{event}", user_id=user_id and str(user_id))
        if user_id is None:
            return
        repeated = event is Event.TOO_MANY_TRIES and await db(request).read(
            system, events.is_noted, user_id, event
        )
        if not repeated:
            await db(request).write(system, events.note, user_id, event, _origin(request))
    except DomainError as error:
        about.warning("security.unnoted", event_kind=event.value, error=error.code)


async def _account(request: Request, who: UUID | str) -> UUID | None:
    if isinstance(who, UUID):
        return who
    return await db(request).read(Actor.system(), events.user_at, clean_email(who) or "")


def _origin(request: Request) -> str:
    return ", ".join(filter(None, (network_of(request), device_of(request))))


def watched(route: Route, middleware: Sequence[Middleware] = ()) -> Route:
    """The same route behind this middleware, which notes whom it refused what their role does not allow."""
    endpoint: Endpoint = route.endpoint

    @wraps(endpoint)
    async def page(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except Forbidden:
            await _note_refused(request)
            raise
        if response.status_code == Forbidden.status and is_ours(request):
            await _note_refused(request)
        return response

    return Route(route.path, page, methods=list(route.methods or ()), middleware=middleware)


async def _note_refused(request: Request) -> None:
    desk: Desk | None = getattr(request.state, "desk", None)
    if desk is None:
        return
    what = f"{request.method} /{'/'.join(request.url.path.split('/')[3:])}"
    about = log.bind(network=network_of(request), device=device_of(request))
    about.info("security.refused", user_id=str(desk.person.user_id), what=what)
    try:
        await db(request).write(desk.actor, events.note_refused, f"{what}, {_origin(request)}")
    except DomainError as error:
        about.warning("security.unnoted", event_kind=Event.REFUSED.value, error=error.code)
