"""The customer's journey in WebKit, as on an iPhone, as far as it can be driven without one.

What every browser does alike is tested in Chromium alone.
"""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.browser.past import Past
from tests.faults.people import Agent
from tests.live import PASSWORD, Live, email_of
from tests.webkit import webkit

pytestmark = [pytest.mark.webkit, pytest.mark.display, pytest.mark.asyncio(loop_scope="session")]

LIVE = "[data-connection][data-state=live]"
COMPOSER = "[data-composer] textarea"
WORDS = "li.message .message-body"
ENTER = "\ue007"
WATCH = """window.wrong = [];
    addEventListener("error", (event) => wrong.push(event.message));
    addEventListener("unhandledrejection", (event) => wrong.push(String(event.reason)));"""
WRONG = "return window.wrong"
"""Nothing at all in a page that was loaded anew."""
FOCUSED = "return document.activeElement.innerText.trim().split('\\n').pop()"


def value_of(field: str) -> str:
    return f"return document.querySelector('{field}').value"


async def test_a_customer_opens_a_ticket_talks_leaves_and_comes_back(
    live: Live, outage: None, tmp_path: Path
) -> None:
    async with webkit(tmp_path) as page, Agent(live, "ada") as ada:
        await ada.sign_in()
        await page.goto(f"{live.portal}/ticket/new")
        await page.type("[name=email]", "maria.kit@customer.example")
        await page.type("[name=subject]", "Seen from WebKit")
        await page.type("textarea[name=description]", "It snapped on the first evening.")
        await page.click("main form[method=post] button[type=submit]")
        await page.shows("h1", "Seen from WebKit")
        ticket = (await page.evaluate("return location.pathname")).rpartition("/")[2]
        await page.click("main a[href$='/chat']")
        await page.shows(LIVE)
        await page.evaluate(WATCH)
        await page.type(COMPOSER, f"Is anybody there?{ENTER}")
        await page.shows(WORDS, "Is anybody there?")
        await ada.say(ticket, "Yes, I am.")
        await page.shows(WORDS, "Yes, I am.")

        await page.type(COMPOSER, "Half a sentence")
        await page.goto(live.portal)
        await ada.say(ticket, "While you were away")
        await page.back()
        await page.shows(LIVE)
        await page.shows(WORDS, "While you were away")
        await page.comes_to(value_of(COMPOSER), "Half a sentence")
        await page.comes_to(WRONG, [])

        live.kill()
        await page.type(COMPOSER, f", whole now{ENTER}")
        await page.shows(WORDS, "Half a sentence, whole now")
        live.start()
        await page.shows("li.message[data-receipt=sent] .message-body", "Half a sentence, whole now")
        await page.shows(LIVE)
        assert (await ada.visit(ada.ticket_at(ticket))).count("Half a sentence, whole now</") == 1


async def test_an_agent_signs_in_and_answers_from_the_list_by_keys(
    live: Live, past: Past, tmp_path: Path
) -> None:
    word = f"kit{uuid4().hex[:8]}"
    older, newer = [await past.ticket(f"{word} {which}") for which in ("older", "newer")]
    async with webkit(tmp_path) as page:
        await page.goto(f"{live.url}/auth/login?next=/workspace/{live.workspace_id}/tickets?q={word}")
        await page.type("[name=email]", email_of("ada"))
        await page.type("[name=password]", f"{PASSWORD}{ENTER}")
        await page.shows("[data-ticket-row] select[name=status]", count=2)  # which a script puts there
        for key, ticket in (("j", newer), ("j", older), ("k", newer)):
            await page.type(":focus, body", key)
            await page.comes_to(FOCUSED, ticket.subject)
        await page.type(":focus", ENTER)
        await page.shows(LIVE)
        await page.type("body", "r")
        await page.comes_to("return document.activeElement.name", "content")
        await page.type(":focus", f"It is on its way.{ENTER}")
        await page.shows("li.message[data-receipt=sent] .message-body", "It is on its way.")

    assert (await past.contents(newer))[1:] == ["It is on its way."]
