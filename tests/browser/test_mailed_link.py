"""From the mail to the ticket, in a browser that has never been here."""

import email
import email.policy
import re
from email.message import EmailMessage

import pytest
from playwright.async_api import expect

from parlour.features.tickets.models import Ticket
from tests.browser.past import Past
from tests.browser.people import People, chat_of, status_of, until
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SENT = "If there are tickets for this address, a mail with fresh links is on its way."


async def mails_to(live: Live, address: str, *, at_least: int = 1) -> list[EmailMessage]:
    """The mails to this address, as soon as there are so many."""

    async def arrived() -> bool:
        return len(mails_so_far(live, address)) >= at_least

    await until(arrived)
    return mails_so_far(live, address)


def mails_so_far(live: Live, address: str) -> list[EmailMessage]:
    parsed = [
        email.message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=email.policy.default)
        for path in live.mails
    ]
    return [mail for mail in parsed if mail["To"] == address]


def words_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(mail: EmailMessage) -> str:
    found = re.search(r"http://\S+/access#\S+", words_of(mail))
    assert found, words_of(mail)
    return found[0]


async def a_ticket_and_its_link(live: Live, past: Past, address: str) -> tuple[Ticket, str]:
    ticket = await past.ticket(subject="Opened elsewhere", email=address)
    [mail] = await mails_to(live, address)
    return ticket, link_in(mail)


async def test_the_link_opens_the_ticket_and_the_address_bar_keeps_no_secret(
    live: Live, past: Past, people: People
) -> None:
    ticket, link = await a_ticket_and_its_link(live, past, "link@customer.example")
    secret = link.partition("#")[2]
    maria = await people.stranger()
    asked: list[str] = []
    maria.page.on("request", lambda request: asked.append(request.url))
    await maria.page.goto(link)

    await expect(maria.page.get_by_role("heading", name="Opened elsewhere")).to_be_visible()
    assert maria.page.url == chat_of(live, ticket)
    assert not [url for url in asked if secret in url.partition("#")[0]]


async def test_going_back_from_the_ticket_finds_no_secret_either(
    live: Live, past: Past, people: People
) -> None:
    _, link = await a_ticket_and_its_link(live, past, "back@customer.example")
    maria = await people.stranger()
    await maria.page.goto(link)
    await expect(maria.page.get_by_role("heading", name="Opened elsewhere")).to_be_visible()
    await maria.page.go_back()

    assert link.partition("#")[2] not in maria.page.url


async def test_the_access_lasts_beyond_the_link(live: Live, past: Past, people: People) -> None:
    ticket, link = await a_ticket_and_its_link(live, past, "lasts@customer.example")
    maria = await people.stranger()
    await maria.page.goto(link)
    await expect(maria.page.get_by_role("heading", name="Opened elsewhere")).to_be_visible()
    await maria.page.goto(chat_of(live, ticket))

    await expect(maria.page.get_by_role("textbox", name="Message")).to_be_visible()


async def test_without_a_script_the_code_is_pasted(live: Live, past: Past, people: People) -> None:
    _, link = await a_ticket_and_its_link(live, past, "pasted@customer.example")
    maria = await people.stranger(javascript=False)
    await maria.page.goto(f"{live.portal}/access")
    await maria.page.get_by_label("Code from the mail").fill(f" {link.partition('#')[2]} ")
    await maria.page.get_by_role("button", name="Open my ticket").click()

    await expect(maria.page.get_by_role("heading", name="Opened elsewhere")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["as a link", "pasted without a script"])
async def test_a_code_that_opens_nothing_leads_to_a_fresh_link(
    live: Live, people: People, javascript: bool
) -> None:
    wrong = "n0-such-secret-n0-such-secret-n0-such-secret"
    maria = await people.stranger(javascript=javascript)
    maria.expects(status_of(410))
    await maria.page.goto(f"{live.portal}/access#{wrong}")
    if not javascript:
        await maria.page.get_by_label("Code from the mail").fill(wrong)
        await maria.page.get_by_role("button", name="Open my ticket").click()

    await expect(maria.page.get_by_role("heading", name="This link no longer works")).to_be_visible()
    await expect(maria.page.get_by_role("button", name="Mail me a fresh link")).to_be_visible()


async def test_an_empty_code_is_asked_for(live: Live, people: People) -> None:
    maria = await people.stranger()
    maria.expects(status_of(422))
    await maria.page.goto(f"{live.portal}/access")
    await maria.page.get_by_role("button", name="Open my ticket").click()

    await expect(maria.page.get_by_role("alert").get_by_role("link", name="Paste the code")).to_be_visible()


async def test_the_fresh_link_page_says_the_same_whether_or_not_the_address_is_known(
    live: Live, past: Past, people: People
) -> None:
    await past.ticket(email="known@customer.example")
    said = []
    for address in ("known@customer.example", "unknown@customer.example"):
        maria = await people.stranger()
        await maria.page.goto(f"{live.portal}/access")
        await maria.page.get_by_label("Your email address").fill(address)
        await maria.page.get_by_role("button", name="Mail me a fresh link").click()
        await expect(maria.page.get_by_role("status").get_by_text(SENT)).to_be_visible()
        said.append(await maria.page.get_by_role("main").inner_text())

    assert said[0] == said[1]


async def test_a_fresh_link_works_also_in_the_tab_that_asked_for_it(
    live: Live, past: Past, people: People
) -> None:
    await a_ticket_and_its_link(live, past, "fresh@customer.example")
    maria = await people.stranger()
    await maria.page.goto(f"{live.portal}/access")
    await maria.page.get_by_label("Your email address").fill("fresh@customer.example")
    await maria.page.get_by_role("button", name="Mail me a fresh link").click()
    mails = await mails_to(live, "fresh@customer.example", at_least=2)
    await maria.page.goto(link_in(mails[-1]))

    await expect(maria.page.get_by_role("heading", name="Opened elsewhere")).to_be_visible()


async def test_a_ticket_of_somebody_else_gives_nothing_away(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket(subject="A private matter", email="private@customer.example")
    maria = await people.stranger()
    maria.expects(status_of(403))
    await maria.page.goto(chat_of(live, ticket))

    await expect(maria.page.get_by_role("heading", name="This page is private")).to_be_visible()
    assert "A private matter" not in await maria.page.content()
    assert "private@customer.example" not in await maria.page.content()
