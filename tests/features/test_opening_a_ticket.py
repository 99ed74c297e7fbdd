"""Opening a ticket on the portal."""

import asyncio
from uuid import uuid4

import pytest

from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Filters, Priority, Status
from tests.house import Browser, House

NEW = "/support/acme/ticket/new"


def form(**fields: str) -> dict[str, str]:
    return {
        "subject": "The parcel is late",
        "description": "It should have been here on Monday.",
        "email": "Maria@Example.com ",
        "client_id": str(uuid4()),
        **fields,
    }


async def test_a_ticket_gets_a_number_a_room_and_its_description_as_first_message(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor, email="Maria@Example.com ")
    history = await house.as_system(chat.history, ticket.chat_room_id)

    assert (ticket.number, ticket.status, ticket.priority) == (1, Status.NEW, Priority.MEDIUM)
    assert ticket.email == "maria@example.com"
    assert [(m.seq, m.content, m.sender_type) for m in history.messages] == [
        (1, ticket.description, "customer")
    ]


async def test_success_leads_to_the_ticket_which_this_browser_may_see(house: House, visitor: Browser) -> None:
    answer = await visitor.submit(NEW, form(), page=NEW)
    page = await visitor.get(answer.headers["location"])

    assert answer.status_code == 303
    assert page.status_code == 200
    assert "The parcel is late" in page.text


async def test_twenty_identical_submits_at_once_make_one_ticket_and_one_mail(
    house: House, visitor: Browser
) -> None:
    fields = {"csrf": await visitor.csrf(NEW), **form()}
    answers = await asyncio.gather(*[visitor.post(NEW, data=fields) for _ in range(20)])
    rows = (await house.as_system(tickets.workspace_tickets, Filters())).rows
    room = await house.as_system(chat.history, rows[0].chat_room_id)

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(rows) == 1
    assert len(room.messages) == 1


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("subject", " ", "Enter a subject"),
        ("subject", "x" * 201, "Shorten the subject"),
        ("description", "", "Describe what happened"),
        ("description", "x" * 20_001, "Shorten the description"),
        ("email", "", "Enter your email address"),
        ("email", "maria@example", "Enter an email address like"),
    ],
)
async def test_a_field_that_cannot_be_taken_is_named_and_nothing_typed_is_lost(
    house: House, visitor: Browser, field: str, value: str, sentence: str
) -> None:
    answer = await visitor.submit(NEW, form(**{"subject": "Kept subject", field: value}), page=NEW)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "maria@example" in answer.text.lower() or field == "email"
    assert (await house.as_system(tickets.workspace_tickets, Filters())).rows == []
