"""What counts against whom: only forms that are ours, from somebody who may, and before the act."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from parlour.kernel.access import Role
from tests.forms import FORMS
from tests.house import Browser, House
from tests.mailbox import mails
from tests.people import Town, open_town
from tests.web.test_csrf import sender

module = pytest.mark.asyncio(loop_scope="module")
NEW = "/support/acme/ticket/new"
MORE_THAN_ANY_LIMIT = 31


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with open_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@module
@pytest.mark.parametrize("route", FORMS)
async def test_what_another_site_sends_counts_against_nobody(town: Town, route: str) -> None:
    path, fields = town.path(route), await town.form(route)
    async with await town.come(sender(route)) as browser:
        fields["csrf"] = await browser.csrf("/support/acme")
        evil = {"origin": "http://evil.example"}
        for _ in range(MORE_THAN_ANY_LIMIT):
            foreign = await browser.post(path, data=fields, headers=evil)
            assert foreign.status_code == 403
        own = await browser.post(path, data=fields)

    assert own.status_code not in (403, 429)


@module
@pytest.mark.parametrize("route", [route for route in FORMS if route.startswith("/workspace")])
async def test_who_may_not_uses_up_nothing_of_those_who_may(town: Town, route: str) -> None:
    async with await town.come("viewer") as viewer:
        fields = {**await town.form(route), "csrf": await viewer.csrf("/support/acme")}
        for _ in range(MORE_THAN_ANY_LIMIT):
            await viewer.post(town.path(route), data=fields)
    async with await town.come("owner") as owner:
        fields = {**await town.form(route), "csrf": await owner.csrf("/support/acme")}
        answer = await owner.post(town.path(route), data=fields)

    assert answer.status_code not in (403, 429)


# -------------------------------------------------------------------------------------- mails to one address


def ticket(email: str) -> dict[str, str]:
    """In words of its own: the same words from one browser are the same ticket."""
    form = str(uuid4())
    return {"subject": f"Late {form}", "description": "Since Monday.", "email": email, "client_id": form}


async def opened(browser: Browser, emails: list[str], slug: str = "acme") -> int:
    """How many of so many tickets, sent at once, were opened."""
    token = await browser.csrf(f"/support/{slug}")
    address = f"/support/{slug}/ticket/new"
    posts = [browser.post(address, data={"csrf": token, **ticket(email)}) for email in emails]
    return sum(answer.status_code == 303 for answer in await asyncio.gather(*posts))


async def test_tickets_sent_at_once_bring_an_address_no_more_mails(house: House, visitor: Browser) -> None:
    assert await opened(visitor, ["maria@example.com"] * 28) == 10
    assert len(await mails(house, "maria@example.com", count=10)) == 10


SPELLINGS = [
    "maria@example.com",
    "MARIA@example.com",
    " maria@EXAMPLE.com ",
    "maria@\uff45xample.com",
    "mar\u200bia@example.com",
    "maria@example\uff0ecom",
    "maria+1@example.com",
    "maria+parlour@example.com",
]


async def test_other_spellings_of_an_address_bring_it_no_more_mails(visitor: Browser) -> None:
    assert await opened(visitor, SPELLINGS * 3) == 10


async def test_other_workspaces_bring_an_address_no_more_mails(visitor: Browser) -> None:
    emails = ["maria@example.com"] * 8

    assert await opened(visitor, emails, "acme") + await opened(visitor, emails, "other") == 10


async def test_a_ticket_that_is_refused_for_its_words_does_not_count(visitor: Browser) -> None:
    for _ in range(12):
        await visitor.submit(NEW, {**ticket("maria@example.com"), "subject": ""}, page=NEW)
    answer = await visitor.submit(NEW, ticket("maria@example.com"), page=NEW)

    assert answer.status_code == 303


async def invite(owner: Browser, workspace_id: object, email: str) -> httpx.Response:
    people = f"/workspace/{workspace_id}/people"
    return await owner.submit(f"{people}/invite", {"email": email, "role": "agent"}, page=people)


async def test_several_workspaces_invite_an_address_no_more_often(house: House, desk: Browser) -> None:
    await house.add_agent("ada@acme.example", Role.OWNER, house.other)
    places = [house.workspace.workspace_id, house.other.workspace_id] * 4
    answers = [await invite(desk, place, "nia@example.com") for place in places]

    assert [answer.status_code for answer in answers] == [303] * 5 + [429] * 3


async def test_whoever_founds_workspaces_invites_no_more_people(house: House, desk: Browser) -> None:
    await house.add_agent("ada@acme.example", Role.OWNER, house.other)
    places = [house.workspace.workspace_id] * 25 + [house.other.workspace_id] * 25
    invited = [(place, f"person-{number}@example.com") for number, place in enumerate(places)]
    answers = [await invite(desk, place, email) for place, email in invited]

    assert sum(answer.status_code == 303 for answer in answers) == 40


# ------------------------------------------------------------------------------------------------- networks


async def test_visitors_behind_one_ipv6_socket_are_counted_apart(house: House) -> None:
    async with house.browser("::ffff:203.0.113.7") as one, house.browser("::ffff:203.0.113.8") as other:
        for number in range(31):
            last = await one.submit(NEW, ticket(f"maria-{number}@example.com"), page=NEW)
        answer = await other.submit(NEW, ticket("sam@example.com"), page=NEW)

    assert (last.status_code, answer.status_code) == (429, 303)


@pytest.mark.parametrize(
    ("host", "status"), [("::ffff:10.0.0.7", 200), ("::ffff:8.8.8.8", 404), ("64:ff9b::8.8.8.8", 404)]
)
async def test_the_numbers_are_shown_by_the_address_that_somebody_really_has(
    house: House, host: str, status: int
) -> None:
    async with house.browser(host) as operator:
        assert (await operator.get("/metrics")).status_code == status
