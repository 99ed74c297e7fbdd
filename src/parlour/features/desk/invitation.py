"""Accepting an invitation."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from parlour.db.database import Tx
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.models import Invitation
from parlour.features.accounts.service import SecondFactorNeeded, WrongCredentials
from parlour.features.desk.agent import device_of
from parlour.features.desk.second_factor import ask_for_code
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Workspace
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.errors import Invalid, TooMany
from parlour.web.forms import read_form
from parlour.web.limits import Limit, network_of
from parlour.web.pages import redirect, render
from parlour.web.session import keep_session, session_token
from parlour.web.site import db, site


async def ask(request: Request) -> Response:
    """The page that takes the secret out of the address, or lets people paste it."""
    return render(request, "desk/invitation.html", state="ask", problems={}, form={})


@requires(Permission.ACCOUNT_USE)
def _look(tx: Tx, token: str) -> tuple[Invitation, Workspace, bool]:
    found = invitations.look(tx, token)
    place = workspaces.workspace(tx.acting_as(Actor.visitor(found.workspace_id)))
    return found, place, invitations.has_account(tx, found.email)


async def look(request: Request) -> Response:
    await site(request).limits.count(Limit.EXCHANGE, network_of(request))
    token = (await read_form(request)).get("token", "").strip()
    if not token:
        problems = {"token": "missing"}
        return render(request, "desk/invitation.html", status=422, state="ask", problems=problems, form={})
    return await _form(request, token, {}, {})


async def _form(
    request: Request,
    token: str,
    typed: Mapping[str, str],
    problems: Mapping[str, str],
    *,
    status: int = 200,
    retry_after: int | None = None,
) -> Response:
    try:
        found, place, known = await db(request).read(Actor.visitor(), _look, token)
    except invitations.InvitationExpired as error:
        return render(
            request, "desk/invitation.html", status=error.status, state="expired", problems={}, form={}
        )
    response = render(
        request,
        "desk/invitation.html",
        status=status,
        state="known" if known else "new",
        place=place,
        invitation=found,
        form={"token": token, "name": typed.get("name", "")},
        problems=problems,
        retry_after=retry_after,
    )
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


async def accept(request: Request) -> Response:
    fields = await read_form(request)
    token = fields.get("token", "")
    try:
        await site(request).limits.count(Limit.SIGN_IN_BY_NETWORK, network_of(request))
        workspace_id, session = await invitations.accept(
            db(request),
            token,
            fields.get("name", ""),
            fields.get("password", ""),
            session_token(request),
            device_of(request),
        )
    except invitations.InvitationExpired:
        return await _form(request, token, {}, {})
    except TooMany as error:
        problems = {"form": "too_many"}
        return await _form(
            request, token, fields, problems, status=error.status, retry_after=error.retry_after
        )
    except SecondFactorNeeded as needed:
        return ask_for_code(request, needed.pending, "/")
    except (Invalid, WrongCredentials) as error:
        problems = error.problems if isinstance(error, Invalid) else {"password": "wrong"}
        return await _form(request, token, fields, problems, status=error.status)
    response = redirect(f"/workspace/{workspace_id}")
    keep_session(request, response, session)
    return response
