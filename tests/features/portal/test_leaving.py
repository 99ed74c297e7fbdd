"""Leaving a computer that others use too."""

from tests.house import Browser, House

FORGET = "/support/acme/forget"


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
