"""From a mailed link to a ticket, and a fresh link for whoever lost it."""

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.portal.visitor import workspace_in
from parlour.features.tickets.access import service as access
from parlour.features.workspaces.models import Workspace
from parlour.kernel.access import Actor
from parlour.kernel.addresses import mailbox_of, required_email
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.secrets import secret_in
from parlour.web.counting import count, network_of, takes
from parlour.web.forms import REFUSALS, read_form_leniently
from parlour.web.limits import Limit
from parlour.web.pages import redirect, render
from parlour.web.session import keep_key, keys
from parlour.web.site import db


async def ask(request: Request) -> Response:
    return _page(request, await workspace_in(request), "ask")


def _page(
    request: Request,
    workspace: Workspace,
    state: str,
    *,
    email: str = "",
    status: int = 200,
    refused: DomainError | None = None,
) -> Response:
    return render(
        request,
        "portal/access.html",
        status=status,
        refused=refused,
        workspace=workspace,
        state=state,
        form={"email": email},
    )


async def exchange_or_mail(request: Request) -> Response:
    """Two forms come here: one with the secret of a mailed link, one with an address to mail to."""
    workspace = await workspace_in(request)
    fields, stale = await read_form_leniently(request)
    email = fields.get("email", "")
    try:
        if stale:
            raise stale
        if "token" in fields:
            return await _exchange(request, workspace, fields["token"])
        return await _mail(request, workspace, email)
    except access.LinkExpired as error:
        return _page(request, workspace, "expired", status=error.status)
    except REFUSALS as error:
        return _page(request, workspace, "ask", email=email, refused=error)


async def _exchange(request: Request, workspace: Workspace, token: str) -> Response:
    await count(request, Limit.EXCHANGE, network_of(request))
    if not token.strip():
        raise Invalid({"token": "missing"})
    visitor = Actor.visitor(workspace.workspace_id)
    opened = secret_in(token)
    ticket_id, secret = await db(request).write(visitor, access.exchange_link, opened, keys(request))
    response = redirect(f"/support/{workspace.slug}/ticket/{ticket_id}/chat")
    keep_key(request, response, ticket_id, secret)
    return response


async def _mail(request: Request, workspace: Workspace, email: str) -> Response:
    """One mail an address in ten minutes, and one answer for every address. Raises Invalid, TooMany."""
    await count(request, Limit.FRESH_LINK_BY_NETWORK, network_of(request))
    mailbox = mailbox_of(required_email(email))
    here = (str(workspace.workspace_id), mailbox)
    if await takes(request, Limit.FRESH_LINK_BY_EMAIL, *here) and await takes(
        request, Limit.FRESH_LINKS_OF_ALL, mailbox
    ):
        await db(request).write(Actor.visitor(workspace.workspace_id), access.ask_for_links, email)
    return _page(request, workspace, "sent", email=email)
