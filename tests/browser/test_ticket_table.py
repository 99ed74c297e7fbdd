"""The ticket table and the dashboard while things happen, and without a script."""

import asyncio
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Page, Route, expect

from parlour.features.tickets.models import Status, Ticket
from tests.browser.axe import violations
from tests.browser.past import Past
from tests.browser.people import PHONE, People, Person, Room, desk_of, status_of
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


HEAR_SELECTED = """() => {
    window.heard = [];
    const words = document.querySelector("[data-selected]");
    new MutationObserver(() => window.heard.push(words.textContent)).observe(words, { childList: true });
}"""


def row(page: Page, ticket: Ticket) -> Locator:
    return page.locator(f'[data-ticket-row="{ticket.ticket_id}"]')


def status_in(row: Locator) -> Locator:
    return row.locator("select[name=status]")


async def choose(dropdown: Locator, value: str) -> None:
    """A dropdown holds what is chosen, and all there is to choose when somebody comes near."""
    await dropdown.hover()
    await dropdown.select_option(value)


async def some(past: Past, count: int) -> tuple[list[Ticket], str]:
    """New tickets of one customer, by whose address they are found."""
    email = f"t{uuid4().hex[:10]}@customer.example"
    return [await past.ticket(f"Question {n} of {email}", email=email) for n in range(count)], email


async def at(person: Person, address: str) -> Page:
    await person.page.goto(address)
    await person.has_sent("watch")
    return person.page


async def test_a_status_chosen_in_a_row_is_saved_where_it_stands(
    live: Live, past: Past, people: People
) -> None:
    (ticket,), _ = await some(past, 1)
    ada = await at(await people.agent(), f"{live.desk}/tickets")
    dropdown = status_in(row(ada, ticket))
    await expect(dropdown.locator("option")).to_have_text(["New"])
    await dropdown.hover()
    await expect(dropdown.locator("option")).to_have_text(["New", "Open", "Pending", "Resolved", "Closed"])
    await dropdown.select_option("pending")
    await expect(row(ada, ticket).locator('.choice[data-status="pending"]')).to_be_visible()
    await ada.reload()

    await expect(status_in(row(ada, ticket))).to_have_value("pending")


async def test_a_change_whose_row_has_gone_meanwhile_is_told_of_and_taken_back(
    live: Live, past: Past, people: People
) -> None:
    (ticket,), _ = await some(past, 1)
    ada = await at(await people.agent(), f"{live.desk}/tickets")
    gone = asyncio.Event()

    async def hold(route: Route) -> None:
        await gone.wait()
        await route.continue_()

    await ada.route("**/status", hold)
    async with ada.expect_request("**/status"):
        await choose(status_in(row(ada, ticket)), "pending")
    await row(ada, ticket).evaluate("row => row.remove()")
    gone.set()
    await expect(ada.get_by_text(f"#{ticket.number} is now: Pending")).to_be_visible()
    await ada.get_by_role("button", name="Undo").click()

    await expect(ada.get_by_text("Undone.")).to_be_visible()


async def test_a_colleagues_change_shows_in_the_row_and_no_row_moves(
    live: Live, past: Past, people: People
) -> None:
    tickets, _ = await some(past, 3)
    ada = await at(await people.agent(), f"{live.desk}/tickets")
    ben = await at(await people.agent("ben"), f"{live.desk}/tickets")
    before = await ada.locator("[data-ticket-row]").evaluate_all("rows => rows.map(row => row.id)")
    await choose(status_in(row(ben, tickets[0])), "open")
    await expect(status_in(row(ada, tickets[0]))).to_have_value("open")
    await expect(row(ada, tickets[0])).to_have_attribute("data-version", "2")
    await choose(status_in(row(ada, tickets[0])), "resolved")
    await expect(status_in(row(ben, tickets[0]))).to_have_value("resolved")

    assert await ada.locator("[data-ticket-row]").evaluate_all("rows => rows.map(row => row.id)") == before


async def test_what_is_read_in_another_tab_is_unread_in_the_list_no_more(
    live: Live, past: Past, people: People
) -> None:
    (ticket, other), _ = await some(past, 2)
    ada = await people.agent()
    list_ = await at(ada, f"{live.desk}/tickets")
    await expect(row(list_, ticket).get_by_role("link", name="Unread")).to_be_visible()
    opened = await ada.page.context.new_page()
    await opened.goto(desk_of(live, ticket))
    await opened.bring_to_front()
    await Room(opened).is_live()

    await expect(row(list_, ticket).get_by_role("link", name="Unread")).to_have_count(0)
    await expect(row(list_, other).get_by_role("link", name="Unread")).to_be_visible()


async def test_what_is_not_on_the_page_is_only_counted(live: Live, past: Past, people: People) -> None:
    shown, _ = await some(past, 1)
    other = await past.ticket("Elsewhere")
    await past.status(other, Status.RESOLVED)
    ada = await at(await people.agent(), f"{live.desk}/tickets?status=new")
    first = await ada.locator("[data-ticket-row]").first.get_attribute("id")
    customer = await people.stranger()
    await customer.page.goto(f"{live.portal}/ticket/new")
    await customer.page.get_by_label("Subject").fill("Something new")
    await customer.page.locator("textarea[name=description]").fill("It is new.")
    await customer.page.get_by_label("email").fill("new@customer.example")
    await customer.page.get_by_role("button", name="Open the ticket").click()
    await expect(ada.get_by_role("link", name="1 update")).to_be_visible()

    assert await ada.locator("[data-ticket-row]").first.get_attribute("id") == first
    await ada.get_by_role("link", name="1 update").click()
    await expect(ada.locator("[data-ticket-row]").first).to_contain_text("Something new")
    assert shown


@pytest.mark.parametrize(
    ("field", "chosen", "value"), [("Status", "closed", "open"), ("Priority", "low", "medium")]
)
async def test_a_change_that_comes_too_late_says_so_in_the_row(
    live: Live, past: Past, people: People, field: str, chosen: str, value: str
) -> None:
    (ticket,), _ = await some(past, 1)
    ada = await people.agent()
    ada.expects(status_of(409))
    page = await at(ada, f"{live.desk}/tickets")
    await past.status(ticket, Status.OPEN)  # the page does not hear of it
    dropdown = row(page, ticket).get_by_label(f"{field} of ticket")
    await choose(dropdown, chosen)

    await expect(row(page, ticket).get_by_role("alert")).to_contain_text("Somebody else changed")
    await expect(dropdown).to_have_value(value)
    await expect(row(page, ticket).get_by_role("alert")).to_have_count(1)


async def test_how_many_are_ticked_is_said_again_only_when_it_is_another_number(
    live: Live, past: Past, people: People
) -> None:
    (ticket, other), _ = await some(past, 2)
    ada = await at(await people.agent(), f"{live.desk}/tickets")
    await row(ada, ticket).get_by_role("checkbox").check()
    await ada.evaluate(HEAR_SELECTED)
    ben = await at(await people.agent("ben"), f"{live.desk}/tickets")
    await choose(status_in(row(ben, other)), "pending")
    await expect(status_in(row(ada, other))).to_have_value("pending")
    await row(ada, other).get_by_role("checkbox").check()

    await expect(ada.get_by_text("Selected: 2")).to_be_visible()
    assert await ada.evaluate("window.heard") == ["Selected: 2"]


async def test_filters_apply_as_one_chooses_and_back_undoes_them(
    live: Live, past: Past, people: People
) -> None:
    tickets, email = await some(past, 2)
    await past.status(tickets[0], Status.PENDING)
    ada = await at(await people.agent(), f"{live.desk}/tickets")
    await ada.get_by_role("searchbox").fill(email)
    await expect(ada.locator("[data-ticket-row]")).to_have_count(2)
    await ada.get_by_label("Status", exact=True).select_option("pending")
    await expect(ada.locator("[data-ticket-row]")).to_have_count(1)
    await expect(ada).to_have_url(f"{live.desk}/tickets?status=pending&q={email.replace('@', '%40')}")
    await ada.reload()
    await expect(ada.locator("[data-ticket-row]")).to_have_count(1)
    await ada.go_back()

    await expect(ada.locator("[data-ticket-row]")).to_have_count(2)
    await expect(ada.get_by_label("Status", exact=True)).to_have_value("")


async def test_selected_rows_change_together_and_undo_puts_them_back(
    live: Live, past: Past, people: People
) -> None:
    tickets, email = await some(past, 3)
    ada = await at(await people.agent(), f"{live.desk}/tickets?q={email}")
    top = await row(ada, tickets[0]).bounding_box()
    await row(ada, tickets[0]).get_by_role("checkbox").check()
    await row(ada, tickets[2]).get_by_role("checkbox").click(modifiers=["Shift"])
    await expect(ada.get_by_text("Selected: 3")).to_be_visible()
    assert await row(ada, tickets[0]).bounding_box() == top
    await ada.get_by_label("What to change").select_option(label="High")
    await ada.get_by_role("button", name="Apply").click()
    await expect(ada.get_by_text("Changed to “High”: 3 of 3.")).to_be_visible()
    await expect(row(ada, tickets[1]).locator("select[name=priority]")).to_have_value("high")
    await ada.get_by_role("button", name="Undo").click()

    await expect(ada.get_by_text("Undone. Put back: 3 of 3.")).to_be_visible()
    await expect(row(ada, tickets[1]).locator("select[name=priority]")).to_have_value("medium")


async def test_many_show_how_far_they_are_until_they_are_done(live: Live, past: Past, people: People) -> None:
    _, email = await some(past, 120)
    ada = await at(await people.agent(), f"{live.desk}/tickets?q={email}")
    await ada.get_by_label("Select every ticket on this page").check()
    await ada.get_by_label("All that match").check()
    await ada.get_by_label("What to change").select_option(label="Pending")
    await ada.get_by_role("button", name="Apply").click()

    await expect(ada.get_by_text("Changed to “Pending”: 120 of 120.")).to_be_visible()


async def test_the_dashboard_keeps_itself_up_to_date(live: Live, past: Past, people: People) -> None:
    (ticket,), _ = await some(past, 1)
    ada = await at(await people.agent(), live.desk)
    ben = await people.agent("ben")
    await ben.page.goto(desk_of(live, ticket))
    room = Room(ben.page)
    await room.is_live()
    await room.send("We look into it.")
    recent = ada.locator(f"#recent-{ticket.ticket_id}")
    await expect(recent.locator("select[name=status]")).to_have_value("open")
    await choose(status_in(recent), "pending")

    await expect(recent.locator('.choice[data-status="pending"]')).to_be_visible()


async def test_everything_but_liveness_works_without_a_script(live: Live, past: Past, people: People) -> None:
    tickets, email = await some(past, 2)
    ada = (await people.agent(javascript=False)).page
    await ada.goto(f"{live.desk}/tickets")
    await ada.get_by_role("searchbox").fill(email)
    await ada.get_by_role("button", name="Apply").first.click()
    await expect(ada.locator("[data-ticket-row]")).to_have_count(2)
    await row(ada, tickets[0]).get_by_role("checkbox").check()
    await ada.get_by_label("What to change").select_option(label="Pending")
    await ada.locator("#bulk-form").get_by_role("button", name="Apply").click()
    await expect(row(ada, tickets[0]).get_by_text("Pending")).to_be_visible()
    await expect(ada.locator("[data-ticket-row]")).to_have_count(2)
    for ticket in tickets:
        await row(ada, ticket).get_by_role("checkbox").check()
    await ada.get_by_label("What to change").select_option(label="Closed")
    await ada.locator("#bulk-form").get_by_role("button", name="Apply").click()

    await expect(ada.get_by_text("Changed to “Closed”: 2 of 2.")).to_be_visible()


async def test_a_view_is_saved_and_stands_among_the_others(live: Live, past: Past, people: People) -> None:
    await some(past, 1)
    ada = await at(await people.agent(), f"{live.desk}/tickets")
    name = f"View {uuid4().hex[:6]}"
    await ada.get_by_label("Priority", exact=True).first.select_option("urgent")
    await ada.get_by_text("Save view").first.click()
    await ada.get_by_label("Name of the view").fill(name)
    await ada.get_by_role("button", name="Save view").click()
    await expect(ada.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
    await ada.get_by_text("Edit view").click()
    await ada.get_by_role("button", name="Delete view").click()

    await expect(ada.get_by_role("link", name=name)).to_have_count(0)


@pytest.mark.parametrize(
    "query", ["q={email}", "q=question+{word}", "status=closed&priority=urgent&assignee=nobody"]
)
async def test_nothing_stands_in_anybodys_way(live: Live, past: Past, people: People, query: str) -> None:
    """In a list that ends above the bar of what is selected: what lies under the bar is scrolled up."""
    _, email = await some(past, 2)
    ada = await people.agent(bypass_csp=True)
    address = query.format(email=email, word=email.partition("@")[0])
    page = await at(ada, f"{live.desk}/tickets?{address}")
    if "{" in query:
        await page.locator("input[name=ids]").first.check()

    assert await violations(page) == []


async def test_on_a_phone_a_ticket_is_a_card(live: Live, past: Past, people: People) -> None:
    (ticket,), _ = await some(past, 1)
    ada = await at(await people.agent(viewport=PHONE), f"{live.desk}/tickets")
    box = await row(ada, ticket).bounding_box()

    assert box
    assert box["height"] > 90
    assert box["x"] + box["width"] <= PHONE["width"]


async def test_the_dots_for_tags_without_room_would_keep_off_the_number(
    live: Live, past: Past, people: People
) -> None:
    """They stand right behind the last box that has room."""
    (ticket,), _ = await some(past, 1)
    ada = await at(await people.agent(), f"{live.desk}/tickets")
    free = (
        await row(ada, ticket)
        .locator(".number")
        .evaluate(
            """number => {
            const said = document.createRange();
            said.selectNodeContents(number);
            return number.getBoundingClientRect().right - said.getBoundingClientRect().right;
        }"""
        )
    )

    assert free >= 3
