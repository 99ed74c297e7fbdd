"""The portal's front page."""

from html import unescape

from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House

HOME = "/support/acme"
MARK = "New reply"


async def answer(house: House, ticket: Ticket, words: str = "We are looking into it.") -> None:
    agent = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
    await house.db.write(agent, tickets.send_message, ticket.ticket_id, words, clock.new_id())


async def test_a_visitor_sees_no_tickets_and_how_to_open_one(house: House, visitor: Browser) -> None:
    async with house.browser() as maria:
        await house.open_ticket(maria)
    page = await visitor.get(HOME)

    assert page.status_code == 200
    assert "No tickets here yet" in page.text
    assert "The parcel is late" not in page.text
    assert 'href="/support/acme/ticket/new"' in unescape(page.text)


async def test_a_customer_sees_the_tickets_of_this_browser_the_latest_activity_first(
    house: House, visitor: Browser
) -> None:
    first = await house.open_ticket(visitor, subject="First")
    await house.open_ticket(visitor, subject="Second")
    await answer(house, first)
    page = await visitor.get(HOME)

    assert page.text.index("First") < page.text.index("Second")


async def test_the_same_address_in_another_browser_shows_nothing(house: House, visitor: Browser) -> None:
    await house.open_ticket(visitor, subject="A secret of Maria's")
    async with house.browser() as other:
        await house.open_ticket(other, subject="Opened here", email="maria@example.com")
        page = await other.get(HOME)

    assert "Opened here" in page.text
    assert "A secret of Maria" not in page.text


async def test_a_ticket_of_another_workspace_is_not_listed(house: House, visitor: Browser) -> None:
    await house.open_ticket(visitor)
    page = await visitor.get("/support/other")

    assert "The parcel is late" not in page.text


async def test_an_answer_marks_its_ticket_until_it_was_read(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    before = await visitor.get(HOME)
    await answer(house, ticket)
    marked = await visitor.get(HOME)
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    await house.db.write(customer, chat.mark_read, ticket.chat_room_id, 9)
    after = await visitor.get(HOME)

    assert [MARK in page.text for page in (before, marked, after)] == [False, True, False]


async def test_what_was_read_in_one_ticket_leaves_the_mark_of_another(house: House, visitor: Browser) -> None:
    long, short = await house.open_ticket(visitor), await house.open_ticket(visitor)
    for _ in range(5):
        await answer(house, long)
    customer = Actor.customer(long.workspace_id, long.ticket_id, long.email)
    await house.db.write(customer, chat.mark_read, long.chat_room_id, 9)
    await answer(house, short)
    page = await visitor.get(HOME)

    assert page.text.count(MARK) == 1


async def test_ones_own_words_and_the_systems_are_no_new_reply(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    await house.db.write(customer, tickets.send_message, ticket.ticket_id, "Still waiting.", clock.new_id())
    await house.as_system(chat.announce, ticket.chat_room_id, "status:open")
    page = await visitor.get(HOME)

    assert MARK not in page.text


async def test_what_people_typed_is_shown_as_text(house: House, visitor: Browser) -> None:
    await house.open_ticket(visitor, subject="<script>alert(1)</script>")
    page = await visitor.get(HOME)

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


async def test_a_portal_that_does_not_exist_says_so(visitor: Browser) -> None:
    page = await visitor.get("/support/nowhere")

    assert page.status_code == 404
    assert "No such support page" in page.text


async def test_an_address_in_capitals_leads_to_the_page_in_small_letters(visitor: Browser) -> None:
    moved = await visitor.get("/support/ACME/ticket/new?from=leaflet")
    unknown = await visitor.get("/support/NOBODY")

    assert (moved.status_code, moved.headers["location"]) == (303, "/support/acme/ticket/new?from=leaflet")
    assert unknown.status_code == 404
