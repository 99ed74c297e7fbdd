"""Rooms and messages: nothing doubled, nothing lost, everything in order."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.chat.models import CONTENT_LIMIT, Audience, Posted
from parlour.features.chat.store import room_of
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Ticket
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from parlour.kernel.events import Event, JobQueued, RoomRead
from parlour.kernel.messages import Place
from tests.house import Browser, House


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


@pytest.fixture
def maria(ticket: Ticket) -> Actor:
    return Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)


@pytest.fixture
def ada(house: House) -> Actor:
    return Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")


async def post(
    house: House, actor: Actor, ticket: Ticket, content: str, client_id: UUID | None = None
) -> Posted:
    posted: Posted = await house.db.write(
        actor, chat.post, ticket.chat_room_id, content, client_id or uuid4()
    )
    return posted


async def sequence(house: House, ticket: Ticket) -> list[int]:
    history = await house.as_system(chat.history, ticket.chat_room_id, limit=500)
    return [message.seq for message in history.messages]


# ------------------------------------------------------------------------------------------ once, in order


async def test_a_repeat_returns_the_first_answer_and_writes_nothing(
    house: House, ticket: Ticket, maria: Actor
) -> None:
    client_id = uuid4()
    first = await post(house, maria, ticket, "Hello", client_id)
    again = await post(house, maria, ticket, "Hello \r\n", client_id)

    assert (first.repeat, again.repeat) == (False, True)
    assert again.message == first.message
    assert await sequence(house, ticket) == [1, 2]


async def test_the_same_id_with_other_words_is_refused(house: House, ticket: Ticket, maria: Actor) -> None:
    client_id = uuid4()
    await post(house, maria, ticket, "Hello", client_id)
    with pytest.raises(Conflict):
        await post(house, maria, ticket, "Goodbye", client_id)

    assert await sequence(house, ticket) == [1, 2]


async def test_the_same_id_is_another_message_in_another_room_and_of_another_sender(
    house: House, ticket: Ticket, maria: Actor, ada: Actor
) -> None:
    client_id = uuid4()
    async with house.browser("10.1.1.1") as other:
        second = await house.open_ticket(other)
    posted = [
        await post(house, maria, ticket, "One", client_id),
        await post(house, ada, ticket, "Two", client_id),
        await post(house, ada, second, "Three", client_id),
    ]

    assert [one.repeat for one in posted] == [False, False, False]


async def test_many_at_once_get_every_number_once(
    house: House, ticket: Ticket, maria: Actor, ada: Actor
) -> None:
    posted = await asyncio.gather(
        *[post(house, maria if n % 2 else ada, ticket, f"Message {n}") for n in range(60)]
    )

    assert sorted(one.message.seq for one in posted) == list(range(2, 62))
    assert await sequence(house, ticket) == list(range(1, 62))


async def test_a_refused_message_leaves_no_hole(house: House, ticket: Ticket, maria: Actor) -> None:
    def post_and_fail(tx: Tx) -> None:
        chat.post(tx, ticket.chat_room_id, "Never", uuid4())
        raise Invalid({})

    waiting = [
        post(house, maria, ticket, "Before"),
        house.db.write(maria, post_and_fail),
        post(house, maria, ticket, "After"),
    ]
    await asyncio.gather(*waiting, return_exceptions=True)

    assert await sequence(house, ticket) == [1, 2, 3]


async def test_a_room_that_does_not_exist_takes_nothing(house: House, ada: Actor) -> None:
    with pytest.raises(NotFound):
        await house.db.write(ada, chat.post, uuid4(), "Hello", uuid4())


async def test_a_customer_finds_no_internal_room(house: House, ticket: Ticket, maria: Actor) -> None:
    internal = await house.as_system(room_of, ticket.ticket_id, Audience.INTERNAL)
    assert internal
    units: list[tuple[Callable[..., object], list[object]]] = [
        (chat.post, ["Hello", uuid4()]),
        (chat.history, []),
        (chat.following, [Place(0)]),
        (chat.enter, [Place(0)]),
        (chat.mark_read, [1]),
    ]
    for unit, arguments in units:
        with pytest.raises(NotFound):
            await house.db.write(maria, unit, internal.room_id, *arguments)


async def test_a_viewer_may_not_post(house: House, ticket: Ticket) -> None:
    viewer = Actor.agent(ticket.workspace_id, uuid4(), Role.VIEWER, "Viv")
    with pytest.raises(Forbidden):
        await post(house, viewer, ticket, "Hello")


# ------------------------------------------------------------------------------------------ what is stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("\n  Hello  \n", "  Hello"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("nul\x00byte", "nulbyte"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("emoji 👩🏽‍🚀 and ü", "emoji 👩🏽‍🚀 and ü"),
        ("\u202etxt.exe", "txt.exe"),
        ("    first\n    second", "    first\n    second"),
        ("'; DROP TABLE messages; --", "'; DROP TABLE messages; --"),
        ("x" * CONTENT_LIMIT + "   ", "x" * CONTENT_LIMIT),
    ],
)
async def test_words_are_stored_as_typed_but_for_what_cannot_be(
    house: House, ticket: Ticket, maria: Actor, typed: str, stored: str
) -> None:
    posted = await post(house, maria, ticket, typed)
    history = await house.as_system(chat.history, ticket.chat_room_id)

    assert posted.message.content == stored
    assert history.messages[-1].content == stored


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "required"),
        (" \r\n\t", "required"),
        ("\x00", "required"),
        ("\u2800\n\u200b", "required"),
        ("x" * (CONTENT_LIMIT + 1), "too_long"),
    ],
)
async def test_words_that_cannot_be_taken_are_named(
    house: House, ticket: Ticket, maria: Actor, typed: str, problem: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await post(house, maria, ticket, typed)

    assert refused.value.problems == {"content": problem}


# ------------------------------------------------------------------------------------------ reading


async def test_a_mark_goes_forward_only_and_never_past_the_last_message(
    house: House, ticket: Ticket, maria: Actor, ada: Actor
) -> None:
    heard: list[Event | JobQueued] = []
    for number in range(3):
        await post(house, ada, ticket, f"Message {number}")
    house.db.on_commit(heard.extend)
    for seq in (2, 1, 2, 0, -5, 3, 99, 4):
        await house.db.write(maria, chat.mark_read, ticket.chat_room_id, seq)
    history = await house.db.read(maria, chat.history, ticket.chat_room_id)

    assert [event.seq for event in heard if isinstance(event, RoomRead)] == [2, 3, 4]
    assert history.read_upto == 4
    assert history.seen == {"customer": 4}


async def test_each_side_sees_how_far_the_other_has_read(
    house: House, ticket: Ticket, maria: Actor, ada: Actor
) -> None:
    ben = Actor.agent(ticket.workspace_id, uuid4(), Role.AGENT, "Ben")
    await post(house, maria, ticket, "Two")
    await post(house, maria, ticket, "Three")
    await house.db.write(ada, chat.mark_read, ticket.chat_room_id, 1)
    await house.db.write(ben, chat.mark_read, ticket.chat_room_id, 3)
    await house.db.write(maria, chat.mark_read, ticket.chat_room_id, 2)
    history = await house.db.read(ada, chat.history, ticket.chat_room_id)

    assert (history.seen, history.read_upto) == ({"agent": 3, "customer": 2}, 1)


async def test_unread_is_what_the_other_side_said_after_ones_own_mark_in_that_room(
    house: House, ticket: Ticket, maria: Actor, ada: Actor
) -> None:
    async def unread() -> tuple[bool, bool]:
        theirs = await house.as_system(chat.unread_by_customer, ticket.email, [ticket.chat_room_id])
        row = await house.db.read(ada, listing.row, ticket.ticket_id)
        return theirs == {ticket.chat_room_id}, row.unread

    at_first = await unread()
    await house.db.write(ada, chat.mark_read, ticket.chat_room_id, 1)
    after_reading = await unread()
    await post(house, ada, ticket, "An answer")
    answered = await unread()
    await post(house, maria, ticket, "Thank you")
    thanked = await unread()

    assert at_first == (False, True)
    assert after_reading == (False, False)
    assert answered == (True, False)
    assert thanked[1]


async def test_whoever_enters_gets_what_came_after_as_of_one_moment(
    house: House, ticket: Ticket, ada: Actor
) -> None:
    for number in range(6):
        await post(house, ada, ticket, f"Message {number}")

    async def enter(after: int) -> tuple[list[int], bool, int]:
        found = await house.db.read(ada, chat.enter, ticket.chat_room_id, Place(after))
        return [message.seq for message in found.messages], found.goes_on, found.head

    assert await enter(4) == ([5, 6, 7], True, 7)
    assert await enter(7) == ([], True, 7)
    assert await enter(8) == ([], False, 7)  # ahead of the database: it went back


async def test_long_messages_make_a_short_page_that_says_there_are_earlier_ones(
    house: House, ticket: Ticket, ada: Actor
) -> None:
    for number in range(6):
        await post(house, ada, ticket, f"{number}".ljust(CONTENT_LIMIT, "x"))

    newest = await house.db.read(ada, chat.history, ticket.chat_room_id)
    earlier = await house.db.read(ada, chat.history, ticket.chat_room_id, before=4)

    assert ([message.seq for message in newest.messages], newest.has_older) == ([4, 5, 6, 7], True)
    assert ([message.seq for message in earlier.messages], earlier.has_older) == ([1, 2, 3], False)


async def test_the_heads_of_many_rooms_come_at_once_each_with_its_workspace(
    house: House, ticket: Ticket, ada: Actor
) -> None:
    await post(house, ada, ticket, "Two")
    here, there = ticket.workspace_id, house.other.workspace_id
    asked = [(here, ticket.chat_room_id), (there, ticket.chat_room_id), (here, uuid4())]

    _, found = await house.db.read(Actor.system(), chat.heads, asked)
    assert found == {ticket.chat_room_id: 2}
    _, nothing = await house.db.read(Actor.system(), chat.heads, [])
    assert nothing == {}
