"""Who sits at the desk, and at whose."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.db.database import P, R, Tx, Unit
from parlour.features.accounts import service as accounts
from parlour.features.accounts.devices import device_name
from parlour.features.accounts.models import Desk, SignedIn
from parlour.features.accounts.profile.service import public_id
from parlour.features.desk import sidebar_units as units
from parlour.features.desk.frame import place
from parlour.features.desk.sidebar import Sidebar, around, shown, sidebar
from parlour.kernel.access import Actor, Permission
from parlour.kernel.errors import Conflict, DomainError, Invalid, NotFound, SignedOut
from parlour.web.counting import count
from parlour.web.errors import error_page
from parlour.web.ids import id_of
from parlour.web.limits import Limit
from parlour.web.pages import redirect, render
from parlour.web.session import session_token
from parlour.web.site import db, site
from parlour.web.tries import Tries


async def person_in(request: Request) -> SignedIn:
    """Raises SignedOut."""
    token = session_token(request)
    person = await db(request).read(accounts.holding(token), accounts.signed_in, token)
    await _rewind(request, person)
    return person


async def desk_in(request: Request) -> Desk:
    """Raises SignedOut, NotFound for a workspace that isn't the agent's, SecondFactorRequired."""
    token = session_token(request)
    desk = await db(request).read(accounts.holding(token), accounts.desk, token, _workspace_in(request))
    return await _sits_at(request, desk)


async def _sits_at(request: Request, desk: Desk) -> Desk:
    await _rewind(request, desk.person)
    request.state.desk = desk
    return desk


async def act_at(request: Request, unit: Unit[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Store something in the name of the agent at this desk, who is found out in the same transaction.

    Raises what `desk_in` raises, and what the unit does.
    """
    token, here = session_token(request), _workspace_in(request)
    desk, done = await db(request).write(
        accounts.holding(token), accounts.at_desk, token, here, unit, *args, **kwargs
    )
    await _rewind(request, desk.person)
    return done


def _workspace_in(request: Request) -> UUID:
    named: UUID | None = request.path_params.get("workspace_id")
    return named or id_of(request.url.path.split("/")[2])


async def _rewind(request: Request, person: SignedIn) -> None:
    if person.stale:
        await db(request).write(themselves(person), accounts.rewind, person.session_hash)


def themselves(person: SignedIn) -> Actor:
    """Whoever is signed in, for what is theirs alone."""
    return accounts.owner_of(person)


async def tries_at(request: Request, email: str) -> Tries:
    """The tries at the account with this address, whether or not there is one."""
    return Tries(request, await db(request).read(Actor.system(), accounts.counted_as, email))


@asynccontextmanager
async def proving(request: Request, person: SignedIn) -> AsyncIterator[None]:
    """Whoever is signed in gives the password once more: what is done with it counts as a try at it, unless
    the password was right, whatever else was not. Raises TooMany.
    """
    session = public_id(person.session_hash)
    await count(request, Limit.PROVE_PASSWORD, session)
    right = False
    try:
        yield
        right = True
    except (Invalid, Conflict) as refused:
        right = not (isinstance(refused, Invalid) and "password" in refused.problems)
        raise
    finally:
        if right:
            await site(request).limits.forget(Limit.PROVE_PASSWORD, session)


def device_of(request: Request) -> str:
    """What a session is remembered by in the list that its owner sees."""
    return device_name(request.headers.get("user-agent", ""))


async def actor_in(request: Request) -> Actor:
    return (await desk_in(request)).actor


def manages(desk: Desk) -> bool:
    return desk.actor.may(Permission.WORKSPACE_MANAGE)


async def read_at(
    request: Request,
    desk: Desk | None,
    page: Callable[[Desk], Callable[[Tx], R]],
    *,
    whole: bool | None = None,
) -> tuple[Desk, R, Sidebar]:
    """What a page shows, and for a whole page the `sidebar` that goes with it to `render_at`. Without a desk
    whose it is, too, as `desk_in`: all of it as of one moment.
    """
    if whole is None:
        whole = "hx-request" not in request.headers
    seen = partial(units.seen, page=page, around=around if whole else None)
    if desk is None:
        token, here = session_token(request), _workspace_in(request)
        sitting, found = await db(request).read(
            accounts.holding(token), accounts.seen_from_desk, token, here, seen
        )
        desk = await _sits_at(request, sitting)
    else:
        found = await db(request).read(desk.actor, seen, desk)
    return desk, found[0], shown(desk, found[1])


async def render_at(
    request: Request,
    desk: Desk,
    template: str,
    *,
    status: int = 200,
    refused: DomainError | None = None,
    **context: Any,
) -> Response:
    frame = dict(place(request, desk, managed=manages(desk)))
    if "hx-request" not in request.headers and "sidebar" not in context:
        frame["sidebar"] = await sidebar(request, desk, desk.actor)
    return render(request, template, status=status, refused=refused, **(frame | context))


def _to_second_factor(request: Request) -> Response:
    target = "/profile/second-factor?required=yes"
    if "hx-request" in request.headers:
        return Response(status_code=403, headers={"HX-Redirect": target})
    return redirect(target)


async def boundary(request: Request, error: DomainError) -> Response | None:
    """Errors at a desk keep its layout, for whoever belongs there."""
    try:
        desk = await desk_in(request)
    except (SignedOut, NotFound):
        return None
    except accounts.SecondFactorRequired:
        return _to_second_factor(request)
    return error_page(
        request,
        error,
        layout="desk",
        home=f"/workspace/{desk.workspace_id}",
        **place(request, desk, managed=manages(desk)),
    )
