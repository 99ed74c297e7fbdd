"""A ticket knows the list that it was opened from: the way back, its neighbours, where one goes on to."""

import re
from uuid import uuid4

import pytest
from httpx import Response

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Priority, Status, Ticket
from tests.house import ORIGIN, Browser, House
from tests.tickets import from_there


def desk_of(house: House, rest: str = "") -> str:
    return f"/workspace/{house.workspace.workspace_id}/tickets{rest}"


def link(page: Response, label: str) -> str:
    found = re.search(rf'<a href="([^"]+)"[^>]*title="{label}', page.text)
    assert found, f"no link “{label}”"
    return from_there(page, found[1])


def action(page: Response, suffix: str) -> str:
    found = re.search(rf'action="([^"]*/{suffix}[^"]*)"', page.text)
    assert found
    return from_there(page, found[1])


async def opened(house: House, browser: Browser, ticket: Ticket, query: str) -> Response:
    """The ticket's page as a click in that list asks for it."""
    path = desk_of(house, f"/{ticket.ticket_id}")
    page = await browser.get(path, headers={"referer": f"{ORIGIN}{desk_of(house, query)}"})
    assert page.status_code == 200
    return page


@pytest.fixture
async def four(house: House, visitor: Browser) -> list[Ticket]:
    """The newest first."""
    made = [await house.open_ticket(visitor, subject=f"Question {n}") for n in range(4)]
    return made[::-1]


@pytest.mark.parametrize(
    "query", ["?status=active&sort=created", "", "?q=question", "?status=new&per=50", "?assignee=nobody"]
)
async def test_the_way_back_is_the_list_and_the_row(
    house: House, desk: Browser, four: list[Ticket], query: str
) -> None:
    page = await opened(house, desk, four[1], query)

    assert link(page, "Back to the tickets") == desk_of(house, f"{query}#ticket-{four[1].ticket_id}")


@pytest.mark.parametrize("query", ["", "?status=active", "?sort=created", "?sort=priority", "?q=question"])
async def test_the_neighbours_are_those_of_the_list(
    house: House, desk: Browser, four: list[Ticket], query: str
) -> None:
    page = await opened(house, desk, four[1], query)
    after = await desk.get(link(page, "Next ticket"))
    before = await desk.get(link(page, "Previous ticket"))
    beyond = await desk.get(link(await desk.get(after.headers["location"]), "Next ticket"))
    end = await desk.get(link(await desk.get(beyond.headers["location"]), "Next ticket"))

    assert str(four[2].ticket_id) in after.headers["location"]
    assert str(four[0].ticket_id) in before.headers["location"]
    assert str(four[3].ticket_id) in beyond.headers["location"]
    assert end.headers["location"] == desk_of(house, f"{query}#ticket-{four[3].ticket_id}")


async def test_a_ticket_that_has_left_the_list_keeps_its_place_in_it(
    house: House, desk: Browser, four: list[Ticket]
) -> None:
    page = await opened(house, desk, four[1], "?status=active")
    sent = {"content": "Done.", "client_id": str(uuid4()), "then": "resolved", "seen": "1"}
    await desk.submit(action(page, "chat"), sent, page="/profile")
    after = await desk.get(link(page, "Next ticket"))

    assert str(four[2].ticket_id) in after.headers["location"]


@pytest.mark.parametrize("chosen", ["stay", "next", "list"])
async def test_whoever_is_done_goes_on_as_they_chose(
    house: House, desk: Browser, four: list[Ticket], chosen: str
) -> None:
    await desk.submit("/profile/preferences", {"after": chosen}, page="/profile")
    page = await opened(house, desk, four[1], "?status=new")
    sent = {"content": "Done.", "client_id": str(uuid4()), "then": "resolved", "seen": "1"}
    answer = await desk.submit(action(page, "chat"), sent, page="/profile")
    where = answer.headers["location"]
    if chosen == "next":
        where = (await desk.get(where)).headers["location"]

    here, other = (f"/tickets/{ticket.ticket_id}?from=status%3Dnew" for ticket in four[1:3])
    assert {"stay": here, "next": other, "list": f"?status=new#ticket-{four[1].ticket_id}"}[chosen] in where


@pytest.mark.parametrize(
    ("field", "value", "goes_on"),
    [
        ("status", "resolved", True),
        ("status", "open", False),
        ("priority", "low", False),
        ("assignee", "ada", False),
    ],
)
async def test_a_change_that_ends_the_work_goes_on_too(
    house: House, desk: Browser, four: list[Ticket], field: str, value: str, goes_on: bool
) -> None:
    await desk.submit("/profile/preferences", {"after": "next"}, page="/profile")
    path = desk_of(house, f"/{four[1].ticket_id}/{field}?from=status%3Dnew")
    fields = {field: str(house.ada) if value == "ada" else value, "version": "1"}
    answer = await desk.submit(path, fields, page="/profile", headers={"hx-request": "true"})

    assert answer.status_code == 200
    assert ("/next?from=status%3Dnew" in answer.headers.get("hx-redirect", "")) is goes_on


@pytest.mark.parametrize(
    "given", ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "status%3D%22%3E%3Cscript%3E", "a" * 3000]
)
async def test_what_is_no_list_of_ours_leads_nowhere_else(
    house: House, desk: Browser, four: list[Ticket], given: str
) -> None:
    page = await desk.get(desk_of(house, f"/{four[0].ticket_id}?from={given}&at=%22%3E"))

    assert link(page, "Back to the tickets") == desk_of(house, f"#ticket-{four[0].ticket_id}")
    assert (
        await desk.get(desk_of(house, f"/{four[0].ticket_id}/next?from={given}&at=abc"))
    ).status_code == 404


async def test_from_the_dashboard_it_leads_back_there(
    house: House, desk: Browser, four: list[Ticket]
) -> None:
    home = f"/workspace/{house.workspace.workspace_id}"
    path = desk_of(house, f"/{four[0].ticket_id}")
    page = await desk.get(path, headers={"referer": f"{ORIGIN}{home}"})

    assert link(page, "Back to the dashboard") == home


async def test_nobody_comes_to_the_neighbours_of_a_ticket_elsewhere(
    house: House, desk: Browser, four: list[Ticket]
) -> None:
    other = f"/workspace/{house.other.workspace_id}/tickets/{four[0].ticket_id}"

    assert (await desk.get(f"{other}/next")).status_code == 404
    assert (await desk.get(desk_of(house, f"/{uuid4()}/next"))).status_code == 404


async def test_the_neighbours_follow_the_priority_that_the_list_showed(
    house: House, desk: Browser, four: list[Ticket]
) -> None:
    for ticket, priority in zip(
        four, (Priority.LOW, Priority.URGENT, Priority.HIGH, Priority.MEDIUM), strict=True
    ):
        await house.as_system(tickets.update_ticket_priority, ticket.ticket_id, priority, seen_version=1)
    await house.as_system(tickets.update_ticket_status, four[2].ticket_id, Status.CLOSED, seen_version=3)
    page = await opened(house, desk, four[1], "?status=active&sort=priority")
    after = await desk.get(link(page, "Next ticket"))

    assert str(four[3].ticket_id) in after.headers["location"]


@pytest.mark.parametrize("referer", ["http://[", "//[::1/tickets", "http://\u2100", "\xff", "?" * 500])
async def test_whatever_the_browser_says_of_the_page_before_the_ticket_is_shown(
    house: House, desk: Browser, four: list[Ticket], referer: str
) -> None:
    path = desk_of(house, f"/{four[0].ticket_id}")
    page = await desk.get(path, headers={b"referer": referer.encode()})

    assert page.status_code == 200
    assert link(page, "Back to the tickets").startswith(desk_of(house, "?status=active#"))


@pytest.mark.parametrize("below", ["", "/notes", "/status"])
async def test_from_wherever_a_ticket_is_shown_its_addresses_lead_to_it(
    house: House, desk: Browser, four: list[Ticket], below: str
) -> None:
    here = desk_of(house, f"/{four[1].ticket_id}")
    late = {"status": "open", "version": "9"}
    changed = below == "/status"
    page = await (
        desk.submit(f"{here}{below}", late, page="/profile") if changed else desk.get(f"{here}{below}")
    )
    panel = await desk.get(here, headers={"hx-request": "true", "hx-current-url": f"{ORIGIN}{here}{below}"})
    said = re.findall(
        r'(?:hx-get|hx-post|action|href|-url|-attach|-replies)="([^"]*)"', page.text + panel.text
    )
    led = (re.split("[?#]", from_there(page, each)) for each in said if str(four[1].ticket_id) in each)
    own = {parts[0] for parts in led if not parts[-1].startswith("ticket-")}

    rest = {each.partition(here)[2] for each in own}
    assert all(each.startswith(f"{here}/") for each in own - {here})
    assert rest > {"", "/status", "/priority", "/assignee", "/snooze", "/chat", "/notes", "/files", "/next"}
    assert not any(str(four[1].ticket_id) in each for each in rest)
