"""The addresses at which a workspace gets mail: added, tried, changed and removed by those who manage it."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.desk.settings.mail import way_in, way_of
from parlour.features.desk.settings.mail_tries import PATIENCE, Looked, Tried, keys, look, reach, send
from parlour.features.desk.settings.mailbox_offers import offers
from parlour.features.mailroom import accounts
from parlour.features.mailroom.accounts import Account, account_in
from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.looking import Found, look_into
from parlour.features.mailroom.fetching.oauth import PROVIDERS
from parlour.features.mailroom.fetching.providers import provider_of
from parlour.features.mailroom.fetching.service import NotFetched, password_of
from parlour.features.mailroom.leaving import service as leaving
from parlour.features.mailroom.leaving.models import PORTS, OwnServer
from parlour.features.workspaces.mailboxes import service as addresses
from parlour.features.workspaces.mailboxes.service import AddressTaken, MailboxesFull
from parlour.kernel.access import permitted
from parlour.kernel.addresses import required_email
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.keyring import Unreadable
from parlour.kernel.text import NAME_LIMIT
from parlour.mail.dialling import May
from parlour.mail.imap import INBOX, Server, ServerTrouble, Token
from parlour.web.counting import count
from parlour.web.forms import REFUSALS, read_form, read_form_leniently
from parlour.web.ids import id_in
from parlour.web.limits import Limit
from parlour.web.pages import problems_of, redirect
from parlour.web.site import db, site

WAYS = ("imap", "server", "api")
FIELDS = ("host", "port", "encryption", "user", "folder")
"""What a form of an account keeps when it comes back. The password is typed again."""
SIGNED = ("called", "signature")
OUT_FIELDS = ("out_host", "out_port", "out_encryption", "out_user")
_NOTHING: Mapping[str, str] = MappingProxyType({})
ADDING_REFUSALS = (*REFUSALS, AddressTaken, MailboxesFull)
_FIELD_OF = {"tls": "encryption", "password": "password", "folder": "folder"}
"""Of what may be wrong with a server; anything else is about where it is."""


class NotReached(Invalid):
    """An account that does not work. `words` say why, and stand at the field that they are about."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__({field: "trouble"})
        self.words = words


def _home(desk: Desk) -> str:
    return f"/workspace/{desk.workspace_id}/settings/mail"


def place_of(desk: Desk, mailbox_id: UUID) -> str:
    return f"{_home(desk)}/{mailbox_id}"


def house_of(request: Request) -> str:
    """The domain that the house's own mails come from."""
    return site(request).settings.mail_from.rpartition("@")[2]


# ----------------------------------------------------------------------------------------------- a new one


async def new(request: Request) -> Response:
    """First the address and how its mail comes; then, where it is fetched, from where."""
    desk, asked = await desk_in(request), request.query_params
    if "address" not in asked:
        return await new_page(request, desk)
    typed = {"address": asked["address"], "way": asked.get("way", "")}
    try:
        address = _asked_for(typed)
        await db(request).read(
            desk.actor,
            accounts.refuse_taken,
            address,
            house_of(request),
            handed=typed["way"] == "server",
        )
    except ADDING_REFUSALS as error:
        return await new_page(request, desk, typed, refused=error)
    return await new_page(request, desk, {**typed, "address": address}, step=2)


def _asked_for(typed: Mapping[str, str]) -> str:
    """The address. Raises Invalid (`email`, `way`)."""
    if typed.get("way") not in WAYS:
        raise Invalid({"way": "unknown"})
    return required_email(typed.get("address", ""))


async def new_page(
    request: Request,
    desk: Desk,
    typed: Mapping[str, str] = _NOTHING,
    step: int = 1,
    refused: DomainError | None = None,
) -> Response:
    permitted(desk.actor, accounts.add)
    address = typed.get("address", "")
    return await render_at(
        request,
        desk,
        "desk/settings_mailbox_new.html",
        refused=refused,
        trouble=refused.words if isinstance(refused, NotReached) else "",
        step=step,
        address=address,
        chosen=typed["way"] if typed.get("way") in WAYS else WAYS[0],
        form={name: typed[name] for name in FIELDS if name in typed} or _usual(address),
        known=provider_of(address),
        offers=offers(request, desk, address) if address and typed.get("way") == "imap" else [],
        plain=reach(request).is_wide,
        may_take_any=await db(request).read(desk.actor, addresses.may_take_any),
        transport=_transport(address, site(request).settings.smtp_listen),
        pipe=f"parlour mail receive --to {address}",
    )


def _transport(address: str, listens_at: str | None) -> str:
    """What Postfix is told, so that it hands this address over. A host in brackets is not looked up."""
    if listens_at is None:
        return ""
    host, _, port = listens_at.rpartition(":")
    return f"transport_maps = inline:{{ {address}=smtp:[{host.strip('[]')}]:{port} }}"


def _usual(address: str) -> dict[str, str]:
    """As an empty form has it: what is known of the address's provider."""
    provider = provider_of(address)
    host = provider.imap if provider else ""
    return {"host": host, "port": "", "encryption": "imaps", "user": address, "folder": INBOX}


async def add(request: Request) -> Response:
    desk = await desk_in(request)
    typed, stale = await read_form_leniently(request)
    actor = desk.actor
    permitted(actor, accounts.add)
    try:
        if stale:
            raise stale
        address = _asked_for(typed)
        await db(request).read(
            actor, accounts.refuse_taken, address, house_of(request), handed=typed["way"] == "server"
        )
        if typed["way"] == "imap":
            account = await _account(request, typed, address)
            await count(request, Limit.TRY_MAILBOX, str(desk.workspace_id))
            found = await found_in(account.server, account.password, may=reach(request).may)
            facts = (address, house_of(request), account, keys(request), found.place)
            made = await db(request).write(actor, accounts.add_fetched, *facts)
        else:
            made = await db(request).write(
                actor, accounts.add, address, house_of(request), handed=typed["way"] == "server"
            )
    except ADDING_REFUSALS as error:
        return await new_page(request, desk, typed, step=_step_of(error), refused=error)
    return redirect(f"{place_of(desk, made.mailbox_id)}?saved=added")


def _step_of(refused: DomainError) -> int:
    """At which it can be put right: what is about the address itself at the first."""
    about_address = {"email", "way"} & set(problems_of(refused))
    return 1 if about_address or isinstance(refused, AddressTaken | MailboxesFull) else 2


async def _account(request: Request, typed: Mapping[str, str], address: str) -> Account:
    account = account_in(typed, address, plain=reach(request).is_wide)
    if not account.password:
        raise Invalid({"password": "required"})
    return account


async def found_in(server: Server, secret: str | Token, *, may: May | None) -> Found:
    """What lies there: nothing is kept that does not work. Raises NotReached."""
    try:
        async with asyncio.timeout(3 * PATIENCE):
            return await look_into(server, secret, patience=PATIENCE, may=may)
    except ServerTrouble as trouble:
        words, field = str(trouble), _FIELD_OF.get(trouble.about, "host")
    except TimeoutError:
        words, field = f"{server.host} takes too long to answer.", "host"
    raise NotReached("grant" if isinstance(secret, Token) else field, words)


# ---------------------------------------------------------------------------------------------- one of them


async def one(request: Request) -> Response:
    return await page_of(request, await desk_in(request), id_in(request, "mailbox_id"))


async def back(request: Request) -> Response:
    """Whoever loads the page again to which a form of a mailbox was sent sees the mailbox."""
    return redirect(place_of(await desk_in(request), id_in(request, "mailbox_id")))


async def page_of(
    request: Request,
    desk: Desk,
    mailbox_id: UUID,
    *,
    typed: Mapping[str, str] = _NOTHING,
    refused: DomainError | None = None,
    looked: Looked | None = None,
    tried: Tried | None = None,
) -> Response:
    mailbox, fetched = await db(request).read(desk.actor, accounts.one, mailbox_id)
    own = await db(request).read(desk.actor, leaving.this, mailbox_id)
    return await render_at(
        request,
        desk,
        "desk/settings_mailbox.html",
        refused=refused,
        trouble=refused.words if isinstance(refused, NotReached) else "",
        mailbox=way_in(mailbox, fetched) | {name: typed[name] for name in SIGNED if name in typed},
        name_limit=NAME_LIMIT,
        signature_limit=addresses.SIGNATURE_LIMIT,
        way={"host": own.host} if own else way_of(site(request).settings),
        own=own and own.host,
        own_by_grant=bool(own and own.provider),
        sends_by=PROVIDERS[fetched.provider].name if fetched and fetched.provider in PROVIDERS else "",
        out={name: typed[name] for name in OUT_FIELDS if name in typed} or _sends(own, mailbox.address),
        offers=offers(request, desk, mailbox.address, fetched.provider if fetched else ""),
        form={name: typed[name] for name in FIELDS if name in typed}
        or (_kept(fetched.url) if fetched else _usual(mailbox.address)),
        plain=reach(request).is_wide,
        looked=looked,
        tried=tried,
        patience=round(PATIENCE),
        saved=request.query_params.get("saved", "") if not refused else "",
    )


def _kept(url: str) -> dict[str, str]:
    server = Server.at(url)
    port = "" if server.is_at_usual_port else str(server.port)
    facts = {"host": server.host, "port": port, "encryption": server.scheme}
    return {**facts, "user": server.user, "folder": server.folder}


def _sends(own: OwnServer | None, address: str) -> dict[str, str]:
    """As the form of the own server has it; an empty one with what is known of the provider."""
    if own and not own.provider:
        port = "" if own.port == PORTS[own.scheme] else str(own.port)
        facts = (own.host, port, own.scheme, own.user)
    else:
        provider = provider_of(address)
        implicit = provider is None or provider.smtp_port == PORTS["smtps"]
        facts = (provider.smtp if provider else "", "", "smtps" if implicit else "smtp+starttls", address)
    return dict(zip(OUT_FIELDS, facts, strict=True))


async def save(request: Request) -> Response:
    """From where it is fetched, now or anew."""
    desk, mailbox_id = await desk_in(request), id_in(request, "mailbox_id")
    typed, stale = await read_form_leniently(request)
    actor = desk.actor
    mailbox, _ = await db(request).read(actor, accounts.one, mailbox_id)
    try:
        if stale:
            raise stale
        account, bounded = await _changed(request, desk, mailbox_id, typed, mailbox.address)
        await count(request, Limit.TRY_MAILBOX, str(desk.workspace_id))
        may = reach(request).may if bounded else None
        found = await found_in(account.server, account.password, may=may)
        await db(request).write(actor, accounts.change, mailbox_id, account, keys(request), found.place)
    except REFUSALS as error:
        return await page_of(request, desk, mailbox_id, typed=typed, refused=error)
    return redirect(f"{place_of(desk, mailbox_id)}?saved=changed")


async def _changed(
    request: Request, desk: Desk, mailbox_id: UUID, typed: Mapping[str, str], address: str
) -> tuple[Account, bool]:
    """The account, and whether it is bounded. The kept password goes to the very server and user that it was
    given for, and to no other. Raises Invalid.
    """
    account = account_in(typed, address, plain=reach(request).is_wide)
    kept = await db(request).read(desk.actor, accounts.kept, mailbox_id)
    same = kept is not None and not kept.provider and Server.at(kept.url).opens_like(account.server)
    if not account.password:
        if kept is None or not same:
            raise Invalid({"password": "required"})
        try:
            account = Account(account.server, password_of(kept, keys(request)))
        except Unreadable:
            raise NotReached("password", fetching.NO_KEY) from None
    return account, not (kept and same and not kept.bounded)


async def test(request: Request) -> Response:
    """Both ways at once: look into the mailbox, and send a mail to whoever asks."""
    desk, mailbox_id = await desk_in(request), id_in(request, "mailbox_id")
    _, stale = await read_form_leniently(request)
    actor = desk.actor
    mailbox, fetched = await db(request).read(actor, accounts.one, mailbox_id)
    workspace = await db(request).read(actor, units.managed)
    try:
        if stale:
            raise stale
        await count(request, Limit.TEST_MAIL, str(desk.person.user_id))
        sending = send(request, workspace, desk.person.email, mailbox.address)
        if fetched is None:
            return await page_of(request, desk, mailbox_id, tried=await sending)
        looked, tried = await asyncio.gather(look(request, mailbox), sending)
    except (*REFUSALS, NotFetched) as error:
        return await page_of(request, desk, mailbox_id, refused=error)
    return await page_of(request, desk, mailbox_id, looked=looked, tried=tried)


async def sign(request: Request) -> Response:
    """In whose name its answers come, and what stands below them."""
    desk, mailbox_id = await desk_in(request), id_in(request, "mailbox_id")
    typed, stale = await read_form_leniently(request)
    try:
        if stale:
            raise stale
        said = typed.get("called", ""), typed.get("signature", "")
        await db(request).write(desk.actor, addresses.sign, mailbox_id, *said)
    except REFUSALS as error:
        return await page_of(request, desk, mailbox_id, typed=typed, refused=error)
    return redirect(f"{place_of(desk, mailbox_id)}?saved=signed")


async def stop(request: Request) -> Response:
    desk, mailbox_id = await desk_in(request), id_in(request, "mailbox_id")
    await read_form(request)
    await db(request).write(desk.actor, accounts.stop, mailbox_id)
    return redirect(f"{place_of(desk, mailbox_id)}?saved=stopped")


async def remove(request: Request) -> Response:
    desk = await desk_in(request)
    await read_form(request)
    await db(request).write(desk.actor, accounts.remove, id_in(request, "mailbox_id"))
    return redirect(f"{_home(desk)}?removed=yes")
