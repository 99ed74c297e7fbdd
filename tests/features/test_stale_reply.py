"""An answer must not cross with words of the customer, or of a colleague, that the agent has not seen."""

from contextlib import aclosing

from parlour.features.chat import service as chat
from parlour.features.tickets.models import Status, Ticket
from parlour.kernel.access import Role
from tests.house import Browser, House
from tests.tickets import JSON, customer_says, now, place, words


async def contents(house: House, ticket: Ticket) -> list[str]:
    history = await house.as_system(chat.history, ticket.chat_room_id)
    return [message.content for message in history.messages if message.sender_type != "system"]


async def test_a_page_says_up_to_where_it_was_read(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    await customer_says(house, ticket, "Hello?")
    page = await desk.get(place(house, ticket))

    assert '<input type="hidden" name="seen" value="2"' in page.text


async def test_an_answer_to_everything_that_was_said_goes_out(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    answer = await desk.submit(
        f"{place(house, ticket)}/chat", words("Tomorrow.", seen="1"), page=place(house, ticket)
    )

    assert answer.status_code == 303
    assert (await contents(house, ticket))[-1] == "Tomorrow."


async def test_a_blind_answer_is_not_sent_and_the_page_shows_what_came_and_keeps_the_text(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await customer_says(house, ticket, "Never mind, it is here!")
    fields = words("We are looking for it.", seen="1", then="pending")
    answer = await desk.submit(f"{place(house, ticket)}/chat", fields, page=place(house, ticket))

    assert answer.status_code == 409
    assert "Never mind, it is here!" in answer.text
    assert "We are looking for it.</textarea>" in answer.text
    assert '<input type="hidden" name="seen" value="2"' in answer.text
    assert 'name="then" value="pending">Send anyway' in answer.text
    assert await contents(house, ticket) == [ticket.description, "Never mind, it is here!"]


async def test_the_same_answer_with_what_was_seen_since_goes_out_once(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await customer_says(house, ticket, "Never mind, it is here!")
    fields = words("Glad to hear.", seen="1")
    path, page = f"{place(house, ticket)}/chat", place(house, ticket)
    refused = await desk.submit(path, fields, page=page, headers=JSON)
    sent = await desk.submit(path, {**fields, "seen": "2"}, page=page, headers=JSON)
    again = await desk.submit(path, {**fields, "seen": "1"}, page=page, headers=JSON)

    assert (refused.status_code, refused.json()["code"]) == (409, "unseen_message")
    assert (sent.status_code, again.status_code) == (201, 200)
    assert (await contents(house, ticket)).count("Glad to hear.") == 1


async def test_a_colleagues_answer_in_between_stops_the_send_and_is_shown(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await house.add_agent("bob@acme.example", Role.AGENT)
    async with aclosing(await house.sign_in("bob@acme.example")) as bob:
        await bob.submit(f"{here}/chat", words("It left this morning.", seen="1"), page=here)
    fields = words("We are looking for it.", seen="1")
    answer = await desk.submit(f"{here}/chat", fields, page=here)
    asked = await desk.submit(f"{here}/chat", fields, page=here, headers=JSON)

    assert (answer.status_code, asked.json()["code"]) == (409, "unseen_answer")
    assert "It left this morning." in answer.text
    assert "We are looking for it.</textarea>" in answer.text
    assert "A colleague has answered meanwhile." in answer.text
    assert await contents(house, ticket) == [ticket.description, "It left this morning."]


async def test_ones_own_answers_in_a_row_stop_nothing(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    path, page = f"{place(house, ticket)}/chat", place(house, ticket)
    first = await desk.submit(path, words("One.", seen="1"), page=page, headers=JSON)
    second = await desk.submit(path, words("Two.", seen="1"), page=page, headers=JSON)

    assert (first.status_code, second.status_code) == (201, 201)


async def test_a_blind_answer_does_not_change_the_status_either(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await customer_says(house, ticket, "Still broken.")
    fields = words("Done!", seen="1", then="resolved")
    await desk.submit(f"{place(house, ticket)}/chat", fields, page=place(house, ticket))

    assert (await now(house, ticket)).status is Status.NEW


async def test_nonsense_for_what_was_seen_is_a_broken_form(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    fields = words("Hello", seen="-1")
    answer = await desk.submit(f"{place(house, ticket)}/chat", fields, page=place(house, ticket))

    assert answer.status_code == 400
