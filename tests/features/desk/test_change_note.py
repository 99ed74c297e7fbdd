"""Undo without a script: the page that a change leads to has a note with a form that takes it back."""

import html
import re

import pytest

from parlour.features.tickets.models import Status, Ticket
from parlour.kernel.access import Role
from tests.house import Browser, House
from tests.tickets import customer_says, now, place


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


async def resolved(house: House, desk: Browser, ticket: Ticket, **fields: str) -> str:
    """The page that one comes to."""
    form = {"status": "resolved", "version": str((await now(house, ticket)).version), **fields}
    answer = await desk.submit(f"{place(house, ticket)}/status", form, page=place(house, ticket))
    return (await desk.get(answer.headers["location"], follow_redirects=True)).text


async def undone(desk: Browser, page: str) -> str:
    action = re.findall(r'action="([^"]+/undo)"', page)[0]
    back = re.findall(r'name="back" value="([^"]+)"', page)[0].replace("&amp;", "&")
    answer = await desk.submit(action, {"back": back}, page="/profile")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(back)
    return (await desk.get(answer.headers["location"])).text


@pytest.mark.parametrize("on", ["the ticket", "the list", "the dashboard"])
async def test_every_page_that_a_change_leads_to_offers_to_undo_it(
    house: House, desk: Browser, ticket: Ticket, on: str
) -> None:
    home = f"/workspace/{house.workspace.workspace_id}"
    shapes = {
        "the ticket": {},
        "the list": {"shape": "row", "back": f"{home}/tickets?status=active"},
        "the dashboard": {"shape": "overview", "back": home},
    }
    page = await resolved(house, desk, ticket, **shapes[on])
    assert "Changed to “Resolved”." in html.unescape(page)
    page = await undone(desk, page)

    assert "Undone." in page
    assert (await now(house, ticket)).status is Status.NEW


async def test_the_ticket_that_one_goes_on_to_offers_it_too(
    house: House, desk: Browser, visitor: Browser, ticket: Ticket
) -> None:
    await house.open_ticket(visitor, subject="The next one")
    await desk.submit("/profile/preferences", {"after": "next"}, page="/profile")
    page = await resolved(house, desk, ticket)
    await undone(desk, page)

    assert (await now(house, ticket)).status is Status.NEW


async def test_it_says_that_the_ticket_was_changed_again_since(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    page = await resolved(house, desk, ticket)
    await customer_says(house, ticket, "Not at all")

    assert "could not be undone: the ticket was changed again" in await undone(desk, page)
    assert (await now(house, ticket)).status is Status.OPEN


async def test_whoever_may_not_change_tickets_is_offered_nothing(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    form = {"status": "resolved", "version": "1"}
    answer = await desk.submit(f"{place(house, ticket)}/status", form, page=place(house, ticket))
    await house.add_agent("vic@acme.example", Role.VIEWER)
    page = await (await house.sign_in("vic@acme.example")).get(answer.headers["location"])

    assert page.status_code == 200
    assert "data-change-note" not in page.text
