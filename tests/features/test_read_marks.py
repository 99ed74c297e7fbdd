"""Reading without a script: a plain form says what its page has shown."""

import re
from uuid import UUID, uuid4

import pytest

from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House
from tests.tickets import ada, place, words


async def mark(house: House, room_id: UUID, reader: Actor) -> int:
    history = await house.db.read(reader, chat.history, room_id)
    return history.read_upto


async def test_an_agent_marks_as_read_with_a_button(house: House, visitor: Browser, desk: Browser) -> None:
    here = place(house, await house.open_ticket(visitor))
    before = (await desk.get(here)).text
    answer = await desk.submit(f"{here}/chat", {"shown": "1", "read": "1", "content": ""}, page=here)
    after = (await desk.get(here)).text

    assert (answer.status_code, answer.headers["location"]) == (303, f"{here}#latest")
    assert "Mark as read" in before
    assert "Mark as read" not in after


async def test_a_colleagues_note_is_marked_as_read_in_its_own_room(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    ben = Actor.agent(
        house.workspace.workspace_id, await house.add_agent("b@acme.example", Role.AGENT), Role.AGENT, "Ben"
    )
    await house.db.write(ben, tickets.add_note, ticket.ticket_id, "A partner of ours", uuid4())
    notes = f"{place(house, ticket)}/notes"
    before = (await desk.get(notes)).text
    await desk.submit(notes, {"shown": "1", "read": "1", "content": ""}, page=notes)
    after = (await desk.get(notes)).text

    assert (before.count("Mark as read"), after.count("Mark as read")) == (2, 1)


async def test_a_customer_marks_as_read_with_a_button(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("It is on its way."), page=here)
    room = f"/support/acme/ticket/{ticket.ticket_id}/chat"
    page = (await visitor.get(room)).text
    [shown] = re.findall(r'name="shown" value="(\d+)"', page)
    before = (await visitor.get("/support/acme")).text
    await visitor.submit(room, {"shown": shown, "read": "1", "content": ""}, page=room)
    after = (await visitor.get("/support/acme")).text

    assert "Mark as read" in page
    assert "New reply" in before
    assert "New reply" not in after


async def test_a_plain_answer_reads_what_its_page_showed_and_no_more(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", {**words("It is on its way."), "shown": "1"}, page=here)

    assert await mark(house, ticket.chat_room_id, ada(house)) == 1


async def test_a_mark_of_nonsense_is_refused(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    answer = await desk.submit(f"{here}/chat", {"shown": "-1", "read": "1"}, page=here)

    assert answer.status_code == 400


@pytest.mark.parametrize("room", ["chat", "notes"])
async def test_a_form_of_a_page_that_was_open_for_too_long_keeps_its_words(
    house: House, visitor: Browser, desk: Browser, room: str
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    agents = await desk.post(f"{here}/{room}", data={**words("A long answer"), "csrf": "0" * 64})
    portal = f"/support/acme/ticket/{ticket.ticket_id}/chat"
    customers = await visitor.post(portal, data={**words("A long question"), "csrf": "0" * 64})

    assert (agents.status_code, customers.status_code) == (403, 403)
    assert "A long answer</textarea>" in agents.text
    assert "A long question</textarea>" in customers.text
    assert "open for too long" in agents.text
