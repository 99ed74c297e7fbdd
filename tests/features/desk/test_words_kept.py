"""Words that somebody wrote while their session or their right ended are on the page that says so."""

import html
import re
from uuid import uuid4

import httpx

from parlour.features.tickets import handover
from parlour.kernel.access import Role
from tests.house import Browser, House, behind_its_back
from tests.tickets import ada

WORDS = "Written for an hour.\n\n<b>Twice</b>"


def sent_again(page: httpx.Response) -> dict[str, str]:
    """The fields of the form that the page offers."""
    [form] = re.findall(r'<form method="post".*?</form>', page.text, re.DOTALL)
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    written = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    return {name: html.unescape(value) for name, value in (*hidden, *written)}


def sign_out_elsewhere(house: House) -> None:
    behind_its_back(house.app.parlour.settings, "DELETE FROM sessions")


async def test_what_was_written_is_sent_after_signing_in_again(house: House, desk: Browser) -> None:
    here = f"/workspace/{house.workspace.workspace_id}/replies"
    token = await desk.csrf(here)
    sign_out_elsewhere(house)
    fields = {"csrf": token, "name": "Greeting", "content": WORDS, "shared": "yes"}

    refused = await desk.post(f"{here}/new", data=fields)
    kept = sent_again(refused)
    await desk.submit("/auth/login", {"email": "ada@acme.example", "password": "correct horse battery"})
    stale = await desk.post(f"{here}/new", data=kept)
    taken = await desk.post(f"{here}/new", data={**kept, "csrf": await desk.csrf(here)})

    assert refused.status_code == 401
    assert "You are signed out" in refused.text
    assert kept == {**fields, "content": WORDS}
    assert html.escape(WORDS.partition("\n")[0]) in stale.text
    assert taken.status_code == 303
    assert "Greeting" in (await desk.get(here)).text


async def test_who_may_no_more_keeps_what_they_wrote(house: House) -> None:
    here = f"/workspace/{house.workspace.workspace_id}"
    ben = await house.add_agent("ben@acme.example", Role.AGENT)
    async with await house.sign_in("ben@acme.example") as theirs:
        token = await theirs.csrf(f"{here}/replies")
        await house.db.write(ada(house), handover.set_role, ben, Role.VIEWER)
        form = {"csrf": token, "name": "a", "content": WORDS}
        refused = await theirs.post(f"{here}/replies/new", data=form)

    assert refused.status_code == 403
    assert sent_again(refused)["content"] == WORDS


async def test_a_form_of_parts_that_was_read_before_it_was_refused_is_not_read_again(house: House) -> None:
    here = f"/workspace/{house.workspace.workspace_id}"
    await house.add_agent("ben@acme.example", Role.AGENT)
    async with await house.sign_in("ben@acme.example") as theirs:
        token = await theirs.csrf(f"{here}/replies")
        fields = {"csrf": (None, token), "content": (None, WORDS)}
        refused = await theirs.post(f"{here}/settings/webhooks/{uuid4()}/replay", files=fields)

    assert refused.status_code == 403
    assert sent_again(refused)["content"].splitlines() == WORDS.splitlines()


async def test_another_sites_form_is_shown_to_nobody(house: House, desk: Browser) -> None:
    here = f"/workspace/{house.workspace.workspace_id}"
    sign_out_elsewhere(house)
    form = {"content": "Call this number"}

    answer = await desk.post(f"{here}/replies/new", data=form, headers={"origin": "https://evil.example"})

    assert answer.status_code == 303
    assert "Call this number" not in answer.text


async def test_a_form_without_words_leads_to_the_sign_in(house: House, desk: Browser) -> None:
    sign_out_elsewhere(house)

    answer = await desk.post(f"/workspace/{house.workspace.workspace_id}/replies/new", data={"name": "x"})

    assert answer.headers["location"].startswith("/auth/login")


async def test_a_customer_whose_access_has_ended_keeps_what_they_wrote(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = f"/support/acme/ticket/{ticket.ticket_id}/chat"
    token = await visitor.csrf(here)
    behind_its_back(house.app.parlour.settings, "DELETE FROM grants")
    form = {"csrf": token, "client_id": str(uuid4()), "content": WORDS}

    refused = await visitor.post(here, data=form)
    foreign = await visitor.post(here, data=form, headers={"origin": "https://evil.example"})

    assert refused.status_code == foreign.status_code == 403
    assert "This page is private" in refused.text
    assert f">{WORDS}</p>" in html.unescape(refused.text)
    assert "<b>Twice" not in refused.text
    assert "Written for an hour." not in foreign.text
