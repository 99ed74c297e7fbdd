"""A ticket that an agent opens for somebody, who hears of it by mail."""

import re
from uuid import UUID, uuid4

import pytest

from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Status
from parlour.features.workspaces import audit
from tests.house import Browser, House
from tests.mailbox import delivered, mails, text_of
from tests.tickets import ada

TOKEN = re.compile(r"/access#(\S+)")


def page(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/tickets/new"


def form(**fields: str) -> dict[str, str]:
    return {
        "email": " Noor@Example.com",
        "subject": "Your order 5512",
        "description": "The blue one is sold out. Is green fine too?",
        "client_id": str(uuid4()),
        **fields,
    }


async def test_the_customer_gets_the_words_and_a_link_that_leads_into_the_conversation(
    house: House, visitor: Browser, desk: Browser
) -> None:
    answer = await desk.submit(page(house), form(), page=page(house))
    ticket = await house.as_system(tickets.ticket, UUID(answer.headers["location"].rsplit("/", 1)[1]))
    [mail] = await mails(house, "noor@example.com")
    found = TOKEN.search(text_of(mail))
    assert found
    into = await visitor.submit("/support/acme/access", {"token": found[1]}, page="/support/acme/access")
    room = await visitor.get(f"{into.headers['location'].partition('#')[0].removesuffix('/chat')}")

    assert mail["Subject"] == "Your order 5512 (#1)"
    assert "Is green fine too?" in text_of(mail)
    assert "What the team wrote" in room.text
    assert (ticket.email, ticket.status, ticket.assignee_id) == ("noor@example.com", Status.OPEN, house.ada)
    assert (ticket.waiting_since, ticket.begun_by_agent) == (None, True)


async def test_the_first_message_is_the_agents_and_the_history_says_who_opened_it(
    house: House, desk: Browser
) -> None:
    answer = await desk.submit(page(house), form(), page=page(house))
    ticket = await house.as_system(tickets.ticket, UUID(answer.headers["location"].rsplit("/", 1)[1]))
    room = await house.as_system(chat.history, ticket.chat_room_id)
    changes = await house.db.read(ada(house), audit.of_ticket, ticket.ticket_id)
    shown = await desk.get(answer.headers["location"])

    assert [(m.sender_type, m.sender_id, m.content) for m in room.messages] == [
        ("agent", str(house.ada), ticket.description)
    ]
    assert [(entry.actor_name, entry.action) for entry in changes] == [("Ada Moreau", "opened")]
    assert "Ada Moreau opened the ticket for the customer" in shown.text


async def test_the_same_form_twice_is_one_ticket_and_one_mail(house: House, desk: Browser) -> None:
    fields = form()
    answers = [await desk.submit(page(house), fields, page=page(house)) for _ in range(2)]
    await mails(house, "noor@example.com")

    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert len(delivered(house, "noor@example.com")) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"email": "noor"}, "like name@example.com"),
        ({"subject": " "}, "Enter a subject"),
        ({"description": ""}, "Write the first message"),
        ({"client_id": "x"}, "The blue one is sold out."),
    ],
)
async def test_a_form_that_cannot_be_taken_comes_back_with_what_was_typed(
    house: House, desk: Browser, fields: dict[str, str], said: str
) -> None:
    answer = await desk.submit(page(house), form(**fields), page=page(house))

    assert answer.status_code in (400, 422)
    assert said in answer.text
    assert delivered(house, "noor@example.com") == []
