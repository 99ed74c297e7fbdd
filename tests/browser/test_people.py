"""Who works here: from invitation to desk, a removal, a workspace made on the page, a second factor."""

import re
import time

import pyotp
import pytest
from playwright.async_api import Page, expect

from parlour.kernel.access import Role
from tests.browser.past import Past
from tests.browser.people import People, Person, Room, desk_of, status_of
from tests.browser.test_mailed_link import mails_to, words_of
from tests.live import PASSWORD, Live, email_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def invite(owner: Person, live: Live, address: str, role: str) -> None:
    page = owner.page
    await page.goto(f"{live.desk}/people")
    await page.get_by_label("Email address").fill(address)
    await page.get_by_label("Role", exact=True).select_option(role)
    await page.get_by_role("button", name="Make an invitation").click()
    await expect(page.get_by_role("button", name=f"Withdraw the invitation of {address}")).to_be_visible()


async def invitation_for(live: Live, address: str) -> str:
    [mail] = await mails_to(live, address)
    found = re.search(r"/invite#(\S+)", words_of(mail))
    assert found
    return found[0]


async def join(newcomer: Person, name: str) -> None:
    page = newcomer.page
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("A password").fill(PASSWORD)
    await page.get_by_role("button", name="Join the workspace").click()
    await expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


async def turn_on_second_factor(page: Page) -> None:
    """Ends at the recovery codes."""
    await page.goto("/profile/second-factor")
    secret = await page.locator("[data-secret]").inner_text()
    await page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).at(time.time()))
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Turn it on").click()
    await expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()


async def test_an_invited_agent_joins_works_and_is_removed(live: Live, past: Past, people: People) -> None:
    address = email_of("nia")
    ada, nia = await people.agent(), await people.stranger()
    await invite(ada, live, address, "agent")
    await nia.page.goto(await invitation_for(live, address))
    await expect(nia.page.get_by_text(f"You were invited as {address}")).to_be_visible()
    await join(nia, "Nia Brook")
    ticket = await past.ticket("Where is my tent?")
    await nia.page.goto(desk_of(live, ticket))
    await nia.page.get_by_label("Assignee").select_option(label="Nia Brook")
    await Room(nia.page).is_live()
    nia.expects(status_of(404), "WebSocket")

    await ada.page.goto(f"{live.desk}/people")
    row = ada.page.get_by_role("listitem").filter(has_text=address)
    await row.locator("summary").click()
    await row.get_by_role("button", name="Remove from the workspace").click()

    await expect(nia.page.locator(".chat-banner")).to_be_visible()
    await expect(ada.page.get_by_text(address)).to_have_count(0)
    assert (await nia.page.goto(live.desk)).status == 404  # type: ignore[union-attr]
    await ada.page.goto(desk_of(live, ticket))
    await expect(ada.page.get_by_label("Assignee")).to_have_value("")


async def test_a_used_invitation_says_so(live: Live, people: People) -> None:
    address = email_of("noor")
    ada, noor = await people.agent(), await people.stranger()
    await invite(ada, live, address, "viewer")
    link = await invitation_for(live, address)
    await noor.page.goto(link)
    await join(noor, "Noor Aziz")
    late = await people.stranger()
    late.expects(status_of(410))
    await late.page.goto(link)

    await expect(late.page.get_by_role("heading", name="This invitation no longer works")).to_be_visible()


async def test_a_workspace_is_made_on_the_page_and_one_can_go_back_and_forth(
    live: Live, past: Past, people: People
) -> None:
    await past.hire("frida", "Frida Founder", role=Role.OWNER)
    frida = await people.agent("frida")
    page = frida.page
    await page.goto("/workspace/new")
    await page.get_by_label("Name").fill("Second Home")
    await page.get_by_label("Address").press_sequentially("acme")
    await expect(page.get_by_text("Another workspace has this address.")).to_be_visible()
    await page.get_by_label("Address").press_sequentially("-home")
    await expect(page.get_by_text("This address is free.")).to_be_visible()
    await page.get_by_role("button", name="Make the workspace").click()
    await expect(page.get_by_role("heading", name="First steps")).to_be_visible()

    await page.goto("/")
    await page.get_by_role("link", name=re.compile("Second Home")).click()
    await expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    assert (await page.goto("/support/acme-home")).status == 200  # type: ignore[union-attr]


async def test_a_second_factor_is_asked_for_and_a_recovery_code_stands_in(
    live: Live, past: Past, people: People
) -> None:
    await past.hire("carla", "Carla Careful")
    carla = await people.agent("carla")
    page = carla.page
    await turn_on_second_factor(page)
    code = await page.get_by_role("listitem").first.inner_text()

    elsewhere = await people.stranger()
    elsewhere.expects(status_of(422))
    page = elsewhere.page
    await page.goto("/auth/login")
    await page.get_by_label("Email address").fill(email_of("carla"))
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("textbox", name="Code").fill("000000")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("This code does not work").first).to_be_visible()
    await page.get_by_role("textbox", name="Code").fill(code)
    await page.get_by_role("button", name="Sign in").click()

    await expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


async def test_signing_out_everywhere_ends_the_other_browser(live: Live, past: Past, people: People) -> None:
    await past.hire("sven", "Sven Twice")
    here, there = await people.agent("sven"), await people.agent("sven")
    ticket = await past.ticket()
    await there.page.goto(desk_of(live, ticket))
    await Room(there.page).is_live()
    there.expects("WebSocket")
    await here.page.goto("/profile")
    await here.page.get_by_role("button", name=re.compile("Sign out everywhere")).click()
    await here.page.wait_for_url("**/auth/login*")

    await expect(there.page.get_by_text("You are signed out.")).to_be_visible()
    await there.page.goto(live.desk)
    await expect(there.page).to_have_url(re.compile("/auth/login"))
