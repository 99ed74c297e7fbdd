"""Canned replies, and the placeholders in them."""

import re
from contextlib import aclosing
from html import unescape
from uuid import uuid4

import pytest

from parlour.features.chat import service as chat
from parlour.features.tickets.canned import service as canned
from parlour.kernel.access import Role
from tests.features.test_settings import seen_on
from tests.house import Browser, House
from tests.tickets import JSON, place, words

PATIENCE = {"name": "Patience", "content": "Dear {customer_email}, #{ticket_number} is ours. {agent_name}"}


def home(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/replies"


async def keep(house: House, browser: Browser, **fields: str) -> str:
    """Make a canned reply; the address of its page."""
    made = await browser.submit(f"{home(house)}/new", {**PATIENCE, **fields}, page=home(house))
    assert made.status_code == 303, made.text
    listed = unescape((await browser.get(home(house))).text)
    name = fields.get("name", PATIENCE["name"])
    found = re.search(rf'href="({re.escape(home(house))}/[0-9a-f-]{{36}})"[^>]*>{name}<', listed)
    assert found, listed
    return found[1]


def composed(page: str) -> tuple[str, str]:
    """What stands in the composer, and the gaps that its form notes."""
    text = re.search(r'<textarea id="composer-content"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    gaps = re.search(r'name="gaps" value="([^"]*)"', page)
    assert text
    assert gaps
    return unescape(text[1]), unescape(gaps[1])


async def filled_in(house: House, visitor: Browser, desk: Browser) -> list[dict[str, str]]:
    ticket = await house.open_ticket(visitor)
    answer = await desk.get(f"{place(house, ticket)}/replies", headers=JSON)
    found: list[dict[str, str]] = answer.json()["replies"]
    return found


async def test_a_reply_is_filled_in_for_the_ticket(house: House, visitor: Browser, desk: Browser) -> None:
    await keep(house, desk, shared="1")

    assert await filled_in(house, visitor, desk) == [
        {"name": "Patience", "content": "Dear maria@example.com, #1 is ours. Ada Moreau"}
    ]


async def test_lists_hold_the_beginning_of_a_long_text_and_lead_to_all_of_it(
    house: House, visitor: Browser, desk: Browser
) -> None:
    text = f"Dear {{customer_email}}, {'lorem ' * 3_300}".strip()
    await keep(house, desk, content=text)
    listed = await desk.get(home(house))
    [offered] = await filled_in(house, visitor, desk)
    whole = await desk.get(offered["whole"], headers=JSON)

    assert listed.text.count("lorem") == offered["content"].count("lorem") < 100
    assert offered["content"].startswith("Dear maria@example.com, lorem")
    assert whole.json() == {"content": text.replace("{customer_email}", "maria@example.com")}


async def test_an_own_reply_is_for_its_owner_alone_and_a_shared_one_for_everybody(
    house: House, desk: Browser
) -> None:
    own = await keep(house, desk, name="Hers alone")
    shared = await keep(house, desk, name="Ours", shared="1")
    await house.add_agent("bob@acme.example", Role.AGENT)
    async with aclosing(await house.sign_in("bob@acme.example")) as bob:
        listed = (await bob.get(home(house))).text
        statuses = [(await bob.get(path)).status_code for path in (own, shared)]
        deleted = await bob.submit(f"{own}/delete", {}, page=home(house))

    assert "Ours" in listed
    assert "Hers alone" not in listed
    assert (*statuses, deleted.status_code) == (404, 200, 404)


async def test_a_reply_is_changed_and_deleted(house: House, desk: Browser) -> None:
    path = await keep(house, desk)
    changed = await desk.submit(path, {"name": "Later", "content": "Soon."}, page=path)
    listed = (await desk.get(home(house))).text
    deleted = await desk.submit(f"{path}/delete", {}, page=path)

    assert (changed.status_code, deleted.status_code) == (303, 303)
    assert "Later" in listed
    assert "Patience" not in listed
    assert (await desk.get(path)).status_code == 404


async def test_a_colleagues_text_is_not_written_over_unseen(house: House, desk: Browser) -> None:
    path = await keep(house, desk, shared="1")
    first = {"name": "Patience", "content": "Soon.", "shared": "", "seen": seen_on(await desk.get(path))}
    await desk.submit(path, first, page=path)
    mine = {**first, "content": "Later.", "shared": "1"}
    asked = await desk.submit(path, mine, page=path)
    between = unescape((await desk.get(path)).text)
    again = await desk.submit(path, {**mine, "seen": seen_on(asked)}, page=path)

    assert asked.status_code == 409
    assert "Later.</textarea>" in asked.text
    assert '<dd dir="auto">Soon.</dd>' in asked.text
    assert '<dd dir="auto">Only me</dd>' in asked.text
    assert "Soon.</textarea>" in between
    assert again.status_code == 303
    assert "Later.</textarea>" in (await desk.get(path)).text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", " ", "Enter a name"),
        ("name", "x" * 81, "Shorten the name"),
        ("content", "", "Enter the text"),
        ("content", "x" * 20_001, "Shorten the text"),
    ],
)
async def test_a_reply_that_cannot_be_kept_is_shown_again_with_what_was_typed(
    house: House, desk: Browser, field: str, value: str, sentence: str
) -> None:
    fields = {"name": "Kept name", "content": "Kept content", field: value}
    answer = await desk.submit(f"{home(house)}/new", fields, page=home(house))

    assert answer.status_code == 422
    assert sentence in answer.text
    assert ("Kept content" if field == "name" else "Kept name") in answer.text


@pytest.mark.parametrize("which", ["new", "old"])
async def test_a_page_that_was_open_too_long_keeps_what_was_typed(
    house: House, desk: Browser, which: str
) -> None:
    page = f"{home(house)}/new" if which == "new" else await keep(house, desk)
    answer = await desk.post(page, data={"csrf": "old", "name": "Kept name", "content": "Kept content"})

    assert answer.status_code == 403
    assert "open for too long" in answer.text
    assert "Kept name" in answer.text
    assert "Kept content" in answer.text


async def test_a_chosen_reply_that_is_gone_leaves_the_answer_as_it_is(
    house: House, visitor: Browser, desk: Browser
) -> None:
    here = place(house, await house.open_ticket(visitor))
    fields = {**words("Half an answer"), "insert": "1", "reply": str(uuid4())}
    answer = await desk.submit(f"{here}/chat", fields, page=here)

    assert answer.status_code == 404
    assert "This canned reply is not there any more." in answer.text
    assert "Half an answer" in answer.text


async def test_a_viewer_keeps_no_replies(house: House, desk: Browser) -> None:
    shared = await keep(house, desk, shared="1")
    await house.add_agent("vic@acme.example", Role.VIEWER)
    async with aclosing(await house.sign_in("vic@acme.example")) as viewer:
        answers = [
            await viewer.get(f"{home(house)}/new"),
            await viewer.submit(f"{home(house)}/new", PATIENCE, page=home(house)),
            await viewer.submit(shared, PATIENCE, page=home(house)),
            await viewer.submit(f"{shared}/delete", {}, page=home(house)),
        ]
        listed = await viewer.get(home(house))

    assert [answer.status_code for answer in answers] == [403, 403, 403, 403]
    assert listed.status_code == 200


async def test_the_replies_of_another_workspace_are_not_there(house: House, desk: Browser) -> None:
    shared = await keep(house, desk, shared="1")
    reply_id = shared.rsplit("/", 1)[1]
    await house.add_agent("mallory@other.example", Role.OWNER, house.other)
    there = f"/workspace/{house.other.workspace_id}/replies"
    async with aclosing(await house.sign_in("mallory@other.example")) as mallory:
        listed = await mallory.get(there)
        answers = [
            await mallory.get(shared),
            await mallory.get(f"{there}/{reply_id}"),
            await mallory.submit(f"{there}/{reply_id}", PATIENCE, page=there),
            await mallory.submit(f"{there}/{reply_id}/delete", {}, page=there),
        ]

    assert "Patience" not in listed.text
    assert {answer.status_code for answer in answers} == {404}


async def test_there_is_a_limit_to_how_many_one_keeps(
    house: House, desk: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canned, "REPLIES_LIMIT", 1)
    await keep(house, desk)
    answer = await desk.submit(f"{home(house)}/new", {**PATIENCE, "name": "More"}, page=home(house))

    assert answer.status_code == 422
    assert "There are too many canned replies of this kind." in answer.text


async def test_without_a_script_a_chosen_reply_comes_back_in_the_composer(
    house: House, visitor: Browser, desk: Browser
) -> None:
    path = await keep(house, desk)
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    fields = words("Hello!", reply=path.rsplit("/", 1)[1], insert="1")
    answer = await desk.submit(f"{here}/chat", fields, page=here)
    room = await house.as_system(chat.history, ticket.chat_room_id)

    assert answer.status_code == 200
    assert "Hello!\n\nDear maria@example.com, #1 is ours. Ada Moreau</textarea>" in answer.text
    assert len(room.messages) == 1


GAPS = "Your order {order_number} is on its way, {prénom}. {customer_email}"


async def test_gaps_of_a_canned_reply_are_named_once_and_then_sent_as_they_are(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """Without a script: the page that brings the reply notes its gaps, the one that names them none."""
    path = await keep(house, desk, content=GAPS)
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    chosen = words("Hello {you}!", reply=path.rsplit("/", 1)[1], insert="1")
    inserted = await desk.submit(f"{here}/chat", chosen, page=here)
    text, brought = composed(inserted.text)
    stopped = await desk.submit(f"{here}/chat", words(text, gaps=brought), page=here)
    again, left = composed(stopped.text)
    sent = await desk.submit(f"{here}/chat", words(again, gaps=left), page=here)
    room = await house.as_system(chat.history, ticket.chat_room_id)

    assert (inserted.status_code, stopped.status_code, sent.status_code) == (200, 422, 303)
    assert brought == "order_number prénom"
    assert "the canned reply left {order_number}, {prénom} to be filled in" in unescape(stopped.text)
    assert (again, left) == (text, "")
    assert text in [message.content for message in room.messages]


async def test_gaps_that_are_read_from_right_to_left_keep_their_places(
    house: House, visitor: Browser, desk: Browser
) -> None:
    here = place(house, await house.open_ticket(visitor))
    stopped = await desk.submit(
        f"{here}/chat", words("{שם}, {date}, {תאריך}", gaps="שם date תאריך"), page=here
    )

    assert "\u2068{שם}\u2069, {date}, \u2068{תאריך}\u2069" in unescape(stopped.text)


async def test_gaps_that_were_filled_are_none(house: House, visitor: Browser, desk: Browser) -> None:
    here = place(house, await house.open_ticket(visitor))
    filled = words("Your order 12 is on its way, {x}.", gaps="order_number")

    assert (await desk.submit(f"{here}/chat", filled, page=here)).status_code == 303


@pytest.mark.parametrize(
    "text",
    [
        "GET /users/{id}",
        "Write {customer_email}, {order_number}",
        "{}",
        "{1}",
        "{two words}",
        "if (x) { return; }",
    ],
)
async def test_braces_that_were_typed_are_just_braces(
    house: House, visitor: Browser, desk: Browser, text: str
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    answer = await desk.submit(f"{here}/chat", words(text), page=here, headers=JSON)

    assert answer.json()["message"]["content"] == text


async def test_a_customer_may_write_braces(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    room = f"/support/acme/ticket/{ticket.ticket_id}/chat"
    answer = await visitor.submit(room, words("What is {first_name}?"), page=room, headers=JSON)

    assert answer.status_code == 201
