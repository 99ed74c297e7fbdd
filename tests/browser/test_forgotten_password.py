"""From the mail to a new password, in a browser that has never been here."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.past import Past
from tests.browser.people import People
from tests.browser.test_mailed_link import mails_to, words_of
from tests.live import Live, email_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("javascript", [True, False], ids=["as a link", "pasted without a script"])
async def test_the_mailed_link_leads_to_a_new_password(
    live: Live, past: Past, people: People, javascript: bool
) -> None:
    name = "link" if javascript else "pasted"
    await past.hire(f"forgetful-{name}", "Grace Forgetful")
    address = email_of(f"forgetful-{name}")
    grace = await people.stranger(javascript=javascript)
    page = grace.page
    await page.goto("/auth/login")
    await page.get_by_role("link", name="Forgot your password?").click()
    await page.get_by_label("Email address").fill(address)
    await page.get_by_role("button", name="Mail me a link").click()
    await expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    [mail] = await mails_to(live, address)
    found = re.search(r"/auth/reset#(\S+)", words_of(mail))
    assert found
    if javascript:
        await page.goto(found[0])
    else:
        await page.goto("/auth/reset")
        await page.get_by_label("Code from the mail").fill(found[1])
        await page.get_by_role("button", name="Go on").click()
    await page.get_by_label("New password").fill("a rather long new password")
    assert found[1] not in page.url
    await page.get_by_role("button", name="Save the password").click()

    await expect(page.get_by_text("Your password is changed")).to_be_visible()
