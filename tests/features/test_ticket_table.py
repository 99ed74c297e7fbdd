"""The ticket table: filters, orders, pages, search, and changes in its rows."""

import asyncio
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from html import unescape
from uuid import uuid4

import pytest
from msgspec.structs import replace

from parlour.db import finding
from parlour.features.desk import query
from parlour.features.tickets import handover
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.listing import store as listing_store
from parlour.features.tickets.listing.places import cursor_of, key_in
from parlour.features.tickets.models import Filters, Order, Priority, Status, Ticket
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House, behind_its_back, stock

HTMX = {"hx-request": "true"}

SOMEBODYS = "AaIcMaG1ckKyencZmpQ8CQ"
"""A ticket's id, as a cursor ends with it."""


def table(house: House, query: str = "") -> str:
    return f"/workspace/{house.workspace.workspace_id}/tickets{query}"


def numbers(page: str) -> list[int]:
    """The tickets in the rows, from top to bottom."""
    return [int(number) for number in re.findall(r'class="number">#(\d+)</span>', page)]


def link(page: str, rel: str) -> str:
    found = re.search(rf'<a href="([^"]+)" rel="{rel}"', page)
    assert found, f"no link to the {rel} page"
    return unescape(found[1])


async def set_status(house: House, ticket: Ticket, status: Status) -> None:
    await house.as_system(tickets.update_ticket_status, ticket.ticket_id, status, seen_version=ticket.version)


@pytest.fixture
async def five(house: House, visitor: Browser) -> list[Ticket]:
    """Numbers 1 to 5: new, open, pending, resolved, closed; 2 is urgent and Ada's."""
    made = [
        await house.open_ticket(visitor, subject=f"Question {n}", email=f"person{n}@example.com")
        for n in range(1, 6)
    ]
    for ticket, status in zip(made[1:], list(Status)[1:], strict=True):
        await set_status(house, ticket, status)
    second = made[1].ticket_id
    await house.as_system(tickets.update_ticket_priority, second, Priority.URGENT, seen_version=2)
    await house.as_system(tickets.assign_ticket, second, house.ada, seen_version=3)
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("?status=pending", [3]),
        ("?status=active", [3, 2, 1]),
        ("?priority=urgent", [2]),
        ("?assignee=me", [2]),
        ("?assignee=nobody", [5, 4, 3, 1]),
        ("?status=active&assignee=nobody", [3, 1]),
        ("?waiting=us", [3, 2, 1]),
        ("?sort=priority", [2, 5, 4, 3, 1]),
        ("?sort=created", [5, 4, 3, 2, 1]),
        ("?q=%234", [4]),
        ("?q=person3%40example.com", [3]),
        ("?q=quest", [5, 4, 3, 2, 1]),
        ("?q=quest&status=new", [1]),
        ("?status=nonsense&per=7&sort=size", [5, 4, 3, 2, 1]),
    ],
)
async def test_the_address_says_which_tickets_are_listed(
    house: House, desk: Browser, five: list[Ticket], query: str, expected: list[int]
) -> None:
    page = await desk.get(table(house, query))

    assert page.status_code == 200
    assert numbers(page.text) == expected


async def test_the_beginning_of_an_address_finds_hosts_in_any_letters(
    house: House, desk: Browser, visitor: Browser
) -> None:
    await house.open_ticket(visitor, email="maria@\U00020bb7\u91ce\u5bb6.example")

    assert numbers((await desk.get(table(house, "?q=maria@"))).text) == [1]


async def test_a_named_colleague_is_a_filter_too(house: House, desk: Browser, five: list[Ticket]) -> None:
    page = await desk.get(table(house, f"?assignee={house.ada}"))

    assert numbers(page.text) == [2]


@pytest.mark.parametrize("query", ["", "?sort=created", "?sort=priority", "?status=new", "?q=parcel"])
async def test_pages_follow_each_other_without_a_gap(
    house: House, desk: Browser, visitor: Browser, query: str
) -> None:
    for n in range(28):
        await house.open_ticket(visitor, email=f"person{n}@example.com")
    first = (await desk.get(table(house, query))).text
    second = (await desk.get(link(first, "next"))).text

    assert numbers(first) == list(range(28, 3, -1))
    assert numbers(second) == [3, 2, 1]


async def test_the_way_back_leads_to_the_same_page(house: House, desk: Browser, visitor: Browser) -> None:
    for n in range(28):
        await house.open_ticket(visitor, email=f"person{n}@example.com")
    first = (await desk.get(table(house))).text
    second = (await desk.get(link(first, "next"))).text
    back = (await desk.get(link(second, "prev"))).text

    assert numbers(back) == numbers(first)
    assert "26–28 of 28" in unescape(second)
    assert "1–25 of 28" in unescape(back)


@pytest.mark.parametrize(
    "query",
    [
        *("?after=nonsense", "?before=bm9uZQ", "?q=parcel&after=-1", "?after=a&before=b"),
        *(
            "?after=.",
            "?after=1.AAAA",
            "?after=x.AaIcMaG1ckKyencZmpQ8CQ",
            "?after=1.1.AaIcMaG1ckKyencZmpQ8CQ",
        ),
        *("?sort=priority&after=9.1.AaIcMaG1ckKyencZmpQ8CQ", f"?after={'9' * 30}.AaIcMaG1ckKyencZmpQ8CQ"),
        *("?sort=priority&after=1.AaIcMaG1ckKyencZmpQ8CQ", f"?after={'9' * 5_000}.AaIcMaG1ckKyencZmpQ8CQ"),
    ],
)
async def test_a_cursor_of_somebodys_own_making_is_not_found(house: House, desk: Browser, query: str) -> None:
    assert (await desk.get(table(house, query))).status_code == 404


async def test_a_rank_or_a_depth_of_somebodys_own_making_is_not_found(house: House, desk: Browser) -> None:
    moment, ticket_id = "2026-01-01T00:00:00+00:00", str(uuid4())
    for cursor in (f'[1e400, "{moment}", "{ticket_id}"]', f'[9, "{moment}", "{ticket_id}"]', "[" * 5_000):
        encoded = urlsafe_b64encode(cursor.encode()).decode().rstrip("=")
        assert (await desk.get(table(house, f"?sort=priority&after={encoded}"))).status_code == 404


async def test_a_search_shows_where_it_found_the_words(house: House, desk: Browser, visitor: Browser) -> None:
    await house.open_ticket(visitor, description="The <b>zip</b> of the tent is broken.")
    page = (await desk.get(table(house, "?q=tent"))).text

    assert re.search(r"of the <mark[^>]*>tent</mark> is broken", page)
    assert "&lt;b&gt;" in page


async def test_a_search_shows_each_ticket_on_one_page_only(
    house: House, desk: Browser, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "PAGE_SIZES", (2, 50, 100))
    made = [await house.open_ticket(visitor, description=f"A tent, {n}") for n in range(5)]
    for ticket in made:
        await house.as_system(tickets.send_message, ticket.ticket_id, "The tent again", uuid4())
    seen, address = [], table(house, "?q=tent")
    while address:
        page = (await desk.get(address)).text
        seen += numbers(page)
        address = link(page, "next") if 'rel="next"' in page else ""

    assert sorted(seen) == [ticket.number for ticket in made]


async def test_a_search_that_has_not_looked_far_enough_says_so_and_goes_on(
    house: House, desk: Browser, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter that none of the newest places passes is not the end of the search."""
    monkeypatch.setattr(listing, "PLACES_READ", 2)
    monkeypatch.setattr(finding, "FIRST_LOOKS", (2, 2))
    monkeypatch.setattr(finding, "PARTS", (2, 2))
    wanted = await house.open_ticket(visitor, description="A tent of mine")
    await house.as_system(tickets.assign_ticket, wanted.ticket_id, house.ada, seen_version=1)
    for number in range(3):
        await house.open_ticket(visitor, description=f"Another tent, {number}")
    first = (await desk.get(table(house, "?q=tent&assignee=me"))).text
    second = (await desk.get(unescape(re.search(r'href="([^"]+after=[^"]+)"', first)[1]))).text  # type: ignore[index]

    assert "No ticket fits" not in first
    assert "Look further back" in first
    assert numbers(second) == [wanted.number]


async def test_a_script_is_given_the_list_alone_and_its_clean_address(
    house: House, desk: Browser, five: list[Ticket]
) -> None:
    answer = await desk.get(table(house, "?status=new&priority=&q=&sort=activity"), headers=HTMX)

    assert "<html" not in answer.text
    assert numbers(answer.text) == [1]
    assert answer.headers["hx-push-url"] == table(house, "?status=new")


async def test_a_status_saved_in_a_row_answers_with_the_row(
    house: House, desk: Browser, five: list[Ticket]
) -> None:
    fields = {"status": "pending", "version": "1", "shape": "row"}
    path = f"{table(house)}/{five[0].ticket_id}/status"
    answer = await desk.submit(path, fields, page=table(house), headers=HTMX)

    assert answer.status_code == 200
    assert answer.text.strip().startswith(f'<tr id="ticket-{five[0].ticket_id}"')
    assert 'class="choice" data-status="pending"' in answer.text


async def test_a_row_that_somebody_else_changed_refuses_and_shows_what_is(
    house: House, desk: Browser, five: list[Ticket]
) -> None:
    fields = {"priority": "low", "version": "1", "shape": "row"}
    path = f"{table(house)}/{five[2].ticket_id}/priority"
    answer = await desk.submit(path, fields, page=table(house), headers=HTMX)
    now = await house.as_system(tickets.ticket, five[2].ticket_id)

    assert answer.status_code == 409
    assert "Somebody else changed this ticket" in answer.text
    assert (now.priority, now.version) == (Priority.MEDIUM, 2)


async def test_without_a_script_a_saved_row_leads_back_to_the_list(
    house: House, desk: Browser, five: list[Ticket]
) -> None:
    back = table(house, "?status=new&sort=created")
    fields = {"priority": "low", "version": "1", "shape": "row", "back": back}
    answer = await desk.submit(f"{table(house)}/{five[0].ticket_id}/priority", fields, page=table(house))

    assert (answer.status_code, answer.headers["location"].partition("&bulk=")[0]) == (303, back)


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/auth/logout"])
async def test_a_saved_row_leads_nowhere_else(
    house: House, desk: Browser, five: list[Ticket], back: str
) -> None:
    fields = {"priority": "low", "version": "1", "shape": "row", "back": back}
    answer = await desk.submit(f"{table(house)}/{five[0].ticket_id}/priority", fields, page=table(house))

    assert answer.headers["location"].partition("?bulk=")[0] == table(house)


async def test_a_row_can_be_had_alone(house: House, desk: Browser, five: list[Ticket]) -> None:
    answer = await desk.get(f"{table(house)}/{five[1].ticket_id}/row", headers=HTMX)

    assert numbers(answer.text) == [2]
    assert "Ada Moreau" in answer.text


async def test_a_page_that_emptied_meanwhile_says_so_and_leads_back(
    house: House, desk: Browser, visitor: Browser
) -> None:
    made = [await house.open_ticket(visitor, email=f"person{n}@example.com") for n in range(26)]
    first = (await desk.get(table(house, "?status=new"))).text
    await set_status(house, made[0], Status.OPEN)
    second = (await desk.get(link(first, "next"))).text

    assert "Nothing is left on this page" in second
    assert f'href="{table(house, "?status=new")}"' in second


async def test_a_filter_on_somebody_who_has_left_says_whose_it_is(house: House, desk: Browser) -> None:
    ben = await house.add_agent("ben@acme.example", Role.AGENT, name="Ben Okafor")
    async with await house.sign_in("ben@acme.example") as browser:
        await browser.submit(f"{table(house)}/views", {"name": "x", "query": "q=x"}, page=table(house))
    await house.as_system(handover.remove_member, ben)
    page = (await desk.get(table(house, f"?assignee={ben}"))).text
    stranger = (await desk.get(table(house, f"?assignee={uuid4()}"))).text

    assert f'value="{ben}" selected>Ben Okafor (not here any more)<' in page
    assert "selected>Somebody who is not here<" in stranger


async def test_names_are_sorted_as_people_do(house: House, desk: Browser) -> None:
    for name in ("Zoe", "bob", "Ärne"):
        await house.add_agent(f"{uuid4().hex}@acme.example", Role.AGENT, name=name)
    page = (await desk.get(table(house))).text
    names = re.findall(r'<option value="[0-9a-f-]{36}">([^<]+)</option>', page.partition('id="list"')[0])

    assert names == ["Ada Moreau", "Ärne", "bob", "Zoe"]


@pytest.mark.parametrize(
    ("field", "value"), [("status", "resolved"), ("priority", "high"), ("assignee", "ada")]
)
async def test_a_change_of_one_row_is_undone_down_to_its_being_new(
    house: House, desk: Browser, five: list[Ticket], field: str, value: str
) -> None:
    fields = {field: str(house.ada) if value == "ada" else value, "version": "1", "shape": "row"}
    path = f"{table(house)}/{five[0].ticket_id}/{field}"
    answer = await desk.submit(path, fields, page=table(house), headers=HTMX)
    undo = f"{table(house)}/bulk/{answer.headers['x-undo']}/undo"
    undone = await desk.submit(undo, {}, page=table(house), headers=HTMX)
    now = await house.as_system(tickets.ticket, five[0].ticket_id)

    assert (answer.status_code, undone.status_code) == (200, 204)
    assert (now.status, now.priority, now.assignee_id) == (Status.NEW, Priority.MEDIUM, None)


async def test_what_somebody_changed_again_since_is_not_undone(
    house: House, desk: Browser, five: list[Ticket]
) -> None:
    fields = {"priority": "high", "version": "1", "shape": "row"}
    path = f"{table(house)}/{five[0].ticket_id}/priority"
    answer = await desk.submit(path, fields, page=table(house), headers=HTMX)
    seen = (await house.as_system(tickets.ticket, five[0].ticket_id)).version
    await house.as_system(
        tickets.update_ticket_priority, five[0].ticket_id, Priority.URGENT, seen_version=seen
    )
    undo = f"{table(house)}/bulk/{answer.headers['x-undo']}/undo"

    assert (await desk.submit(undo, {}, page=table(house), headers=HTMX)).status_code == 409
    assert (await house.as_system(tickets.ticket, five[0].ticket_id)).priority is Priority.URGENT


async def test_what_is_finished_is_not_unread(house: House, desk: Browser, visitor: Browser) -> None:
    await set_status(house, await house.open_ticket(visitor), Status.RESOLVED)

    assert ">Unread " not in (await desk.get(table(house))).text


async def test_an_assignee_is_chosen_in_the_row(house: House, desk: Browser, five: list[Ticket]) -> None:
    fields = {"assignee": str(house.ada), "version": "1", "shape": "row"}
    path = f"{table(house)}/{five[0].ticket_id}/assignee"
    answer = await desk.submit(path, fields, page=table(house), headers=HTMX)

    assert f'class="choice" data-assignee="{house.ada}"' in answer.text
    assert '<template data-choices="assignee">' in (await desk.get(table(house))).text


async def test_what_a_customer_said_is_unread_until_it_is_read(
    house: House, desk: Browser, visitor: Browser
) -> None:
    await house.open_ticket(visitor)

    assert ">Unread " in (await desk.get(table(house))).text


async def test_a_viewer_sees_the_list_and_can_change_nothing(house: House, five: list[Ticket]) -> None:
    await house.add_agent("vic@acme.example", Role.VIEWER)
    viewer = await house.sign_in("vic@acme.example")
    page = await viewer.get(table(house))
    assert ">Unread " not in page.text  # who leaves no marks would have all of them unread for ever
    fields = {"status": "open", "version": "1", "shape": "row"}
    refused = await viewer.submit(
        f"{table(house)}/{five[0].ticket_id}/status", fields, page=table(house), headers=HTMX
    )

    assert numbers(page.text) == [5, 4, 3, 2, 1]
    assert 'name="ids"' not in page.text
    assert refused.status_code == 403


async def test_the_rows_of_another_workspace_are_not_there(house: House, five: list[Ticket]) -> None:
    await house.add_agent("mallory@other.example", Role.OWNER, house.other)
    mallory = await house.sign_in("mallory@other.example")
    theirs = f"/workspace/{house.other.workspace_id}/tickets"

    assert (await mallory.get(table(house))).status_code == 404
    assert (await mallory.get(f"{theirs}/{five[0].ticket_id}/row")).status_code == 404
    assert numbers((await mallory.get(f"{theirs}?q=question")).text) == []


async def test_a_list_that_has_not_looked_far_enough_says_so_and_goes_on(house: House, desk: Browser) -> None:
    """Those of one person that wait are picked out of all of theirs that are active."""
    await asyncio.to_thread(stock, house, 8_000)
    behind_its_back(
        house.app.parlour.settings, "UPDATE tickets SET waiting_since = NULL WHERE number > ?", 1_000
    )
    page = await desk.get(table(house, "?waiting=us&assignee=me&sort=created"))
    further = re.search(r'href="([^"]+)"[^>]*>(?:<svg.*?</svg>)?Look further back', page.text, re.DOTALL)
    assert further
    beyond = await desk.get(unescape(further[1]))

    assert "Nothing among those looked through" in page.text
    assert "Looked through 1000 tickets at a time" in page.text
    assert beyond.text.count("data-ticket-row") == 25


@pytest.mark.parametrize("order", list(Order))
async def test_a_page_is_the_same_wherever_it_is_full(
    house: House, monkeypatch: pytest.MonkeyPatch, order: Order
) -> None:
    """Of what is picked out: with the first tickets that are looked at, or only with all of them."""
    await asyncio.to_thread(stock, house, 400)
    system = Actor.system(house.workspace.workspace_id)
    filters = Filters(waiting=True, assignee=house.ada, order=order)
    pages = []
    for first in (1, 60, 1_000):
        monkeypatch.setattr(listing_store, "LOOKS", ({"looked": first}, {"looked": 1_000}))
        page = await house.db.scan(system, listing.workspace_tickets, filters)
        beyond = await house.db.scan(system, listing.workspace_tickets, replace(filters, after=page.next))
        pages.append([[row.number for row in part.rows] for part in (page, beyond)])

    assert pages[0] == pages[1] == pages[2]
    assert [len(part) for part in pages[0]] == [25, 20]


@pytest.mark.parametrize("order", list(Order))
def test_a_place_in_a_list_is_read_as_it_was_said_to_the_microsecond(order: Order) -> None:
    for moment in (datetime(2026, 5, 1, 9, 30, 1, 999_999, UTC), datetime(1969, 7, 20, tzinfo=UTC)):
        key = [*([2] if order is Order.PRIORITY else []), moment, uuid4()]
        assert key_in(order, cursor_of(key)) == key
        assert len(cursor_of(key)) < 45
