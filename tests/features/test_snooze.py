"""A ticket that is put aside: pending until a morning, then open again; at once when the customer writes."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Status, Ticket
from parlour.features.tickets.snooze import service as snoozing
from parlour.features.tickets.snooze.mornings import morning
from parlour.features.workspaces import audit
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import Invalid
from tests.house import Browser, House
from tests.jobs import are_due, time_passes
from tests.tickets import ada, customer_says, now, place

THURSDAY = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)


async def nothing_is_due(house: House) -> None:
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.05)


async def comes(house: House, ticket: Ticket, moment: datetime | None) -> None:
    """The job of that moment runs."""
    assert moment
    with clock.at(moment):
        await house.as_system(snoozing.end, ticket.ticket_id, moment)


async def two_days_pass(house: House) -> None:
    """For jobs and for people."""
    with clock.at(clock.now() + timedelta(days=2)):
        await time_passes(house.db, timedelta(days=2))
        await nothing_is_due(house)


async def put_aside(house: House, ticket: Ticket, desk: Browser, **fields: str) -> Ticket:
    form = {"until": "tomorrow", "version": str((await now(house, ticket)).version), **fields}
    answer = await desk.submit(f"{place(house, ticket)}/snooze", form, page=place(house, ticket))
    assert answer.status_code == 303
    return await now(house, ticket)


@pytest.mark.parametrize(
    ("choice", "day", "zone", "expected"),
    [
        ("tomorrow", "", "", "2026-11-27T08:00+00:00"),
        ("tomorrow", "", "Asia/Tokyo", "2026-11-27T23:00+00:00"),
        ("next-week", "", "Europe/Berlin", "2026-11-30T07:00+00:00"),
        ("day", "2027-07-01", "Europe/Berlin", "2027-07-01T06:00+00:00"),
        ("day", "2027-07-01", "../etc/passwd", "2027-07-01T08:00+00:00"),
    ],
)
def test_mornings_are_those_of_the_zone(choice: str, day: str, zone: str, expected: str) -> None:
    with clock.at(THURSDAY):
        assert morning(choice, day, clock.zone_named(zone)) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-02-30", "0001-01-01"])
def test_what_is_no_day_of_the_calendar_is_refused(day: str) -> None:
    with pytest.raises(Invalid):
        morning("day", day, ZoneInfo("Asia/Tokyo"))


async def test_it_is_pending_until_then_and_open_again_and_the_customer_hears_nothing(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    aside = await put_aside(house, ticket, desk)
    snoozed = await desk.get(f"/workspace/{house.workspace.workspace_id}/tickets?status=snoozed")
    await two_days_pass(house)
    said = (await house.as_system(chat.history, ticket.chat_room_id)).messages
    changes = await house.db.read(ada(house), audit.of_ticket, ticket.ticket_id)

    assert (aside.status, aside.aside_until is not None) == (Status.PENDING, True)
    assert str(ticket.ticket_id) in snoozed.text
    assert (await now(house, ticket)).snoozed_until is None
    assert [message.content for message in said] == [ticket.description]
    assert [(entry.actor_name, entry.action) for entry in changes] == [
        ("", "snooze"),
        ("Ada Moreau", "snooze"),
    ]


async def test_jobs_whose_clock_is_ahead_end_it_no_sooner(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    aside = await put_aside(house, ticket, desk)
    await time_passes(house.db, timedelta(days=2))  # theirs alone, as after a clock that was set back
    await nothing_is_due(house)
    early = await now(house, ticket)
    await two_days_pass(house)

    assert early == aside
    assert (await now(house, ticket)).status is Status.OPEN


async def test_a_word_of_the_customer_opens_it_at_once_and_the_moment_no_longer_counts(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    aside = await put_aside(house, ticket, desk)
    await customer_says(house, ticket, "Are you there?")
    opened = await now(house, ticket)
    pending = await house.db.write(
        ada(house),
        tickets.update_ticket_status,
        ticket.ticket_id,
        Status.PENDING,
        seen_version=opened.version,
    )
    await comes(house, ticket, aside.aside_until)

    assert (opened.status, opened.snoozed_until) == (Status.OPEN, None)
    assert await now(house, ticket) == pending


async def test_another_moment_takes_the_place_of_the_first(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    first = await put_aside(house, ticket, desk)
    later = (clock.now() + timedelta(days=30)).date().isoformat()
    second = await put_aside(house, ticket, desk, until="day", day=later)
    await comes(house, ticket, first.aside_until)

    assert await now(house, ticket) == second
    await comes(house, ticket, second.aside_until)
    assert (await now(house, ticket)).status is Status.OPEN


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"until": "day"}, "Choose a day."),
        ({"until": "day", "day": "2020-01-01"}, "That morning is over."),
        ({"until": "day", "day": "9999-12-31"}, "within a year"),
    ],
)
async def test_a_day_that_cannot_be_says_why(
    house: House, visitor: Browser, desk: Browser, fields: dict[str, str], said: str
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    answer = await desk.submit(f"{here}/snooze", {"version": str(ticket.version), **fields}, page=here)

    assert answer.status_code == 422
    assert said in answer.text
    assert await now(house, ticket) == ticket


async def test_a_finished_ticket_is_not_put_aside_and_one_changed_meanwhile_not_blindly(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here, change = place(house, ticket), tickets.update_ticket_status
    closed = await house.db.write(
        ada(house), change, ticket.ticket_id, Status.CLOSED, seen_version=ticket.version
    )
    statuses = []
    for version in (ticket.version, closed.version):
        form = {"until": "tomorrow", "version": str(version)}
        statuses.append((await desk.submit(f"{here}/snooze", form, page=here)).status_code)

    assert statuses == [409, 422]
    assert await now(house, ticket) == closed


async def test_enter_in_the_field_of_the_day_means_that_day(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """Browsers press the first button of the form then."""
    page = (await desk.get(place(house, await house.open_ticket(visitor)))).text
    form = page.partition('id="change-snooze"')[2].partition("</form>")[0]

    first = form.partition('type="submit"')[2].partition(">")[0]
    assert 'name="until" value="day"' in first
