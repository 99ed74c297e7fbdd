"""What people hold of a server of the oldest release, an upgrade to this one leaves in their hands.

That release is real: an earlier commit of this repository, run from its own source, fills a database that
this one's migrations then take over.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pyotp
import pytest

from tests.faults.people import Agent, Customer, Records, Ticket
from tests.live import AGENTS, PASSWORD, ROOT, SLUG, Live, email_of
from tests.postgres_server import ON_POSTGRESQL, server
from tests.releases import source_of
from tests.until import until

OLDEST_RELEASE = "4b11dc2193630af1774c0c1c1f06dd2a1def073f"
"""The newest commit whose last migration is 0004. No earlier schema was ever released."""
IN_PLACE_OF_LIMITS = ROOT / "tests" / "faults" / "stand_in"
FACTOR = "/profile/second-factor"
STEP = 30
"""Seconds that a code of the second factor is shown for."""
WITHIN = 30.0
"""Seconds that something may take of which nobody tells us when it is done."""
MANY, HALF = 101, 50
"""More tickets than are changed at once; as many as one step of a change takes."""

BREAKS_OFF = f"""
import asyncio, os, sys
from uuid import UUID, uuid4
from parlour.app import make_database
from parlour.features.tickets import bulk, service
from parlour.features.tickets.models import Draft, Field, Filters
from parlour.kernel.access import Actor
from parlour.settings import Settings

async def change_many(workspace_id, user_id):
    db = make_database(Settings.from_environment(os.environ))
    await db.open()
    for number in range({MANY}):
        draft = Draft(f"Parcel {{number}}", "It is late.", "max@customer.example", uuid4())
        await db.write(Actor.visitor(workspace_id), service.open_ticket, draft)
    ada = await db.read(Actor.system(workspace_id), bulk.asked_by, user_id)
    ids = await db.scan(ada, bulk.matching, Filters())
    change = await db.write(ada, bulk.start, ids[:{MANY}], Field.PRIORITY, "urgent")
    change = await db.write(ada, bulk.step, change.bulk_id)
    assert (change.done, change.total) == ({HALF}, {MANY})
    await db.close()

asyncio.run(change_many(*map(UUID, sys.argv[1:])))
"""
"""Asks for a change of many tickets, and makes the first step of it, by that release's own services."""


@pytest.fixture
def older(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Its server, on a database that its own commands made."""
    source = source_of(OLDEST_RELEASE, tmp_path_factory)
    live = Live(tmp_path, PYTHONPATH=f"{source}:{IN_PLACE_OF_LIMITS}")
    live.data.mkdir()
    try:
        if ON_POSTGRESQL:
            server().drop(database_of(live))
            server().create(database_of(live), "template0")
            migrate(live)
        live.workspace_id = live.command("workspace", "create", SLUG, "--name", "Acme").splitlines()[-1]
        role, name = AGENTS["ada"]
        options = ("--workspace", SLUG, "--role", role, "--name", name, "--password-stdin")
        live.command("agent", "create", email_of("ada"), *options, typed=f"{PASSWORD}\n")
        live.start()
        yield live
    finally:
        live.__exit__(None, None, None)


@dataclass
class Held:
    """What people had in hand when that release was stopped."""

    maria: Customer
    ada: Agent
    ticket_id: str
    ticket_link: str
    invitation: str
    secret: str
    recovery_code: str


async def test_all_that_people_hold_of_it_still_works(older: Live) -> None:
    async with Customer(older, "maria") as maria, Agent(older, "ada") as ada:
        held = await fill(older, maria, ada)
        upgrade(older)

        await the_cookie_opens_the_ticket(held)
        await the_mailed_link_opens_it_in_another_browser(older, held)
        await the_session_goes_on(held)
        await the_second_factor_signs_in(held)
        await the_invitation_is_accepted(older, held)
        await until(lambda: progress(older) == (MANY, MANY))

    conversation = Records(older.settings).conversation(held.ticket_id)
    assert [seq for seq, *_ in conversation] == list(range(1, len(conversation) + 1))
    assert Records(older.settings).contents(held.ticket_id) == [
        Ticket().description,
        "It comes tomorrow.",
        "Thank you.",
        "It is here.",
        "Good.",
    ]
    assert Records(older.settings).rows("SELECT version_num FROM alembic_version") != [("0004",)]


async def fill(live: Live, maria: Customer, ada: Agent) -> Held:
    """Ends with the server stopped and a change of many tickets half done."""
    ticket_id = await maria.open_ticket()
    await ada.sign_in()
    await ada.say(ticket_id, "It comes tomorrow.")
    await maria.visit(maria.chat_at(ticket_id))
    await maria.say(ticket_id, "Thank you.")
    people = f"/workspace/{live.workspace_id}/people"
    await submit(ada, people, f"{people}/invite", email="bo@acme.example", role="agent")
    secret, recovery_code = await turn_on_the_second_factor(ada)
    await until(lambda: mailed(live, maria.email) and mailed(live, "bo@acme.example"))
    live.stop()
    break_off_a_change_of_many(live)
    return Held(
        maria,
        ada,
        ticket_id,
        mailed(live, maria.email),
        mailed(live, "bo@acme.example"),
        secret,
        recovery_code,
    )


def break_off_a_change_of_many(live: Live) -> None:
    [(user_id,)] = Records(live.settings).rows("SELECT user_id FROM users")
    arguments = (live.workspace_id, str(user_id))
    subprocess.run([sys.executable, "-c", BREAKS_OFF, *arguments], env=live.environment, check=True)


async def turn_on_the_second_factor(ada: Agent) -> tuple[str, str]:
    """The secret in the agent's telephone, and a code for when that is lost."""
    page = await ada.visit(FACTOR)
    secret = re.search(r"data-secret>([A-Z2-7]{32})<", page)
    seal = re.search(r'name="seal" value="([^"]+)"', page)
    assert secret
    assert seal
    code = pyotp.TOTP(secret[1]).now()
    shown = await submit(ada, FACTOR, FACTOR, action="on", seal=seal[1], password=PASSWORD, code=code)
    recovery = re.search(r"<li[^>]*>([a-z2-7-]{19})</li>", shown)
    assert recovery
    return secret[1], recovery[1]


async def the_cookie_opens_the_ticket(held: Held) -> None:
    assert "It comes tomorrow." in await held.maria.visit(held.maria.chat_at(held.ticket_id))
    await held.maria.say(held.ticket_id, "It is here.")


async def the_mailed_link_opens_it_in_another_browser(live: Live, held: Held) -> None:
    place, token = held.ticket_link.split("#")
    async with Customer(live, "maria") as elsewhere:
        await elsewhere.visit(place)
        answer = await elsewhere.post(place, data={"csrf": elsewhere.csrf, "token": token})
        assert answer.headers["location"].endswith(f"{held.ticket_id}/chat")
        assert "It is here." in await elsewhere.visit(elsewhere.chat_at(held.ticket_id))


async def the_session_goes_on(held: Held) -> None:
    assert "It is here." in await held.ada.visit(held.ada.ticket_at(held.ticket_id))
    await held.ada.say(held.ticket_id, "Good.")


async def the_second_factor_signs_in(held: Held) -> None:
    """By the telephone, with the code of the next half minute because this one's is used, and without it."""
    next_code = pyotp.TOTP(held.secret).at(time.time() + STEP)
    for code in (next_code, held.recovery_code):
        held.ada.cookies.clear()
        await held.ada.visit("/auth/login")
        fields = {"csrf": held.ada.csrf, "email": email_of("ada"), "password": PASSWORD, "next": "/"}
        asked = await held.ada.post("/auth/login", data=fields)
        assert "second-factor" in asked.headers["location"]
        await submit(held.ada, asked.headers["location"], asked.headers["location"], code=code, next="/")
        await held.ada.visit(held.ada.ticket_at(held.ticket_id))


async def the_invitation_is_accepted(live: Live, held: Held) -> None:
    place, token = held.invitation.split("#")
    async with Agent(live, "bo") as bo:
        await bo.visit(place)
        await submit(bo, place, f"{place}/accept", token=token, name="Bo Lind", password=PASSWORD)
        assert "It is here." in await bo.visit(bo.ticket_at(held.ticket_id))


async def submit(person: Agent, page: str, to: str, **fields: str) -> str:
    await person.visit(page)
    answer = await person.post(to, data={"csrf": person.csrf, **fields})
    assert answer.status_code in (200, 303), answer.text
    return answer.text


def mailed(live: Live, to: str) -> str:
    """The first link in the first mail to that address, without its host; nothing while there is none."""
    for path in live.mails:
        mail = message_from_bytes(path.read_bytes(), policy=default)
        if mail["to"] == to:
            found = re.search(r"https?://[^/]+(/\S+#\S+)", path.read_text().replace("=\n", ""))
            assert found, path.read_text()
            return found[1]
    return ""


def progress(live: Live) -> tuple[object, ...]:
    """Of the change of many: how many were dealt with, how many tickets are urgent."""
    [row] = Records(live.settings).rows(
        "SELECT done, (SELECT count(*) FROM tickets WHERE priority = 'urgent') FROM bulk_changes"
    )
    return row


def upgrade(live: Live) -> None:
    """By today's program, on the same data."""
    live.environment["PYTHONPATH"] = str(ROOT / "src")
    if ON_POSTGRESQL:
        migrate(live)
    live.start()


def migrate(live: Live) -> None:
    live.command("migrate", "--owner-url", server().owner_url(database_of(live)))


def database_of(live: Live) -> str:
    return live.settings.database_url.rsplit("/", 1)[1]
