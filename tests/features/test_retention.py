"""For how long a workspace keeps its tickets: looked at before, closed when idle, erased when closed."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.outbox import Job
from parlour.db.schema import chat_rooms, messages
from parlour.db.schema import tickets as table
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Filters, Status, Ticket
from parlour.features.tickets.retention import service as retention
from parlour.features.workspaces.settings import service as choices
from parlour.kernel import clock, seen
from parlour.kernel.access import Actor
from tests.attaching import WORDS, desk_of, room_of, say
from tests.features.test_erasing import everything
from tests.house import Browser, House
from tests.jobs import are_due
from tests.programs import program
from tests.tickets import ada, customer_says, now, words

YEAR = 365


@pytest.fixture
def page(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings/retention"


def _move_back(tx: Tx, ticket_id: UUID, days: int) -> None:
    then = clock.now() - timedelta(days=days)
    tx.execute(
        update(table)
        .filter_by(workspace_id=tx.workspace_id, ticket_id=ticket_id)
        .values(last_message_at=then)
    )


async def days_pass(house: House, ticket: Ticket, days: int) -> None:
    """Since the last word in it."""
    await house.as_system(_move_back, ticket.ticket_id, days)


async def keep_for(house: House, close_after: int, delete_after: int) -> None:
    mark = seen.mark(*choices.kept(await house.as_system(choices.settings)))
    await house.db.write(ada(house), choices.keep_for, close_after, delete_after, mark)


async def an_hour_passes(house: House) -> None:
    await house.db.write(Actor.system(), retention.wake)
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)


async def set_status(house: House, ticket: Ticket, status: Status) -> None:
    version = (await now(house, ticket)).version
    await house.db.write(
        ada(house), tickets.update_ticket_status, ticket.ticket_id, status, seen_version=version
    )


async def answered(house: House, visitor: Browser, desk: Browser, **more: str) -> Ticket:
    """A ticket with an answer, so that nobody waits; in other words than the one before."""
    ticket = await house.open_ticket(visitor, **{"description": f"It is wet: {uuid4()}", **more})
    sent = await desk.submit(f"{desk_of(ticket)}/chat", words("It is on its way."), page=desk_of(ticket))
    assert sent.status_code == 303
    return ticket


async def test_a_look_saves_nothing_and_erasing_has_to_be_confirmed(
    house: House, visitor: Browser, desk: Browser, page: str
) -> None:
    idle, old = [await answered(house, visitor, desk) for _ in range(2)]
    await set_status(house, old, Status.CLOSED)
    for ticket in (idle, old):
        await days_pass(house, ticket, 31)
    days = {"close_after": "30", "delete_after": "31"}
    looked = await desk.submit(page, {**days, "preview": "yes"}, page=page)
    unsure = await desk.submit(page, days, page=page)
    before = await house.as_system(choices.settings)
    saved = await desk.submit(page, {**days, "sure": "yes"}, page=page)
    after = await house.as_system(choices.settings)
    shown = await desk.get(saved.headers["location"])
    trail = (await desk.get(page.replace("retention", "audit"))).text

    assert [text in looked.text for text in ("<dd>1</dd>", "Nothing is saved yet.")] == [True, True]
    assert looked.text.count("<dd>1</dd>") == 2
    assert (unsure.status_code, "Confirm that what is erased" in unsure.text) == (422, True)
    assert (before.close_after, before.delete_after) == (0, 0)
    assert (after.close_after, after.delete_after) == (30, 31)
    assert ('value="30"' in shown.text, 'value="31"' in shown.text) == (True, True)
    assert "Days until closed tickets are erased" in trail


@pytest.mark.parametrize("days", ["0", "-1", "4000", "soon", "1e2", "٣"])
async def test_what_is_no_number_of_days_comes_back_as_typed(desk: Browser, page: str, days: str) -> None:
    refused = await desk.submit(page, {"close_after": days, "delete_after": ""}, page=page)

    assert refused.status_code == 422
    assert f'value="{days}"' in refused.text


async def test_other_settings_and_a_colleague_leave_it_as_it_is(
    house: House, desk: Browser, page: str
) -> None:
    await keep_for(house, 30, 0)
    shown = (await desk.get(page)).text
    mark = shown.partition('name="seen" value="')[2].partition('"')[0]
    await keep_for(house, 60, 0)
    late = await desk.submit(page, {"close_after": "90", "delete_after": "", "seen": mark}, page=page)
    general = page.removesuffix("/retention")
    await desk.submit(general, {"name": "Acme", "reply_time": "day"}, page=general)

    assert late.status_code == 409
    assert (await house.as_system(choices.settings)).close_after == 60


async def test_idle_tickets_are_closed_but_for_those_in_which_a_customer_waits(
    house: House, visitor: Browser, desk: Browser
) -> None:
    idle, resolved, young, waiting = [await answered(house, visitor, desk) for _ in range(4)]
    await set_status(house, resolved, Status.RESOLVED)
    await customer_says(house, waiting, "And now?")
    new = await house.open_ticket(visitor, subject="Nobody has read it")
    for ticket in (idle, resolved, waiting, new):
        await days_pass(house, ticket, 31)
    await an_hour_passes(house)
    assert (await now(house, idle)).status is Status.OPEN, "It is off until somebody chooses it."
    async with program(house) as api:
        start = (await api.read("/changes", after="now"))["next"]
        await keep_for(house, 30, 0)
        await an_hour_passes(house)
        told = (await api.read("/changes", after=start))["items"]

    stand = {
        ticket.number: (await now(house, ticket)).status for ticket in (idle, resolved, young, waiting, new)
    }
    assert list(stand.values()) == [Status.CLOSED, Status.CLOSED, Status.OPEN, Status.OPEN, Status.NEW]
    assert {(each["type"], each["by"], each["ticket_id"]) for each in told} == {
        ("ticket.updated", "system", str(ticket.ticket_id)) for ticket in (idle, resolved)
    }


async def test_of_a_closed_ticket_the_words_files_and_mails_go_and_what_counts_stays(
    house: House, visitor: Browser, desk: Browser
) -> None:
    old = await answered(house, visitor, desk, subject="To zanzibar", description="A zanzibar")
    await say(visitor, room_of(old), ("zanzibar.txt", WORDS), content="My zanzibar ticket")
    await desk.submit(f"{desk_of(old)}/notes", words("zanzibar again"), page=desk_of(old))
    young, open_one = [await answered(house, visitor, desk, subject="A tent") for _ in range(2)]
    for ticket in (old, young):
        await set_status(house, ticket, Status.CLOSED)
    for ticket in (old, open_one):
        await days_pass(house, ticket, YEAR + 1)
    before = await said_in(house)
    await keep_for(house, 0, YEAR)
    await an_hour_passes(house)

    after, kept = await said_in(house), await now(house, old)
    assert [row for name, row in everything(house) if "zanzibar" in row and name != "idempotency"] == []
    assert (kept.subject, kept.status, kept.email) == ("[erased]", Status.CLOSED, old.email)
    assert {content for ticket_id, content in after if ticket_id == old.ticket_id} == {"[erased]"}
    assert len(after) == len(before)
    assert [each for each in after if each[0] != old.ticket_id] == [
        each for each in before if each[0] != old.ticket_id
    ]
    assert await found(house, "zanzibar") == []
    assert len(await found(house, "tent")) == 2
    page = await desk.get(desk_of(old))
    assert (page.status_code, "[erased]" in page.text) == (200, True)


async def test_what_was_merged_stays_as_long_as_the_ticket_in_which_it_goes_on(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """Also through a third one."""
    first, second, third = [await answered(house, visitor, desk) for _ in range(3)]
    for one, into in ((first, second), (second, third)):
        await house.db.write(ada(house), merging.merge, one.ticket_id, into.ticket_id)
    await keep_for(house, 0, 30)
    for ticket in (first, second, third):
        await days_pass(house, ticket, 31)
    await an_hour_passes(house)
    while_it_goes_on = [(await now(house, each)).subject for each in (first, second)]
    none = await house.db.read(ada(house), retention.due, 0, 30)
    await set_status(house, third, Status.CLOSED)
    await days_pass(house, third, 31)
    due = await house.db.read(ada(house), retention.due, 0, 30)
    await an_hour_passes(house)

    assert retention.ERASED not in while_it_goes_on
    assert {(await now(house, each)).subject for each in (first, second, third)} == {retention.ERASED}
    assert (none.to_erase, due.to_erase) == (0, 3)


async def test_what_is_said_in_an_erased_ticket_later_goes_when_its_own_time_has_come(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await answered(house, visitor, desk)
    await set_status(house, ticket, Status.CLOSED)
    await days_pass(house, ticket, YEAR + 1)
    await keep_for(house, 0, YEAR)
    await an_hour_passes(house)
    await set_status(house, ticket, Status.OPEN)
    await customer_says(house, ticket, "Once more about zanzibar")
    await set_status(house, ticket, Status.CLOSED)
    await an_hour_passes(house)
    young = await said_in(house)
    await house.as_system(_forget_the_time, ticket.ticket_id)
    await days_pass(house, ticket, YEAR + 1)
    await an_hour_passes(house)

    assert "Once more about zanzibar" in [content for _, content in young]
    assert {content for _, content in await said_in(house)} == {"[erased]"}


def _forget_the_time(tx: Tx, ticket_id: UUID) -> None:
    """It was erased before the last words, which are to be old as well."""
    then = clock.now() - timedelta(days=2 * YEAR)
    tx.execute(
        update(table).filter_by(workspace_id=tx.workspace_id, ticket_id=ticket_id).values(erased_at=then)
    )


async def test_a_clock_that_goes_wrong_once_a_job_is_stored_erases_no_more_than_was_due(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """A machine that was killed may start again years ahead, and takes its jobs up at once."""
    old, young = [await answered(house, visitor, desk) for _ in range(2)]
    for ticket in (old, young):
        await set_status(house, ticket, Status.CLOSED)
    await days_pass(house, old, YEAR + 1)
    await keep_for(house, 0, YEAR)
    here = house.workspace.workspace_id
    stored = Job(clock.new_id(), here, retention.JOB, {"now": clock.now().isoformat()}, 1, Lane.WORK)
    with clock.at(clock.now() + timedelta(days=2 * YEAR)):
        await retention.RetentionJobs(house.db).keep(stored)

    assert [(await now(house, each)).description == "[erased]" for each in (old, young)] == [True, False]


async def test_not_even_the_house_changes_what_is_kept(house: House, visitor: Browser, desk: Browser) -> None:
    """On PostgreSQL; on SQLite there is nobody but the house."""
    ticket = await answered(house, visitor, desk)
    await set_status(house, ticket, Status.CLOSED)
    await keep_for(house, 0, YEAR)
    young = await house.as_system(retention.erase, ticket.ticket_id, clock.now())

    assert young is False
    assert await house.as_system(_rewrite) == (0 if house.app.parlour.settings.is_postgresql else 2)


def _rewrite(tx: Tx) -> int:
    here = update(messages).where(
        messages.c.sender_type != "system", messages.c.workspace_id == tx.workspace_id
    )
    return tx.execute(here.values(content="[erased]")).rowcount


async def said_in(house: House) -> list[tuple[UUID, str]]:
    """What people said, in order."""
    return await house.as_system(_said)


def _said(tx: Tx) -> list[tuple[UUID, str]]:
    here = messages.c.workspace_id == tx.workspace_id, chat_rooms.c.workspace_id == tx.workspace_id
    said = select(chat_rooms.c.ticket_id, messages.c.content).where(
        *here, chat_rooms.c.room_id == messages.c.room_id, messages.c.sender_type != "system"
    )
    return [(row[0], row[1]) for row in tx.execute(said.order_by(messages.c.message_id))]


async def found(house: House, wanted: str) -> list[UUID]:
    listed = await house.db.read(ada(house), listing.workspace_tickets, Filters(q=wanted))
    return [row.ticket_id for row in listed.rows]
