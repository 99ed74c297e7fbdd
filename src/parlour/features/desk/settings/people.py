"""Who works in a workspace: roles, invitations, leaving."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.models import Desk, Invitation, Invited
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.tickets import handover
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Permission, Role, permitted
from parlour.kernel.addresses import mailbox_of, required_email
from parlour.kernel.errors import DomainError, Forbidden
from parlour.kernel.text import storable
from parlour.web.counting import count
from parlour.web.forms import REFUSALS, BadForm, read_form, read_form_leniently
from parlour.web.ids import NOBODYS, id_in, id_of
from parlour.web.limits import Limit
from parlour.web.pages import done, redirect
from parlour.web.site import db, site


async def people(request: Request) -> Response:
    return await _page(request, await desk_in(request))


async def back(request: Request) -> Response:
    """A refused form leaves its page at its own address: whoever loads that again sees the people."""
    desk = await desk_in(request)
    return redirect(_address(desk))


async def _page(
    request: Request,
    desk: Desk,
    *,
    form: Mapping[str, str] | None = None,
    refused: DomainError | None = None,
) -> Response:
    actor = desk.actor
    after = _after(request)
    known = await db(request).read(actor, units.people, after)
    return await render_at(
        request,
        desk,
        "desk/people.html",
        refused=refused,
        form={"email": "", "role": Role.AGENT.value, **(form or {})},
        may_manage=actor.may(Permission.MEMBER_MANAGE),
        roles=[role.value for role in Role if role is not Role.OWNER or desk.role is Role.OWNER],
        members=known.page.members,
        next=_address(desk, known.page.next) if known.page.next else "",
        first=after == workspaces.FIRST,
        at=_query(after),
        invitations=known.invitations,
        invited=_invited(request, desk, known.invitations),
        mailed=site(request).settings.smtp_url is not None,
        invitations_shown=invitations.SHOWN,
        done=request.query_params.get("done", ""),
    )


def _after(request: Request) -> tuple[str, UUID]:
    """Where the page begins; at the first member for what is no such place."""
    user_id, _, name = storable(request.query_params.get("after", "")).partition(" ")
    found = id_of(user_id)
    return workspaces.FIRST if found == NOBODYS or found is None else (name, found)


def _query(after: tuple[str, UUID]) -> str:
    return "" if after == workspaces.FIRST else f"?{urlencode({'after': f'{after[1]} {after[0]}'})}"


def _address(desk: Desk, after: tuple[str, UUID] = workspaces.FIRST) -> str:
    return f"/workspace/{desk.workspace_id}/people{_query(after)}"


def _invited(request: Request, desk: Desk, waiting: Sequence[Invitation]) -> dict[str, Any] | None:
    """The invitation that the address names, and its link where no mail server takes it there.

    Whoever has the link gets the role, so it is shown to those who may give that role.
    """
    invitation_id = id_of(request.query_params.get("invited", ""))
    found = next((one for one in waiting if one.invitation_id == invitation_id and not one.ended), None)
    if found is None or not workspaces.may_give(desk.role, found.role):
        return None
    settings = site(request).settings
    link = f"{settings.base_url}/invite#{invitations.token_of(settings.secret_key, found)}"
    return {
        "email": found.email,
        "link": "" if settings.smtp_url or found.mailed else link,
        "again": request.query_params.get("again") == "1",
    }


def _role(fields: Mapping[str, str]) -> Role:
    try:
        return Role(fields.get("role", ""))
    except ValueError:
        raise BadForm from None


def _back(request: Request, desk: Desk, what: str) -> Response:
    """To the page that the form stood on, which says what was done."""
    return done(_address(desk, _after(request)), what)


async def invite(request: Request) -> Response:
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    form = {"email": fields.get("email", ""), "role": fields.get("role", "")}
    role = _role(fields)
    try:
        if stale:
            raise stale
        invited = await _invite(request, desk, form["email"], role)
    except REFUSALS as error:
        return await _page(request, desk, form=form, refused=error)
    again = "&again=1" if invited.again else ""
    return redirect(f"/workspace/{desk.workspace_id}/people?invited={invited.invitation_id}{again}#invited")


async def _invite(request: Request, desk: Desk, email: str, role: Role) -> Invited:
    """Counted for the workspace, for whoever invites, and for whoever would get the mails."""
    actor, address = desk.actor, required_email(email)
    permitted(actor, invitations.invite)
    await count(request, Limit.INVITE, str(desk.workspace_id))
    await count(request, Limit.INVITE_BY_PERSON, str(desk.person.user_id))
    await count(request, Limit.INVITE_BY_EMAIL, mailbox_of(address))
    settings = site(request).settings
    mailed = settings.smtp_url is not None
    return await db(request).write(actor, units.invite, address, role, settings.secret_key, mailed=mailed)


async def withdraw(request: Request) -> Response:
    desk = await desk_in(request)
    await read_form(request)
    await db(request).write(desk.actor, invitations.withdraw, id_in(request, "invitation_id"))
    return _back(request, desk, "withdrawn")


async def set_role(request: Request) -> Response:
    desk = await desk_in(request)
    role = _role(await read_form(request))
    try:
        await db(request).write(desk.actor, handover.set_role, id_in(request, "user_id"), role)
    except (workspaces.LastOwner, Forbidden) as error:
        return await _page(request, desk, refused=error)
    return _back(request, desk, "role")


async def remove(request: Request) -> Response:
    """Somebody else, or oneself: then there is no desk to come back to."""
    desk = await desk_in(request)
    await read_form(request)
    user_id = id_in(request, "user_id")
    try:
        await db(request).write(desk.actor, handover.remove_member, user_id)
    except (workspaces.LastOwner, Forbidden) as error:
        return await _page(request, desk, refused=error)
    return redirect("/") if user_id == desk.person.user_id else _back(request, desk, "removed")
