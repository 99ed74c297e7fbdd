"""A message that is read again with its files is the same one, so that nothing is made of it twice."""

from parlour.features.conversation import units
from parlour.kernel.access import Actor
from tests.attaching import JSON, WORDS, room_of, say
from tests.house import Browser, House


async def test_a_message_with_files_is_read_again_as_the_same_object(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    await say(visitor, room_of(ticket), ("a.txt", WORDS), ("b.txt", WORDS), headers=JSON)
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    read = [await house.db.read(customer, units.conversation, ticket.ticket_id) for _ in range(2)]
    first, second = (history.messages[-1] for _, history in read)

    assert [file.name for file in first.files] == ["a.txt", "b.txt"]
    assert first is second
