"""Whatever people type is shown as they typed it: nothing runs, and nothing breaks the page."""

import pytest
import pytest_asyncio
from playwright.async_api import Page, ViewportSize, expect

from parlour.features.tickets.models import Ticket
from parlour.kernel.text import many_lines
from parlour.mail.receive.parse import parse
from parlour.mail.receive.shown import shown
from tests.browser.axe import too_wide
from tests.browser.past import Past
from tests.browser.people import DESKTOP, PHONE, People, Room, chat_of, desk_of
from tests.live import Live
from tests.web.test_linkify import VECTORS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCRIPT = "<script>document.title = 'ran'</script>"
IMAGE = "<img src=x onerror=\"document.title = 'ran'\">"
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 8
LONG_LINK = "https://example.com/" + "a/b-" * 120
RIGHT_TO_LEFT = "مرحبا، الخيمة مكسورة"
EMOJI = "👩‍👩‍👧‍👦🏳️‍🌈👍🏽"
BRACES = "{name} {{ 7 * 7 }} {% raw %} ${content}"
LINES = "first line\n  second line\n\nfourth line"
SUBJECT = f"{SCRIPT} {RIGHT_TO_LEFT} {'W' * 100}"
NAME = f"{IMAGE[:40]} {'N' * 39}"
LINKS = """(all) => all.map((one) =>
    [...one.querySelectorAll("a")].map((link) => [link.textContent, link.getAttribute("href")]))"""
INNER_HTML = "(all) => all.map((one) => one.innerHTML)"
EVERYTHING = [SCRIPT, IMAGE, LONG_WORD, LONG_LINK, RIGHT_TO_LEFT, EMOJI, BRACES, LINES]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strange(past: Past) -> Ticket:
    """Both sides have said all of it on this ticket, the agent under a strange name."""
    await past.hire("strange", NAME)
    agent = await past.agent("onerror")
    ticket = await past.ticket(
        subject=SUBJECT, description="\n".join(EVERYTHING), email=f"{'m' * 60}@x.example"
    )
    lines = [(who, text, None) for text in EVERYTHING for who in (past.customer(ticket), agent)]
    await past.said(ticket, lines)
    return ticket


async def ran_nothing(page: Page) -> None:
    assert await page.title() != "ran"
    assert await page.locator("main script, main img, main iframe").count() == 0


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_on_the_portal_it_is_text(
    live: Live, strange: Ticket, people: People, viewport: ViewportSize
) -> None:
    maria = await people.customer(strange, viewport=viewport)
    for address in (live.portal, f"{live.portal}/ticket/{strange.ticket_id}"):
        await maria.page.goto(address)
        await expect(maria.page.get_by_text(SCRIPT).first).to_be_visible()
        await ran_nothing(maria.page)
        assert await too_wide(maria.page) == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_in_the_customers_conversation_it_is_text(
    live: Live, strange: Ticket, people: People, viewport: ViewportSize
) -> None:
    maria = await people.customer(strange, viewport=viewport)
    await maria.page.goto(chat_of(live, strange))
    await Room(maria.page).is_live()

    for text in (SCRIPT, IMAGE, LONG_WORD, RIGHT_TO_LEFT, EMOJI, BRACES):
        await expect(Room(maria.page).log.get_by_text(text, exact=True)).to_have_count(2)
    await ran_nothing(maria.page)
    assert await too_wide(maria.page) == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_at_the_desk_it_is_text(
    live: Live, strange: Ticket, people: People, viewport: ViewportSize
) -> None:
    ada = await people.agent(viewport=viewport)
    for address in (live.desk, f"{live.desk}/tickets", desk_of(live, strange)):
        await ada.page.goto(address)
        await expect(ada.page.get_by_text(SCRIPT).first).to_be_visible()
        await ran_nothing(ada.page)
        assert await too_wide(ada.page) == []


async def test_sent_live_it_stands_in_both_pages_as_the_server_would_render_it(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, viewport=PHONE)
    ada = await people.agent(viewport=PHONE)
    await maria.page.goto(chat_of(live, ticket))
    await ada.page.goto(desk_of(live, ticket))
    await Room(ada.page).is_live()
    for text in EVERYTHING:
        await Room(maria.page).send(text)
    for page in (maria.page, ada.page):
        bodies = page.locator(".message[data-seq] .message-body")
        await expect(bodies).to_have_count(1 + len(EVERYTHING))
        as_it_came = await bodies.evaluate_all(INNER_HTML)
        await ran_nothing(page)
        assert await too_wide(page) == []
        await page.reload()

        assert await bodies.evaluate_all(INNER_HTML) == as_it_came


async def test_a_link_leads_away_without_saying_where_from(
    live: Live, strange: Ticket, people: People
) -> None:
    maria = await people.customer(strange)
    await maria.page.goto(chat_of(live, strange))
    link = Room(maria.page).log.get_by_role("link", name=LONG_LINK).first

    await expect(link).to_have_attribute("href", LONG_LINK)
    rel = await link.get_attribute("rel") or ""
    assert {"noopener", "noreferrer"} <= set(rel.split())


async def test_line_breaks_are_kept_and_runs_of_spaces_too(
    live: Live, strange: Ticket, people: People
) -> None:
    maria = await people.customer(strange)
    await maria.page.goto(chat_of(live, strange))
    body = Room(maria.page).messages.last.locator(".message-body")

    assert await body.inner_text() == LINES


SIDES = """(element) => {
    const text = document.createRange(), lines = new Map();
    text.selectNodeContents(element);
    for (const {top, left, right} of text.getClientRects()) {
        const line = lines.get(Math.round(top / 9)) ?? [left, right];
        lines.set(Math.round(top / 9), [Math.min(line[0], left), Math.max(line[1], right)]);
    }
    const box = element.getBoundingClientRect();
    return [...lines.values()].map(([left, right]) => left - box.left < box.right - right ? "left" : "right");
}"""


async def test_each_line_runs_in_its_own_direction(live: Live, past: Past, people: People) -> None:
    """And a subject, of one line, stays at the edge where the page has it."""
    text = f"{RIGHT_TO_LEFT}\nORD-12 is late!\n{RIGHT_TO_LEFT} ORD-12\n{'The longest of the lines. ' * 2}"
    ticket = await past.ticket(subject=RIGHT_TO_LEFT)
    await past.said(ticket, [(past.customer(ticket), text, None)])
    maria = await people.customer(ticket)
    await maria.page.goto(chat_of(live, ticket))
    body = Room(maria.page).log.get_by_text("ORD-12 is late").first

    assert (await body.evaluate(SIDES))[:3] == ["right", "left", "right"]
    assert (await maria.page.locator("h1").evaluate(SIDES))[0] == "left"


async def test_links_are_the_same_whoever_finds_them(live: Live, past: Past, people: People) -> None:
    """Newer messages stand in the page, older ones are drawn by its script: both by the same vectors, but for
    those that no message can hold.
    """
    vectors = [
        vector for vector in VECTORS if vector["text"] and many_lines(vector["text"]) == vector["text"]
    ]
    ticket = await past.ticket()
    ada = await past.agent("ada")
    texts = [vector["text"] for vector in vectors]
    await past.said(ticket, [(ada, text, None) for text in (*texts, *(f"Since then {n}" for n in range(50)))])
    maria = await people.customer(ticket)
    room = Room(maria.page)
    await maria.page.goto(chat_of(live, ticket))
    await room.is_live()
    while await room.messages.count() < len(vectors) + 51:
        drawn = await room.messages.count()
        await room.log.evaluate("(log) => { log.scrollTop = -log.scrollHeight }")
        await expect(room.messages).not_to_have_count(drawn)
    found = await maria.page.locator(".message-body").evaluate_all(LINKS)

    wanted = [[[part["text"], part["href"]] for part in v["parts"] if "href" in part] for v in vectors]
    assert found[1 : len(vectors) + 1] == wanted


async def test_the_words_in_a_mails_table_stand_whole(people: People) -> None:
    """However many columns there are: the frame is moved, as in mail programs. A word alone is broken."""
    cells = "<td>Donaudampfschiff</td>" * 40
    mail = f"Content-Type: text/html\r\n\r\n<p>{'W' * 300}</p><table><tr>{cells}</tr></table>"
    maria = await people.stranger(viewport=PHONE)
    await maria.page.set_content(shown(parse(mail.encode())).page)
    heights = "(all) => all.map((one) => one.getClientRects()[0].height)"
    [cell, *_] = await maria.page.locator("td").evaluate_all(heights)
    paragraph = await maria.page.locator("p").evaluate("(one) => one.scrollWidth")

    assert cell < 40
    assert paragraph <= PHONE["width"]
