"""The files of a ticket in one list, beside its conversation and on a page of their own."""

import re

import pytest

from parlour.features.tickets.models import Ticket
from tests.attaching import JSON, WORDS, desk_of, room_of, say
from tests.house import Browser, House


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


def names_on(page: str) -> list[str]:
    return re.findall(r"<bdi>(.*?)</bdi>", page)


async def test_every_file_of_a_ticket_is_listed_once_the_newest_first(
    visitor: Browser, desk: Browser, ticket: Ticket
) -> None:
    for number in range(13):
        who, where = (desk, f"{desk_of(ticket)}/notes") if number == 6 else (visitor, room_of(ticket))
        await say(who, where, (f"{number}a.txt", WORDS), (f"{number}b.txt", WORDS), headers=JSON)
    first = (await desk.get(f"{desk_of(ticket)}/files")).text
    older = re.search(r'href="([^"]*files\?before=[^"]*)"', first)
    assert older
    second = (await desk.get(older[1].replace("&amp;", "&"))).text

    pages = names_on(first), names_on(second)
    assert [len(names) for names in pages] == [20, 6]
    expected = [f"{number}{letter}.txt" for number in reversed(range(13)) for letter in "ba"]
    assert [*pages[0], *pages[1]] == expected
    assert first.count("Note</span>") == 2
    assert "Older files" not in second


async def test_the_panel_is_given_the_list_alone(desk: Browser, ticket: Ticket) -> None:
    answer = await desk.get(f"{desk_of(ticket)}/files", headers={"hx-request": "true"})

    assert answer.text.lstrip().startswith('<div id="ticket-files">')
    assert "No files here." in answer.text


async def test_a_customer_sees_again_what_the_ticket_was_opened_with(visitor: Browser) -> None:
    form = {"email": "maria@example.com", "subject": "Broken", "description": "Look."}
    opened = await say(visitor, "/support/acme/ticket/new", ("pole.txt", WORDS), **form)
    address = opened.headers["location"]
    for _ in range(20):
        await say(visitor, f"{address}/chat", content="And another thing", headers=JSON)
    page = (await visitor.get(address)).text

    assert '<bdi data-field="name">pole.txt</bdi>' in page


@pytest.mark.parametrize("place", ["room", "answer", "note", "new"])
async def test_what_a_refused_form_brought_stands_in_it_and_goes_with_the_next_try(
    visitor: Browser, desk: Browser, ticket: Ticket, place: str
) -> None:
    who, address = {
        "room": (visitor, room_of(ticket)),
        "answer": (desk, f"{desk_of(ticket)}/chat"),
        "note": (desk, f"{desk_of(ticket)}/notes"),
        "new": (visitor, "/support/acme/ticket/new"),
    }[place]
    refused = await say(who, address, ("log.txt", WORDS), content="x" * 20_001)
    brought = re.search(r'name="file_ids" value="([0-9a-f-]+)" data-name="log.txt"', refused.text)
    assert refused.status_code == 422
    assert brought

    form = {"email": "maria@example.com", "subject": "Broken", "description": "Look."}
    again = await say(who, address, content="Here.", file_ids=brought[1], **form)
    assert again.status_code == 303
    assert "log.txt" in (await who.get(again.headers["location"])).text
