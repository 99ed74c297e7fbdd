"""Reading a room on the portal, as a page and as JSON."""

import re
from html import unescape

import pytest

from parlour.db.database import Tx
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House

JSON = {"accept": "application/json"}
NONSENSE = ["-1", "abc", "1.5", "1e3", " 1", "٣", "9007199254740992", "9" * 5000, "0x10", "", "1;drop", "%00"]


def address(ticket: Ticket) -> str:
    return f"/support/acme/ticket/{ticket.ticket_id}/chat"


def sequence(page: str) -> list[int]:
    return [int(seq) for seq in re.findall(r'<li class="message(?:-event)?" data-seq="(\d+)"', page)]


async def talk(house: House, ticket: Ticket, messages: int) -> None:
    def say_all(tx: Tx) -> None:
        for number in range(messages):
            tickets.send_message(tx, ticket.ticket_id, f"Message {number}", clock.new_id())

    agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
    await house.db.write(agent, say_all)


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


async def test_the_newest_fifty_messages_are_shown_oldest_first_with_a_way_back(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await talk(house, ticket, 60)
    page = await visitor.get(address(ticket))
    shown = sequence(page.text)

    assert shown == list(range(13, 63))
    assert f'href="{address(ticket)}?before=13"' in unescape(page.text)


async def test_earlier_pages_lead_back_to_the_first_message_without_gap_or_repeat(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await talk(house, ticket, 110)
    read: list[int] = []
    where: str | None = address(ticket)
    while where:
        page = await visitor.get(where)
        read = sequence(page.text) + read
        older = re.search(r'data-older href="([^"]+)"', page.text)
        where = unescape(older[1]) if older else None

    assert read == list(range(1, 113))


async def test_an_older_page_says_so_and_leads_to_the_newest(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await talk(house, ticket, 60)
    page = await visitor.get(f"{address(ticket)}?before=13")

    assert "Newest messages" in page.text
    assert "data-newest" not in page.text


@pytest.mark.parametrize("before", NONSENSE)
async def test_nonsense_for_a_page_is_not_found(visitor: Browser, ticket: Ticket, before: str) -> None:
    answer = await visitor.get(address(ticket), params={"before": before})

    assert answer.status_code == 404


@pytest.mark.parametrize("after", NONSENSE)
async def test_nonsense_after_which_to_read_is_not_found(
    visitor: Browser, ticket: Ticket, after: str
) -> None:
    answer = await visitor.get(address(ticket), params={"after": after}, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("before", ["0", "1"])
async def test_before_the_first_message_there_is_an_empty_page(
    visitor: Browser, ticket: Ticket, before: str
) -> None:
    page = await visitor.get(address(ticket), params={"before": before})

    assert page.status_code == 200
    assert sequence(page.text) == []


async def test_beyond_the_last_message_is_the_newest_page(visitor: Browser, ticket: Ticket) -> None:
    page = await visitor.get(address(ticket), params={"before": "9007199254740991"})

    assert sequence(page.text) == [1]


async def test_json_before_a_message_says_whether_there_is_more(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await talk(house, ticket, 60)
    page = (await visitor.get(f"{address(ticket)}?before=62", headers=JSON)).json()
    first = (await visitor.get(f"{address(ticket)}?before=12", headers=JSON)).json()

    assert ([m["seq"] for m in page["messages"]], page["more"]) == (list(range(12, 62)), True)
    assert ([m["seq"] for m in first["messages"]], first["more"]) == (list(range(1, 12)), False)


async def test_json_after_a_message_is_what_came_since(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await talk(house, ticket, 3)
    since = (await visitor.get(f"{address(ticket)}?after=2", headers=JSON)).json()
    none = (await visitor.get(f"{address(ticket)}?after=5", headers=JSON)).json()

    assert ([m["seq"] for m in since["messages"]], since["more"]) == ([3, 4, 5], False)
    assert (none["messages"], none["more"], none["reset"]) == ([], False, False)


async def test_a_message_in_json_is_the_frame_that_a_socket_would_bring(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await talk(house, ticket, 1)
    [first, answered, opened] = (await visitor.get(address(ticket), headers=JSON)).json()["messages"]

    assert first["sender_id"] == first["sender_type"] == "customer"
    assert (answered["sender_id"], answered["sender_name"]) == (str(house.ada), "Ada Moreau")
    assert (answered["room"], answered["content"]) == (str(ticket.chat_room_id), "Message 0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", answered["created_at"])
    assert (opened["sender_type"], opened["content"]) == ("system", "status:open")
    assert set(answered) == {
        "room",
        "message_id",
        "seq",
        "content",
        "sender_type",
        "sender_id",
        "sender_name",
        "client_id",
        "created_at",
        "files",
    }


async def test_what_was_typed_stays_text_on_the_page(house: House, visitor: Browser, ticket: Ticket) -> None:
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    words = "<img src=x onerror=alert(1)> {{ 7*7 }} javascript:alert(1)"
    await house.db.write(customer, tickets.send_message, ticket.ticket_id, words, clock.new_id())
    page = await visitor.get(address(ticket))

    assert "<img src=x" not in page.text
    assert "&lt;img src=x" in page.text
    assert "{{ 7*7 }}" in page.text
    assert 'href="javascript' not in page.text
