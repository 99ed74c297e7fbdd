"""A small town around one ticket: every kind of visitor that a page can meet, every form it can send."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pyotp
from starlette.routing import Route, WebSocketRoute

from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.outbox import Ended, Job
from parlour.features.accounts import service as accounts
from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.second_factor import service as second_factor
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.mailroom import accounts as mail_accounts
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom import store as mail_store
from parlour.features.mailroom.accounts import Account
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.models import Place
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.canned import service as canned
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Draft, Field, Ticket
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.outgoing.models import Outcome as Gone
from parlour.features.tickets.tags import service as tags
from parlour.features.tickets.views import service as views
from parlour.features.webhooks import service as webhooks
from parlour.features.webhooks.models import Outcome as Tried
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.logo import service as logos
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import Workspace
from parlour.kernel.access import Actor, Role
from parlour.kernel.keys import Keys
from parlour.mail.imap import Server
from parlour.web.session import ticket_cookie
from tests.forms import FORMS, Form
from tests.house import ORIGIN, PASSWORD, Browser, House, open_house

VISITORS = {
    "nobody": "no cookies at all",
    "customer": "may open the ticket",
    "neighbour": "may open another ticket of the same workspace",
    "stranger": "may open a ticket of another workspace",
    "owner": "an owner of the workspace",
    "agent": "an agent of the workspace",
    "viewer": "a viewer of the workspace",
    "outsider": "an owner of another workspace",
    "ended": "an agent of the workspace, with the cookie of a session that has ended",
}

CAREFUL = "tess@acme.example"
"""Has a second factor: `halfway` is this agent with the password given and the code still owed."""

_addresses = count(1)


@dataclass
class Town:
    house: House
    ticket: Ticket
    neighbours: Ticket
    elsewhere: Ticket
    people: dict[str, UUID] = field(default_factory=dict)
    things: dict[str, UUID] = field(default_factory=dict)
    """What the addresses name apart from the ticket: a colleague, a canned reply, a saved view …"""

    async def come(self, kind: str) -> Browser:
        """That visitor in a fresh browser at an address of its own, so that no limit counts two of them."""
        number = next(_addresses)
        browser = self.house.browser(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
        keys = {"customer": self.ticket, "neighbour": self.neighbours, "stranger": self.elsewhere}
        if kind in keys:
            browser.cookies.set(ticket_cookie(keys[kind].ticket_id), await self.admit(keys[kind]))
        elif kind in self.people:
            browser.cookies.set("parlour_session", await self.session(kind))
        elif kind == "ended":
            token = await self.session("agent")
            await self.house.db.write(accounts.holding(token), accounts.sign_out, token)
            browser.cookies.set("parlour_session", token)
        elif kind == "halfway":
            async with self.house.browser(f"10.255.{number >> 8 & 255}.{number & 255}") as before:
                await before.submit("/auth/login", {"email": CAREFUL, "password": PASSWORD, "next": "/"})
            browser.cookies.update(before.cookies)
        return browser

    async def session(self, kind: str) -> str:
        themselves = Actor.person(self.people[kind])
        token: str = await self.house.db.write(themselves, accounts.start_session, None)
        return token

    async def admit(self, ticket: Ticket) -> str:
        """A visitor secret that opens the ticket."""
        system = Actor.system(ticket.workspace_id)
        secret: str = await self.house.db.write(system, access.admit_opener, ticket, Keys())
        return secret

    def path(self, route: str, **other: str) -> str:
        """The address of a route, about the ticket that all this is about, and about `other` things."""
        assets = self.house.app.parlour.site.assets
        values = {
            "slug": self.house.workspace.slug,
            "workspace_id": self.house.workspace.workspace_id,
            "ticket_id": self.ticket.ticket_id,
            "digest": assets.digest,
            "name": "app.css",
            "form": "name",
            "client_id": uuid4(),
            **self.things,
            **other,
        }
        return re.sub(r"\{([a-z_]+)[:\w]*\}", lambda found: str(values[found[1]]), route)

    async def form(self, route: str) -> Form:
        """What a page would post there, ready to be taken; what an earlier form took away is back."""
        await self.furnish()
        return await FORMS[route](self)

    async def furnish(self) -> None:
        """Everything that the addresses name is there."""

        def missing(tx: Tx) -> set[str]:
            there: dict[str, set[UUID | None]] = {
                "view_id": {view.view_id for view in views.views(tx)},
                "reply_id": {reply.reply_id for reply in canned.usable(tx)},
                "invitation_id": {one.invitation_id for one in invitations.pending(tx)},
                "user_id": {member.user_id for member in workspaces.members(tx)},
                "tag_id": {tag.tag_id for tag in tags.every(tx)},
                "key_id": {key.key_id for key in api_keys.every(tx)},
                "webhook_id": {one.webhook_id for one in webhooks.every(tx) if not one.off},
                "mailbox_id": set(fetching.standings(tx)),
                "bulk_id": {self.things.get("bulk_id")},
                "letter_id": {mail.mail_id for mail in outgoing.page(tx, outcome=Gone.REFUSED).mails},
                "mail_id": {
                    mail.mail_id
                    for mail in mailroom.ledger(tx, outcome=Outcome.QUARANTINED).mails
                    if mail.ticket_id
                },
            }
            return {name for name, ids in there.items() if self.things.get(name) not in ids - {None}}

        await self.house.db.write(self.owner, logos.put, b"as it came", 72, 72, "")
        await self.house.db.write(self.owner, merging.undo, self.ticket.ticket_id)
        for name in await self.house.db.read(self.owner, missing):
            if name in MAKERS:
                self.things[name] = await MAKERS[name](self.house)
            else:
                self.things[name] = await self.house.db.write(self.owner, self._thing, name)

    def _thing(self, tx: Tx, name: str) -> UUID:
        if name == "view_id":
            return views.save_view(tx, "Late ones", "status=open", for_everyone=True).view_id
        if name == "reply_id":
            return canned.add(tx, "Thanks", "Thank you for waiting.", shared=True).reply_id
        if name == "tag_id":
            return tags.make(tx, f"Late {uuid4().hex[:20]}", "red").tag_id
        if name == "key_id":
            key_id = uuid4()
            api_keys.make(tx, key_id, "A program", "agent")
            return key_id
        if name == "webhook_id":
            return self._webhook(tx)
        if name == "mailbox_id":
            return self._mailbox(tx)
        if name == "invitation_id":
            invitations.invite(tx, f"{uuid4().hex}@example.com", Role.AGENT)
            return invitations.pending(tx)[-1].invitation_id
        return bulk.start(tx, [self.neighbours.ticket_id], Field.PRIORITY, "high").bulk_id

    def _webhook(self, tx: Tx) -> UUID:
        """One that is on, and leads where nothing is posted; with a delivery that did not arrive."""
        if known := webhooks.every(tx):
            webhook_id = known[0].webhook_id
            webhooks.turn_on(tx, webhook_id)
        else:
            keys = webhooks.keyring(self.house.app.parlour.settings.secret_keys)
            wish = webhooks.Wish("https://127.0.0.1/hook", ["contact.updated"])
            webhook_id = webhooks.make(tx, uuid4(), wish, keys).webhook.webhook_id
        told = webhooks.test_event(tx, webhook_id)
        tried = Tried(webhooks.parcel_of(told), 500, "", "", 3, again=False)
        webhooks.note_test(tx, webhook_id, told, tried)
        self.things["delivery_id"] = told.event_id
        return webhook_id

    def _mailbox(self, tx: Tx) -> UUID:
        """One that is fetched from where nothing answers."""
        account = Account(Server.at("imaps://support@127.0.0.1:9"), "let-me-in")
        keys = fetching.keyring(self.house.app.parlour.settings.secret_keys)
        return mail_accounts.add_fetched(
            tx, f"{uuid4().hex}@example.com", "", account, keys, Place(1, 1)
        ).mailbox_id

    @property
    def owner(self) -> Actor:
        return Actor.agent(self.house.workspace.workspace_id, self.house.ada, Role.OWNER, "Ada Moreau")

    async def stored(self) -> tuple[object, ...]:
        """What a form could have changed in the workspace, and the ends of the ticket's conversations."""

        def look(tx: Tx) -> tuple[object, ...]:
            known = [tickets.ticket(tx, one.ticket_id) for one in (self.ticket, self.neighbours)]
            notes = chat.notes_room(tx, self.ticket.ticket_id)
            rooms = [chat.history(tx, room, limit=1).room for room in (self.ticket.chat_room_id, notes)]
            kept = (
                views.views(tx),
                canned.usable(tx),
                tags.every(tx),
                contacts.page(tx),
                tags.of_tickets(tx, [self.ticket.ticket_id]),
                invitations.pending(tx),
                workspaces.members(tx),
            )
            return *known, *rooms, listing.overview(tx), *kept, workspaces.workspace(tx)

        return await self.house.db.read(self.owner, look)


async def _open(house: House, workspace: Workspace, email: str) -> Ticket:
    draft = Draft("The parcel is late", "It should have been here on Monday.", email, uuid4())
    opened = await house.db.write(Actor.visitor(workspace.workspace_id), tickets.open_ticket, draft)
    return opened.ticket


async def _attach(town: Town) -> UUID:
    """A file of the customer's in the ticket's room."""
    room = f"/support/acme/ticket/{town.ticket.ticket_id}/chat"
    async with await town.come("customer") as browser:
        fields = {"csrf": await browser.csrf(room), "content": "", "client_id": str(uuid4())}
        answer = await browser.post(
            room,
            data=fields,
            files={"files": ("receipt.txt", b"Paid.")},
            headers={"accept": "application/json"},
        )
    return UUID(answer.json()["message"]["files"][0]["file_id"])


async def _hire(house: House) -> UUID:
    return await house.add_agent(f"{uuid4().hex}@acme.example", Role.AGENT)


async def _hold_back_a_mail(house: House) -> UUID:
    """Its bytes are stored, and nobody could say whose it is; it is about a ticket."""
    address = f"{uuid4().hex}@acme.example"
    await house.as_system(mailboxes.add, address)
    await Arrivals(house.db, house.app.parlour.files.store).accept(b"no mail", [address])
    [mail] = (await house.as_system(mailroom.ledger)).mails[:1]
    async with asyncio.timeout(30):
        while (await house.as_system(mailroom.mail, mail.mail_id)).outcome is not Outcome.QUARANTINED:
            await asyncio.sleep(0.01)

    def be_about_one(tx: Tx) -> None:
        about = outgoing.page(tx).mails[-1].ticket_id
        mail_store.settle(tx, mail.mail_id, ticket_id=about)

    await house.as_system(be_about_one)
    return mail.mail_id


async def _lose_a_mail(house: House) -> UUID:
    """Its server did not take it, and its job is gone."""

    def lose(tx: Tx) -> UUID:
        job = Job(uuid4(), tx.workspace_id, tickets.UNSEEN_REPLIES, {}, 1, Lane.MAIL)
        about = tickets.ticket(tx, outgoing.page(tx).mails[-1].ticket_id)
        outgoing.queue(tx, job.kind, about, job.job_id)
        outgoing.follow(tx, [job], Ended.GIVEN_UP, "550 5.1.1 Nobody is called so")
        return job.job_id

    return await house.as_system(lose)


MAKERS = {"user_id": _hire, "mail_id": _hold_back_a_mail, "letter_id": _lose_a_mail}


async def _be_careful(town: Town) -> None:
    secret, session = second_factor.new_secret(), await town.session("careful")
    code = pyotp.TOTP(secret).now()
    person = await town.house.db.read(accounts.holding(session), accounts.signed_in, session)
    keys = second_factor.keyring(town.house.app.parlour.settings.secret_keys)
    owner = Actor.person(person.user_id, person.name)
    await second_factor.turn_on(
        town.house.db, keys, owner, session, secret=secret, code=code, password=PASSWORD, device=""
    )


@asynccontextmanager
async def open_town(folder: Path) -> AsyncIterator[Town]:
    async with open_house(folder) as house:
        town = Town(
            house,
            await _open(house, house.workspace, "maria@example.com"),
            await _open(house, house.workspace, "noor@example.com"),
            await _open(house, house.other, "sam@example.com"),
        )
        town.people = {
            "owner": await house.add_agent("odile@acme.example", Role.OWNER),
            "agent": await house.add_agent("ben@acme.example", Role.AGENT),
            "viewer": await house.add_agent("viv@acme.example", Role.VIEWER),
            "outsider": await house.add_agent("olga@other.example", Role.OWNER, house.other),
        }
        await house.add_agent("login@acme.example", Role.AGENT)
        town.people["careful"] = await house.add_agent(CAREFUL, Role.AGENT)
        await _be_careful(town)
        await town.furnish()
        found = await house.db.read(town.owner, contacts.at, town.ticket.email)
        assert found
        town.things["contact_id"] = found.contact_id
        town.things["file_id"] = await _attach(town)
        yield town


# ------------------------------------------------------------------------------------- what the app offers


def http_routes(house: House) -> set[tuple[str, str]]:
    """Every (method, path) that the application answers; HEAD goes with GET."""
    return {
        (method, route.path.replace(":id}", "}"))
        for route in house.app.pages.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


def socket_routes(house: House) -> set[str]:
    return {route.path for route in house.app.pages.routes if isinstance(route, WebSocketRoute)}


async def knock(
    house: House,
    browser: Browser,
    address: str,
    origin: str | None = ORIGIN,
    host: str = urlsplit(ORIGIN).netloc,
) -> str:
    """What a WebSocket's handshake comes to: `hello`, the close code, or the HTTP status that denied it."""
    parts = urlsplit(address)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    headers = [(b"host", host.encode()), (b"cookie", cookies.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    answers: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    asked: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    asked.put_nowait({"type": "websocket.connect"})
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": parts.path,
        "query_string": parts.query.encode(),
        "headers": headers,
        "client": ("10.0.0.1", 40000),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    talking = asyncio.create_task(house.app(scope, asked.get, answers.put))  # type: ignore[arg-type]
    while True:
        answer = await asyncio.wait_for(answers.get(), 30)
        if answer["type"] != "websocket.accept":
            break
    asked.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await talking
    return {
        "websocket.send": "hello",
        "websocket.close": str(answer.get("code")),
        "websocket.http.response.start": str(answer.get("status")),
    }[str(answer["type"])]
