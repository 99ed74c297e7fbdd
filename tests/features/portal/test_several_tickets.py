"""One browser and several tickets: whatever tabs do at once adds to what it holds."""

import asyncio
from uuid import UUID, uuid4

import httpx

from parlour.db.database import Tx
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.access import store as access_store
from parlour.features.tickets.models import Draft, Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.keys import KEYS_A_BROWSER, Keys
from parlour.kernel.secrets import hash_of, new_secret
from parlour.web.session import ticket_cookie
from tests.house import Browser, House

FORM = {"subject": "Late", "description": "Since Monday.", "email": "maria@example.com"}


def address(ticket: Ticket, slug: str = "acme") -> str:
    return f"/support/{slug}/ticket/{ticket.ticket_id}"


async def opened(house: House, slug: str = "acme") -> Ticket:
    place = house.workspace if slug == "acme" else house.other
    draft = Draft("Late", "Since Monday.", "maria@example.com", uuid4())
    opened = await house.db.write(Actor.visitor(place.workspace_id), tickets.open_ticket, draft)
    return opened.ticket


async def mailed(house: House, ticket: Ticket) -> str:
    system = Actor.system(ticket.workspace_id)
    link = await house.db.write(system, access.issue_link, ticket.ticket_id, new_secret())
    assert link
    return link.token


async def statuses(browser: Browser, paths: list[str]) -> list[int]:
    return [(await browser.get(path)).status_code for path in paths]


async def test_tickets_of_two_workspaces_stay_open_side_by_side(house: House, visitor: Browser) -> None:
    here = await house.open_ticket(visitor)
    page = "/support/other/ticket/new"
    answer = await visitor.submit(page, {**FORM, "client_id": str(uuid4())}, page=page)
    there = answer.headers["location"]

    assert await statuses(visitor, [address(here), there]) == [200, 200]


async def test_links_opened_at_once_in_a_fresh_browser_open_all_their_tickets(
    house: House, visitor: Browser
) -> None:
    """Each tab loads its page, and then each sends its form, before any other has been answered."""
    made = [await opened(house) for _ in range(3)] + [await opened(house, "other")]
    places = ["/support/acme/access"] * 3 + ["/support/other/access"]
    tokens = [await mailed(house, ticket) for ticket in made]
    await _together(house, visitor, places, [{"token": token} for token in tokens])

    assert (
        await statuses(visitor, [address(each) for each in made[:3]] + [address(made[3], "other")])
        == [200] * 4
    )


async def test_tickets_sent_at_once_from_a_fresh_browser_are_all_open_to_it(
    house: House, visitor: Browser
) -> None:
    pages = ["/support/acme/ticket/new", "/support/other/ticket/new"]
    answers = await _together(house, visitor, pages, [{**FORM, "client_id": str(uuid4())} for _ in pages])

    assert await statuses(visitor, [answer.headers["location"] for answer in answers]) == [200, 200]


async def _together(
    house: House, browser: Browser, pages: list[str], forms: list[dict[str, str]]
) -> list[httpx.Response]:
    """As tabs do: none sends the cookies that another's answer sets, and the browser keeps them all."""
    tabs = [house.browser() for _ in pages]
    tokens = await asyncio.gather(*(tab.csrf(page) for tab, page in zip(tabs, pages, strict=True)))
    _gather(browser, tabs)
    for tab in tabs:
        tab.cookies = httpx.Cookies(browser.cookies)
    posts = zip(tabs, pages, tokens, forms, strict=True)
    answers = await asyncio.gather(
        *(tab.post(page, data={"csrf": token, **form}) for tab, page, token, form in posts)
    )
    _gather(browser, tabs)
    for tab in tabs:
        await tab.aclose()
    return list(answers)


def _gather(browser: Browser, tabs: list[Browser]) -> None:
    for tab in tabs:
        for cookie in tab.cookies.jar:
            browser.cookies.jar.set_cookie(cookie)


async def test_a_browser_is_kept_in_its_newest_tickets_and_says_so(house: House, visitor: Browser) -> None:
    made = [await opened(house) for _ in range(KEYS_A_BROWSER + 2)]

    def admit(tx: Tx, ticket: Ticket) -> str:
        return access.admit_opener(tx, ticket, Keys())

    for ticket in made[:KEYS_A_BROWSER]:
        secret = await house.db.write(Actor.system(ticket.workspace_id), admit, ticket)
        visitor.cookies.set(ticket_cookie(ticket.ticket_id), secret, domain="parlour.test")
    for ticket in made[KEYS_A_BROWSER:]:
        form = {"token": await mailed(house, ticket)}
        await visitor.submit("/support/acme/access", form, page="/support/acme/access")
    held = [name for name in visitor.cookies if name.startswith("parlour_ticket_")]
    home = await visitor.get("/support/acme")

    assert sorted(held) == sorted(ticket_cookie(ticket.ticket_id) for ticket in made[2:])
    assert "This browser keeps your newest 50." in home.text


async def test_the_cookie_of_the_release_before_opens_what_it_did(house: House, visitor: Browser) -> None:
    made = [await opened(house) for _ in range(2)]
    secret, month = new_secret(), clock.now() + access.VISIT_LIFE

    def as_it_was(tx: Tx, ticket_id: UUID) -> None:
        access_store.insert_grants(tx, ticket_id, FORM["email"], {hash_of(secret): month})

    for ticket in made:
        await house.as_system(as_it_was, ticket.ticket_id)
    visitor.cookies.set("parlour_visitor", secret, domain="parlour.test")
    newest = await house.open_ticket(visitor)
    home = await visitor.get("/support/acme")

    assert await statuses(visitor, [address(each) for each in (*made, newest)]) == [200, 200, 200]
    assert home.text.count("/support/acme/ticket/01") == 3
