"""The dashboard."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, event

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Priority, Status, Ticket
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House
from tests.meter import asking_anew


def home(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}"


async def several(house: House, visitor: Browser, count: int) -> list[Ticket]:
    return [await house.open_ticket(visitor, subject=f"Subject {n}") for n in range(1, count + 1)]


def listed(page: str, which: str) -> list[str]:
    return re.findall(rf'<tr id="{which}-([0-9a-f-]+)"', page)


OF_OTHERS = re.compile(r"\blimit_windows\b")
"""What is counted for limits."""


@contextmanager
def statements() -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    seen: list[str] = []

    def note(_: Connection, __: object, sql: str, *___: object) -> None:
        if not OF_OTHERS.search(sql):
            seen.append(sql)

    event.listen(Engine, "before_cursor_execute", note)
    with asking_anew():
        yield seen
    event.remove(Engine, "before_cursor_execute", note)


async def test_it_shows_the_five_latest_and_the_five_most_urgent(
    house: House, visitor: Browser, desk: Browser
) -> None:
    made = await several(house, visitor, 7)
    await house.as_system(
        tickets.update_ticket_priority, made[0].ticket_id, Priority.URGENT, seen_version=made[0].version
    )
    page = (await desk.get(home(house))).text

    assert listed(page, "recent") == [str(ticket.ticket_id) for ticket in reversed(made)][:5]
    assert listed(page, "urgent")[0] == str(made[0].ticket_id)
    assert listed(page, "urgent")[1:] == [str(ticket.ticket_id) for ticket in made[1:5]]


async def test_it_counts_by_status_and_those_that_wait_and_each_number_leads_to_its_list(
    house: House, visitor: Browser, desk: Browser
) -> None:
    made = await several(house, visitor, 3)
    await house.as_system(tickets.update_ticket_status, made[0].ticket_id, Status.OPEN, seen_version=1)
    ada = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
    answered = await house.open_ticket(visitor, subject="Answered")
    await house.db.write(ada, tickets.send_message, answered.ticket_id, "Here it is.", uuid4())
    page = (await desk.get(home(house))).text

    links = re.findall(r'<a href="([^"]+\?(?:waiting|status)=\w+)">', page)
    counts = dict(re.findall(r'data-count="(\w+)">([^<]+)<', page))
    lists = [(await desk.get(f"/workspace/{link}")).text for link in links]
    assert [len(re.findall(r"data-ticket-row", one)) for one in lists] == [int(n) for n in counts.values()]
    assert counts == {
        "unanswered": "3",
        "new": "2",
        "open": "2",
        "pending": "0",
        "resolved": "0",
        "closed": "0",
    }


async def test_it_asks_the_database_five_times(house: House, visitor: Browser, desk: Browser) -> None:
    await several(house, visitor, 5)
    await house.app.parlour.worker.stop()  # it looks for jobs now and then
    with statements() as seen:
        await desk.get(home(house))

    assert len(seen) == 5, seen  # who it is, the lists and their counts, the saved views, the counts of all


async def test_a_status_changed_in_place_answers_with_the_dashboard_alone(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = (await several(house, visitor, 1))[0]
    fields = {"status": "pending", "version": "1", "shape": "overview"}
    answer = await desk.submit(
        f"{home(house)}/tickets/{ticket.ticket_id}/status",
        fields,
        page=home(house),
        headers={"hx-request": "true"},
    )

    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'class="choice" data-status="pending"' in answer.text


async def test_without_a_script_a_change_leads_back_to_the_dashboard(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = (await several(house, visitor, 1))[0]
    fields = {"status": "pending", "version": "1", "shape": "overview", "back": home(house)}
    answer = await desk.submit(f"{home(house)}/tickets/{ticket.ticket_id}/status", fields, page=home(house))

    assert (answer.status_code, answer.headers["location"].partition("?bulk=")[0]) == (303, home(house))


async def test_a_viewer_sees_it_without_anything_to_change(house: House, visitor: Browser) -> None:
    await several(house, visitor, 1)
    await house.add_agent("vic@acme.example", Role.VIEWER)
    page = await (await house.sign_in("vic@acme.example")).get(home(house))

    assert page.status_code == 200
    assert "<select" not in page.text


async def test_another_workspaces_dashboard_is_not_there(house: House, desk: Browser) -> None:
    assert (await desk.get(f"/workspace/{house.other.workspace_id}")).status_code == 404
    assert (await desk.get(f"/workspace/{UUID(int=7)}")).status_code == 404
