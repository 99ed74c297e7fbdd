"""Single keys, the command palette, and what the browser says of new messages."""

import asyncio
import re
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Page, Route, expect

from parlour.features.tickets.models import Status
from tests.browser.axe import violations
from tests.browser.past import Past
from tests.browser.people import People, Person, Room, chat_of, desk_of, press
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
COLLECT_NOTICES = """() => {
    window.notices = [];
    window.Notification = class extends EventTarget {
        static permission = "granted";
        static asked = 0;
        static async requestPermission() { this.asked += 1; return this.permission; }
        constructor(title, options) { super(); window.notices.push([title, options.body]); }
        close() {}
    };
}"""


def marked() -> str:
    """A word that no other ticket holds."""
    return f"k{uuid4().hex[:10]}"


def row(page: Page, subject: str) -> Locator:
    return page.locator("[data-ticket-row]").filter(has_text=subject)


async def at_list(live: Live, past: Past, people: People, count: int = 2) -> tuple[Person, list[str]]:
    """Ada before a list of `count` tickets; the newest is first."""
    word = marked()
    subjects = [f"{word} number {index}" for index in range(count)]
    for subject in subjects:
        await past.ticket(subject)
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/tickets?q={word}")
    await ada.has_sent("watch")
    return ada, subjects[::-1]


async def has_focus(page: Page, subject: str) -> None:
    await expect(row(page, subject).locator("th a")).to_be_focused()


async def open_palette(page: Page) -> Locator:
    await press(page, "Control+k")
    field = page.get_by_role("combobox", name="Find a command, a ticket or a view")
    await expect(field).to_be_focused()
    return field


async def test_j_and_k_move_and_enter_opens(live: Live, past: Past, people: People) -> None:
    ada, (first, second) = await at_list(live, past, people)
    await press(ada.page, "j")
    await has_focus(ada.page, first)
    await press(ada.page, "j")
    await has_focus(ada.page, second)
    await press(ada.page, "k")
    await has_focus(ada.page, first)
    await press(ada.page, "Enter")

    await expect(ada.page.get_by_role("heading", name=first)).to_be_visible()


async def test_x_selects_the_row(live: Live, past: Past, people: People) -> None:
    ada, (first, _) = await at_list(live, past, people)
    await press(ada.page, "j")
    await press(ada.page, "x")

    await expect(row(ada.page, first).get_by_role("checkbox")).to_be_checked()
    await expect(ada.page.get_by_text("Selected: 1")).to_be_visible()


async def test_e_resolves_the_row_and_moving_goes_on_from_it(live: Live, past: Past, people: People) -> None:
    ada, (first, second) = await at_list(live, past, people)
    await press(ada.page, "j")
    await press(ada.page, "e")
    await expect(row(ada.page, first).locator(".choice[data-status=resolved]")).to_be_visible()
    await press(ada.page, "j")

    await has_focus(ada.page, second)
    assert (await past.tickets_called(first))[0].status is Status.RESOLVED


async def test_a_assigns_the_row_to_oneself(live: Live, past: Past, people: People) -> None:
    ada, (first, _) = await at_list(live, past, people)
    await press(ada.page, "j")
    await press(ada.page, "a")

    await expect(row(ada.page, first).locator("select[name=assignee] option:checked")).to_have_text(
        "Ada Moreau"
    )
    await has_focus(ada.page, first)


async def test_a_key_changes_the_row_it_was_pressed_on_however_fast_one_goes_on(
    live: Live, past: Past, people: People
) -> None:
    """The second change waits for the first, and by then the focus is elsewhere again."""

    async def slowly(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.continue_()

    ada, both = await at_list(live, past, people)
    await ada.page.route("**/status", slowly)
    for key in "jejek":
        await press(ada.page, key)

    for ticket in both:
        await expect(row(ada.page, ticket).locator("select[name=status]")).to_have_value("resolved")
        await expect(row(ada.page, ticket).locator('.choice[data-status="resolved"]')).to_be_visible()


async def test_on_a_ticket_a_and_e_change_it(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket(marked())
    ada = await people.agent()
    await ada.page.goto(desk_of(live, ticket))
    await Room(ada.page).is_live()
    await press(ada.page, "a")
    await press(ada.page, "e")
    await expect(Room(ada.page).status).to_have_text("Resolved")

    changed = (await past.tickets_called(ticket.subject))[0]
    assert (changed.status, changed.assignee_name) == (Status.RESOLVED, "Ada Moreau")


async def test_r_and_n_lead_into_the_composers(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket(marked())
    ada = await people.agent()
    await ada.page.goto(desk_of(live, ticket))
    await Room(ada.page).is_live()
    await press(ada.page, "r")
    await expect(ada.page.get_by_role("textbox", name="Message")).to_be_focused()
    await ada.page.keyboard.type("n")
    await expect(ada.page.get_by_role("textbox", name="Message")).to_have_value("n")
    await ada.page.get_by_role("textbox", name="Message").fill("")
    await ada.page.get_by_role("heading", name=ticket.subject).click()
    await press(ada.page, "n")

    await expect(ada.page.get_by_role("textbox", name="Note")).to_be_focused()


@pytest.mark.parametrize(("key", "name"), [("r", "Message"), ("n", "Note")], ids=["a reply", "a note"])
async def test_escape_leaves_the_words_where_they_are_and_the_keys_are_heard_again(
    live: Live, past: Past, people: People, key: str, name: str
) -> None:
    ticket = await past.ticket(marked())
    ada = await people.agent()
    await ada.page.goto(desk_of(live, ticket))
    await Room(ada.page).is_live()
    await press(ada.page, key)
    field = ada.page.get_by_role("textbox", name=name)
    await expect(field).to_be_focused()
    await ada.page.keyboard.type("Half a")
    await press(ada.page, "Escape")
    await expect(ada.page.get_by_role("log")).to_be_focused()
    await press(ada.page, key)
    await expect(field).to_be_focused()
    await ada.page.keyboard.type(" word")
    await expect(field).to_have_value("Half a word")
    await press(ada.page, "Escape", "e")

    await expect(ada.page.get_by_text(f"#{ticket.number} is now: Resolved")).to_be_visible()


async def test_a_ticket_put_aside_by_keys_leaves_the_focus_where_that_is_said(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket(marked())
    ada = await people.agent()
    await ada.page.goto(desk_of(live, ticket))
    await Room(ada.page).is_live()
    await press(ada.page, "z")
    await expect(ada.page.get_by_role("button", name="Tomorrow morning")).to_be_focused()
    await press(ada.page, "Enter")
    await expect(ada.page.get_by_text(f"#{ticket.number} is put aside")).to_be_visible()

    await expect(ada.page.locator("[data-panel] details[data-snooze] > summary")).to_be_focused()


async def test_escape_closes_the_list_of_members_before_it_leaves_the_note(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket(marked())
    ada = await people.agent()
    await ada.page.goto(desk_of(live, ticket))
    await Room(ada.page).is_live()
    await press(ada.page, "n")
    await ada.page.keyboard.type("@be")
    await expect(ada.page.get_by_role("listbox", name="Members")).to_be_visible()
    await press(ada.page, "Escape")
    await expect(ada.page.get_by_role("listbox", name="Members")).to_be_hidden()
    await expect(ada.page.get_by_role("textbox", name="Note")).to_be_focused()
    await press(ada.page, "Escape")

    await expect(ada.page.get_by_role("log")).to_be_focused()


async def test_a_key_is_heard_again_as_soon_as_a_dialog_is_closed(live: Live, people: People) -> None:
    """Also where that one still holds the focus; and a transition that was skipped is no error."""
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/replies")
    await open_palette(ada.page)
    await press(ada.page, "Escape")
    await ada.page.evaluate("""() => {
        const ready = Promise.reject(new DOMException('Skipping view transition', 'AbortError'));
        dispatchEvent(Object.assign(new Event('pagereveal'), { viewTransition: { ready } }));
        const field = document.querySelector('[data-palette] input');
        field.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true }));
    }""")

    await expect(ada.page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()


async def test_the_palette_comes_while_one_writes_and_gives_the_words_back(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    ada = await people.agent()
    await ada.page.goto(desk_of(live, ticket))
    await ada.has_sent("watch")
    await ada.page.get_by_role("textbox", name="Message").fill("Half a sent")
    await open_palette(ada.page)
    await press(ada.page, "Escape")
    await ada.page.keyboard.type("ence")

    await expect(ada.page.get_by_role("textbox", name="Message")).to_have_value("Half a sentence")


async def test_what_is_typed_before_the_palette_has_come_is_meant_for_it(
    live: Live, past: Past, people: People
) -> None:
    ada, (first, _) = await at_list(live, past, people)
    arrive = asyncio.Event()

    async def hold(route: Route) -> None:
        await arrive.wait()
        await route.continue_()

    await ada.page.route("**/dialogs/**", hold)
    await ada.page.goto(ada.page.url)
    await press(ada.page, "j")
    await press(ada.page, "Control+k")
    await press(ada.page, "j")
    arrive.set()

    await expect(ada.page.get_by_role("combobox", name="Find a command, a ticket or a view")).to_be_focused()
    await press(ada.page, "Escape")
    await has_focus(ada.page, first)


async def test_g_and_a_second_key_go_to_a_page(live: Live, people: People) -> None:
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/people")
    await press(ada.page, "g")
    await press(ada.page, "t")
    await ada.page.wait_for_url(f"{live.desk}/tickets?status=active")
    await press(ada.page, "g")
    await press(ada.page, "d")

    await ada.page.wait_for_url(live.desk)


async def test_the_slash_searches_and_in_the_field_it_is_a_slash(
    live: Live, past: Past, people: People
) -> None:
    ada, _ = await at_list(live, past, people)
    field = ada.page.get_by_role("searchbox")
    await press(ada.page, "/")
    await expect(field).to_be_focused()
    await ada.page.keyboard.type("/jx?")

    await expect(field).to_have_value("/jx?")


async def test_the_question_mark_lists_the_keys_and_they_rest_meanwhile(
    live: Live, past: Past, people: People
) -> None:
    ada, (first, _) = await at_list(live, past, people)
    await press(ada.page, "j")
    await press(ada.page, "?")
    await expect(ada.page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    await press(ada.page, "x")
    await press(ada.page, "Escape")

    await has_focus(ada.page, first)
    await expect(row(ada.page, first).get_by_role("checkbox")).not_to_be_checked()


@pytest.mark.parametrize("pressed", ["Control+e", "Alt+e", "Meta+e", "Shift+E"])
async def test_with_a_modifier_a_key_is_none_of_ours(
    live: Live, past: Past, people: People, pressed: str
) -> None:
    ada, (first, _) = await at_list(live, past, people)
    await press(ada.page, "j")
    await press(ada.page, pressed)
    await press(ada.page, "x")
    await expect(row(ada.page, first).get_by_role("checkbox")).to_be_checked()

    assert (await past.tickets_called(first))[0].status is Status.NEW


async def test_while_an_input_method_composes_nothing_happens(live: Live, past: Past, people: People) -> None:
    ada, _ = await at_list(live, past, people)
    await ada.page.evaluate(
        """document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key: "?", isComposing: true, bubbles: true }))"""
    )
    await press(ada.page, "j")

    await expect(ada.page.get_by_role("dialog")).to_have_count(0)


async def test_whoever_switched_them_off_has_no_keys(live: Live, past: Past, people: People) -> None:
    await past.hire("kim", "Kim Quiet")
    kim = await people.agent("kim")
    await kim.page.goto(f"{live.url}/profile")
    await kim.page.get_by_label("Keyboard shortcuts").uncheck()
    await kim.page.get_by_role("button", name="Save the preferences").click()
    await expect(kim.page.get_by_text("The preferences are saved.")).to_be_visible()
    await kim.page.goto(f"{live.desk}/tickets")
    for pressed in ("?", "Control+k", "g", "d", "j"):
        await press(kim.page, pressed)
    await expect(kim.page.get_by_role("dialog")).to_have_count(0)

    assert kim.page.url == f"{live.desk}/tickets"
    assert await kim.page.evaluate("document.activeElement === document.body")


async def test_the_palette_is_accessible(live: Live, past: Past, people: People) -> None:
    await past.ticket(marked())
    ada = await people.agent(bypass_csp=True)
    await ada.page.goto(live.desk)
    await open_palette(ada.page)
    await expect(ada.page.get_by_role("group", name="Tickets").get_by_role("option").first).to_be_visible()

    assert await violations(ada.page) == []


async def test_the_list_of_keys_is_accessible(live: Live, people: People) -> None:
    ada = await people.agent(bypass_csp=True)
    await ada.page.goto(f"{live.desk}/people")
    await ada.has_sent("watch")
    await press(ada.page, "?")
    await expect(ada.page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()

    assert await violations(ada.page) == []


async def test_the_palette_finds_a_ticket(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket(f"{marked()} in the palette")
    await past.ticket(f"{marked()} not in the palette")
    ada = await people.agent()
    await ada.page.goto(live.desk)
    field = await open_palette(ada.page)
    await field.fill(ticket.subject.split()[0])
    option = ada.page.get_by_role("option").filter(has_text=ticket.subject)
    await expect(option).to_have_attribute("aria-selected", "true")
    await expect(ada.page.locator("[role=option]:visible")).to_have_count(1)
    await press(ada.page, "Enter")

    await ada.page.wait_for_url(desk_of(live, ticket))


async def test_enter_waits_for_what_was_typed_last(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket(f"{marked()} typed fast")
    ada = await people.agent()
    await ada.page.goto(f"{live.desk}/people")
    field = await open_palette(ada.page)
    await field.fill(ticket.subject.split()[0])
    await press(ada.page, "Enter")

    await ada.page.wait_for_url(desk_of(live, ticket))


async def test_the_arrows_choose_and_escape_leads_back(live: Live, past: Past, people: People) -> None:
    ada, (first, _) = await at_list(live, past, people)
    await press(ada.page, "j")
    field = await open_palette(ada.page)
    await field.fill("waiting for")
    selected = ada.page.locator("[role=option][aria-selected=true]")
    await expect(selected).to_have_text("Waiting for us")
    await press(ada.page, "ArrowDown")
    await expect(selected).to_have_text("Waiting for the customer")
    await expect(field).to_have_attribute("aria-activedescendant", "palette-view-waiting_for_customer")
    await press(ada.page, "ArrowDown")
    await expect(selected).to_have_text("Waiting for us")
    await press(ada.page, "Escape")

    await has_focus(ada.page, first)


async def test_what_was_chosen_stays_chosen_when_the_answer_comes_late(
    live: Live, past: Past, people: People
) -> None:
    ada, _ = await at_list(live, past, people)
    asked, released = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await released.wait()
        await route.continue_()

    await ada.page.route("**/palette?q=waiting*", hold)
    field = await open_palette(ada.page)
    await field.fill("waiting for")
    await asked.wait()
    await press(ada.page, "ArrowDown")
    async with ada.page.expect_response("**/palette?q=waiting*"):
        released.set()
    await expect(ada.page.locator("[data-palette-busy]")).to_be_hidden()

    await expect(field).to_have_attribute("aria-activedescendant", "palette-view-waiting_for_customer")


async def test_a_command_of_the_palette_is_about_the_row_with_the_focus(
    live: Live, past: Past, people: People
) -> None:
    ada, (first, _) = await at_list(live, past, people)
    await press(ada.page, "j")
    field = await open_palette(ada.page)
    await field.fill("resolve")
    await press(ada.page, "Enter")

    await expect(row(ada.page, first).locator(".choice[data-status=resolved]")).to_be_visible()


async def test_the_title_counts_what_customers_wrote_while_the_page_was_hidden(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket(marked())
    ada, maria = await people.agent(), await people.customer(ticket)
    await ada.page.goto(f"{live.desk}/people")
    await ada.has_sent("watch")
    title = await ada.page.title()
    await maria.page.goto(chat_of(live, ticket))
    await Room(maria.page).is_live()
    await Room(maria.page).send("While you look")
    await expect(Room(maria.page).messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    await ada.page.evaluate(HIDE, True)
    await Room(maria.page).send("While you are away")
    await Room(maria.page).send("Still away?")
    await expect(ada.page).to_have_title(f"(2) {title}")
    await ada.page.evaluate(HIDE, False)

    await expect(ada.page).to_have_title(title)


async def test_one_hidden_tab_of_two_notifies(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket(marked())
    await past.hire("nora", "Nora Notified")
    await past.give(ticket, "nora")
    nora, maria = await people.agent("nora"), await people.customer(ticket)
    await nora.context.add_init_script(f"({COLLECT_NOTICES})()")
    await nora.page.goto(f"{live.url}/profile")
    await nora.page.get_by_label("Browser notifications").check()
    await nora.page.get_by_role("button", name="Save the preferences").click()
    await expect(nora.page.get_by_text("The preferences are saved.")).to_be_visible()
    second = await nora.context.new_page()
    tabs = (nora.page, second)
    for tab in tabs:
        await tab.goto(desk_of(live, ticket))
        await Room(tab).is_live()
        await tab.evaluate(HIDE, True)
    await maria.page.goto(chat_of(live, ticket))
    await Room(maria.page).is_live()
    await Room(maria.page).send("Hello?")
    for tab in tabs:
        await Room(tab).shows("Hello?")
        await expect(tab).to_have_title(f"(1) #{ticket.number} {ticket.subject} · Acme Outdoor")

    notices = [notice for tab in tabs for notice in await tab.evaluate("window.notices")]
    assert notices == [[f"New message in ticket #{ticket.number}", "Acme Outdoor"]]


async def test_no_tab_notifies_while_another_is_in_sight(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket(marked())
    await past.hire("otto", "Otto Looking")
    await past.give(ticket, "otto")
    otto, maria = await people.agent("otto"), await people.customer(ticket)
    await otto.context.add_init_script(f"({COLLECT_NOTICES})()")
    await otto.page.goto(f"{live.url}/profile")
    await otto.page.get_by_label("Browser notifications").check()
    await otto.page.get_by_role("button", name="Save the preferences").click()
    await expect(otto.page.get_by_text("The preferences are saved.")).to_be_visible()
    await otto.page.goto(desk_of(live, ticket))
    await Room(otto.page).is_live()
    await otto.page.evaluate(HIDE, True)
    in_sight = await otto.context.new_page()
    await in_sight.goto(f"{live.desk}/tickets")
    await maria.page.goto(chat_of(live, ticket))
    await Room(maria.page).is_live()
    await Room(maria.page).send("Hello?")
    await Room(otto.page).shows("Hello?")
    await expect(otto.page).to_have_title(f"(1) #{ticket.number} {ticket.subject} · Acme Outdoor")

    assert await otto.page.evaluate("window.notices") == []


async def test_only_the_button_on_the_profile_asks_for_permission(live: Live, people: People) -> None:
    ada = await people.agent()
    await ada.context.add_init_script(
        f"({COLLECT_NOTICES})(); Notification.permission = 'default';"
        "Notification.requestPermission = async () => {"
        "    Notification.asked++; Notification.permission = 'granted'; }"
    )
    await ada.page.goto(f"{live.url}/profile")
    button = ada.page.get_by_role("button", name="Allow notifications in this browser")
    await expect(button).to_be_visible()
    assert await ada.page.evaluate("Notification.asked") == 0
    await button.click()

    await expect(ada.page.get_by_text("This browser shows notifications.")).to_be_visible()
    await expect(button).to_be_hidden()


async def test_z_and_t_in_a_list_offer_the_mornings_and_the_tags_and_u_takes_it_back(
    live: Live, past: Past, people: People
) -> None:
    tag = await past.tag(marked())
    ada, (first, second) = await at_list(live, past, people)
    await press(ada.page, "j")
    await press(ada.page, "z")
    mornings = [re.compile("tomorrow"), re.compile("Monday")]
    await expect(ada.page.locator("[role=option]:visible")).to_have_text(mornings)
    assert await violations(ada.page) == []
    await press(ada.page, "Enter")
    await expect(ada.page.get_by_text("Put aside: 1 of 1")).to_be_visible()
    await expect(row(ada.page, first).locator(".choice[data-status=pending]")).to_be_visible()
    await press(ada.page, "u")
    await expect(ada.page.get_by_text("Undone.")).to_be_visible()
    await expect(row(ada.page, first).locator(".choice[data-status=new]")).to_be_visible()
    for subject in (first, second):
        await row(ada.page, subject).get_by_role("checkbox").check()
    await press(ada.page, "t")
    await ada.page.keyboard.type(tag)
    await press(ada.page, "Enter")

    for subject in (first, second):
        await expect(row(ada.page, subject).locator(".tag")).to_have_text(tag)


async def test_the_palette_puts_a_tag_on_the_open_ticket_and_u_takes_it_off(
    live: Live, past: Past, people: People
) -> None:
    tag = await past.tag(marked())
    ada = await people.agent()
    await ada.page.goto(desk_of(live, await past.ticket()))
    await Room(ada.page).is_live()
    field = await open_palette(ada.page)
    await field.fill(f"add {tag}")
    await press(ada.page, "Enter")
    panel = ada.page.locator("[data-panel]")
    await expect(panel.locator(".tag-list")).to_contain_text(tag)
    await expect(ada.page.get_by_text("tags changed")).to_be_visible()
    await press(ada.page, "u")

    await expect(panel.locator(".tag-list")).not_to_be_attached()
