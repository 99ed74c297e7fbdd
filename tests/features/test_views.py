"""Saved views of the ticket table."""

import asyncio
import re
from uuid import uuid4

import pytest

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Status
from parlour.features.tickets.views import service as views
from parlour.kernel.access import Role
from tests.features.test_dashboard import statements
from tests.features.test_settings import seen_on
from tests.house import Browser, House, stock


def table(house: House, query: str = "") -> str:
    return f"/workspace/{house.workspace.workspace_id}/tickets{query}"


async def save(house: House, browser: Browser, **fields: str):  # type: ignore[no-untyped-def]
    form = {"name": "Urgent ones", "query": "status=active&priority=urgent", **fields}
    return await browser.submit(f"{table(house)}/views", form, page=table(house))


def tabs(page: str) -> list[str]:
    """The saved views' names, in the order of the sidebar."""
    sidebar = page.partition('data-views="')[2].partition("</ul>")[0]
    return re.findall(r'<span dir="auto">([^<]+)</span><span class="sr-only"> \(', sidebar)


def counts(page: str) -> dict[str, str]:
    """What the sidebar says of each view that has a number."""
    sidebar = page.partition('data-views="')[2].partition("</ul>")[0]
    found = re.findall(r'<span(?: dir="auto")?>([^<]+)</span>.*?<b>([^<]*)</b>', sidebar)
    return {name: count for name, count in found if count}


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("mine", "?status=active&assignee=me"),
        ("unassigned", "?status=active&assignee=nobody"),
        ("waiting_for_us", "?waiting=us"),
        ("active", "?status=active"),
        ("snoozed", "?status=snoozed"),
        ("waiting_for_customer", "?status=pending"),
        ("all", ""),
    ],
)
async def test_a_built_in_view_is_only_an_address(house: House, desk: Browser, name: str, query: str) -> None:
    page = (await desk.get(table(house, query))).text

    assert f'data-view="{name}" aria-current="page"' in page


async def test_a_saved_view_stands_beside_the_others_and_leads_to_its_list(
    house: House, desk: Browser
) -> None:
    answer = await save(house, desk, name="  Urgent   ones ")
    page = (await desk.get(answer.headers["location"])).text

    assert answer.headers["location"] == table(house, "?status=active&priority=urgent")
    assert tabs(page) == ["Urgent ones"]
    assert re.search(r'data-view="[0-9a-f-]{36}" aria-current="page"', page)


async def test_a_saved_view_forgets_the_page_and_what_makes_no_sense(house: House, desk: Browser) -> None:
    answer = await save(house, desk, query="per=50&after=abc&status=nonsense&q=tent")

    assert answer.headers["location"] == table(house, "?q=tent&per=50")


async def test_ones_own_view_is_seen_by_nobody_else(house: House, desk: Browser) -> None:
    await save(house, desk)
    await save(house, desk, name="Ours", query="status=new", for_everyone="yes")
    await house.add_agent("ben@acme.example", Role.AGENT)
    ben = await house.sign_in("ben@acme.example")

    assert tabs((await ben.get(table(house))).text) == ["Ours"]


@pytest.mark.parametrize(
    ("name", "sentence"), [("  ", "Enter a name."), ("x" * 61, "Shorten the name to 60 characters.")]
)
async def test_a_name_that_cannot_be_taken_is_said_and_kept(
    house: House, desk: Browser, name: str, sentence: str
) -> None:
    answer = await save(house, desk, name=name)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{name}"' in answer.text


async def test_there_is_an_end_to_how_many_views_one_can_have(house: House, desk: Browser) -> None:
    for n in range(views.OWNER_LIMIT):
        await house.as_system(views.save_view, f"View {n}", "status=new", for_everyone=True)
    answer = await save(house, desk, for_everyone="yes")

    assert answer.status_code == 422
    assert "already as many views" in answer.text


async def view_id(house: House, browser: Browser, query: str) -> str:
    page = (await browser.get(table(house, query))).text
    found = re.search(r'data-view="([0-9a-f-]{36})" aria-current', page)
    assert found
    return found[1]


async def test_a_view_can_be_deleted(house: House, desk: Browser) -> None:
    query = "?status=active&priority=urgent"
    await save(house, desk)
    one = await view_id(house, desk, query)
    answer = await desk.submit(
        f"{table(house)}/views/{one}/delete", {"back": table(house, query)}, page=table(house)
    )

    assert answer.headers["location"] == table(house, query)
    assert tabs((await desk.get(table(house))).text) == []


async def test_somebody_elses_own_view_cannot_be_deleted(house: House, desk: Browser) -> None:
    await save(house, desk)
    one = await view_id(house, desk, "?status=active&priority=urgent")
    await house.add_agent("ben@acme.example", Role.OWNER)
    ben = await house.sign_in("ben@acme.example")
    answer = await ben.submit(f"{table(house)}/views/{one}/delete", {}, page=table(house))

    assert answer.status_code == 404
    assert tabs((await desk.get(table(house))).text) == ["Urgent ones"]


async def test_a_viewer_keeps_views_only_for_themselves(house: House, desk: Browser) -> None:
    await save(house, desk, name="Ours", for_everyone="yes")
    ours = await view_id(house, desk, "?status=active&priority=urgent")
    await house.add_agent("vic@acme.example", Role.VIEWER)
    viewer = await house.sign_in("vic@acme.example")

    assert (await save(house, viewer, name="Own", query="status=new")).status_code == 303
    assert (await save(house, viewer, for_everyone="yes")).status_code == 403
    deleted = await viewer.submit(f"{table(house)}/views/{ours}/delete", {}, page=table(house))
    assert deleted.status_code == 403


async def test_a_view_of_another_workspace_is_not_there(house: House, desk: Browser) -> None:
    await save(house, desk, for_everyone="yes")
    one = await view_id(house, desk, "?status=active&priority=urgent")
    await house.add_agent("mallory@other.example", Role.OWNER, house.other)
    mallory = await house.sign_in("mallory@other.example")
    theirs = f"/workspace/{house.other.workspace_id}/tickets"

    assert (await mallory.submit(f"{theirs}/views/{one}/delete", {}, page=theirs)).status_code == 404
    assert (await mallory.submit(f"{theirs}/views/{uuid4()}/delete", {}, page=theirs)).status_code == 404
    assert tabs((await mallory.get(theirs)).text) == []


async def test_the_sidebar_counts_what_stands_in_each_view(
    house: House, desk: Browser, visitor: Browser
) -> None:
    made = [await house.open_ticket(visitor, subject=f"Parcel {n}") for n in range(3)]
    await house.as_system(tickets.assign_ticket, made[0].ticket_id, house.ada, seen_version=1)
    await house.as_system(tickets.update_ticket_status, made[1].ticket_id, Status.RESOLVED, seen_version=1)
    await save(house, desk, name="Anna’s new ones", query=f"status=new&assignee={house.ada}")
    await save(house, desk, name="Middling and mine", query=f"priority=medium&assignee={house.ada}")
    await save(house, desk, name="A search", query="q=parcel")
    page = (await desk.get(f"/workspace/{house.workspace.workspace_id}/people")).text

    assert counts(page) == {
        "Mine": "1",
        "Unassigned": "1",
        "Waiting for us": "2",
        "All unfinished": "2",
        "Middling and mine": "1",
    }


async def test_counts_end_at_ninety_nine_and_are_one_statement(house: House, desk: Browser) -> None:
    await asyncio.to_thread(stock, house, 300)
    for n in range(6):
        await save(house, desk, name=f"View {n}", query="status=new" if n % 2 else "priority=high")
    with statements() as seen:
        page = (await desk.get(f"{table(house)}/views", headers={"hx-request": "true"})).text
    counting = [one for one in seen if "count(" in one and "FROM tickets" in one]

    assert len(counting) == 1
    assert counting[0].count("count(") == 6 + 6 + 2, "and of what is under the bell"
    assert "99+" in page


async def test_a_view_is_renamed_and_moved_among_its_owners(house: House, desk: Browser) -> None:
    for name in ("zebra", "Ärger", "Bob", "Ours"):
        await save(house, desk, name=name, query=f"q={name}", for_everyone="yes" if name == "Ours" else "")
    assert tabs((await desk.get(table(house))).text) == ["Ärger", "Bob", "zebra", "Ours"]
    bob = await view_id(house, desk, "?q=Bob")
    await desk.submit(f"{table(house)}/views/{bob}/move", {"to": "down"}, page=table(house))
    await desk.submit(f"{table(house)}/views/{bob}", {"name": "Robert"}, page=table(house))
    await desk.submit(f"{table(house)}/views/{bob}/move", {"to": "down"}, page=table(house))
    refused = await desk.submit(
        f"{table(house)}/views/{bob}", {"name": " ", "query": "q=Bob"}, page=table(house)
    )

    assert tabs((await desk.get(table(house))).text) == ["Ärger", "zebra", "Robert", "Ours"]
    assert (refused.status_code, "Enter a name." in refused.text) == (422, True)


async def test_a_colleagues_name_of_a_view_is_not_written_over_unseen(house: House, desk: Browser) -> None:
    await save(house, desk, name="Late", query="q=late", for_everyone="yes")
    here, view = f"{table(house)}?q=late", await view_id(house, desk, "?q=late")
    first = {"name": "Lost", "query": "q=late", "seen": seen_on(await desk.get(here))}
    await desk.submit(f"{table(house)}/views/{view}", first, page=here)
    asked = await desk.submit(f"{table(house)}/views/{view}", {**first, "name": "Slow"}, page=here)
    again = {**first, "name": "Slow", "seen": seen_on(asked)}
    between = tabs((await desk.get(table(house))).text)
    await desk.submit(f"{table(house)}/views/{view}", again, page=here)

    assert asked.status_code == 409
    assert "Somebody else has saved this since" in asked.text
    assert 'value="Slow"' in asked.text
    assert (between, tabs((await desk.get(table(house))).text)) == (["Lost"], ["Slow"])


async def test_somebody_elses_views_are_neither_renamed_nor_moved(house: House, desk: Browser) -> None:
    await save(house, desk)
    await save(house, desk, name="Ours", query="status=new", for_everyone="yes")
    own, ours = [await view_id(house, desk, q) for q in ("?status=active&priority=urgent", "?status=new")]
    await house.add_agent("vic@acme.example", Role.VIEWER)
    viewer = await house.sign_in("vic@acme.example")
    answers = [
        (
            await viewer.submit(f"{table(house)}/views/{one}{what}", {"name": "X"}, page=table(house))
        ).status_code
        for one in (own, ours)
        for what in ("", "/move")
    ]

    assert answers == [404, 404, 403, 403]
