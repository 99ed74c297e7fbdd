"""The start page, the dashboard and the list of tickets."""

import re
from contextlib import aclosing
from html import unescape
from urllib.parse import urljoin

from parlour.features.accounts import service as accounts
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Priority
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Role
from tests.house import PASSWORD, PASSWORD_HASH, Browser, House


def home(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}"


async def test_the_start_page_tells_strangers_what_this_is(visitor: Browser) -> None:
    page = await visitor.get("/")

    assert page.status_code == 200
    assert 'href="/auth/login"' in unescape(page.text)


async def test_an_agent_of_two_workspaces_chooses(house: House, desk: Browser) -> None:
    system = Actor.system(house.other.workspace_id)
    await house.db.write(system, workspaces.add_member, house.ada, Role.VIEWER)
    page = await desk.get("/")

    assert page.status_code == 200
    for place in (house.workspace, house.other):
        assert f'href="/workspace/{place.workspace_id}"' in unescape(page.text)
    assert "Viewer" in page.text


async def test_an_agent_of_no_workspace_is_told_whom_to_ask(house: House) -> None:
    await house.db.write(
        Actor.system(), accounts.create_agent, "new@acme.example", "New", PASSWORD, PASSWORD_HASH
    )
    async with aclosing(await house.sign_in("new@acme.example")) as browser:
        page = await browser.get("/")

    assert page.status_code == 200
    assert "No workspace yet" in page.text


async def test_an_empty_desk_points_to_the_portal(house: House) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT)
    async with aclosing(await house.sign_in("ben@acme.example")) as ben:
        pages = [await ben.get(path) for path in (home(house), f"{home(house)}/tickets")]

    assert [page.status_code for page in pages] == [200, 200]
    assert all("No tickets yet" in page.text for page in pages)
    assert all('href="/support/acme"' in unescape(page.text) for page in pages)


async def test_the_list_shows_everything_about_each_ticket(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await house.as_system(tickets.assign_ticket, ticket.ticket_id, house.ada, seen_version=1)
    now = await house.as_system(tickets.ticket, ticket.ticket_id)
    await house.as_system(
        tickets.update_ticket_priority, ticket.ticket_id, Priority.URGENT, seen_version=now.version
    )
    page = await desk.get(f"{home(house)}/tickets")
    row = page.text.split(f'id="ticket-{ticket.ticket_id}"')[1].split("</tr>")[0]

    for shown in ("The parcel is late", "#1", "maria@example.com", "Open", "Urgent", "Ada Moreau"):
        assert shown in row


async def test_a_row_leads_to_its_ticket_from_every_page_that_it_stands_on(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    place = f"{home(house)}/tickets/{ticket.ticket_id}"
    the_list, dashboard = f"{home(house)}/tickets", home(house)
    csrf = await desk.csrf(the_list)
    refused = await desk.post(f"{the_list}/bulk", data={"csrf": csrf})
    pages = [
        *[(await desk.get(address), address) for address in (the_list, f"{the_list}?status=new", dashboard)],
        (refused, f"{the_list}/bulk"),
        *[
            (await desk.get(f"{place}/row", headers={"HX-Current-URL": f"http://parlour.test{at}"}), at)
            for at in (the_list, f"{the_list}?q=a#b", f"{the_list}/bulk", dashboard)
        ],
    ]

    assert refused.status_code == 422
    for page, address in pages:
        [link, *_] = re.findall(r'<th role="rowheader".*?href="([^"]+)"', page.text)
        assert urljoin(address, link) == place


async def test_the_latest_activity_comes_first(house: House, visitor: Browser, desk: Browser) -> None:
    first = await house.open_ticket(visitor, subject="Opened first")
    await house.open_ticket(visitor, subject="Opened second")
    customer = Actor.customer(first.workspace_id, first.ticket_id, first.email)
    await house.db.write(customer, tickets.send_message, first.ticket_id, "Still waiting", first.ticket_id)
    page = await desk.get(f"{home(house)}/tickets")

    assert page.text.index("Opened first") < page.text.index("Opened second")


async def test_another_workspaces_tickets_are_never_listed(
    house: House, visitor: Browser, desk: Browser
) -> None:
    elsewhere = "/support/other/ticket/new"
    fields = {
        "subject": "Elsewhere",
        "description": "Not yours.",
        "email": "sam@example.com",
        "client_id": str(house.ada),
    }
    answer = await visitor.submit(elsewhere, fields, page=elsewhere)
    pages = [await desk.get(home(house)), await desk.get(f"{home(house)}/tickets")]

    assert answer.status_code == 303
    assert not any("Elsewhere" in page.text for page in pages)


async def test_what_customers_typed_is_shown_as_text(house: House, visitor: Browser, desk: Browser) -> None:
    await house.open_ticket(visitor, subject='"><script>alert(1)</script>')
    page = await desk.get(f"{home(house)}/tickets")

    assert "<script>alert" not in page.text
