"""A ticket at the desk: reading it, and what an agent changes about it."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from html import unescape
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update

from parlour.db.database import Tx
from parlour.db.schema import members
from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.models import Priority, Status, Ticket
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House

HTMX = {"hx-request": "true"}


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


@pytest.fixture
async def viewer(house: House) -> AsyncIterator[Browser]:
    await house.add_agent("viv@acme.example", Role.VIEWER)
    async with aclosing(await house.sign_in("viv@acme.example")) as browser:
        yield browser


def address(ticket: Ticket) -> str:
    return f"/workspace/{ticket.workspace_id}/tickets/{ticket.ticket_id}"


async def now(house: House, ticket: Ticket) -> Ticket:
    found: Ticket = await house.as_system(tickets.ticket, ticket.ticket_id)
    return found


async def change(
    browser: Browser, ticket: Ticket, field: str, value: str, version: object = 1, **headers: str
) -> httpx.Response:
    path = address(ticket)
    fields = {field: value, "version": str(version)}
    return await browser.submit(f"{path}/{field}", fields, page=path, headers=headers)


def choices(page: httpx.Response, name: str) -> dict[str, bool]:
    """{option: whether it is chosen}"""
    found = re.search(rf'<select id="{name}".*?</select>', page.text, re.DOTALL)
    assert found
    options = re.findall(r'<option value="([^"]*)"( selected)?>', found[0])
    return {value: bool(selected) for value, selected in options}


# ------------------------------------------------------------------------------------------ reading


async def test_the_page_shows_the_ticket_and_its_conversation(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    page = await desk.get(address(ticket))

    assert page.status_code == 200
    for shown in (ticket.subject, ticket.description, ticket.email, "#1"):
        assert shown in page.text
    assert choices(page, "status")["new"]
    assert choices(page, "priority") == {"low": False, "medium": True, "high": False, "urgent": False}
    assert choices(page, "assignee") == {"": False, str(house.ada): False}


async def test_viewers_cannot_be_chosen_as_assignees(
    house: House, desk: Browser, viewer: Browser, ticket: Ticket
) -> None:
    ben = await house.add_agent("ben@acme.example", Role.AGENT)
    page = await desk.get(address(ticket))

    assert set(choices(page, "assignee")) == {"", str(house.ada), str(ben)}


async def test_a_viewer_reads_and_is_offered_nothing_to_change(viewer: Browser, ticket: Ticket) -> None:
    page = await viewer.get(address(ticket))

    assert page.status_code == 200
    assert ticket.description in page.text
    assert "<select" not in page.text
    assert "Writing needs another role." in page.text


async def test_htmx_gets_the_panel_alone(desk: Browser, ticket: Ticket) -> None:
    fragment = await desk.get(address(ticket), headers=HTMX)

    assert fragment.status_code == 200
    assert 'id="ticket-panel"' in fragment.text
    assert "<!doctype" not in fragment.text


# ------------------------------------------------------------------------------------------ changing


@pytest.mark.parametrize("status", ["open", "pending", "resolved", "closed"])
async def test_a_status_is_set_and_announced_in_the_room(
    house: House, desk: Browser, ticket: Ticket, status: str
) -> None:
    answer = await change(desk, ticket, "status", status)
    at, _, made = answer.headers["location"].partition("?bulk=")
    await house.as_system(bulk.say_some, UUID(made))
    history = await house.as_system(chat.history, ticket.chat_room_id)
    last = history.messages[-1]

    assert (answer.status_code, at) == (303, address(ticket))
    assert (await now(house, ticket)).status == status
    assert (last.content, last.sender_type, last.sender_name) == (f"status:{status}", "system", "Ada Moreau")


@pytest.mark.parametrize("priority", ["low", "high", "urgent"])
async def test_a_priority_is_set_and_a_new_ticket_counts_as_open(
    house: House, desk: Browser, ticket: Ticket, priority: str
) -> None:
    await change(desk, ticket, "priority", priority)
    changed = await now(house, ticket)

    assert (changed.priority, changed.status) == (priority, Status.OPEN)


async def test_a_ticket_is_given_to_a_member_and_taken_back(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    await change(desk, ticket, "assignee", str(house.ada))
    given = await now(house, ticket)
    await change(desk, ticket, "assignee", "", given.version)
    taken = await now(house, ticket)

    assert (given.assignee_id, taken.assignee_id) == (house.ada, None)


async def test_htmx_gets_the_changed_panel(desk: Browser, ticket: Ticket) -> None:
    answer = await change(desk, ticket, "status", "pending", **HTMX)

    assert answer.status_code == 200
    assert "<!doctype" not in answer.text
    assert choices(answer, "status")["pending"]


async def test_choosing_what_is_already_so_changes_nothing(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    for field, value in (("status", "new"), ("priority", "medium"), ("assignee", "")):
        assert (await change(desk, ticket, field, value)).status_code == 303

    assert await now(house, ticket) == ticket


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize(("field", "value"), [("status", "closed"), ("priority", "low"), ("assignee", "")])
async def test_nobody_undoes_what_they_have_not_seen(
    house: House, desk: Browser, ticket: Ticket, field: str, value: str, headers: dict[str, str]
) -> None:
    """Ada's page is old: Ben has taken the ticket and made it urgent."""
    ben = await house.add_agent("ben@acme.example", Role.AGENT, name="Ben Okafor")
    actor = Actor.agent(ticket.workspace_id, ben, Role.AGENT, "Ben Okafor")
    taken = await house.db.write(actor, tickets.assign_ticket, ticket.ticket_id, ben, seen_version=1)
    await house.db.write(
        actor, tickets.update_ticket_priority, ticket.ticket_id, Priority.URGENT, seen_version=taken.version
    )
    before = await now(house, ticket)
    page = await change(desk, ticket, field, value, 1, **headers)

    assert page.status_code == 409
    assert "Somebody else changed this ticket" in page.text
    assert choices(page, "priority")["urgent"]
    assert choices(page, "assignee")[str(ben)]
    assert "Ben Okafor" in page.text
    assert f'name="version" value="{before.version}"' in page.text
    assert await now(house, ticket) == before


async def test_the_version_on_the_409_page_lets_the_agent_decide_again(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    await change(desk, ticket, "status", "open")
    stale = await change(desk, ticket, "status", "closed", 1)
    version = re.search(r'name="version" value="(\d+)"', stale.text)
    assert version
    answer = await change(desk, ticket, "status", "closed", version[1])

    assert answer.status_code == 303
    assert (await now(house, ticket)).status is Status.CLOSED


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"csrf": "old"}, 403, "open for too long"),
        ({"assignee": "0197c0de-0000-7000-8000-000000000000"}, 422, "The ticket was not changed"),
    ],
    ids=["an old page", "somebody who has left"],
)
async def test_a_change_that_is_refused_keeps_the_answer_that_was_being_written(
    desk: Browser, ticket: Ticket, fields: dict[str, str], status: int, sentence: str
) -> None:
    """Without a script the fields beside the conversation are sent by the composer's form."""
    path = address(ticket)
    form = {
        "csrf": await desk.csrf(path),
        "assignee": "",
        "version": "1",
        "content": "Half an answer",
        **fields,
    }
    answer = await desk.post(f"{path}/assignee", data=form)

    assert answer.status_code == status
    assert sentence in answer.text
    assert "Half an answer" in answer.text


async def test_no_ticket_goes_back_to_new(house: House, desk: Browser, ticket: Ticket) -> None:
    await change(desk, ticket, "status", "open")
    before = await now(house, ticket)
    page = await change(desk, ticket, "status", "new", before.version)

    assert page.status_code == 422
    assert "<h1" in page.text
    assert "check" in page.text
    assert await now(house, ticket) == before


async def test_new_is_not_offered_once_a_ticket_was_touched(desk: Browser, ticket: Ticket) -> None:
    await change(desk, ticket, "status", "open")

    assert "new" not in choices(await desk.get(address(ticket)), "status")


async def test_a_ticket_cannot_be_given_to_somebody_of_another_workspace(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    olga = await house.add_agent("olga@other.example", Role.OWNER, house.other)
    answers = [await change(desk, ticket, "assignee", str(one)) for one in (olga, uuid4())]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].text.count("Olga") == 0
    assert (await now(house, ticket)).assignee_id is None


@pytest.mark.parametrize(
    ("field", "value", "version"),
    [
        ("status", "deleted", "1"),
        ("status", "", "1"),
        ("status", "CLOSED", "1"),
        ("priority", "asap", "1"),
        ("assignee", "ada", "1"),
        ("status", "open", ""),
        ("status", "open", "-1"),
        ("status", "open", "1.0"),
        ("status", "open", "one"),
        ("status", "open", "9" * 5000),
        ("status", "open", "١"),
    ],
)
async def test_a_broken_field_is_refused_with_a_page(
    house: House, desk: Browser, ticket: Ticket, field: str, value: str, version: str
) -> None:
    page = await change(desk, ticket, field, value, version)

    assert page.status_code == 400
    assert "<h1" in page.text
    assert await now(house, ticket) == ticket


async def test_a_missing_field_is_refused(house: House, desk: Browser, ticket: Ticket) -> None:
    for field in ("status", "priority", "assignee"):
        page = await desk.submit(f"{address(ticket)}/{field}", {"version": "1"}, page=address(ticket))

        assert page.status_code == 400
    assert await now(house, ticket) == ticket


@pytest.mark.parametrize(("field", "value"), [("status", "closed"), ("priority", "low"), ("assignee", "")])
async def test_a_viewer_changes_nothing(
    house: House, viewer: Browser, ticket: Ticket, field: str, value: str
) -> None:
    page = await change(viewer, ticket, field, value)

    assert page.status_code == 403
    assert "Your role does not allow it." in page.text
    assert await now(house, ticket) == ticket


async def test_a_role_that_was_taken_away_counts_at_once(house: House, desk: Browser, ticket: Ticket) -> None:
    await house.as_system(make_viewer, house.ada)

    assert (await change(desk, ticket, "status", "closed")).status_code == 403


def make_viewer(tx: Tx, user_id: UUID) -> None:
    tx.execute(
        update(members)
        .where(members.c.workspace_id == tx.workspace_id, members.c.user_id == user_id)
        .values(role="viewer")
    )


# ------------------------------------------------------------------------------------------ replying


async def reply(browser: Browser, ticket: Ticket, content: str, **headers: str) -> httpx.Response:
    fields = {"content": content, "client_id": str(uuid4())}
    path = address(ticket)
    return await browser.submit(f"{path}/chat", fields, page=path, headers=headers)


async def test_an_agents_reply_opens_a_new_ticket(house: House, desk: Browser, ticket: Ticket) -> None:
    answer = await reply(desk, ticket, "We are looking into it.")
    page = await desk.get(address(ticket))

    assert (answer.status_code, answer.headers["location"]) == (303, f"{address(ticket)}#latest")
    assert "We are looking into it." in page.text
    assert (await now(house, ticket)).status is Status.OPEN


async def test_an_agents_reply_by_the_script_is_answered_in_json(desk: Browser, ticket: Ticket) -> None:
    answer = await reply(desk, ticket, "On its way.", accept="application/json")

    assert (answer.status_code, answer.json()["status"]) == (201, "open")
    assert answer.json()["message"]["sender_name"] == "Ada Moreau"


@pytest.mark.parametrize(("content", "status"), [("", 422), ("x" * 20_001, 422)])
async def test_a_reply_that_cannot_be_taken_keeps_its_text(
    desk: Browser, ticket: Ticket, content: str, status: int
) -> None:
    page = await reply(desk, ticket, content)

    assert page.status_code == status
    assert f"\n{content}</textarea>" in unescape(page.text)
    assert 'id="composer-problem"' in page.text


async def test_a_reply_to_a_ticket_closed_meanwhile_keeps_its_text(desk: Browser, ticket: Ticket) -> None:
    await change(desk, ticket, "status", "closed")
    page = await reply(desk, ticket, "One more thing")

    assert page.status_code == 409
    assert "This ticket is closed. Reopen it to reply." in page.text
    assert "One more thing" in page.text


async def test_a_viewers_reply_is_refused(house: House, viewer: Browser, ticket: Ticket) -> None:
    page = await reply(viewer, ticket, "Hello")
    answer = await reply(viewer, ticket, "Hello", accept="application/json")
    history = await house.as_system(chat.history, ticket.chat_room_id)

    assert (page.status_code, answer.status_code) == (403, 403)
    assert answer.json()["code"] == "forbidden"
    assert len(history.messages) == 1


async def test_two_agents_with_the_same_id_for_their_messages_do_not_meet(
    house: House, desk: Browser, ticket: Ticket
) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT)
    path, fields = address(ticket), {"content": "Hello", "client_id": str(uuid4())}
    headers = {"accept": "application/json"}
    async with aclosing(await house.sign_in("ben@acme.example")) as ben:
        first = await desk.submit(f"{path}/chat", fields, page=path, headers=headers)
        second = await ben.submit(f"{path}/chat", {**fields, "content": "Hi"}, page=path, headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
