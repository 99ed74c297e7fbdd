"""Leaving a computer that others use too."""

from uuid import uuid4

from tests.house import Browser, House

FORGET = "/support/acme/forget"
OTHER = "/support/other/ticket/new"


def words() -> dict[str, str]:
    said = {"subject": "Late", "description": "Since Monday.", "email": "maria@example.com"}
    return {**said, "client_id": str(uuid4())}


async def test_a_forgotten_browser_opens_nothing_any_more(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    held = dict(visitor.cookies)
    page = f"/support/acme/ticket/{ticket.ticket_id}"
    before = await visitor.get(page)
    asked = await visitor.get(FORGET)
    answer = await visitor.submit(FORGET, {}, page=FORGET)
    said = await visitor.get(answer.headers["location"])
    after = await visitor.get(page)
    async with house.browser() as thief:  # who has looked at the cookies meanwhile
        thief.cookies.update(held)
        copied = await thief.get(page)

    assert (before.status_code, asked.status_code, answer.status_code) == (200, 200, 303)
    assert answer.headers["clear-site-data"] == '"storage"'
    assert "This browser is forgotten" in said.text
    assert (after.status_code, copied.status_code) == (403, 403)
    assert not any(name.startswith(("parlour_visitor", "parlour_ticket")) for name in visitor.cookies)


async def test_it_ends_what_the_browser_opens_in_every_workspace(house: House, visitor: Browser) -> None:
    here = f"/support/acme/ticket/{(await house.open_ticket(visitor)).ticket_id}"
    there = (await visitor.submit(OTHER, words(), page=OTHER)).headers["location"]
    async with house.browser() as neighbour:
        await neighbour.get(OTHER)
        theirs = (await neighbour.submit(OTHER, words(), page=OTHER)).headers["location"]
        held = dict(visitor.cookies)
        await visitor.submit(FORGET, {}, page=FORGET)
        async with house.browser() as thief:
            thief.cookies.update(held)
            copied = [(await thief.get(page)).status_code for page in (here, there)]
        kept = await neighbour.get(theirs)

    assert copied == [403, 403]
    assert kept.status_code == 200


async def test_whoever_goes_back_to_the_form_of_a_forgotten_browser_comes_into_no_ticket(
    house: House, visitor: Browser
) -> None:
    """The next person at the computer presses Back, and the browser restores the words."""
    form = words()
    first = (await visitor.submit(OTHER, form, page=OTHER)).headers["location"]
    await visitor.submit(FORGET, {}, page=FORGET)
    again = (await visitor.submit(OTHER, {**form, "client_id": str(uuid4())}, page=OTHER)).headers["location"]

    assert again != first
    assert (await visitor.get(first)).status_code == 403


async def test_other_browsers_of_the_customer_stay_in(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor, client_id="0192f000-0000-7000-8000-000000000009")
    async with house.browser() as second:
        again = await house.open_ticket(second, client_id="0192f000-0000-7000-8000-000000000009")
        await visitor.submit(FORGET, {}, page=FORGET)
        page = await second.get(f"/support/acme/ticket/{ticket.ticket_id}")

    assert again == ticket
    assert page.status_code == 200


async def test_every_page_of_the_portal_leads_there(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    for page in ("/support/acme", f"/support/acme/ticket/{ticket.ticket_id}", "/support/acme/ticket/new"):
        assert f'href="{FORGET}"' in (await visitor.get(page)).text.replace("&#x2f;", "/")


async def test_signing_out_takes_along_what_was_typed(desk: Browser) -> None:
    answer = await desk.submit("/auth/logout", {}, page="/profile")

    assert answer.status_code == 303
    assert answer.headers["clear-site-data"] == '"storage"'
