"""What a workspace chooses for itself, and what its customers see of it."""

import json
import re
from uuid import uuid4

import httpx
import pytest

from parlour.db.database import Tx
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.features.workspaces import audit
from parlour.features.workspaces.colours import READABLE, accent, colour, contrast
from parlour.features.workspaces.models import WorkspaceSettings
from parlour.features.workspaces.settings import service as choices
from parlour.kernel.access import Role
from tests.house import Browser, House, behind_its_back

CHOSEN = {
    "name": "Acme Outdoor",
    "welcome": "Tents, boots and everything else that got wet.",
    "reply_time": "hours",
    "accent": "#7DD3FC",
    "auto_assign": "yes",
}


def page_of(house: House, rest: str = "") -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings{rest}"


async def test_customers_see_what_was_chosen(house: House, desk: Browser, visitor: Browser) -> None:
    await desk.submit(page_of(house), CHOSEN, page=page_of(house))
    home, new = await visitor.get("/support/acme"), await visitor.get("/support/acme/ticket/new")
    sheet = await visitor.get("/support/acme/accent.css?7dd3fc")
    ticket = await house.open_ticket(visitor)
    waiting = await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}")

    assert "Tents, boots and everything else that got wet." in home.text
    assert "We usually answer within a few hours." in home.text
    assert "We usually answer within a few hours." in new.text
    assert "We usually answer within a few hours." in waiting.text
    assert 'href="/support/acme/accent.css?7dd3fc"' in home.text
    assert (sheet.headers["content-type"], sheet.headers["cache-control"]) == (
        "text/css; charset=utf-8",
        "public, max-age=86400",
    )
    assert "--primary:#7dd3fc" in sheet.text


async def test_a_portal_says_nothing_that_nobody_chose(visitor: Browser) -> None:
    home, sheet = await visitor.get("/support/acme"), await visitor.get("/support/acme/accent.css")

    assert "accent.css" not in home.text
    assert "We usually answer" not in home.text
    assert sheet.text == ""


async def test_the_page_says_how_a_colour_that_cannot_be_read_was_changed(
    house: House, desk: Browser
) -> None:
    await desk.submit(page_of(house), CHOSEN, page=page_of(house))
    page = await desk.get(page_of(house))

    assert "Text in #7dd3fc is too hard to read on a light page (WCAG AA)" in page.text
    assert accent("#7dd3fc").light in page.text


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", " ", "Use 1 to 80 characters for the name"),
        ("welcome", "a" * 201, "Shorten the welcome to 200 characters"),
        ("accent", "teal; }", "Write the colour as six digits, like #1d4e89, or leave it empty"),
    ],
)
async def test_what_cannot_be_kept_is_refused_with_all_that_was_typed(
    house: House, desk: Browser, field: str, typed: str, sentence: str
) -> None:
    answer = await desk.submit(page_of(house), CHOSEN | {field: typed}, page=page_of(house))

    assert answer.status_code == 422
    assert answer.text.count(sentence) == 2
    assert all(value in answer.text for value in (CHOSEN | {field: typed.strip()}).values())
    assert await house.as_system(choices.settings) == WorkspaceSettings()


async def test_each_change_is_in_the_trail_once(house: House, desk: Browser) -> None:
    await desk.submit(page_of(house), CHOSEN, page=page_of(house))
    await desk.submit(page_of(house), CHOSEN | {"reply_time": "day"}, page=page_of(house))

    def trail(tx: Tx) -> list[tuple[str, str]]:
        rows = audit.of_no_ticket(tx, action="", actor_id="", before=None, after=None, limit=50)
        return [(row.action, row.detail) for row in rows if row.action != "member"]

    told = await house.as_system(trail)
    assert told[0] == ("reply_time", "hours → day")
    assert sorted(told[1:]) == [
        ("accent", "#7dd3fc"),
        ("auto_assign", "yes"),
        ("reply_time", "hours"),
        ("welcome", CHOSEN["welcome"]),
    ]


async def test_what_another_release_left_there_is_read_as_far_as_it_fits_and_kept(
    house: House, desk: Browser
) -> None:
    odd = {"accent": "url(evil)", "reply_time": ["soon"], "auto_assign": "yes", "newer": {"than": "us"}}
    tamper = house.app.parlour.settings
    behind_its_back(tamper, "UPDATE workspaces SET settings = ? WHERE slug = 'acme'", json.dumps(odd))
    assert await house.as_system(choices.settings) == WorkspaceSettings()

    await desk.submit(page_of(house), CHOSEN, page=page_of(house))

    [(kept,)] = behind_its_back(tamper, "SELECT settings FROM workspaces WHERE slug = 'acme'")
    found = kept if isinstance(kept, dict) else json.loads(str(kept))
    assert (found["newer"], found["accent"]) == ({"than": "us"}, "#7dd3fc")


def test_a_colour_is_read_as_people_write_it() -> None:
    assert [colour(typed) for typed in ("#1D4E89", " 1d4e89 ", "#abc", "teal", "#12345", "١٢٣", None)] == [
        "#1d4e89",
        "#1d4e89",
        "#aabbcc",
        None,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    "chosen", ["#000000", "#ffffff", "#ffff00", "#808080", "#0000ff", "#ff0000", "#00ff7f"]
)
def test_text_in_any_colour_can_be_read_in_both_themes(chosen: str) -> None:
    made = accent(chosen)

    assert contrast(made.light, "#ffffff") >= READABLE
    assert contrast(made.dark, "#1e2526") >= READABLE


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert accent("#1d4e89").light == "#1d4e89"
    assert accent("#7dd3fc").dark == "#7dd3fc"


async def test_whoever_answers_first_takes_the_ticket_where_that_was_chosen(
    house: House, desk: Browser, visitor: Browser
) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT, name="Ben Okafor")
    ben = await house.sign_in("ben@acme.example")
    unchosen = await house.open_ticket(visitor)
    await answer(house, ben, unchosen)
    await desk.submit(page_of(house), CHOSEN, page=page_of(house))
    ticket = await house.open_ticket(visitor, subject="Another one")
    await answer(house, ben, ticket, then="resolved")
    await answer(house, desk, ticket)
    await answer(house, desk, unchosen)
    await ben.aclose()

    page = await desk.get(f"/workspace/{house.workspace.workspace_id}/tickets/{ticket.ticket_id}")
    assert (await house.as_system(tickets.ticket, unchosen.ticket_id)).assignee_id is None
    changes = [
        (change.actor_name, change.before, change.after)
        for change in await house.as_system(audit.of_ticket, ticket.ticket_id)
        if change.action == "assignee"
    ]
    assert changes == [("Ben Okafor", "", "Ben Okafor")]
    assert "Ben Okafor" in page.text


async def answer(house: House, agent: Browser, ticket: Ticket, **more: str) -> None:
    here = f"/workspace/{house.workspace.workspace_id}/tickets/{ticket.ticket_id}"
    said = {"content": "We look into it.", "client_id": str(uuid4()), **more}
    answered = await agent.submit(f"{here}/chat", said, page=here)
    assert answered.status_code == 303, answered.text


async def test_of_two_who_save_at_once_the_later_is_asked_and_keeps_what_was_typed(
    house: House, desk: Browser
) -> None:
    first, second = seen_on(await desk.get(page_of(house))), seen_on(await desk.get(page_of(house)))
    await desk.submit(page_of(house), {**CHOSEN, "seen": first}, page=page_of(house))
    mine = {**CHOSEN, "welcome": "We repair it.", "reply_time": "day", "accent": "#7dd3fc", "seen": second}
    asked = await desk.submit(page_of(house), mine, page=page_of(house))
    kept = await house.as_system(choices.settings)
    again = await desk.submit(page_of(house), {**mine, "seen": seen_on(asked)}, page=page_of(house))

    assert asked.status_code == 409
    assert "Somebody else has saved this since you opened it." in asked.text
    assert 'value="We repair it."' in asked.text
    assert f'<dd dir="auto">{CHOSEN["welcome"]}</dd>' in asked.text
    assert '<dd dir="auto">Within a few hours</dd>' in asked.text
    assert asked.text.count("<dd") == 2
    assert kept.welcome == CHOSEN["welcome"]
    assert again.status_code == 303
    assert (await house.as_system(choices.settings)).welcome == "We repair it."


def seen_on(page: httpx.Response) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]+)"', page.text)
    assert found
    return found[1]
