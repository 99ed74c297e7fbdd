"""The life of a ticket: which status follows from what, as one table, through the services."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft, Priority, Status, Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Invalid, NotFound
from parlour.kernel.events import Event, JobQueued, MessageSent, TicketChanged
from parlour.kernel.messages import Place
from tests.house import Browser, House, behind_its_back

# What happens, and what becomes of a ticket that was …
TABLE = """
                    new      open     pending  resolved closed
customer writes     new      open     open     open     refused
agent writes        open     open     pending  resolved refused
agent prioritises   open     open     pending  resolved closed
agent assigns       open     open     pending  resolved closed
agent sets new      new      refused  refused  refused  refused
agent sets open     open     open     open     open     open
agent sets pending  pending  pending  pending  pending  pending
agent sets resolved resolved resolved resolved resolved resolved
agent sets closed   closed   closed   closed   closed   closed
"""
HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [
    (" ".join(row[: -len(HEAD)]), before, after)
    for row in ROWS
    for before, after in zip(HEAD, row[-len(HEAD) :], strict=True)
]


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


def ada(house: House) -> Actor:
    return Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")


def maria(ticket: Ticket) -> Actor:
    return Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)


async def now(house: House, ticket: Ticket) -> Ticket:
    found: Ticket = await house.as_system(tickets.ticket, ticket.ticket_id)
    return found


async def happen(house: House, ticket: Ticket, what: str) -> None:
    """One row of the table."""
    ticket_id, version = ticket.ticket_id, ticket.version
    who, does, *rest = what.split()
    actor = ada(house) if who == "agent" else maria(ticket)
    if does == "writes":
        await house.db.write(actor, tickets.send_message, ticket_id, "A word", uuid4())
    elif does == "prioritises":
        await house.db.write(
            actor, tickets.update_ticket_priority, ticket_id, Priority.HIGH, seen_version=version
        )
    elif does == "assigns":
        await house.db.write(actor, tickets.assign_ticket, ticket_id, house.ada, seen_version=version)
    else:
        status = Status(rest[0])
        await house.db.write(actor, tickets.update_ticket_status, ticket_id, status, seen_version=version)


async def bring_to(house: House, ticket: Ticket, status: str) -> Ticket:
    if status != "new":
        await happen(house, ticket, f"agent sets {status}")
    return await now(house, ticket)


@pytest.mark.parametrize(("what", "before", "after"), CASES, ids=[f"{c[0]}, {c[1]}" for c in CASES])
async def test_a_ticket_becomes_what_the_table_says(
    house: House, ticket: Ticket, what: str, before: str, after: str
) -> None:
    ticket = await bring_to(house, ticket, before)
    if after == "refused":
        with pytest.raises((Invalid, tickets.TicketClosed)):
            await happen(house, ticket, what)
        assert await now(house, ticket) == ticket
    else:
        await happen(house, ticket, what)
        assert (await now(house, ticket)).status == after


@pytest.mark.parametrize("status", ["open", "pending", "resolved"])
async def test_reopening_a_closed_ticket_opens_its_room(house: House, ticket: Ticket, status: str) -> None:
    closed = await bring_to(house, ticket, "closed")
    await happen(house, closed, f"agent sets {status}")
    sent = await house.db.write(maria(ticket), tickets.send_message, ticket.ticket_id, "Thanks", uuid4())

    assert sent.status is Status.OPEN


async def test_every_change_of_status_is_said_in_the_room(house: House, ticket: Ticket) -> None:
    doings = ("agent writes", "agent sets pending", "customer writes", "agent sets resolved")
    for what in (*doings, "customer writes", "agent sets closed"):
        await happen(house, await now(house, ticket), what)
    history = await house.as_system(chat.history, ticket.chat_room_id)
    said = [(m.content, m.sender_name) for m in history.messages if m.sender_type == "system"]

    assert said == [
        ("status:open", "Ada Moreau"),
        ("status:pending", "Ada Moreau"),
        ("status:open", "maria@example.com"),
        ("status:resolved", "Ada Moreau"),
        ("status:reopened", "maria@example.com"),
        ("status:closed", "Ada Moreau"),
    ]


async def test_every_change_counts_the_version_up_and_none_when_nothing_changed(
    house: House, ticket: Ticket
) -> None:
    versions = []
    for what in ("agent sets open", "agent sets open", "agent prioritises", "agent assigns", "agent writes"):
        await happen(house, await now(house, ticket), what)
        versions.append((await now(house, ticket)).version)

    assert versions == [2, 2, 3, 4, 4]


@pytest.mark.parametrize("action", ["prioritises", "assigns", "sets open", "sets closed"])
async def test_a_stale_version_is_told_what_the_ticket_is_now(
    house: House, ticket: Ticket, action: str
) -> None:
    current = await bring_to(house, ticket, "pending")
    with pytest.raises(tickets.StaleTicket) as stale:
        await happen(house, ticket, f"agent {action}")

    assert stale.value.current == current
    assert await now(house, ticket) == current


async def test_those_who_look_are_told_of_each_change_once(house: House, ticket: Ticket) -> None:
    heard: list[Event | JobQueued] = []
    house.db.on_commit(heard.extend)
    await happen(house, ticket, "agent prioritises")
    changes = [event for event in heard if isinstance(event, TicketChanged)]

    assert [(event.priority, event.status, event.version) for event in changes] == [
        ("high", "new", 2),
        ("high", "open", 3),
    ]
    assert {event.ticket_id for event in changes} == {ticket.ticket_id}


async def set_room(house: House, ticket: Ticket, status: str) -> None:
    behind_its_back(
        house.app.parlour.settings,
        "UPDATE chat_rooms SET status = ? WHERE ticket_id = ? AND audience = 'public'",
        status,
        ticket.ticket_id.hex,
    )


async def test_the_ticket_alone_says_whether_anything_may_be_added(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await set_room(house, ticket, "closed")
    await happen(house, ticket, "customer writes")
    page = await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")
    closed = await bring_to(house, ticket, "closed")
    await set_room(house, ticket, "open")
    with pytest.raises(tickets.TicketClosed):
        await happen(house, closed, "customer writes")
    page_of_closed = await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")

    [form], [closed] = (
        re.findall(r"<form[^>]* data-composer[^>]*>", each.text) for each in (page, page_of_closed)
    )
    assert not form.endswith(" hidden>")
    assert closed.endswith(" hidden>")


async def test_the_room_is_closed_and_opened_for_the_release_before(house: House, ticket: Ticket) -> None:
    """Which asks the room."""
    query = "SELECT status FROM chat_rooms WHERE ticket_id = ? AND audience = 'public'"
    found = []
    for status in ("closed", "open"):
        await bring_to(house, await now(house, ticket), status)
        found += behind_its_back(house.app.parlour.settings, query, ticket.ticket_id.hex)

    assert found == [("closed",), ("open",)]


async def test_what_is_refused_tells_nobody_anything(house: House, ticket: Ticket) -> None:
    closed = await bring_to(house, ticket, "closed")
    heard: list[Event | JobQueued] = []
    house.db.on_commit(heard.extend)
    with pytest.raises(tickets.TicketClosed):
        await happen(house, closed, "customer writes")

    assert heard == []


async def test_a_message_is_told_with_its_place_in_the_room(house: House, ticket: Ticket) -> None:
    heard: list[Event | JobQueued] = []
    house.db.on_commit(heard.extend)
    await happen(house, ticket, "customer writes")
    [said] = [event for event in heard if isinstance(event, MessageSent)]

    assert (said.seq, said.message.content, said.message.sender_id) == (2, "A word", "maria@example.com")


async def test_the_last_activity_is_the_last_message_not_the_last_change(
    house: House, ticket: Ticket
) -> None:
    with clock.at(clock.now().replace(year=2031)):
        await happen(house, ticket, "agent prioritises")
    unchanged = await now(house, ticket)
    with clock.at(clock.now().replace(year=2032)):
        await happen(house, ticket, "customer writes")

    assert unchanged.last_message_at == ticket.last_message_at
    assert (await now(house, ticket)).last_message_at.year == 2032


async def test_a_customer_reaches_only_the_own_ticket(house: House, ticket: Ticket) -> None:
    async with house.browser("10.1.1.1") as other:
        neighbours = await house.open_ticket(other, email=ticket.email)
    stranger = maria(neighbours)
    units: list[tuple[Callable[..., object], list[object]]] = [
        (tickets.ticket, [ticket.ticket_id]),
        (tickets.send_message, [ticket.ticket_id, "Hello", uuid4()]),
        (chat.history, [ticket.chat_room_id]),
        (chat.following, [ticket.chat_room_id, Place(0)]),
        (chat.enter, [ticket.chat_room_id, Place(0)]),
        (chat.mark_read, [ticket.chat_room_id, 1]),
        (chat.post, [ticket.chat_room_id, "Hello", uuid4()]),
    ]
    for unit, arguments in units:
        with pytest.raises(NotFound):
            await house.db.write(stranger, unit, *arguments)


async def test_numbers_count_up_in_each_workspace_by_itself(house: House, ticket: Ticket) -> None:
    def open_three(tx: Tx) -> list[int]:
        drafts = [Draft("S", "D", "sam@example.com", uuid4()) for _ in range(3)]
        return [tickets.open_ticket(tx, draft).ticket.number for draft in drafts]

    here, there = house.workspace.workspace_id, house.other.workspace_id

    assert await house.db.write(Actor.visitor(there), open_three) == [1, 2, 3]
    assert await house.db.write(Actor.visitor(here), open_three) == [2, 3, 4]
