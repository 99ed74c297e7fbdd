"""The pages on which somebody signs in, joins or regains an account, in every state."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from parlour.features.accounts import service as accounts
from parlour.features.accounts.passwords import hash_password
from parlour.kernel import clock
from parlour.kernel.access import Actor
from tests.browser.axe import violations
from tests.browser.past import Past
from tests.browser.people import People, Person, status_of
from tests.browser.test_mailed_link import mails_to, words_of
from tests.browser.test_people import invitation_for, invite, turn_on_second_factor
from tests.live import PASSWORD, Live, email_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass
class Door:
    """Where somebody stands who is not signed in.

    `account` is the address of an agent whom no other test knows.
    """

    live: Live
    past: Past
    people: People
    visitor: Person
    account: str

    @property
    def page(self) -> Page:
        return self.visitor.page


@pytest_asyncio.fixture(loop_scope="session")
async def door(live: Live, past: Past, people: People) -> Door:
    name = f"door-{uuid4().hex[:8]}"
    await past.hire(name, "Dora Gate")
    visitor = await people.stranger(bypass_csp=True)
    visitor.expects(status_of(422), status_of(410), status_of(405))
    return Door(live, past, people, visitor, email_of(name))


async def forgotten(door: Door) -> None:
    await door.page.goto("/auth/forgot")


async def forgotten_refused(door: Door) -> None:
    await door.page.goto("/auth/forgot")
    await door.page.get_by_role("button", name="Mail me a link").click()
    await expect(door.page.get_by_role("alert")).to_be_focused()


async def forgotten_sent(door: Door) -> None:
    await door.page.goto("/auth/forgot")
    await door.page.get_by_label("Email address").fill(door.account)
    await door.page.get_by_role("button", name="Mail me a link").click()
    await expect(door.page.get_by_role("heading", name="Check your mail")).to_be_visible()


async def reset_code(door: Door) -> None:
    await door.page.goto("/auth/reset")


async def reset_code_missing(door: Door) -> None:
    await door.page.goto("/auth/reset")
    await door.page.get_by_role("button", name="Go on").click()
    await expect(door.page.get_by_role("alert")).to_be_focused()


async def reset_over(door: Door) -> None:
    await door.page.goto("/auth/reset#a-link-that-never-was-a-link")
    await expect(door.page.get_by_role("heading", name="This link no longer works")).to_be_visible()


async def new_password(door: Door) -> None:
    await forgotten_sent(door)
    [mail] = await mails_to(door.live, door.account)
    found = re.search(r"/auth/reset#(\S+)", words_of(mail))
    assert found
    await door.page.goto(found[0])
    await expect(door.page.get_by_label("New password")).to_be_focused()


async def new_password_refused(door: Door) -> None:
    await new_password(door)
    await door.page.get_by_label("New password").fill("short")
    await door.page.get_by_role("button", name="Save the password").click()
    await expect(door.page.get_by_role("alert")).to_be_focused()


async def password_changed(door: Door) -> None:
    await new_password(door)
    await door.page.get_by_label("New password").fill("a rather long new password")
    await door.page.get_by_role("button", name="Save the password").click()
    await expect(door.page.get_by_text("Your password is changed")).to_be_visible()


async def invitation_of(door: Door, address: str) -> None:
    await invite(await door.people.agent(), door.live, address, "agent")
    await door.page.goto(await invitation_for(door.live, address))
    await expect(door.page.get_by_text(f"You were invited as {address}")).to_be_visible()


async def invitation_of_a_newcomer(door: Door) -> None:
    await invitation_of(door, f"{uuid4()}@acme.example")


async def invitation_refused(door: Door) -> None:
    await invitation_of_a_newcomer(door)
    await door.page.get_by_label("A password").fill("short")
    await door.page.get_by_role("button", name="Join the workspace").click()
    await expect(door.page.get_by_role("alert")).to_be_focused()


async def invitation_of_an_unproven_address(door: Door) -> None:
    address = f"{uuid4()}@elsewhere.example"
    made = (address, "Ben", PASSWORD, hash_password(PASSWORD))
    await door.past.db.write(
        Actor.system(), lambda tx: accounts.create_agent(tx, *made, bound_to=clock.new_id())
    )
    await invitation_of(door, address)
    await door.page.get_by_label("Password").fill(PASSWORD)
    await door.page.get_by_role("button", name="Join the workspace").click()
    await expect(door.page.get_by_text("through a link that somebody handed on")).to_be_visible()


async def set_up_second_factor(door: Door) -> Page:
    """In another browser, which is left at the recovery codes."""
    agent = await door.people.agent(door.account.partition("@")[0], bypass_csp=True)
    page = agent.page
    await turn_on_second_factor(page)
    return page


async def recovery_codes(door: Door) -> None:
    door.visitor.page = await set_up_second_factor(door)


async def second_factor_on(door: Door) -> None:
    await recovery_codes(door)
    await door.page.get_by_role("link", name="I have kept them").click()
    await door.page.get_by_text("Make new codes or turn it off").click()
    await expect(door.page.get_by_label("Your password")).to_be_visible()


async def code_step(door: Door) -> None:
    await set_up_second_factor(door)
    await door.page.goto("/auth/login")
    await door.page.get_by_label("Email address").fill(door.account)
    await door.page.get_by_label("Password").fill(PASSWORD)
    await door.page.get_by_role("button", name="Sign in").click()
    await expect(door.page.get_by_role("heading", name="One more step")).to_be_visible()


async def code_refused(door: Door) -> None:
    await code_step(door)
    await door.page.get_by_role("textbox", name="Code").fill("000000")
    await door.page.get_by_role("button", name="Sign in").click()
    await expect(door.page.get_by_role("alert")).to_be_focused()


async def wrong_method(door: Door) -> None:
    answer = await door.page.goto("/auth/logout")
    assert answer is not None
    assert answer.status == 405


STATES: list[Callable[[Door], Awaitable[None]]] = [
    forgotten,
    forgotten_refused,
    forgotten_sent,
    reset_code,
    reset_code_missing,
    reset_over,
    new_password,
    new_password_refused,
    password_changed,
    invitation_of_a_newcomer,
    invitation_refused,
    invitation_of_an_unproven_address,
    recovery_codes,
    second_factor_on,
    code_step,
    code_refused,
    wrong_method,
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_axe_finds_nothing(state: Callable[[Door], Awaitable[None]], door: Door) -> None:
    await state(door)

    assert await violations(door.page) == []
