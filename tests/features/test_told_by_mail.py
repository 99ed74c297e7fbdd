"""What a member has not seen after two minutes goes by mail, bundled and once, to who may still see it."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Column, select, update

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.moments import AT_ONCE
from parlour.db.outbox import Job
from parlour.db.schema import members, notifications, tickets
from parlour.features.tickets import handover
from parlour.features.tickets.notifications import service
from parlour.features.tickets.notifications.mailing.service import tell_of_new, unseen
from parlour.features.tickets.notifications.models import CHOICES, Chosen, Kind, Way
from parlour.features.tickets.notifications.service import MAIL, NEWS
from parlour.kernel.access import Actor, Role
from tests.features.test_notifications import give, read
from tests.house import Browser, House
from tests.jobs import stored_jobs, time_passes
from tests.mailbox import delivered, mails, text_of
from tests.tickets import ada, customer_says, place, words

BOB = "bob@acme.example"
pytestmark = pytest.mark.usefixtures("resting")


@pytest.fixture
async def resting(house: House) -> None:
    """No worker runs by itself: each test says when."""
    await house.app.parlour.worker.stop()


@pytest.fixture
async def bob(house: House) -> Actor:
    user_id = await house.add_agent(BOB, Role.AGENT, name="Bob Okafor")
    return Actor.agent(house.workspace.workspace_id, user_id, Role.AGENT, "Bob Okafor")


async def pass_by(house: House, **span: float) -> None:
    """As if everything had happened so much earlier."""
    earlier = timedelta(**span)

    def move(tx: Tx, key: Column[UUID], column: Column[object]) -> None:
        here = column.table.c.workspace_id == tx.workspace_id
        for which, at in tx.execute(select(key, column).where(here, column.is_not(None))).all():
            these = here & (key == which) & (column == at)
            tx.execute(update(column.table).where(these).values({column: at - earlier}))

    await time_passes(house.db, earlier)
    await house.as_system(move, tickets.c.ticket_id, tickets.c.created_at)
    await house.as_system(move, members.c.user_id, members.c.bell_read_at)
    await house.as_system(move, notifications.c.ticket_id, notifications.c.mail_at)


async def due(house: House, kind: str = MAIL) -> list[Job]:
    """Claimed as by a worker that dies at once."""

    def claim(tx: Tx) -> list[Job]:
        jobs = [job for lane in Lane for job in outbox.claim(tx, lane, lease=AT_ONCE, limit=99)]
        return [job for job in jobs if job.kind == kind]

    return await house.db.write(Actor.system(), claim)


async def found_by(house: House, job: Job) -> list[str]:
    found = await house.as_system(unseen, job)
    return [f"{line.kind} #{ticket.number} x{line.times}" for line, ticket in found.lines] if found else []


async def test_what_came_in_a_row_is_one_mail_after_two_minutes_of_quiet_and_no_other(
    house: House, visitor: Browser, desk: Browser, bob: Actor
) -> None:
    first = await house.open_ticket(visitor)
    second = await house.open_ticket(visitor, subject="Another one")
    assert bob.user_id
    await give(house, ada(house), first, bob.user_id)
    await pass_by(house, seconds=90)
    await desk.submit(f"{place(house, second)}/notes", words("@Bob?"), page=place(house, second))
    await customer_says(house, first, "Hello?")
    await customer_says(house, first, "Is anybody there?")
    assert await due(house) == []
    await pass_by(house, seconds=60)
    [early] = await due(house)
    assert await found_by(house, early) == [], "the younger ones are about to come"
    await pass_by(house, seconds=60)
    jobs = await due(house)
    found = [await found_by(house, job) for job in jobs]

    bundle = ["answered #1 x2", "mentioned #2 x1", "assigned #1 x1"]
    assert [lines for lines in found if lines] == [bundle]
    taken = next(job for job, lines in zip(jobs, found, strict=True) if lines)
    again = next(job for job in await due(house) if job.job_id == taken.job_id)
    assert await found_by(house, again) == bundle, "its run broke off: it comes to the same"


async def test_what_keeps_coming_holds_up_no_mail_for_ever(
    house: House, visitor: Browser, bob: Actor
) -> None:
    assert bob.user_id
    for minutes in range(5):
        ticket = await house.open_ticket(visitor, subject=f"Ticket {minutes}")
        await give(house, ada(house), ticket, bob.user_id)
        await pass_by(house, minutes=1)
    found = [await found_by(house, job) for job in await due(house)]

    assert len([lines for lines in found if lines]) == 1


async def test_what_was_read_taken_back_or_done_by_oneself_is_not_mailed(
    house: House, visitor: Browser, bob: Actor
) -> None:
    seen, lost, own = [await house.open_ticket(visitor, subject=f"Ticket {n}") for n in range(3)]
    assert bob.user_id
    await give(house, ada(house), seen, bob.user_id)
    await give(house, ada(house), lost, bob.user_id)
    await give(house, bob, own, bob.user_id)
    await read(house, bob, seen)
    await give(house, ada(house), lost, None)
    await pass_by(house, minutes=6)

    assert [await found_by(house, job) for job in await due(house)] == [[], []]


@pytest.mark.parametrize("how", ["removed", "disabled", "chosen otherwise"])
async def test_whoever_may_or_will_not_hear_of_it_any_more_gets_no_mail(
    house: House, visitor: Browser, bob: Actor, how: str
) -> None:
    ticket = await house.open_ticket(visitor)
    assert bob.user_id
    await give(house, ada(house), ticket, bob.user_id)
    if how == "removed":
        await house.db.write(ada(house), handover.remove_member, bob.user_id)
    elif how == "disabled":
        await house.db.write(Actor.system(), handover.disable_account, BOB)
    else:
        await house.db.write(bob, service.choose, Chosen(frozenset({(Kind.ASSIGNED, Way.BROWSER)})))
    await pass_by(house, minutes=6)

    assert [await found_by(house, job) for job in await due(house)] == [[]]


async def test_of_new_tickets_hears_by_mail_who_chose_to_and_once(
    house: House, visitor: Browser, bob: Actor
) -> None:
    await house.open_ticket(visitor)
    assert NEWS not in {kind for (kind,) in stored_jobs(house.app.parlour.settings, "kind")}
    await house.db.write(bob, service.choose, Chosen(frozenset(CHOICES)))
    second = await house.open_ticket(visitor, subject="Another one")
    await pass_by(house, minutes=6)
    [news] = await due(house, NEWS)
    assert await house.as_system(tell_of_new, second.ticket_id, None) is None
    assert await house.as_system(tell_of_new, second.ticket_id, None) is None
    assert news.payload == {"ticket_id": str(second.ticket_id)}
    found = [await found_by(house, job) for job in await due(house)]

    assert [lines for lines in found if lines] == [["unassigned #2 x1", "unassigned #1 x1"]]


async def test_the_mail_leads_to_each_ticket_and_to_the_choice(
    house: House, visitor: Browser, bob: Actor
) -> None:
    ticket = await house.open_ticket(visitor, subject="Tea & <b>cake</b>")
    assert bob.user_id
    await give(house, ada(house), ticket, bob.user_id)
    await pass_by(house, minutes=6)
    [job] = await due(house)
    await house.app.parlour.worker._handler(job.kind)(job)  # noqa: SLF001 as the worker runs it
    [mail] = await mails(house, BOB)
    page = mail.get_body(("html",))

    assert mail["Subject"] == "#1 Tea & <b>cake</b>"
    assert "Ada Moreau gave it to you\nhttp://parlour.test" + place(house, ticket) in text_of(mail)
    assert "/notifications/choices" in text_of(mail)
    assert page is not None
    assert "Tea &amp; &lt;b&gt;cake&lt;/b&gt;" in page.get_content()
    assert delivered(house, "ada@acme.example") == []
