"""From a mailed link to the ticket, and a fresh link for whoever lost it."""

import asyncio
import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import httpx
import pytest

from parlour.features.tickets.access import service as access
from parlour.features.tickets.models import Link, Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.secrets import new_secret
from parlour.web.session import ticket_cookie
from tests.house import Browser, House, behind_its_back, comparable
from tests.jobs import are_due
from tests.people import knock

ACCESS = "/support/acme/access"


@pytest.fixture
async def ticket(house: House) -> Ticket:
    async with house.browser("10.9.9.9") as maria:
        return await house.open_ticket(maria)


@pytest.fixture
async def link(house: House, ticket: Ticket) -> Link:
    """What the mail would hold."""
    made = await house.as_system(access.issue_link, ticket.ticket_id, new_secret())
    assert made
    return made


def address(ticket: Ticket) -> str:
    return f"/support/acme/ticket/{ticket.ticket_id}"


async def exchange(browser: Browser, token: str, page: str = ACCESS) -> httpx.Response:
    return await browser.submit(page, {"token": token}, page=page)


async def ask(browser: Browser, email: str) -> httpx.Response:
    return await browser.submit(ACCESS, {"email": email}, page=ACCESS)


# --------------------------------------------------------------------------------------------- the exchange


async def test_a_link_opens_its_ticket_in_any_browser(visitor: Browser, ticket: Ticket, link: Link) -> None:
    before = await visitor.get(address(ticket))
    answer = await exchange(visitor, link.token)
    after = await visitor.get(address(ticket))

    assert (answer.status_code, answer.headers["location"]) == (303, f"{address(ticket)}/chat")
    assert (before.status_code, after.status_code) == (403, 200)


@pytest.mark.parametrize("around", ["http://parlour.test/support/acme/access#{}", "Code: “{}”."])
async def test_a_code_is_found_among_what_was_pasted_with_it(
    visitor: Browser, ticket: Ticket, link: Link, around: str
) -> None:
    answer = await exchange(visitor, around.format(link.token))

    assert (answer.status_code, answer.headers["location"]) == (303, f"{address(ticket)}/chat")


async def test_a_link_works_again_on_another_device(
    house: House, visitor: Browser, ticket: Ticket, link: Link
) -> None:
    await exchange(visitor, link.token)
    async with house.browser() as other:
        again = await exchange(other, link.token)
        page = await other.get(address(ticket))

    assert (again.status_code, page.status_code) == (303, 200)


async def test_a_code_pasted_with_spaces_around_it_works(visitor: Browser, link: Link) -> None:
    assert (await exchange(visitor, f"\n  {link.token} ")).status_code == 303


async def test_what_only_follows_links_opens_and_uses_up_nothing(
    house: House, visitor: Browser, ticket: Ticket, link: Link
) -> None:
    """Scanners of mail follow GETs."""
    async with house.browser() as scanner:
        for method in ("GET", "HEAD"):
            for query in ("", f"?token={link.token}"):
                answer = await scanner.request(method, ACCESS + query)
                assert answer.status_code == 200
        page = await scanner.get(address(ticket))
    answer = await exchange(visitor, link.token)

    assert page.status_code == 403
    assert answer.status_code == 303


async def test_an_expired_a_revoked_and_an_invented_link_get_the_same_answer(
    house: House, visitor: Browser, ticket: Ticket, link: Link
) -> None:
    with clock.at(clock.now() + access.LINK_LIFE + timedelta(seconds=1)):
        expired = await exchange(visitor, link.token)
    await house.as_system(access.revoke_access, ticket.ticket_id)
    revoked = await exchange(visitor, link.token)
    invented = await exchange(visitor, "x" * 43)

    assert {page.status_code for page in (expired, revoked, invented)} == {410}
    assert len({comparable(page.text) for page in (expired, revoked, invented)}) == 1
    assert "Mail me a fresh link" in expired.text


async def test_a_link_works_until_its_last_moment(visitor: Browser, link: Link) -> None:
    with clock.at(clock.now() + access.LINK_LIFE - timedelta(minutes=1)):
        assert (await exchange(visitor, link.token)).status_code == 303


async def test_a_link_of_another_workspace_does_not_work_here(visitor: Browser, link: Link) -> None:
    assert (await exchange(visitor, link.token, "/support/other/access")).status_code == 410


@pytest.mark.parametrize("token", ["", "   "])
async def test_an_empty_code_is_asked_for_again(visitor: Browser, token: str) -> None:
    page = await exchange(visitor, token)

    assert page.status_code == 422
    assert "Paste the code from the mail" in page.text


async def test_guessing_is_slowed_down_for_that_address_alone(
    house: House, visitor: Browser, link: Link
) -> None:
    token = await visitor.csrf(ACCESS)
    for _ in range(30):
        await visitor.post(ACCESS, data={"csrf": token, "token": "guess"})
    slowed = await exchange(visitor, link.token)
    async with house.browser("10.1.2.3") as other:
        calm = await exchange(other, link.token)

    assert (slowed.status_code, calm.status_code) == (429, 303)
    assert int(slowed.headers["retry-after"]) >= 1
    assert "That was a lot of tries" in slowed.text


# ------------------------------------------------------------------------------------- the browser's secret


async def test_what_one_browser_opened_before_stays_open(
    house: House, visitor: Browser, ticket: Ticket, link: Link
) -> None:
    own = await house.open_ticket(visitor, email="noor@example.com")
    await exchange(visitor, link.token)

    assert (await visitor.get(address(own))).status_code == 200
    assert (await visitor.get(address(ticket))).status_code == 200


@pytest.mark.parametrize("way", ["opening", "exchanging"])
async def test_a_cookie_that_somebody_planted_is_worth_nothing_to_them(
    house: House, visitor: Browser, ticket: Ticket, link: Link, way: str
) -> None:
    async with house.browser("10.6.6.6") as mallory:
        await house.open_ticket(mallory, email="mallory@example.com")
        for name, planted in list(mallory.cookies.items()):
            visitor.cookies.set(name, planted, domain="parlour.test")
        if way == "opening":
            ticket = await house.open_ticket(visitor)
        else:
            await exchange(visitor, link.token)
        stolen = await mallory.get(address(ticket))
        listed = await mallory.get("/support/acme")
        mine = await visitor.get(address(ticket))

    assert mine.status_code == 200
    assert stolen.status_code == 403
    assert str(ticket.ticket_id) not in listed.text


async def test_a_secret_that_nobody_issued_becomes_nobodys(
    visitor: Browser, ticket: Ticket, link: Link
) -> None:
    cookie = ticket_cookie(ticket.ticket_id)
    visitor.cookies.set(cookie, "A" * 43, domain="parlour.test")
    await exchange(visitor, link.token)

    assert visitor.cookies[cookie] != "A" * 43
    assert (await visitor.get(address(ticket))).status_code == 200


async def test_a_link_that_is_opened_again_and_again_leaves_one_row(
    house: House, visitor: Browser, ticket: Ticket, link: Link
) -> None:
    def rows() -> int:
        settings = house.app.parlour.settings
        return len(behind_its_back(settings, "SELECT email FROM grants WHERE email = ?", ticket.email))

    before = rows()
    for _ in range(20):
        await exchange(visitor, link.token)
    assert rows() == before + 1


async def test_access_lasts_a_month_from_the_last_link(visitor: Browser, ticket: Ticket, link: Link) -> None:
    await exchange(visitor, link.token)
    with clock.at(clock.now() + access.LINK_LIFE - timedelta(minutes=1)):
        await exchange(visitor, link.token)
        soon = await visitor.get(address(ticket))
    with clock.at(clock.now() + access.VISIT_LIFE - timedelta(minutes=1)):
        late = await visitor.get(address(ticket))

    assert (soon.status_code, late.status_code) == (200, 200)


async def test_a_browsers_access_ends_after_a_month(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    with clock.at(clock.now() + access.VISIT_LIFE + timedelta(seconds=1)):
        page, home = await visitor.get(address(ticket)), await visitor.get("/support/acme")

    assert page.status_code == 403
    assert "No tickets here yet" in home.text


async def test_access_that_was_taken_away_is_gone_everywhere_at_once(
    house: House, visitor: Browser, ticket: Ticket, link: Link
) -> None:
    await exchange(visitor, link.token)
    for _ in range(2):
        assert (await visitor.get(f"{address(ticket)}/chat")).status_code == 200
    socket = f"/realtime?ticket={ticket.ticket_id}&portal=acme"
    before = await knock(house, visitor, socket)
    await house.as_system(access.revoke_access, ticket.ticket_id)

    assert (await visitor.get(address(ticket))).status_code == 403
    assert (await visitor.get(f"{address(ticket)}/chat")).status_code == 403
    assert (before, await knock(house, visitor, socket)) == ("hello", "4403")


async def test_what_one_browser_was_shown_lately_is_shown_to_no_other(house: House, visitor: Browser) -> None:
    """Though the page is asked for along with the question whose it is."""
    ticket = await house.open_ticket(visitor, subject="A tent that leaks")
    chat = f"{address(ticket)}/chat"
    async with house.browser("10.1.2.3") as other, house.browser("10.1.2.4") as third:
        await house.open_ticket(third, subject="Boots", email="lena@example.com")
        browsers = (visitor, other, visitor, third)
        for _ in range(3):
            pages = [await each.get(chat) for each in browsers]
            homes = [await each.get("/support/acme") for each in browsers]

            assert [page.status_code for page in pages] == [200, 403, 200, 403]
            assert ["A tent that leaks" in page.text for page in pages] == [True, False, True, False]
            assert ["A tent that leaks" in home.text for home in homes] == [True, False, True, False]
            assert ["Boots" in home.text for home in homes] == [False, False, False, True]


@pytest.mark.parametrize("value", ["", "short", "x" * 65, "ü" * 30, "a b" * 10, '"quoted"' * 4])
async def test_nonsense_in_the_cookie_is_no_cookie(visitor: Browser, ticket: Ticket, value: str) -> None:
    cookie = f"{ticket_cookie(ticket.ticket_id)}={value}; parlour_visitor={value}".encode()
    page = await visitor.get(address(ticket), headers={b"cookie": cookie})

    assert page.status_code == 403


# --------------------------------------------------------------------------------------------- a fresh link


async def mails_to(house: House, email: str) -> list[EmailMessage]:
    """The mails about fresh links, once everything that is due has been sent."""
    async with asyncio.timeout(20):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)
    paths = sorted(house.app.parlour.settings.mail_folder.glob("[!.]*.eml"))
    sent = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
    return [mail for mail in sent if mail["to"] == email and "Your tickets" in mail["subject"]]


async def test_a_known_and_an_unknown_address_get_the_same_answer(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    known, unknown = await ask(visitor, "maria@example.com"), await ask(visitor, "nobody@example.com")

    assert (known.status_code, unknown.status_code) == (200, 200)
    assert comparable(known.text, "maria@example.com") == comparable(unknown.text, "nobody@example.com")
    assert "If there are tickets for this address" in known.text


@pytest.mark.parametrize(
    ("email", "sentence"), [("", "Enter your email address"), ("maria@", "Enter an email address like")]
)
async def test_what_is_no_address_is_named_and_kept(visitor: Browser, email: str, sentence: str) -> None:
    page = await ask(visitor, email)

    assert page.status_code == 422
    assert sentence in page.text
    assert f'value="{email}"' in page.text


async def test_asking_too_often_says_how_long_to_wait_and_keeps_the_address(
    house: House, visitor: Browser
) -> None:
    for number in range(10):
        await ask(visitor, f"maria{number}@example.com")
    page = await ask(visitor, "maria@example.com")
    async with house.browser("10.1.2.3") as other:
        calm = await ask(other, "maria@example.com")

    assert (page.status_code, calm.status_code) == (429, 200)
    assert int(page.headers["retry-after"]) >= 1
    assert 'value="maria@example.com"' in page.text


async def test_a_page_that_was_open_too_long_keeps_the_address(visitor: Browser) -> None:
    await visitor.get(ACCESS)
    page = await visitor.post(ACCESS, data={"csrf": "0" * 64, "email": "maria@example.com"})

    assert page.status_code == 403
    assert "This page was open for too long." in page.text
    assert 'value="maria@example.com"' in page.text


async def test_only_an_address_with_tickets_is_mailed_and_once_in_ten_minutes(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    first = await ask(visitor, "maria@example.com")
    async with house.browser("10.1.2.3") as other:
        second = await ask(other, "Maria@example.com")
        await ask(other, "nobody@example.com")

    assert (first.status_code, second.status_code) == (200, 200)
    assert len(await mails_to(house, "maria@example.com")) == 1
    assert await mails_to(house, "nobody@example.com") == []


async def test_the_mailed_link_opens_the_ticket_and_its_secret_is_not_in_the_database(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await ask(visitor, "maria@example.com")
    [mail] = await mails_to(house, "maria@example.com")
    body = mail.get_body(("plain",))
    assert body
    found = re.search(r"/support/acme/access#([A-Za-z0-9_-]{43})", body.get_content())
    assert found
    answer = await exchange(visitor, found[1])

    assert (answer.status_code, answer.headers["location"]) == (303, f"{address(ticket)}/chat")
    data = house.app.parlour.settings.data_dir
    stored = b"".join(path.read_bytes() for path in data.glob("parlour.db*"))
    assert found[1].encode() not in stored
    assert visitor.cookies[ticket_cookie(ticket.ticket_id)].encode() not in stored
