"""Coming back from a provider at which somebody has granted access to a mailbox, or has not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk.agent import desk_in
from parlour.features.desk.settings.mail_tries import keys, reach
from parlour.features.desk.settings.mailbox_offers import Begun, back_to, begun, is_of, verifier_of
from parlour.features.desk.settings.mailboxes import (
    ADDING_REFUSALS,
    NotReached,
    found_in,
    house_of,
    new_page,
    page_of,
    place_of,
)
from parlour.features.mailroom import accounts
from parlour.features.mailroom.accounts import Account
from parlour.features.mailroom.fetching.oauth import Exchange, server_of
from parlour.features.workspaces.mailboxes import service as addresses
from parlour.features.workspaces.models import Mailbox
from parlour.kernel.access import permitted
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.graphemes import cut
from parlour.kernel.text import one_line
from parlour.mail.imap import ServerTrouble, Token
from parlour.web import csrf
from parlour.web.counting import count
from parlour.web.limits import Limit
from parlour.web.pages import redirect
from parlour.web.site import db, site

_BROUGHT = ("state", "code", "error")
_WORDS_LIMIT = 200
_KNOWN_ERRORS: Mapping[str, str] = MappingProxyType({"access_denied": "declined"})


class NotBegunHere(DomainError):
    """The browser does not bring what we gave it to take to the provider, or not in the same session."""

    status: ClassVar[int] = 400
    code = "grant_not_begun"
    message = "This connection was begun too long ago, or in another browser or session. Begin again."


async def back(request: Request) -> Response:
    """The address that providers know: on to the workspace from which the browser went."""
    found = begun(request)
    if found is None:
        raise NotBegunHere
    brought = {name: request.query_params[name] for name in _BROUGHT if name in request.query_params}
    return redirect(f"/workspace/{found.workspace_id}/settings/mail/granted?{urlencode(brought)}")


async def granted(request: Request) -> Response:
    """Get the grant, try it, and keep it: for a new address, or for one that is there already."""
    desk = await desk_in(request)
    actor = desk.actor
    permitted(actor, accounts.add)
    found = begun(request)
    if found is None or not is_of(found, desk):
        raise NotBegunHere
    csrf.proved_by_seal(request)
    known = await db(request).read(actor, addresses.every)
    mailbox = next((each for each in known if each.address == found.address), None)
    try:
        made, saved = await _connected(request, desk, found, mailbox)
    except ADDING_REFUSALS as error:
        if mailbox:
            return await page_of(request, desk, mailbox.mailbox_id, refused=error)
        typed = {"address": found.address, "way": "imap"}
        return await new_page(request, desk, typed, step=2, refused=error)
    return redirect(f"{place_of(desk, made.mailbox_id)}?saved={saved}")


async def _connected(
    request: Request, desk: Desk, found: Begun, mailbox: Mailbox | None
) -> tuple[Mailbox, str]:
    """The mailbox, and what happened to it. Nothing is kept that does not work. Raises what `add` does."""
    actor, asked = desk.actor, request.query_params
    if "code" not in asked:
        raise _refused(asked.get("error", ""))
    await count(request, Limit.TRY_MAILBOX, str(desk.workspace_id))
    client = site(request).settings.oauth.get(found.provider)
    if client is None:
        raise NotReached("grant", "This Parlour is no client of that provider any more.")
    exchange = Exchange(found.provider, client, reach(request))
    verifier = verifier_of(request, asked["state"])
    try:
        grant = await exchange.granted(asked["code"], verifier=verifier, back=back_to(request))
    except ServerTrouble as trouble:
        raise NotReached("grant", str(trouble)) from None
    account = Account(server_of(found.provider, found.address), grant.text, found.provider)
    there = await found_in(account.server, Token(grant.access), may=reach(request).may)
    if mailbox:
        facts = (mailbox.mailbox_id, account, keys(request), there.place)
        await db(request).write(actor, accounts.change, *facts)
        return mailbox, "changed"
    new = (found.address, house_of(request), account, keys(request), there.place)
    return await db(request).write(actor, accounts.add_fetched, *new), "added"


def _refused(said: str) -> Invalid:
    """What the provider says in place of a code."""
    if said in _KNOWN_ERRORS:
        return Invalid({"grant": _KNOWN_ERRORS[said]})
    return NotReached("grant", f"The provider answers: {cut(one_line(said), _WORDS_LIMIT) or 'nothing'}.")
