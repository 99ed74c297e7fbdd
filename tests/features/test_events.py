"""What happened is told to those who follow it: once, in an order that stays, and only what was committed."""

import asyncio
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from parlour.db.database import Tx
from parlour.features.contacts import service as contacts
from parlour.features.events import service as events
from parlour.features.events.models import Event, Kind
from parlour.features.tickets import changes, handover
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft, Priority, Status, Ticket
from parlour.features.tickets.tags import service as tags
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House
from tests.tickets import ada as owner

WRITERS, EACH = 4, 20
Act = Callable[[Tx], object]


async def told(house: House, after: int = 0) -> list[Event]:
    return await house.as_system(events.sequenced_after, after, limit=10_000)


def on(ticket: Ticket, act: Callable[[Tx, list[Ticket]], object]) -> Act:
    return lambda tx: act(tx, list(tickets.locked_all(tx, [ticket.ticket_id])))


async def acts(house: House, ticket: Ticket) -> dict[str, tuple[Actor, Act]]:
    """Each way to change something that is told of, by what is told."""
    ada, customer = owner(house), Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    bob = await house.add_agent("bob@acme.example", Role.AGENT)
    tag = await house.db.write(ada, tags.make, "Late", "red")
    person = await house.db.write(ada, contacts.add, "eve@example.com", "", "")
    draft = Draft("Parcel", "Where is it?", "maria@example.com", uuid4())
    tomorrow, this = clock.now() + timedelta(days=1), ticket.ticket_id
    by_ada: dict[str, Act] = {
        "ticket.created message.created": lambda tx: tickets.open_for(tx, draft),
        "message.created ticket.updated:status": lambda tx: tickets.send_message(tx, this, "Soon.", uuid4()),
        "note.created": lambda tx: tickets.add_note(tx, this, "A regular.", uuid4()),
        "ticket.updated:priority": on(ticket, lambda tx, it: changes.set_priority(tx, it, Priority.HIGH)),
        "ticket.updated:assignee_id": on(ticket, lambda tx, it: changes.assign(tx, it, bob)),
        "ticket.updated:tags": on(ticket, lambda tx, it: tags.put_on_all(tx, it, tag.tag_id)),
        "ticket.updated:tags (off)": on(ticket, lambda tx, it: tags.take_off_all(tx, it, tag.tag_id)),
        "ticket.updated:assignee_id (gone)": lambda tx: handover.remove_member(tx, bob),
        "ticket.updated:status": on(ticket, lambda tx, it: changes.set_status(tx, it, Status.RESOLVED)),
        "ticket.updated:status,snoozed_until": on(ticket, lambda tx, it: changes.put_aside(tx, it, tomorrow)),
        "contact.updated:email contact.updated:note": lambda tx: contacts.add(tx, "m@a.example", "", "Max"),
        "contact.updated:name,note": lambda tx: contacts.change(tx, person.contact_id, "Eve", "Kind"),
        "contact.updated:blocked": lambda tx: contacts.block(tx, person.contact_id),
    }
    return {
        "message.created": (customer, lambda tx: tickets.send_message(tx, this, "Hello?", uuid4())),
        **{words: (ada, act) for words, act in by_ada.items()},
    }


def words_of(found: list[Event]) -> str:
    return " ".join(f"{each.kind}:{','.join(each.changed)}".rstrip(":") for each in found)


class Broken(Exception):
    """What ends a transaction after all that it did."""


async def test_what_is_stored_is_told_and_what_is_rolled_back_is_not(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    cases = await acts(house, ticket)
    found = await told(house)
    assert words_of(found[:2]) == "ticket.created message.created"
    assert {each.actor for each in found[:2]} == {"customer"}

    for words, (actor, act) in cases.items():

        def broken(tx: Tx, act: Act = act) -> None:
            act(tx)
            raise Broken

        last = found[-1].position
        with pytest.raises(Broken):
            await house.db.write(actor, broken)
        assert await told(house, last) == [], words
        await house.db.write(actor, act)
        found = await told(house, last)
        assert words_of(found) == words.partition(" (")[0]
        assert {each.actor for each in found} <= {actor.id, "customer"}


async def test_what_somebody_blocked_sends_is_told_to_nobody(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    person = await house.as_system(contacts.at, ticket.email)
    assert person
    await house.db.write(owner(house), contacts.block, person.contact_id)
    last = (await told(house))[-1].position

    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    await house.db.write(customer, tickets.send_message, ticket.ticket_id, "Hello?", uuid4())
    await house.open_ticket(visitor, subject="Again")

    assert await told(house, last) == []


async def test_whoever_reads_while_others_write_misses_nothing_and_gets_nothing_twice(
    house: House, visitor: Browser
) -> None:
    """On PostgreSQL six transactions are open at a time, and end in another order than they began."""
    rooms = [await house.open_ticket(visitor, subject=f"Parcel {number}") for number in range(WRITERS)]
    start = (await told(house))[-1].position
    sent: dict[UUID, list[tuple[int, UUID]]] = defaultdict(list)

    def say(tx: Tx, ticket: Ticket) -> tuple[int, UUID]:
        made = tickets.send_message(tx, ticket.ticket_id, "On its way.", uuid4()).message
        time.sleep(random.uniform(0, 0.004))
        return made.seq, made.message_id

    async def write() -> None:
        for _ in range(EACH):
            ticket = random.choice(rooms)
            sent[ticket.ticket_id].append(await house.db.write(owner(house), say, ticket))

    found: list[Event] = []
    writing = asyncio.gather(*(write() for _ in range(WRITERS)))
    over = False
    while not over:
        over = writing.done()
        found += await told(house, found[-1].position if found else start)
    await writing

    heard: dict[UUID | None, list[UUID | None]] = defaultdict(list)
    for each in found:
        if each.kind is Kind.MESSAGE_CREATED:
            heard[each.ticket_id].append(each.message_id)
    assert heard == {ticket_id: [one for _, one in sorted(said)] for ticket_id, said in sent.items()}
    assert [each.position for each in found] == list(range(start + 1, start + 1 + len(found)))


@pytest.mark.postgresql
async def test_what_was_written_first_and_committed_last_is_not_skipped(
    house: House, visitor: Browser
) -> None:
    slow, quick = [await house.open_ticket(visitor, subject=subject) for subject in ("Slow", "Quick")]
    last = (await told(house))[-1].position
    written, may_end = threading.Event(), threading.Event()

    def linger(tx: Tx) -> UUID:
        made = tickets.add_note(tx, slow.ticket_id, "I look into it.", uuid4()).message
        written.set()
        may_end.wait(30)
        return made.message_id

    lingering = asyncio.ensure_future(house.db.write(owner(house), linger))
    await asyncio.to_thread(written.wait, 30)
    await house.db.write(owner(house), tickets.add_note, quick.ticket_id, "Done.", uuid4())
    first = await told(house, last)
    may_end.set()
    late = await lingering
    then = await told(house, first[-1].position)

    assert {each.ticket_id for each in first} == {quick.ticket_id}
    assert then[0].message_id == late


async def test_events_are_forgotten_after_a_month_and_whoever_stands_before_them_is_told(
    house: House, visitor: Browser
) -> None:
    with clock.at(clock.now() - events.KEPT - timedelta(minutes=1)):
        await house.open_ticket(visitor, subject="Old")
    await house.open_ticket(visitor, subject="New")

    while await house.db.write(Actor.system(), events.sweep):
        pass
    forgotten, head = await house.as_system(events.bounds)
    assert (forgotten, head) == (2, 4)
    with pytest.raises(events.Forgotten):
        await told(house, forgotten - 1)
    with pytest.raises(events.Forgotten):
        await told(house, head + 1)
    assert [each.position for each in await told(house, forgotten)] == [3, 4]
