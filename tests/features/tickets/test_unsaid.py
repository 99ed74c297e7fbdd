"""A change of status that is taken back in time leaves no line in the customer's conversation."""

import asyncio
from uuid import UUID, uuid4

import pytest

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.lanes import lane_of
from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.bulk.job import BulkJobs
from parlour.features.tickets.models import Field, Filters, Status, Ticket
from parlour.features.tickets.snooze import service as snoozing
from parlour.features.tickets.unsaid import service as unsaid
from parlour.features.workspaces import audit
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.worker import LEASE
from tests.house import Browser, House, stock
from tests.jobs import are_due, time_passes
from tests.tickets import ada, customer_says, now


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    """One that is open, and whose room has heard so."""
    ticket = await house.open_ticket(visitor)
    await house.db.write(
        ada(house), tickets.update_ticket_status, ticket.ticket_id, Status.OPEN, seen_version=1
    )
    return await now(house, ticket)


async def change(
    house: House, ticket: Ticket, value: str, *, field: Field = Field.STATUS, by: Actor | None = None
) -> UUID:
    version = (await now(house, ticket)).version
    made = await house.db.write(
        by or ada(house), bulk.change_one, ticket.ticket_id, field, value, seen_version=version
    )
    changed: UUID = made.bulk_id
    return changed


async def said(house: House, ticket: Ticket) -> list[tuple[str, str]]:
    """All that the public room says after the first word and the opening, and by whom."""
    history = await house.as_system(chat.history, ticket.chat_room_id)
    return [(message.content, message.sender_name) for message in history.messages[2:]]


async def a_moment_passes(house: House) -> None:
    """All that had to wait for it has run."""
    await time_passes(house.db, unsaid.WAITS)
    await nothing_is_due(house)


async def nothing_is_due(house: House) -> None:
    async with asyncio.timeout(20):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.05)


async def test_the_status_is_changed_at_once_and_the_room_hears_of_it_a_moment_later(
    house: House, ticket: Ticket
) -> None:
    await change(house, ticket, "resolved")
    trail = await house.as_system(audit.of_ticket, ticket.ticket_id)
    assert (await now(house, ticket)).status is Status.RESOLVED
    assert (trail[0].before, trail[0].after) == ("open", "resolved")
    assert await said(house, ticket) == []

    version = (await now(house, ticket)).version
    await a_moment_passes(house)

    assert await said(house, ticket) == [("status:resolved", "Ada Moreau")]
    assert (await now(house, ticket)).version == version


async def test_a_change_that_is_undone_in_time_leaves_no_line(house: House, ticket: Ticket) -> None:
    changed = await change(house, ticket, "closed")
    await house.db.write(ada(house), bulk.undo, changed)
    await a_moment_passes(house)

    assert (await now(house, ticket)).status is Status.OPEN
    assert await said(house, ticket) == []


async def test_one_that_is_undone_later_is_taken_back_in_words(house: House, ticket: Ticket) -> None:
    changed = await change(house, ticket, "resolved")
    await a_moment_passes(house)
    await house.db.write(ada(house), bulk.undo, changed)
    await a_moment_passes(house)

    assert await said(house, ticket) == [
        ("status:resolved", "Ada Moreau"),
        ("status:reopened", "Ada Moreau"),
    ]


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        (("pending", "resolved", "closed"), ["status:closed"]),
        (("resolved", "open"), []),
        (("resolved", "open", "pending"), ["status:pending"]),
    ],
)
async def test_of_several_changes_within_the_moment_the_last_is_said(
    house: House, ticket: Ticket, steps: tuple[str, ...], lines: list[str]
) -> None:
    for status in steps:
        await change(house, ticket, status)
    await a_moment_passes(house)

    assert [line for line, _ in await said(house, ticket)] == lines


async def test_an_earlier_change_is_not_said_before_the_later_one_can_be_taken_back(
    house: House, ticket: Ticket
) -> None:
    await change(house, ticket, "pending")
    await time_passes(house.db, unsaid.WAITS / 2)
    later = await change(house, ticket, "resolved")
    await time_passes(house.db, unsaid.WAITS / 2)
    await nothing_is_due(house)
    assert await said(house, ticket) == []

    await house.db.write(ada(house), bulk.undo, later)
    await a_moment_passes(house)
    assert await said(house, ticket) == [("status:pending", "Ada Moreau")]


@pytest.mark.parametrize("by", ["customer", "agent"])
async def test_whoever_speaks_meanwhile_is_heard_after_it(house: House, ticket: Ticket, by: str) -> None:
    await change(house, ticket, "resolved")
    if by == "customer":
        await customer_says(house, ticket, "It works")
        rest = [("It works", ticket.email), ("status:reopened", ticket.email)]
    else:
        speaker = Actor.agent(ticket.workspace_id, house.ada, Role.OWNER, "Ben Okafor")
        await house.db.write(speaker, tickets.send_message, ticket.ticket_id, "It works", uuid4())
        rest = [("It works", "Ben Okafor")]
    await a_moment_passes(house)

    assert await said(house, ticket) == [("status:resolved", "Ada Moreau"), *rest]


async def test_a_message_that_comes_twice_hurries_no_line(house: House, ticket: Ticket) -> None:
    client_id = uuid4()
    await house.db.write(ada(house), tickets.send_message, ticket.ticket_id, "It works", client_id)
    changed = await change(house, ticket, "resolved")
    await house.db.write(ada(house), tickets.send_message, ticket.ticket_id, "It works", client_id)
    await house.db.write(ada(house), bulk.undo, changed)
    await a_moment_passes(house)

    assert await said(house, ticket) == [("It works", "Ada Moreau")]


async def test_send_and_resolve_says_what_happened_in_its_order(house: House, ticket: Ticket) -> None:
    await change(house, ticket, "pending")
    await house.db.write(
        ada(house), tickets.send_message, ticket.ticket_id, "It works", uuid4(), then=Status.RESOLVED
    )

    assert [line for line, _ in await said(house, ticket)] == [
        "status:pending",
        "It works",
        "status:resolved",
    ]


async def test_a_ticket_that_is_put_aside_meanwhile_keeps_its_line(house: House, ticket: Ticket) -> None:
    await change(house, ticket, "pending")
    current = await now(house, ticket)
    until = clock.now() + snoozing.LONGEST / 2
    await house.db.write(ada(house), bulk.snooze_one, ticket.ticket_id, until, seen_version=current.version)
    await a_moment_passes(house)

    assert [line for line, _ in await said(house, ticket)] == ["status:pending"]


async def test_a_new_ticket_that_was_only_assigned_is_new_again_without_a_line(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    changed = await change(house, ticket, str(house.ada), field=Field.ASSIGNEE)
    assert (await now(house, ticket)).status is Status.OPEN
    await house.db.write(ada(house), bulk.undo, changed)
    await a_moment_passes(house)
    history = await house.as_system(chat.history, ticket.chat_room_id)

    assert (await now(house, ticket)).status is Status.NEW
    assert len(history.messages) == 1


@pytest.mark.parametrize("who", ["a colleague", "the customer"])
async def test_what_somebody_decided_since_is_not_undone(house: House, ticket: Ticket, who: str) -> None:
    """Also when the ticket has come back to the same status by it."""
    changed = await change(house, ticket, "resolved")
    if who == "the customer":
        await customer_says(house, ticket, "Still broken")
    else:
        await change(house, ticket, "open")
    await change(house, ticket, "resolved")
    undone = await house.db.write(ada(house), bulk.undo, changed)
    await a_moment_passes(house)

    assert undone.put_back == 0
    assert (await now(house, ticket)).status is Status.RESOLVED


async def test_many_that_are_undone_while_a_job_puts_them_back_leave_no_line(house: House) -> None:
    await asyncio.to_thread(stock, house, 150)
    everything = await house.db.scan(ada(house), bulk.matching, Filters())
    before = await house.as_system(_lines)
    await house.app.parlour.worker.stop()
    started = await house.db.write(ada(house), bulk.start, everything, Field.STATUS, "closed")
    await house.as_system(bulk.write_down, started.bulk_id, sorted(everything))
    while (await house.db.write(ada(house), bulk.step, started.bulk_id)).running:
        pass
    await house.db.write(ada(house), bulk.undo, started.bulk_id)
    await house.db.write(ada(house), bulk.step, started.bulk_id)
    early = await house.as_system(bulk.say_some, started.bulk_id)
    while (await house.db.write(ada(house), bulk.step, started.bulk_id)).running:
        pass
    while await house.as_system(bulk.say_some, started.bulk_id):
        pass

    assert not early
    assert await house.as_system(_lines) == before


async def test_many_that_stay_changed_are_told_in_steps(house: House) -> None:
    await asyncio.to_thread(stock, house, 150)
    everything = await house.db.scan(ada(house), bulk.matching, Filters())
    before = await house.as_system(_lines)
    started = await house.db.write(ada(house), bulk.start, everything[:90], Field.STATUS, "closed")
    assert await house.as_system(_lines) == before
    more = [await house.as_system(bulk.say_some, started.bulk_id) for _ in range(2)]

    assert more == [True, False]
    assert await house.as_system(_lines) - before == started.changed


def _lines(tx: Tx) -> int:
    """How often a room says that its ticket is closed or open again."""
    rooms = [tickets.ticket(tx, ticket_id).chat_room_id for ticket_id in bulk.matching(tx, Filters())]
    told = ("status:closed", "status:reopened", "status:open")
    return sum(message.content in told for room in rooms for message in chat.history(tx, room).messages)


async def test_a_job_that_runs_again_after_its_process_died_says_the_line_once(
    house: House, ticket: Ticket
) -> None:
    await change(house, ticket, "resolved")
    await house.app.parlour.worker.stop()
    for _ in range(2):
        await time_passes(house.db, unsaid.WAITS + LEASE)
        due = await house.db.write(Actor.system(), outbox.claim, lane_of(bulk.SAY), lease=LEASE, limit=8)
        assert bulk.SAY in {job.kind for job in due}
        for job in due:
            if job.kind == bulk.SAY:
                await BulkJobs(house.db).say(job)

    assert await said(house, ticket) == [("status:resolved", "Ada Moreau")]
