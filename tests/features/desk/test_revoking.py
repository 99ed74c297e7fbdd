"""Ending a customer's access to a ticket."""

from uuid import uuid4

from tests.house import Browser, House


async def test_the_customers_browser_and_links_lose_the_ticket(
    house: House, desk: Browser, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    page = f"/workspace/{house.workspace.workspace_id}/tickets/{ticket.ticket_id}"
    before = await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}")
    answer = await desk.submit(f"{page}/access/revoke", {}, page=page)
    after = await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}")

    assert (before.status_code, after.status_code) == (200, 403)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert "The parcel is late" not in after.text


async def test_the_other_tickets_of_the_browser_stay_open(
    house: House, desk: Browser, visitor: Browser
) -> None:
    ended = await house.open_ticket(visitor)
    other = await house.open_ticket(visitor, subject="Another matter")
    page = f"/workspace/{house.workspace.workspace_id}/tickets/{ended.ticket_id}"
    await desk.submit(f"{page}/access/revoke", {}, page=page)

    assert (await visitor.get(f"/support/acme/ticket/{other.ticket_id}")).status_code == 200


async def test_the_form_that_opened_the_ticket_is_no_way_back(
    house: House, desk: Browser, visitor: Browser
) -> None:
    form = {"client_id": str(uuid4())}
    ticket = await house.open_ticket(visitor, **form)
    page = f"/workspace/{house.workspace.workspace_id}/tickets/{ticket.ticket_id}"
    await desk.submit(f"{page}/access/revoke", {}, page=page)
    again = await house.open_ticket(visitor, **form)

    assert again.ticket_id != ticket.ticket_id
    assert (await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}")).status_code == 403
