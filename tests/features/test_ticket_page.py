"""The ticket's page at the desk: what stands around the conversation, and what one changes there."""

import asyncio
from contextlib import aclosing
from uuid import uuid4

import pytest

from parlour.features.chat import service as chat
from parlour.features.tickets.models import Priority, Status
from parlour.kernel.access import Role
from tests.house import Browser, House
from tests.tickets import JSON, now, place, words


@pytest.mark.parametrize("status", ["pending", "resolved"])
async def test_an_answer_sets_the_status_in_the_same_act(
    house: House, visitor: Browser, desk: Browser, status: str
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    answer = await desk.submit(f"{here}/chat", words("Here you are.", then=status), page=here, headers=JSON)

    assert answer.json()["status"] == status
    assert (await now(house, ticket)).status == status


async def test_the_buttons_that_also_set_the_status_work_as_a_plain_form(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    page = await desk.get(place(house, ticket))

    assert 'name="then" value="pending"' in page.text
    assert 'name="then" value="resolved"' in page.text


@pytest.mark.parametrize("status", ["new", "finished"])
async def test_an_answer_with_a_status_that_cannot_be_set_is_a_broken_form(
    house: House, visitor: Browser, desk: Browser, status: str
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    answer = await desk.submit(f"{here}/chat", words("Hello", then=status), page=here)
    room = await house.as_system(chat.history, ticket.chat_room_id)

    assert answer.status_code == 400
    assert len(room.messages) == 1


async def test_a_customer_cannot_set_a_status_by_adding_it_to_the_form(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    room = f"/support/acme/ticket/{ticket.ticket_id}/chat"
    answer = await visitor.submit(room, words("Please close it", then="closed"), page=room, headers=JSON)

    assert answer.status_code == 201
    assert (await now(house, ticket)).status is Status.NEW


async def test_the_history_says_who_changed_what(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await desk.submit(f"{here}/status", {"status": "pending", "version": "1"}, page=here)
    await desk.submit(f"{here}/assignee", {"assignee": str(house.ada), "version": "2"}, page=here)
    page = await desk.get(here)

    assert "Ada Moreau changed the status from New to Pending" in page.text
    assert "Ada Moreau assigned the ticket to Ada Moreau" in page.text


async def test_other_tickets_of_the_customer_are_listed_and_nobody_elses(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await house.open_ticket(visitor, subject="A torn seam")
    await house.open_ticket(visitor, subject="Something else", email="maria@example.com.au")
    page = await desk.get(place(house, ticket))

    assert "A torn seam" in page.text
    assert "Something else" not in page.text
    assert "/tickets?q=maria%40example.com" in page.text


async def test_only_the_five_newest_other_tickets_are_listed(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    for number in range(1, 7):
        await house.open_ticket(visitor, subject=f"Question number {number}")
    page = await desk.get(place(house, ticket))

    assert "Question number 1" not in page.text
    assert all(f"Question number {number}" in page.text for number in range(2, 7))


async def test_who_was_too_late_reads_what_the_other_one_changed(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await house.add_agent("bob@acme.example", Role.AGENT, name="Bob Okafor")
    async with aclosing(await house.sign_in("bob@acme.example")) as bob:
        await bob.submit(f"{here}/status", {"status": "pending", "version": "1"}, page=here)
        await bob.submit(f"{here}/priority", {"priority": "high", "version": "2"}, page=here)
    fields = {"priority": "low", "version": "2"}
    answer = await desk.submit(f"{here}/priority", fields, page=here, headers={"hx-request": "true"})
    alert = answer.text.partition("data-stale")[2].partition("</section>")[0]

    assert answer.status_code == 409
    assert "Bob Okafor changed the priority from Medium to High" in alert
    assert "changed the status" not in alert
    assert "You chose the priority Low." in alert
    assert (await now(house, ticket)).priority is Priority.HIGH


async def test_of_two_agents_who_change_a_ticket_at_once_one_is_told(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await house.add_agent("bob@acme.example", Role.AGENT)
    async with aclosing(await house.sign_in("bob@acme.example")) as bob:
        answers = await asyncio.gather(
            desk.submit(f"{here}/priority", {"priority": "high", "version": "1"}, page=here),
            bob.submit(f"{here}/priority", {"priority": "low", "version": "1"}, page=here),
        )
    won = ["high", "low"][[answer.status_code for answer in answers].index(303)]

    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert (await now(house, ticket)).priority == won


async def test_a_change_made_on_the_notes_tab_comes_back_to_it(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    fields = {"status": "pending", "version": "1", "tab": "notes"}
    answer = await desk.submit(f"{here}/status", fields, page=here)

    assert answer.headers["location"].partition("?bulk=")[0] == f"{here}/notes"


@pytest.mark.parametrize("version", ["", "one", "-1", "9" * 5000])
async def test_a_version_that_is_no_number_is_a_broken_form(
    house: House, visitor: Browser, desk: Browser, version: str
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    answer = await desk.submit(f"{here}/status", {"status": "open", "version": version}, page=here)

    assert answer.status_code == 400


async def test_undo_is_offered_to_those_who_chose_it(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    before = await desk.get(place(house, ticket))
    await desk.submit("/profile/preferences", {"undo_send": "1"}, page=place(house, ticket))
    after = await desk.get(place(house, ticket))

    assert "data-undo-seconds" not in before.text
    assert 'data-undo-seconds="5"' in after.text


async def test_a_viewer_reads_the_ticket_and_changes_nothing(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await house.add_agent("vic@acme.example", Role.VIEWER)
    async with aclosing(await house.sign_in("vic@acme.example")) as viewer:
        page = await viewer.get(here)
        said = await viewer.submit(f"{here}/chat", words("May I?"), page=here)
        changed = await viewer.submit(f"{here}/status", {"status": "open", "version": "1"}, page=here)

    assert page.status_code == 200
    assert "data-composer" not in page.text
    assert (said.status_code, changed.status_code) == (403, 403)


async def test_the_ticket_of_another_workspace_is_not_there(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    await house.add_agent("mallory@other.example", Role.OWNER, house.other)
    there = f"/workspace/{house.other.workspace_id}/tickets/{ticket.ticket_id}"
    async with aclosing(await house.sign_in("mallory@other.example")) as mallory:
        answers = [
            await mallory.get(place(house, ticket)),
            await mallory.get(there),
            await mallory.get(f"{there}/replies"),
            await mallory.submit(f"{there}/chat", words("Hello"), page="/support/acme"),
            await mallory.submit(f"{there}/status", {"status": "open", "version": "1"}, page="/support/acme"),
        ]

    assert {answer.status_code for answer in answers} == {404}


async def test_a_ticket_that_does_not_exist_is_not_there(house: House, desk: Browser) -> None:
    here = f"/workspace/{house.workspace.workspace_id}/tickets/{uuid4()}"

    assert [(await desk.get(path)).status_code for path in (here, f"{here}/notes")] == [404, 404]
