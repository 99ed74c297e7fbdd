"""Sending on the portal: by the page's script, and as a plain form."""

import asyncio
import re
from html import unescape
from uuid import uuid4

import httpx
import pytest

from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Status, Ticket
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House

JSON = {"accept": "application/json"}
HOME = "/support/acme"


def address(ticket: Ticket) -> str:
    return f"{HOME}/ticket/{ticket.ticket_id}/chat"


def words(content: str = "Any news?", client_id: str = "") -> dict[str, str]:
    return {"content": content, "client_id": client_id or str(uuid4())}


async def send(browser: Browser, ticket: Ticket, fields: dict[str, str]) -> httpx.Response:
    """As the page's script does: the token in a header, JSON back."""
    headers = {**JSON, "x-csrf-token": await browser.csrf(HOME)}
    return await browser.post(address(ticket), data=fields, headers=headers)


async def contents(house: House, ticket: Ticket) -> list[str]:
    history = await house.as_system(chat.history, ticket.chat_room_id)
    return [message.content for message in history.messages if message.sender_type != "system"][1:]


async def status_of(house: House, ticket: Ticket) -> Status:
    now: Ticket = await house.as_system(tickets.ticket, ticket.ticket_id)
    return now.status


async def move(house: House, ticket: Ticket, status: Status) -> None:
    now = await house.as_system(tickets.ticket, ticket.ticket_id)
    await house.as_system(tickets.update_ticket_status, ticket.ticket_id, status, seen_version=now.version)


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


# ---------------------------------------------------------------------------------- by the page's script


async def test_a_sent_message_is_answered_with_its_place_in_the_room(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    fields = words()
    answer = await send(visitor, ticket, fields)
    message = answer.json()["message"]

    assert (answer.status_code, answer.json()["status"]) == (201, "new")
    assert (message["seq"], message["content"], message["client_id"]) == (2, "Any news?", fields["client_id"])
    assert await contents(house, ticket) == ["Any news?"]


async def test_the_same_message_again_gets_the_first_answer_and_stores_nothing(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    fields = words()
    first, again = await send(visitor, ticket, fields), await send(visitor, ticket, fields)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["message"] == first.json()["message"]
    assert await contents(house, ticket) == ["Any news?"]


async def test_ten_identical_sends_at_once_store_one_message(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    fields = words()
    answers = await asyncio.gather(*[send(visitor, ticket, fields) for _ in range(10)])

    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert await contents(house, ticket) == ["Any news?"]


async def test_the_same_id_with_other_words_is_a_conflict(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    fields = words()
    await send(visitor, ticket, fields)
    answer = await send(visitor, ticket, {**fields, "content": "Other words"})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert await contents(house, ticket) == ["Any news?"]


async def test_a_closed_ticket_takes_no_message_but_still_answers_a_repeat(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    fields = words()
    await send(visitor, ticket, fields)
    await move(house, ticket, Status.CLOSED)
    refused, repeat = await send(visitor, ticket, words("More")), await send(visitor, ticket, fields)

    assert (refused.status_code, refused.json()["code"]) == (409, "ticket_closed")
    assert (repeat.status_code, repeat.json()["status"]) == (200, "closed")
    assert await contents(house, ticket) == ["Any news?"]


@pytest.mark.parametrize(
    ("content", "problem"), [("", "required"), (" \n\x00 ", "required"), ("x" * 20_001, "too_long")]
)
async def test_a_message_that_cannot_be_taken_names_its_problem(
    house: House, visitor: Browser, ticket: Ticket, content: str, problem: str
) -> None:
    answer = await send(visitor, ticket, words(content))

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["problems"] == {"content": problem}


async def test_a_message_of_the_longest_length_is_taken(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    answer = await send(visitor, ticket, words("ü" * 20_000))

    assert answer.status_code == 201


@pytest.mark.parametrize("client_id", ["", "nonsense", "1"])
async def test_a_message_without_a_proper_id_is_refused(
    visitor: Browser, ticket: Ticket, client_id: str
) -> None:
    answer = await send(visitor, ticket, {"content": "Hello", "client_id": client_id})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_form")


async def test_a_page_that_is_too_old_is_told_so(visitor: Browser, ticket: Ticket) -> None:
    headers = {**JSON, "x-csrf-token": "0" * 64}
    answer = await visitor.post(address(ticket), data=words(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")


async def test_somebody_elses_ticket_takes_nothing(house: House, visitor: Browser, ticket: Ticket) -> None:
    async with house.browser() as other:
        answer = await send(other, ticket, words("Let me in"))

    assert (answer.status_code, answer.json()["code"]) == (403, "no_access")
    assert await contents(house, ticket) == []


async def test_a_flood_is_told_how_long_to_wait_and_nobody_else_waits(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    token = await visitor.csrf(HOME)
    headers = {**JSON, "x-csrf-token": token}
    answers = [await visitor.post(address(ticket), data=words(), headers=headers) for _ in range(21)]
    async with house.browser() as other:
        elsewhere = await house.open_ticket(other, email="noor@example.com")
        calm = await send(other, elsewhere, words())

    assert [answer.status_code for answer in answers] == [201] * 20 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
    assert answers[-1].json()["code"] == "too_many"
    assert calm.status_code == 201


@pytest.mark.parametrize("status", [Status.PENDING, Status.RESOLVED])
async def test_a_customers_word_brings_the_ticket_back(
    house: House, visitor: Browser, ticket: Ticket, status: Status
) -> None:
    await move(house, ticket, status)
    answer = await send(visitor, ticket, words())

    assert answer.json()["status"] == "open"
    assert await status_of(house, ticket) is Status.OPEN


async def test_a_status_cannot_be_sent_along(house: House, visitor: Browser, ticket: Ticket) -> None:
    smuggled = {**words(), "status": "closed", "sender_type": "agent", "seq": "1", "ticket_id": str(uuid4())}
    answer = await send(visitor, ticket, smuggled)

    assert answer.json()["message"]["sender_type"] == "customer"
    assert await status_of(house, ticket) is Status.NEW


# ------------------------------------------------------------------------------------------ as a plain form


def draft(page: httpx.Response) -> str:
    found = re.search(r"<textarea id=\"composer-content\"[^>]*>\n(.*?)</textarea>", page.text, re.DOTALL)
    assert found
    return unescape(found[1])


async def test_a_plain_form_leads_back_to_the_end_of_the_room(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    answer = await visitor.submit(address(ticket), words(), page=HOME)

    assert (answer.status_code, answer.headers["location"]) == (303, f"{address(ticket)}#latest")
    assert await contents(house, ticket) == ["Any news?"]


@pytest.mark.parametrize(
    ("content", "kept", "sentence"),
    [
        ("  ", "", "Write a message first."),
        ("<b>" + "x" * 20_000, "<b>" + "x" * 20_000, "This message is too long."),
    ],
)
async def test_a_plain_form_that_cannot_be_taken_keeps_its_text(
    house: House, visitor: Browser, ticket: Ticket, content: str, kept: str, sentence: str
) -> None:
    page = await visitor.submit(address(ticket), words(content), page=HOME)

    assert page.status_code == 422
    assert sentence in page.text
    assert draft(page).strip() == kept


async def test_a_plain_form_on_a_ticket_closed_meanwhile_keeps_its_text(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await move(house, ticket, Status.CLOSED)
    page = await visitor.submit(address(ticket), words("One more thing"), page=HOME)

    assert page.status_code == 409
    assert "This ticket is closed." in page.text
    assert "What you wrote, so that you can keep it" in page.text
    assert "One more thing" in page.text


@pytest.mark.parametrize(("token", "status"), [("right", 200), ("of an old page", 403)])
async def test_words_of_a_closed_room_begin_a_new_ticket_that_is_not_opened_yet(
    house: House, visitor: Browser, token: str, status: int
) -> None:
    new = f"{HOME}/ticket/new"
    right = await visitor.csrf(HOME)
    begun = {**words("One <more>\nthing"), "begin": "1", "csrf": right if token == "right" else "x"}
    page = await visitor.post(new, data=begun)
    foreign = await visitor.post(new, data=begun, headers={"origin": "https://evil.example"})
    nothing = await visitor.post(new, data={**begun, "content": " \n"})
    home = await visitor.get(HOME)

    assert page.status_code == status
    assert "One <more>\nthing</textarea>" in unescape(page.text)
    assert begun["client_id"] not in page.text
    assert (foreign.status_code, "One" in foreign.text) == (403, False)
    assert (nothing.status_code, nothing.headers["location"]) == (303, new)
    assert "/ticket/0" not in home.text


async def test_files_of_a_closed_room_begin_a_new_ticket_too(house: House, visitor: Browser) -> None:
    new = f"{HOME}/ticket/new"
    begun = {**words(""), "begin": "1", "csrf": await visitor.csrf(HOME)}

    page = await visitor.post(new, data=begun, files={"files": ("pole.txt", b"It broke here.")})

    assert page.status_code == 200
    assert "pole.txt" in page.text


async def test_a_plain_form_with_a_used_id_and_other_words_keeps_them_and_gets_a_new_id(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    fields = words()
    await visitor.submit(address(ticket), fields, page=HOME)
    page = await visitor.submit(address(ticket), {**fields, "content": "Other words"}, page=HOME)

    assert page.status_code == 409
    assert "was already sent with other words" in page.text
    assert draft(page) == "Other words"
    assert fields["client_id"] not in re.findall(r'name="client_id" value="([^"]+)"', page.text)


async def test_a_plain_form_sent_too_often_keeps_its_text(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    fields = {"csrf": await visitor.csrf(HOME)}
    for _ in range(20):
        await visitor.post(address(ticket), data={**fields, **words()})
    page = await visitor.post(address(ticket), data={**fields, **words("The twenty-first")})

    assert page.status_code == 429
    assert int(page.headers["retry-after"]) >= 1
    assert "Wait a moment, then send it again." in page.text
    assert draft(page) == "The twenty-first"


async def test_an_agents_answer_shows_the_name_and_never_the_address(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
    await house.db.write(agent, tickets.send_message, ticket.ticket_id, "On its way.", uuid4())
    page = await visitor.get(address(ticket))

    assert "Ada Moreau" in page.text
    assert "ada@acme.example" not in page.text
