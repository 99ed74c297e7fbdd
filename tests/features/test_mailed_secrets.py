"""A mail that is tried again holds the secret that its first copy holds: that copy may have arrived."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parlour import worker
from parlour.db import outbox
from parlour.db.lanes import Lane
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.password_reset import service as password_reset
from parlour.features.tickets.access import service as access
from parlour.kernel.access import Actor, Role
from parlour.kernel.keys import Keys
from parlour.kernel.secrets import hash_of
from parlour.worker import LONGEST_DELAY
from tests.house import House, behind_its_back, open_house
from tests.jobs import time_passes
from tests.post_office import PostOffice, parse

MARIA = "maria@example.com"
ADA = "ada@acme.example"
COPIES = 3
SECRET = re.compile(r"^(?:[0-9a-f]{32}\.)?[\w-]{43}$", re.MULTILINE)


@pytest.fixture
async def town(tmp_path: Path, office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Mails go to the office, and one that was put back stays until a test says that time has passed."""
    monkeypatch.setattr(worker, "delay_after", lambda _: LONGEST_DELAY)
    async with open_house(tmp_path, PARLOUR_SMTP_URL=office.url) as house:
        yield house


async def tried(house: House, office: PostOffice) -> list[str]:
    """The secrets in the copies of the one mail that is on its way, which is taken at the last try only."""
    office.copies.clear()
    office.answers["DATA"] = ["451 4.3.0 say that again"] * (COPIES - 1)
    house.app.parlour.worker.wake()
    async with asyncio.timeout(20):
        for copies in range(1, COPIES + 1):
            while len(office.copies) < copies or await house.db.read(Actor.system(), held):
                await asyncio.sleep(0.01)
            await time_passes(house.db, LONGEST_DELAY)
            house.app.parlour.worker.wake()
    return [found for copy in office.copies for found in secrets_in(copy.content)]


def held(tx) -> bool:  # type: ignore[no-untyped-def]
    return bool(tx.connection.exec_driver_sql("SELECT count(locked_until) FROM outbox").scalar())


def secrets_in(content: bytes | str | None) -> list[str]:
    body = parse(content).get_body(("plain",))
    assert body
    return SECRET.findall(body.get_content().replace("\r\n", "\n"))


def rows(house: House, table: str) -> int:
    [(count,)] = behind_its_back(house.app.parlour.settings, f"SELECT count(*) FROM {table}")  # noqa: S608
    return int(str(count))


async def test_a_confirmation_has_one_link_however_often_it_is_tried(town: House, office: PostOffice) -> None:
    office.answers["DATA"] = ["451 4.3.0 say that again"] * (COPIES - 1)
    ticket = await town.open_ticket(town.browser("10.1.1.1"))
    secrets = await tried(town, office)
    portal = Actor.visitor(ticket.workspace_id)
    opened, *_ = await town.db.write(portal, access.exchange_link, secrets[0], Keys())

    assert len(secrets) == COPIES
    assert len(set(secrets)) == 1
    assert rows(town, "access_links") == 1
    assert opened == ticket.ticket_id


async def test_a_link_that_was_revoked_meanwhile_is_not_mailed_again(town: House, office: PostOffice) -> None:
    office.answers["DATA"] = ["451 4.3.0 say that again"]
    ticket = await town.open_ticket(town.browser("10.1.1.1"))
    async with asyncio.timeout(20):
        while not office.copies or await town.db.read(Actor.system(), held):
            await asyncio.sleep(0.01)
    agent = Actor.agent(ticket.workspace_id, town.ada, Role.OWNER, "Ada Moreau")
    await town.db.write(agent, access.revoke_access, ticket.ticket_id)
    await time_passes(town.db, LONGEST_DELAY)
    town.app.parlour.worker.wake()
    async with asyncio.timeout(20):
        while Lane.MAIL in await town.db.read(Actor.system(), outbox.next_due):
            await asyncio.sleep(0.01)

    assert len(office.copies) == 1


async def test_fresh_links_are_the_same_in_every_copy(town: House, office: PostOffice) -> None:
    for number in range(2):
        await town.open_ticket(town.browser(f"10.1.1.{number}"))
    async with asyncio.timeout(20):
        while len(office.envelopes) < 2:
            await asyncio.sleep(0.01)
    before = rows(town, "access_links")
    office.answers["DATA"] = ["451 4.3.0 say that again"] * (COPIES - 1)
    portal = Actor.visitor(town.workspace.workspace_id)
    await town.db.write(portal, access.ask_for_links, MARIA)
    await tried(town, office)
    office.copies[:] = office.copies[-COPIES:]
    mailed = {
        tuple(re.findall(r"#([\w-]{43})", str(parse(copy.content).get_body(("plain",)))))
        for copy in office.copies
    }

    assert len(mailed) == 1
    assert rows(town, "access_links") == before + 2


async def test_an_invitation_that_is_tried_again_leaves_the_earlier_copy_alone(
    town: House, office: PostOffice
) -> None:
    owner = Actor.agent(town.workspace.workspace_id, town.ada, Role.OWNER, "Ada Moreau")
    office.answers["DATA"] = ["451 4.3.0 say that again"] * (COPIES - 1)
    await town.db.write(owner, invitations.invite, "new@example.com", Role.AGENT)
    secrets = await tried(town, office)
    invitation = await town.db.read(Actor.visitor(), invitations.look, secrets[0])

    assert len(secrets) == COPIES
    assert len(set(secrets)) == 1
    assert invitation.email == "new@example.com"


async def test_a_way_to_a_new_password_is_one_and_gone_once_it_was_used(
    town: House, office: PostOffice
) -> None:
    office.answers["DATA"] = ["451 4.3.0 say that again"] * (COPIES - 1)
    await town.db.write(Actor.visitor(), password_reset.ask, ADA)
    secrets = await tried(town, office)
    await password_reset.reset(town.db, secrets[0], "a new and better one", "Firefox")
    again = await town.db.write(Actor.system(), password_reset.issue, ADA, secrets[0])

    assert len(secrets) == COPIES
    assert len(set(secrets)) == 1
    assert rows(town, "password_resets") == 1
    assert again is None


async def test_what_is_stored_tells_nobody_the_secret(town: House, office: PostOffice) -> None:
    """Not even while the mail waits: it is derived from the key, which is not in the database."""
    await town.open_ticket(town.browser("10.1.1.1"))
    async with asyncio.timeout(20):
        while not office.envelopes:
            await asyncio.sleep(0.01)
    [secret] = secrets_in(office.envelopes[0].content)
    [(stored,)] = behind_its_back(town.app.parlour.settings, "SELECT token_hash FROM access_links")

    assert stored == hash_of(secret)
    assert secret not in str(behind_its_back(town.app.parlour.settings, "SELECT * FROM outbox"))
