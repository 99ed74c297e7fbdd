"""Changing many tickets at once, and undoing it."""

import asyncio
import html
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec.structs import replace

from parlour.db import outbox
from parlour.db.lanes import lane_of
from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.bulk.job import BulkJobs
from parlour.features.tickets.models import Bulk, Field, Filters, Priority, Status, Tag, Ticket
from parlour.features.tickets.tags import service as tags
from parlour.features.workspaces import audit
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Forbidden, Invalid, NotFound
from parlour.kernel.events import TicketChanged
from tests.house import Browser, House, open_house, stock
from tests.meter import Meter, metered

START = datetime(2020, 1, 1, tzinfo=UTC)
PATIENCE = 400
"""Looks, a twentieth of a second apart."""


def table(house: House, query: str = "") -> str:
    return f"/workspace/{house.workspace.workspace_id}/tickets{query}"


def ada(house: House) -> Actor:
    return Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")


@pytest.fixture
async def three(house: House, visitor: Browser) -> list[Ticket]:
    return [await house.open_ticket(visitor, subject=f"Question {n}") for n in range(3)]


async def change(house: House, browser: Browser, chosen: list[Ticket], **fields: Any) -> httpx.Response:
    form = {"ids": [str(ticket.ticket_id) for ticket in chosen], "change": "status:pending", **fields}
    return await browser.submit(f"{table(house)}/bulk", form, page=table(house))


async def now(house: House, chosen: list[Ticket]) -> list[Ticket]:
    return [await house.as_system(tickets.ticket, ticket.ticket_id) for ticket in chosen]


async def statuses(house: House, chosen: list[Ticket]) -> list[str]:
    return [ticket.status.value for ticket in await now(house, chosen)]


def bulk_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("bulk=")[2]


async def undo(house: House, browser: Browser, bulk_id: str) -> httpx.Response:
    return await browser.submit(f"{table(house)}/bulk/{bulk_id}/undo", {}, page=table(house))


async def finished(house: House, bulk_id: UUID) -> Bulk:
    for _ in range(PATIENCE):
        found: Bulk = await house.db.read(ada(house), bulk.bulk, bulk_id)
        if not found.running:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"not finished: {found}")


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("status:resolved", ("resolved", "medium", None)),
        ("priority:urgent", ("open", "urgent", None)),
        ("assignee:ada", ("open", "medium", "ada")),
    ],
)
async def test_the_selected_tickets_and_no_others_are_changed(
    house: House, desk: Browser, three: list[Ticket], what: str, expected: tuple[str, str, str | None]
) -> None:
    answer = await change(house, desk, three[:2], change=what.replace("ada", str(house.ada)))
    first, second, third = await now(house, three)

    assert answer.status_code == 303
    for ticket in (first, second):
        whose = "ada" if ticket.assignee_id == house.ada else None
        assert (ticket.status, ticket.priority, whose) == expected
    assert (third.status, third.version) == (Status.NEW, 1)


async def test_each_ticket_goes_the_way_of_a_single_change(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    told: list[Any] = []
    house.db.on_commit(told.extend)
    await change(house, desk, three[:2])
    trail = await house.as_system(audit.of_ticket, three[0].ticket_id)

    assert [(entry.actor_name, entry.before, entry.after) for entry in trail] == [
        ("Ada Moreau", "new", "pending")
    ]
    changed = {event.ticket_id for event in told if isinstance(event, TicketChanged)}
    assert changed == {ticket.ticket_id for ticket in three[:2]}


async def test_the_list_says_what_became_of_it(house: House, desk: Browser, three: list[Ticket]) -> None:
    await change(house, desk, three[:1])
    answer = await change(house, desk, three, back=table(house, "?sort=created"))
    page = (await desk.get(answer.headers["location"])).text

    assert answer.headers["location"].startswith(table(house, "?sort=created&bulk="))
    assert "Changed to “Pending”: 2 of 3." in unescape(page)
    assert "The others were so already." in page


async def test_field_and_value_may_come_apart(house: House, desk: Browser, three: list[Ticket]) -> None:
    await change(house, desk, three, change="", field="status", value="closed")

    assert await statuses(house, three) == ["closed"] * 3


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"ids": []}, "Select at least one ticket."),
        ({"change": ""}, "Choose what to change."),
        ({"change": "status:new"}, "Tickets cannot be changed to that."),
        ({"change": "subject:x"}, "Tickets cannot be changed to that."),
        ({"change": "assignee:nobody"}, "Tickets cannot be changed to that."),
        ({"change": f"assignee:{UUID(int=5)}"}, "Tickets cannot be changed to that."),
    ],
)
async def test_what_cannot_be_done_is_said_above_nothing_changed(
    house: House, desk: Browser, three: list[Ticket], fields: dict[str, Any], sentence: str
) -> None:
    answer = await change(house, desk, three, **fields)

    assert answer.status_code == 422
    assert sentence in answer.text
    ticked = set(re.findall(r'value="([0-9a-f-]{36})" form="bulk-form" checked', answer.text))
    assert ticked == {str(each) for each in fields.get("ids", [ticket.ticket_id for ticket in three])}
    assert await statuses(house, three) == ["new"] * 3


async def test_undo_puts_back_what_nobody_has_changed_since(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    await change(house, desk, three, change="status:open")
    bulk_id = bulk_of(await change(house, desk, three, change="status:resolved"))
    version = (await now(house, three))[0].version
    await house.as_system(
        tickets.update_ticket_status, three[0].ticket_id, Status.CLOSED, seen_version=version
    )
    answer = await undo(house, desk, bulk_id)
    page = (await desk.get(answer.headers["location"])).text

    assert await statuses(house, three) == ["closed", "open", "open"]
    assert "Put back: 2 of 3." in page


@pytest.mark.parametrize(
    "what",
    ["status:open", "status:closed", "priority:urgent", "priority:medium", "assignee:", "assignee:ada"],
)
async def test_undo_leaves_everything_as_it_was_before(
    house: House, desk: Browser, three: list[Ticket], what: str
) -> None:
    await change(house, desk, three[1:], change="priority:high")
    await change(house, desk, three[2:], change=f"assignee:{house.ada}")
    await change(house, desk, three[2:], change="status:closed")
    before = await now(house, three)
    await undo(
        house, desk, bulk_of(await change(house, desk, three, change=what.replace("ada", str(house.ada))))
    )
    after = await now(house, three)

    assert [replace(ticket, version=0, updated_at=START, status_change=None) for ticket in after] == [
        replace(ticket, version=0, updated_at=START, status_change=None) for ticket in before
    ]
    customer = Actor.customer(house.workspace.workspace_id, three[2].ticket_id, three[2].email)
    with pytest.raises(tickets.TicketClosed):
        await house.db.write(customer, tickets.send_message, three[2].ticket_id, "Hello?", uuid4())


async def test_a_new_ticket_that_was_answered_since_is_put_back_to_open(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    bulk_id = bulk_of(await change(house, desk, three, change="status:resolved"))
    await house.db.write(ada(house), tickets.send_message, three[0].ticket_id, "It is on its way.", uuid4())
    await undo(house, desk, bulk_id)

    assert await statuses(house, three) == ["open", "new", "new"]


async def test_undo_keeps_the_status_that_a_colleague_gave_since(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    bulk_id = bulk_of(await change(house, desk, three, change="priority:urgent"))
    version = (await now(house, three))[0].version
    await house.as_system(
        tickets.update_ticket_status, three[0].ticket_id, Status.PENDING, seen_version=version
    )
    await undo(house, desk, bulk_id)

    assert await statuses(house, three) == ["pending", "new", "new"]
    assert {ticket.priority for ticket in await now(house, three)} == {Priority.MEDIUM}


@pytest.mark.parametrize(
    ("done", "away"),
    [("priority:high", "priority:low"), ("assignee:{ada}", "assignee:"), ("tag:{tag}", "untag:{tag}")],
    ids=["priority", "assignee", "tag"],
)
async def test_undo_keeps_what_was_another_meanwhile_and_was_set_to_the_same_again(
    house: House, desk: Browser, three: list[Ticket], done: str, away: str
) -> None:
    tag, other = await tagged(house, "Late"), await tagged(house, "Lost")
    of_these = {"ada": house.ada, "tag": tag.tag_id}
    bulk_id = bulk_of(await change(house, desk, three, change=done.format(**of_these)))
    await change(house, desk, three[2:], change=f"tag:{other.tag_id}")
    for what in (away, done):
        await change(house, desk, three[:1], change=what.format(**of_these))
    kept = (await now(house, three))[0], (await tags_on(house, three))[0]
    await undo(house, desk, bulk_id)

    assert ((await now(house, three))[0], (await tags_on(house, three))[0]) == kept
    for ticket, names in zip((await now(house, three))[1:], (await tags_on(house, three))[1:], strict=True):
        assert (ticket.priority, ticket.assignee_id, "Late" in names) == (Priority.MEDIUM, None, False)


async def test_undoing_twice_undoes_once(house: House, desk: Browser, three: list[Ticket]) -> None:
    bulk_id = bulk_of(await change(house, desk, three, change="priority:high"))
    await undo(house, desk, bulk_id)
    await change(house, desk, three, change="priority:high")
    await undo(house, desk, bulk_id)

    assert {ticket.priority for ticket in await now(house, three)} == {Priority.HIGH}


async def test_nobody_again_is_undone_to_somebody(house: House, desk: Browser, three: list[Ticket]) -> None:
    await change(house, desk, three, change=f"assignee:{house.ada}")
    bulk_id = bulk_of(await change(house, desk, three, change="assignee:"))
    assert {ticket.assignee_id for ticket in await now(house, three)} == {None}
    await undo(house, desk, bulk_id)

    assert {ticket.assignee_id for ticket in await now(house, three)} == {house.ada}


async def test_all_that_match_are_changed_by_a_job_and_put_back_by_one(
    house: House, tmp_path: Path, desk: Browser
) -> None:
    await asyncio.to_thread(stock, house, 400)
    fields = {"all": "yes", "query": "status=active", "back": table(house)}
    before = await house.db.scan(ada(house), bulk.matching, Filters(status=Status.PENDING))
    active = await house.db.scan(ada(house), bulk.matching, Filters())
    bulk_id = UUID(bulk_of(await change(house, desk, [], change="status:pending", **fields)))
    done = await finished(house, bulk_id)
    pending = await house.db.scan(ada(house), bulk.matching, Filters(status=Status.PENDING))

    assert done.total == len(pending) > bulk.AT_ONCE
    assert done.changed == len(pending) - len(before)
    assert len(active) == 400

    await undo(house, desk, str(bulk_id))
    undone = await finished(house, bulk_id)
    left = await house.db.scan(ada(house), bulk.matching, Filters(status=Status.PENDING))

    assert undone.done == undone.changed
    assert undone.put_back == undone.changed == len(pending) - len(left)
    assert len(left) == len(before)


async def test_all_that_match_are_those_that_were_there(
    house: House, desk: Browser, three: list[Ticket], visitor: Browser
) -> None:
    page = (await desk.get(table(house, "?status=new"))).text
    shown = re.findall(r'name="shown" value="([^"]+)"', page)[0]
    late = await house.open_ticket(visitor, subject="It came later")
    query = {"all": "yes", "query": "status=new", "shown": shown, "back": table(house)}
    await change(house, desk, [], change="priority:high", **query)

    assert {ticket.priority for ticket in await now(house, three)} == {Priority.HIGH}
    assert [ticket.priority for ticket in await now(house, [late])] == [Priority.MEDIUM]


async def begun_by_nobody(house: House, chosen: list[UUID], field: Field, value: str) -> Bulk:
    """A large change whose tickets are written down, and no worker to change them."""
    await house.app.parlour.worker.stop()
    started: Bulk = await house.db.write(ada(house), bulk.start, chosen, field, value)
    await house.as_system(bulk.write_down, started.bulk_id, sorted(chosen))
    return started


async def carry_on(house: House) -> None:
    """What a worker does that comes back."""
    lane, lease = lane_of(bulk.JOB), timedelta(seconds=30)
    for job in await house.db.write(Actor.system(), outbox.claim, lane, lease=lease, limit=8):
        await BulkJobs(house.db).carry_on(job)


async def test_no_transaction_of_a_large_change_takes_many_tickets_at_a_time(tmp_path: Path) -> None:
    with metered() as meter:
        async with open_house(tmp_path) as house:
            house.leave_chores()
            await asyncio.to_thread(stock, house, 1_200)
            everything = await house.db.scan(ada(house), bulk.matching, Filters())
            await house.app.parlour.worker.stop()
            costs = []
            for some in (everything[:200], everything):
                meter.reset()
                await house.db.write(ada(house), bulk.start, some, Field.PRIORITY, "low")
                costs.append(sum(cost for sql, cost in meter.by_statement.items() if "INSERT" in sql))

    assert costs[1] < 1.2 * costs[0]


async def test_a_large_change_that_broke_off_while_it_was_written_down_is_done_and_can_be_undone(
    house: House, tmp_path: Path, desk: Browser
) -> None:
    await asyncio.to_thread(stock, house, 150)
    everything = await house.db.scan(ada(house), bulk.matching, Filters())
    await house.app.parlour.worker.stop()
    before = await house.db.scan(ada(house), bulk.matching, Filters(priority=Priority.LOW))
    started = await house.db.write(ada(house), bulk.start, everything, Field.PRIORITY, "low")
    await house.as_system(bulk.write_down, started.bulk_id, sorted(everything)[:70])
    await carry_on(house)
    done = await finished(house, started.bulk_id)
    low = await house.db.scan(ada(house), bulk.matching, Filters(priority=Priority.LOW))
    await undo(house, desk, str(started.bulk_id))
    await carry_on(house)

    assert (done.total, done.done, len(low)) == (150, 150, 150)
    assert await house.db.scan(ada(house), bulk.matching, Filters(priority=Priority.LOW)) == before


async def test_a_job_goes_on_where_it_broke_off(house: House, tmp_path: Path) -> None:
    await asyncio.to_thread(stock, house, 150)
    everything = await house.db.scan(ada(house), bulk.matching, Filters())
    started = await begun_by_nobody(house, everything, Field.PRIORITY, "low")
    first = await house.db.write(ada(house), bulk.step, started.bulk_id)
    second = await house.db.write(ada(house), bulk.step, started.bulk_id)
    third = await house.db.write(ada(house), bulk.step, started.bulk_id)
    again = await house.db.write(ada(house), bulk.step, started.bulk_id)

    assert [one.done for one in (started, first, second, third, again)] == [0, 50, 100, 150, 150]
    assert not third.running
    assert again == third


async def test_a_running_change_cannot_be_undone_and_shows_how_far_it_is(
    house: House, tmp_path: Path, desk: Browser
) -> None:
    await asyncio.to_thread(stock, house, 150)
    everything = await house.db.scan(ada(house), bulk.matching, Filters())
    started = await begun_by_nobody(house, everything, Field.PRIORITY, "low")
    await house.db.write(ada(house), bulk.step, started.bulk_id)
    part = await desk.get(f"{table(house)}/bulk/{started.bulk_id}", headers={"hx-request": "true"})

    assert "50 of 150" in part.text
    assert "hx-trigger" in part.text
    assert (await undo(house, desk, str(started.bulk_id))).status_code == 409


async def test_whoever_may_only_look_changes_nothing(house: House, three: list[Ticket]) -> None:
    await house.add_agent("vic@acme.example", Role.VIEWER)
    viewer = await house.sign_in("vic@acme.example")

    assert (await change(house, viewer, three)).status_code == 403
    assert (await change(house, viewer, [], all="yes")).status_code == 403
    assert await statuses(house, three) == ["new"] * 3


async def test_a_ticket_or_a_change_of_another_workspace_is_not_there(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    bulk_id = bulk_of(await change(house, desk, three))
    await house.add_agent("mallory@other.example", Role.OWNER, house.other)
    mallory = await house.sign_in("mallory@other.example")
    theirs = f"/workspace/{house.other.workspace_id}/tickets"
    form = {"ids": str(three[0].ticket_id), "change": "status:closed"}

    assert (await mallory.submit(f"{theirs}/bulk", form, page=theirs)).status_code == 404
    assert (await mallory.get(f"{theirs}/bulk/{bulk_id}")).status_code == 404
    assert (await mallory.submit(f"{theirs}/bulk/{bulk_id}/undo", {}, page=theirs)).status_code == 404
    assert (await desk.get(f"{table(house)}/bulk/{uuid4()}")).status_code == 404
    assert await statuses(house, three) == ["pending"] * 3


async def test_the_service_refuses_what_the_page_would(house: House, three: list[Ticket]) -> None:
    ids = [ticket.ticket_id for ticket in three]
    viewer = Actor.agent(house.workspace.workspace_id, house.ada, Role.VIEWER, "Vic")
    for actor, chosen, error in (
        (viewer, ids, Forbidden),
        (ada(house), [*ids, uuid4()], NotFound),
        (ada(house), [], Invalid),
    ):
        with pytest.raises(error):
            await house.db.write(actor, bulk.start, chosen, Field.STATUS, "open")


async def test_no_step_costs_more_because_many_went_before_it(tmp_path: Path) -> None:
    """Neither of the change nor of its undoing."""
    with metered() as meter:
        async with open_house(tmp_path) as house:
            house.leave_chores()
            await asyncio.to_thread(stock, house, 1_000)
            everything = await house.db.scan(ada(house), bulk.matching, Filters())
            started = await begun_by_nobody(house, everything, Field.STATUS, "pending")
            costs = {"change": await costs_of(house, meter, started)}
            await house.db.write(ada(house), bulk.undo, started.bulk_id)
            costs["undo"] = await costs_of(house, meter, started)

    for each in costs.values():
        assert max(each[-4:-1]) < 1.2 * max(each[1:4])


async def costs_of(house: House, meter: Meter, started: Bulk) -> list[int]:
    """Of what a step reads and writes in the list of its items, one after the other."""
    costs, running = [], True
    while running:
        meter.reset()
        running = (await house.db.write(ada(house), bulk.step, started.bulk_id)).running
        costs.append(sum(cost for sql, cost in meter.by_statement.items() if "bulk_" in sql))
    return costs


@pytest.mark.parametrize("what", [(Field.STATUS, "closed"), (Field.PRIORITY, "urgent"), (Field.ASSIGNEE, "")])
async def test_a_hundred_tickets_take_as_many_statements_as_ten(
    tmp_path: Path, what: tuple[Field, str]
) -> None:
    with metered() as meter:
        async with open_house(tmp_path) as house:
            house.leave_chores()
            await asyncio.to_thread(stock, house, 400)
            everything = await house.db.scan(ada(house), bulk.matching, Filters())
            await house.app.parlour.worker.stop()
            statements = []
            for some in (everything[:10], everything[300:400]):
                meter.reset()
                await house.db.write(ada(house), bulk.start, some, *what)
                statements.append(meter.statements)

    assert statements[1] <= statements[0] + 12
    assert statements[1] < 50


async def tagged(house: House, name: str) -> Tag:
    made: Tag = await house.db.write(ada(house), tags.make, name, "red")
    return made


async def tags_on(house: House, chosen: list[Ticket]) -> list[set[str]]:
    found = await house.as_system(tags.of_tickets, [ticket.ticket_id for ticket in chosen])
    return [{tag.name for tag in found.get(ticket.ticket_id, ())} for ticket in chosen]


async def test_a_tag_goes_on_and_off_many_and_undo_leaves_those_that_had_it(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    tag = await tagged(house, "Late")
    await house.db.write(ada(house), bulk.tag_one, three[0].ticket_id, "Late")
    answer = await change(house, desk, three, change=f"tag:{tag.tag_id}")
    assert await tags_on(house, three) == [{"Late"}] * 3
    assert "Tag added: “Late”, 2 of 3." in html.unescape((await desk.get(answer.headers["location"])).text)
    await undo(house, desk, bulk_of(answer))
    assert await tags_on(house, three) == [{"Late"}, set(), set()]
    off = bulk_of(await change(house, desk, three, change=f"untag:{tag.tag_id}"))
    assert await tags_on(house, three) == [set()] * 3
    await undo(house, desk, off)

    assert await tags_on(house, three) == [{"Late"}, set(), set()]


async def test_a_ticket_with_ten_tags_is_left_alone_and_said_to_be(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    for number in range(tags.TICKET_LIMIT):
        await tagged(house, f"Tag {number}")
        await house.db.write(ada(house), bulk.tag_one, three[0].ticket_id, f"Tag {number}")
    tag = await tagged(house, "One more")
    answer = await change(house, desk, three, change=f"tag:{tag.tag_id}")

    assert ["One more" in each for each in await tags_on(house, three)] == [False, True, True]
    assert "ten tags" in (await desk.get(answer.headers["location"])).text


async def test_many_are_put_aside_quietly_and_come_back_as_they_were(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    await change(house, desk, three[:1], change="status:resolved")
    answer = await change(house, desk, three, change="snooze:tomorrow", zone="Europe/Berlin")
    assert await statuses(house, three) == ["resolved", "pending", "pending"]
    assert all(ticket.aside_until for ticket in (await now(house, three))[1:])
    await undo(house, desk, bulk_of(answer))

    assert await statuses(house, three) == ["resolved", "new", "new"]
    history = await house.as_system(chat.history, three[1].chat_room_id)
    assert len(history.messages) == 1


async def test_undo_puts_a_ticket_aside_again_that_was_resolved_meanwhile(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    await change(house, desk, three, change="snooze:next-week")
    before = [ticket.aside_until for ticket in await now(house, three)]
    bulk_id = bulk_of(await change(house, desk, three, change="status:resolved"))
    assert [ticket.aside_until for ticket in await now(house, three)] == [None] * 3
    await undo(house, desk, bulk_id)

    assert [ticket.aside_until for ticket in await now(house, three)] == before


@pytest.mark.parametrize("what", ["tag:", f"tag:{UUID(int=5)}", "untag:late", "snooze:", "snooze:day"])
async def test_what_is_no_tag_and_no_morning_is_refused(
    house: House, desk: Browser, three: list[Ticket], what: str
) -> None:
    assert (await change(house, desk, three, change=what)).status_code == 422


async def test_a_tag_of_another_workspace_is_put_on_nothing(
    house: House, desk: Browser, three: list[Ticket]
) -> None:
    owner = Actor.agent(house.other.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
    theirs: Tag = await house.db.write(owner, tags.make, "Theirs", "red")

    assert (await change(house, desk, three, change=f"tag:{theirs.tag_id}")).status_code == 422
