"""Tags: made in the settings, put on tickets, a filter of the list."""

import asyncio
from uuid import UUID

import pytest

from parlour.features.tickets import service as tickets
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Order, Priority, Status, Tag, Ticket
from parlour.features.tickets.tags import service as tags
from parlour.features.workspaces import audit
from parlour.kernel.access import Actor
from parlour.kernel.errors import Invalid
from tests.features.test_settings import seen_on
from tests.house import Browser, House
from tests.jobs import are_due
from tests.programs import program
from tests.tickets import ada, customer_says, place


def settings(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings/tags"


async def make(house: House, name: str) -> Tag:
    made: Tag = await house.db.write(ada(house), tags.make, name, "red")
    return made


async def put_on(house: House, ticket: Ticket, name: str) -> None:
    await house.db.write(ada(house), bulk.tag_one, ticket.ticket_id, name)


async def listed(house: House, tag: Tag, **more: object) -> list[UUID]:
    """From the first page to the last, one ticket on each."""
    found: list[UUID] = []
    after: str | None = None
    while True:
        filters = Filters(tag=tag.tag_id, limit=1, after=after, **more)  # type: ignore[arg-type]
        page = await house.db.read(ada(house), listing.workspace_tickets, filters)
        found += [row.ticket_id for row in page.rows]
        after = page.next
        if after is None:
            return found


async def three(house: House) -> list[Ticket]:
    opened = []
    for number in range(3):
        async with house.browser(f"127.0.1.{number}") as browser:
            opened.append(await house.open_ticket(browser, email=f"m{number}@example.com"))
    return opened


async def test_a_colleagues_name_and_colour_are_not_written_over_unseen(house: House, desk: Browser) -> None:
    tag = await make(house, "Late")
    here, form = settings(house), f"{settings(house)}/{tag.tag_id}"
    first = {"name": "Lost", "colour": "blue", "seen": seen_on(await desk.get(here))}
    await desk.submit(form, first, page=here)
    asked = await desk.submit(form, {**first, "name": "Slow", "colour": "teal"}, page=here)
    kept = await house.db.read(ada(house), tags.every)
    again = await desk.submit(form, {**first, "name": "Slow", "seen": seen_on(asked)}, page=here)

    assert asked.status_code == 409
    assert '<dd dir="auto">Lost</dd>' in asked.text
    assert '<dd dir="auto">Blue</dd>' in asked.text
    assert 'value="Slow"' in asked.text
    assert [each.name for each in kept] == ["Lost"]
    assert again.status_code == 303


async def test_a_tag_goes_on_a_ticket_and_off_again_and_the_history_says_so(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket, tag = await house.open_ticket(visitor), await make(house, "Late parcel")
    here = place(house, ticket)
    await desk.submit(f"{here}/tags", {"tag": " late PARCEL"}, page=here)
    shown = (await desk.get(here)).text
    row = (await desk.get(f"{here}/row")).text
    await desk.submit(f"{here}/tags", {"remove": str(tag.tag_id)}, page=here)
    changes = await house.db.read(ada(house), audit.of_ticket, ticket.ticket_id)
    customers = (await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}")).text

    assert "Ada Moreau added the tag Late parcel" in shown
    assert '<span class="tag" data-colour="red" dir="auto">Late parcel</span>' in row
    assert [(entry.action, entry.before, entry.after) for entry in changes] == [
        ("tag", "Late parcel", None),
        ("tag", None, "Late parcel"),
    ]
    assert "Late parcel" not in customers


@pytest.mark.parametrize("order", list(Order))
async def test_the_list_of_a_tag_keeps_every_order_as_its_tickets_change(house: House, order: Order) -> None:
    first, second, third = await three(house)
    tag = await make(house, "Late")
    for ticket in (first, third):
        await put_on(house, ticket, "Late")
    before = await listed(house, tag, order=order)
    await customer_says(house, first, "Hello?")
    version = (await house.as_system(tickets.ticket, first.ticket_id)).version
    await house.db.write(
        ada(house), tickets.update_ticket_priority, first.ticket_id, Priority.URGENT, seen_version=version
    )
    after = await listed(house, tag, order=order)

    assert before == [third.ticket_id, first.ticket_id]
    assert after == (before if order is Order.CREATED else before[::-1])
    assert second.ticket_id not in after


async def test_other_filters_and_the_search_narrow_the_list_of_a_tag(house: House) -> None:
    first, second, _ = await three(house)
    tag = await make(house, "Late")
    for ticket in (first, second):
        await put_on(house, ticket, "Late")
    await house.db.write(
        ada(house), tickets.update_ticket_status, first.ticket_id, Status.CLOSED, seen_version=1
    )

    assert await listed(house, tag, status=Status.CLOSED) == [first.ticket_id]
    assert await listed(house, tag, q="#2") == [second.ticket_id]
    assert await listed(house, tag, q="#3") == []
    assert await listed(house, tag, q="parcel", status=Status.NEW) == [second.ticket_id]


async def test_a_deleted_tag_is_gone_at_once_its_name_is_free_and_a_job_takes_it_off(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket, tag = await house.open_ticket(visitor), await make(house, "Late")
    await put_on(house, ticket, "Late")
    async with program(house) as api:
        start = (await api.read("/changes", after="now"))["next"]
    answer = await desk.submit(f"{settings(house)}/{tag.tag_id}/delete", {}, page=settings(house))
    await make(house, "late")
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.05)
    left = await house.as_system(tags.of_tickets, [ticket.ticket_id])
    async with program(house) as api:
        [told] = (await api.read("/changes", after=start))["items"]

    assert (told["type"], told["changed"], told["ticket"]["tags"]) == ("ticket.updated", ["tags"], [])
    assert answer.status_code == 303
    assert left == {}
    assert await listed(house, tag) == []


@pytest.mark.parametrize(
    ("name", "colour", "said"),
    [
        (" ", "red", "Enter a name"),
        ("x" * 31, "red", "Shorten the name to 30 characters"),
        ("LATE", "red", "There is a tag of this name already"),
        ("New", "mauve", "Choose one of the colours"),
    ],
)
async def test_a_tag_that_cannot_be_says_why(
    house: House, desk: Browser, name: str, colour: str, said: str
) -> None:
    await make(house, "Late")
    answer = await desk.submit(settings(house), {"name": name, "colour": colour}, page=settings(house))

    assert answer.status_code == 422
    assert said in answer.text


async def test_a_tag_gets_another_name_and_colour_on_every_ticket(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket, tag = await house.open_ticket(visitor), await make(house, "Late")
    await put_on(house, ticket, "Late")
    form = {"name": "LATE!", "colour": "teal"}
    await desk.submit(f"{settings(house)}/{tag.tag_id}", form, page=settings(house))
    [now] = (await house.as_system(tags.of_tickets, [ticket.ticket_id]))[ticket.ticket_id]

    assert (now.name, now.colour) == ("LATE!", "teal")


async def test_a_ticket_has_ten_tags_at_most_and_none_that_nobody_made(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    for number in range(11):
        await make(house, f"Tag {number}")
    for number in range(10):
        await put_on(house, ticket, f"Tag {number}")
    for name in ("Tag 10", "Nobody's", ""):
        with pytest.raises(Invalid):
            await put_on(house, ticket, name)


async def test_another_workspace_has_its_own(house: House, desk: Browser, visitor: Browser) -> None:
    elsewhere: Tag = await house.db.write(Actor.system(house.other.workspace_id), tags.make, "Theirs", "red")
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    unknown = await desk.submit(f"{here}/tags", {"tag": "Theirs"}, page=here)
    gone = await desk.submit(f"{here}/tags", {"remove": str(elsewhere.tag_id)}, page=here)
    deleted = await desk.submit(f"{settings(house)}/{elsewhere.tag_id}/delete", {}, page=settings(house))

    assert [answer.status_code for answer in (unknown, gone, deleted)] == [422, 404, 404]
    assert "Theirs" not in (await desk.get(settings(house))).text
