"""A customer's ticket page."""

import re
from html import unescape

import pytest

from parlour.features.portal.routes import routes
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Priority, Status, Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House


def address(ticket: Ticket) -> str:
    return f"/support/acme/ticket/{ticket.ticket_id}"


async def test_it_shows_what_the_ticket_is_and_nothing_that_is_noise_to_a_customer(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await house.as_system(
        tickets.update_ticket_priority, ticket.ticket_id, Priority.URGENT, seen_version=ticket.version
    )
    page = await visitor.get(address(ticket))

    for shown in ("The parcel is late", "It should have been here on Monday.", "Ticket #1"):
        assert shown in page.text
    for noise in ("Urgent", "Priority", "maria@example.com"):
        assert noise not in page.text
    assert f'href="{address(ticket)}/chat"' in unescape(page.text)


async def test_it_shows_the_last_three_messages_without_the_description_twice(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
    for words in ("one", "two", "three", "four"):
        await house.db.write(agent, tickets.send_message, ticket.ticket_id, f"Answer {words}", clock.new_id())
    page = await visitor.get(address(ticket))

    assert [f"Answer {words}" in page.text for words in ("one", "two", "three", "four")] == [
        False,
        True,
        True,
        True,
    ]
    assert page.text.count("It should have been here on Monday.") == 1


async def test_before_any_answer_it_says_where_it_will_be(house: House, visitor: Browser) -> None:
    """That is the conversation, which is live; this page is as it was when it was asked for."""
    page = await visitor.get(address(await house.open_ticket(visitor)))

    assert "No answer yet. It will be in the conversation." in page.text


async def test_a_closed_ticket_says_that_it_is_over(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    await house.as_system(tickets.update_ticket_status, ticket.ticket_id, Status.CLOSED, seen_version=1)
    page = await visitor.get(address(ticket))

    assert "This ticket is closed." in page.text


@pytest.mark.parametrize("rest", ["", "/chat"])
async def test_another_browser_learns_nothing_but_where_to_get_a_link(
    house: House, visitor: Browser, rest: str
) -> None:
    ticket = await house.open_ticket(visitor)
    async with house.browser() as other:
        page = await other.get(address(ticket) + rest)

    assert page.status_code == 403
    assert "This page is private" in page.text
    assert 'action="/support/acme/access"' in unescape(page.text)
    for secret in (ticket.subject, ticket.description, ticket.email, "#1"):
        assert secret not in unescape(page.text)


async def test_the_same_ticket_under_another_portals_address_is_not_shown(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    page = await visitor.get(f"/support/other/ticket/{ticket.ticket_id}")

    assert page.status_code == 403
    assert "This page is private" in page.text


OF_A_TICKET = [
    (route.path.partition("{ticket_id:id}")[2], method)
    for route in routes
    if "{ticket_id:id}" in route.path
    for method in sorted(route.methods or ())
]


@pytest.mark.parametrize(("rest", "method"), OF_A_TICKET)
async def test_nobody_learns_whether_somebody_elses_ticket_is_there(
    house: House, visitor: Browser, rest: str, method: str
) -> None:
    ticket = await house.open_ticket(visitor)
    rest = rest.replace("{file_id:id}", str(clock.new_id())).replace("{name}", "photo.png")
    answers = set()
    async with house.browser() as other:
        csrf = await other.csrf("/support/acme/access")
        for ticket_id in (ticket.ticket_id, clock.new_id()):
            where = f"/support/acme/ticket/{ticket_id}{rest}"
            form = {"csrf": csrf, "content": "Hello?", "client_id": str(clock.new_id())}
            answer = await other.request(method, where, data=form if method == "POST" else None)
            answers.add((answer.status_code, answer.text.replace(str(ticket_id), "(ticket)")))

    [(status, _)] = answers
    assert status in (303, 403)  # the first for a page that only leads back to the ticket


async def test_links_in_the_description_tell_the_other_site_nothing(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor, description="See https://example.com/track?id=1&x=2 please")
    page = await visitor.get(address(ticket))

    assert (
        '<a href="https://example.com/track?id=1&amp;x=2" rel="noopener noreferrer nofollow" target="_blank">'
        in page.text
    )


async def test_of_changes_a_customer_reads_only_what_ends_or_reopens_the_ticket(
    house: House, visitor: Browser
) -> None:
    """And of what they did themselves that it was they, whatever name or address it was noted under."""
    ticket = await house.open_ticket(visitor)
    agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
    changes = (Status.OPEN, Status.PENDING, Status.RESOLVED)
    for version, status in enumerate(changes, start=ticket.version):
        await house.db.write(
            agent, tickets.update_ticket_status, ticket.ticket_id, status, seen_version=version
        )
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    await house.db.write(
        customer, tickets.send_message, ticket.ticket_id, "It is still late.", clock.new_id()
    )
    pages = [await visitor.get(address(ticket)), await visitor.get(f"{address(ticket)}/chat")]

    for page in pages:
        shown = re.sub(r"<template.*?</template>|data-my-name=\S+", "", page.text, flags=re.DOTALL)
        assert "Ada Moreau marked this ticket as resolved" in shown
        assert "You reopened this ticket" in shown
        for noise in ("marked this ticket as open", "pending", "Pending", ticket.email):
            assert noise not in shown
