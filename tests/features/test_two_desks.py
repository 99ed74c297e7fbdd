"""Two desks that write to each other: what one says by itself, the other never answers."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.utils import parseaddr
from pathlib import Path
from uuid import uuid4

import pytest

from parlour.features.mailroom import service as ledger
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Draft, Filters, Ticket, TicketRow
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Actor
from tests.house import House, open_house
from tests.jobs import are_due
from tests.tickets import ada

OURS, THEIRS = "support@parlour.test", "help@globex.example"


@pytest.fixture
async def theirs(tmp_path: Path) -> AsyncIterator[House]:
    """Another desk, on a host of its own."""
    async with open_house(tmp_path / "theirs", PARLOUR_BASE_URL="https://desk.globex.example") as house:
        await house.as_system(mailboxes.add, THEIRS)
        yield house


class Post:
    """Carries what each of the desks has written to the other."""

    def __init__(self, **desks: House) -> None:
        self._desks = {OURS: desks["ours"], THEIRS: desks["theirs"]}
        self._carried: set[Path] = set()

    async def until_still(self) -> list[tuple[str, str]]:
        """What was carried: to whom, and under which subject."""
        told = list[tuple[str, str]]()
        async with asyncio.timeout(30):
            while True:
                busy = [await each.db.read(Actor.system(), are_due) for each in self._desks.values()]
                fresh = [path for house in self._desks.values() for path in self._new_of(house)]
                if not fresh and not any(busy):
                    return told
                for path in fresh:
                    told += await self._carry(path.read_bytes())
                await asyncio.sleep(0.02)

    def _new_of(self, house: House) -> list[Path]:
        """Mails that were not carried before; they are from now on."""
        found = {*house.app.parlour.settings.mail_folder.glob("[!.]*.eml")} - self._carried
        self._carried |= found
        return sorted(found)

    async def _carry(self, raw: bytes) -> list[tuple[str, str]]:
        mail = message_from_bytes(raw, policy=policy.default)
        _, to = parseaddr(str(mail["To"]))
        plain = to.partition("+")[0] + "@" + to.rpartition("@")[2] if "+" in to else to
        if plain not in self._desks:
            return []
        there = self._desks[plain]
        assert await Arrivals(there.db, there.app.parlour.files.store).accept(raw, [to])
        return [(plain, str(mail["Subject"]))]


async def opened(theirs: House) -> Ticket:
    """A ticket over there, in the name of an address of ours."""
    visitor = Actor.visitor(theirs.workspace.workspace_id)
    made = await theirs.db.write(visitor, tickets.open_ticket, Draft("Hello", "Is it there?", OURS, uuid4()))
    ticket: Ticket = made.ticket
    return ticket


async def outcomes(house: House) -> list[Outcome]:
    return [mail.outcome for mail in (await house.as_system(ledger.ledger)).mails]


async def tickets_of(house: House) -> list[TicketRow]:
    return list((await house.as_system(listing.workspace_tickets, Filters(limit=50))).rows)


async def test_what_two_desks_say_by_themselves_ends_at_once(house: House, theirs: House) -> None:
    """A ticket is opened over there in the name of our own address."""
    await house.as_system(mailboxes.add, OURS)
    post = Post(ours=house, theirs=theirs)
    await opened(theirs)

    carried = await post.until_still()

    assert len(carried) <= 3, carried
    assert await tickets_of(house) == []
    assert Outcome.WAITING not in await outcomes(house)
    assert not {Outcome.OPENED, Outcome.ADDED} & {*await outcomes(house)}


async def test_what_people_of_two_desks_write_is_said_once_and_confirmed_once(
    house: House, theirs: House
) -> None:
    await house.as_system(mailboxes.add, OURS)
    post = Post(ours=house, theirs=theirs)
    draft = Draft("Hello", "May we ask you something?", THEIRS, uuid4())
    mine = (await house.db.write(ada(house), tickets.open_for, draft)).ticket

    first = await post.until_still()
    [over_there] = await tickets_of(theirs)
    await theirs.db.write(ada(theirs), tickets.send_message, over_there.ticket_id, "Please do.", uuid4())
    second = await post.until_still()

    assert [to for to, _ in first] == [THEIRS, OURS]  # the question, and that it has come
    assert [to for to, _ in second] == [OURS]
    assert await outcomes(house) == [Outcome.ADDED, Outcome.AUTOMATIC]
    assert await outcomes(theirs) == [Outcome.OPENED]
    assert [ticket.ticket_id for ticket in await tickets_of(house)] == [mine.ticket_id]
