"""Two tickets become one and can be two again: nothing that was said moves, and everybody finds the one."""

import asyncio
import re
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from uuid import uuid4

import pytest

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import service as tickets
from parlour.features.tickets.changes import TicketMerged
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Status, Ticket
from parlour.features.tickets.participants import service as participants
from parlour.features.tickets.snooze import service as snoozing
from parlour.features.tickets.threads import service as threads
from parlour.features.tickets.threads.models import Arrived
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError, Invalid
from tests.house import Browser, House
from tests.mailbox import delivered, mails, text_of
from tests.tickets import ada, customer_says, from_there, now, place, words

SUPPORT, MARIA, BOSS = "support@acme.example", "maria@example.com", "boss@example.com"
START = datetime(2030, 1, 1, 12, tzinfo=UTC)
_BODY = re.compile(r'<div class="message-body" dir="auto">(.*?)</div>')
_OLDER = re.compile(r'data-older href="([^"]*)"')


@pytest.fixture
async def two(house: House, visitor: Browser) -> tuple[Ticket, Ticket]:
    """The first is merged into the second, in what follows; both are Maria's."""
    first = await house.open_ticket(visitor, email=MARIA, subject="Tent", description="It leaks.")
    second = await house.open_ticket(visitor, email=MARIA, subject="Tent again", description="Still leaks.")
    return first, second


async def merge(
    house: House, ticket: Ticket, into: Ticket, *, two_people: bool = False, at: float = -1
) -> Ticket:
    """So many minutes after START, or now."""

    def unit(tx: Tx) -> Ticket:
        with clock.at(START + timedelta(minutes=at)) if at >= 0 else nullcontext():
            return merging.merge(tx, ticket.ticket_id, into.ticket_id, two_people=two_people)

    return await house.db.write(ada(house), unit)


async def refusal(house: House, ticket: Ticket, into: Ticket) -> str:
    with pytest.raises(Invalid) as refused:
        await merge(house, ticket, into, two_people=True)
    return str(refused.value.problems["into"])


async def tell(house: House, lines: list[tuple[Ticket, str, float]]) -> None:
    """Each line so many minutes after START; one that begins with "note" is a note."""
    agent = ada(house)

    def say(tx: Tx) -> None:
        for ticket, text, minutes in lines:
            customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
            note = text.startswith("note")
            act = tickets.add_note if note else tickets.send_message
            with clock.at(START + timedelta(minutes=minutes)):
                act(tx.acting_as(agent if note else customer), ticket.ticket_id, text, uuid4())

    await house.db.write(Actor.system(house.workspace.workspace_id), say)


def texts_of(page: str) -> list[str]:
    """Without those of templates, which are empty."""
    return [text for text in _BODY.findall(page) if text]


async def said(house: House, ticket: Ticket) -> list[str]:
    history = await house.as_system(chat.history, ticket.chat_room_id)
    return [message.content for message in history.messages]


async def test_the_kept_ticket_shows_both_histories_by_time_and_scrolling_back_leaves_nothing_out(
    house: House, desk: Browser, two: tuple[Ticket, Ticket]
) -> None:
    first, second = two
    lines = [(two[n % 3 == 0], f"note {n}" if n % 5 == 0 else f"word {n}", float(n)) for n in range(70)]
    await tell(house, lines)
    await merge(house, first, second, at=70)
    page = await desk.get(place(house, second))
    texts, pages = texts_of(page.text), 1
    while older := _OLDER.findall(page.text)[0]:
        page = await desk.get(from_there(page, older))
        texts, pages = texts_of(page.text) + texts, pages + 1

    assert texts == ["It leaks.", "Still leaks.", *(text for _, text, _ in lines)]
    assert pages >= 3
    assert f"merged this ticket into #{second.number}" not in (await desk.get(place(house, second))).text
    assert f'<span class="message-merged">#{first.number}</span>' in page.text


async def test_a_merge_moves_no_message_and_tells_both_rooms(
    house: House, two: tuple[Ticket, Ticket]
) -> None:
    first, second = two
    before = await said(house, first), await said(house, second)
    await merge(house, first, second)

    assert await said(house, first) == [*before[0], "status:closed", f"merged_into:{second.number}"]
    assert await said(house, second) == [*before[1], f"merged:{first.number}"]
    assert (await now(house, first)).status is Status.CLOSED


async def test_the_customer_hears_of_it_by_mail_and_goes_on_from_the_old_page(
    house: House, visitor: Browser, two: tuple[Ticket, Ticket]
) -> None:
    first, second = two
    await mails(house, MARIA, count=2)
    await merge(house, first, second)
    mail = (await mails(house, MARIA, count=3))[-1]
    here = f"/support/acme/ticket/{first.ticket_id}"
    page = await visitor.get(here)
    went = await visitor.submit(f"{here}/merged", {}, page=here)

    assert f"goes on (#{second.number})" in mail["Subject"]
    assert "/access#" in text_of(mail)
    assert f"This ticket was merged into #{second.number}" in page.text
    assert went.headers["location"] == f"/support/acme/ticket/{second.ticket_id}/chat"


async def test_its_mail_goes_where_the_customer_asks_for_answers(
    house: House, two: tuple[Ticket, Ticket]
) -> None:
    """The link leads into the kept ticket: it goes where that one's do."""
    first, second = two
    await mails(house, MARIA, 2)
    for ticket, reply_to in ((first, "mallory@example.net"), (second, BOSS)):
        arrived = Arrived(f"<{ticket.number}@example.com>", reply_to=reply_to)
        await house.as_system(threads.came_by_mail, ticket.ticket_id, arrived, believed=True)
    await merge(house, first, second)
    [mail] = await mails(house, BOSS)

    assert "/access#" in text_of(mail)
    assert delivered(house, "mallory@example.net") == []


async def test_who_is_another_customer_is_told_where_their_own_ticket_asks_for_answers(
    house: House, visitor: Browser, two: tuple[Ticket, Ticket]
) -> None:
    theirs = await house.open_ticket(visitor, email="tom@example.com", subject="Tent", description="Me, too.")
    await mails(house, "tom@example.com")
    arrived = Arrived("<tom@example.com>", reply_to=BOSS)
    await house.as_system(threads.came_by_mail, theirs.ticket_id, arrived, believed=True)
    await merge(house, theirs, two[1], two_people=True)
    [told] = await mails(house, BOSS)

    assert "goes on" in told["Subject"]
    assert "/access#" not in text_of(told)


async def test_undoing_gives_both_back_as_they_were_and_leaves_what_was_said_meanwhile(
    house: House, two: tuple[Ticket, Ticket]
) -> None:
    first, second = two
    was = await now(house, first)
    await merge(house, first, second)
    await customer_says(house, second, "Meanwhile.")
    alone = await house.db.write(ada(house), merging.undo, first.ticket_id)
    again = await house.db.write(ada(house), merging.undo, first.ticket_id)

    assert was.status is Status.NEW
    assert (alone.status, alone.merged_into, again.version) == (Status.OPEN, None, alone.version)
    assert "Meanwhile." in await said(house, second)
    assert await house.as_system(merging.gathered, await now(house, second)) == []
    assert (await said(house, first))[-2:] == [f"unmerged:{second.number}", "status:reopened"]
    assert await customer_says(house, alone, "Here again.")


@pytest.mark.parametrize(("aside", "status"), [(True, Status.OPEN), (False, Status.PENDING)])
async def test_what_was_put_aside_is_open_after_undoing_and_what_waited_for_its_customer_waits_on(
    house: House, two: tuple[Ticket, Ticket], aside: bool, status: Status
) -> None:
    """Nothing would bring it back on its day any more."""
    first, second = two

    def pending(tx: Tx) -> None:
        if aside:
            snoozing.put_aside(tx, [first], clock.now() + timedelta(days=3))
        else:
            tickets.update_ticket_status(tx, first.ticket_id, Status.PENDING, seen_version=first.version)

    await house.db.write(ada(house), pending)
    await merge(house, first, second)

    assert (await house.db.write(ada(house), merging.undo, first.ticket_id)).status is status


async def test_two_people_are_merged_by_those_who_know_it_and_neither_reads_the_others_words(
    house: House, desk: Browser, visitor: Browser, two: tuple[Ticket, Ticket]
) -> None:
    _, second = two
    other = house.browser("127.0.0.2")
    theirs = await house.open_ticket(other, email=BOSS, description="A secret of mine.")
    here = place(house, theirs)
    page = await desk.get(f"{here}/merge?into={second.ticket_id}")
    form = {"into": str(second.ticket_id)}
    refused = await desk.submit(f"{here}/merge", form, page=f"{here}/merge?into={second.ticket_id}")
    done = await desk.submit(
        f"{here}/merge", {**form, "people": "yes"}, page=f"{here}/merge?into={second.ticket_id}"
    )
    [mail] = [each for each in await mails(house, BOSS, count=2) if "goes on" in each["Subject"]]
    marias = await visitor.get(f"/support/acme/ticket/{second.ticket_id}/chat")
    boss = await other.get(f"/support/acme/ticket/{theirs.ticket_id}/chat")
    in_vain = await other.submit(
        f"/support/acme/ticket/{theirs.ticket_id}/merged", {}, page=str(boss.url.path)
    )

    assert "These are two people" in page.text
    assert (refused.status_code, done.status_code) == (422, 303)
    assert await house.as_system(participants.of_ticket, second.ticket_id) == [BOSS]
    assert "/access#" not in text_of(mail)
    assert "A secret of mine." not in marias.text
    assert f"#{theirs.number}" not in marias.text
    assert "Still leaks." not in boss.text
    assert in_vain.status_code == 404

    await house.db.write(ada(house), merging.undo, theirs.ticket_id)
    assert await house.as_system(participants.of_ticket, second.ticket_id) == []


async def test_each_thing_that_cannot_be_merged_is_said(
    house: House, visitor: Browser, two: tuple[Ticket, Ticket]
) -> None:
    first, second = two
    third = await house.open_ticket(visitor, email=MARIA, description="A third one.")
    assert await refusal(house, first, first) == "same"
    await merge(house, first, second)
    assert await refusal(house, first, third) == "merged_already"
    assert await refusal(house, third, first) == "merged"
    assert await refusal(house, second, first) == "merged"
    await merge(house, second, third)
    assert [each.number for each in await house.as_system(merging.gathered, await now(house, third))] == [
        first.number,
        second.number,
    ]
    stands = await now(house, third)
    await house.db.write(
        ada(house), tickets.update_ticket_status, third.ticket_id, Status.CLOSED, seen_version=stands.version
    )
    fourth = await house.open_ticket(visitor, email=MARIA, description="A fourth one.")
    assert await refusal(house, fourth, third) == "closed"
    with pytest.raises(TicketMerged):
        await house.db.write(ada(house), tickets.add_note, first.ticket_id, "A note.", uuid4())
    version = (await now(house, first)).version
    reopen = partial(tickets.update_ticket_status, status=Status.OPEN, seen_version=version)
    with pytest.raises(TicketMerged):
        await house.db.write(ada(house), reopen, first.ticket_id)


async def test_of_two_merges_in_a_circle_at_once_one_is_done(
    house: House, two: tuple[Ticket, Ticket]
) -> None:
    first, second = two
    done = await asyncio.gather(
        merge(house, first, second), merge(house, second, first), return_exceptions=True
    )

    assert sorted(isinstance(each, Invalid) for each in done) == [False, True]
    joined = [(await now(house, each)).merged_into for each in two]
    assert joined.count(None) == 1


async def test_a_customer_who_waits_in_the_merged_ticket_waits_in_the_kept_one(
    house: House, two: tuple[Ticket, Ticket]
) -> None:
    first, second = two
    stands = await now(house, second)
    await house.db.write(
        ada(house), tickets.send_message, second.ticket_id, "Which tent?", uuid4(), then=Status.PENDING
    )
    assert (await now(house, second)).waiting_since is None
    await merge(house, first, second)
    kept = await now(house, second)

    assert (kept.status, kept.waiting_since) == (Status.OPEN, (await now(house, first)).waiting_since)
    assert stands.waiting_since


async def bring(house: House, raw: bytes) -> Ticket:
    await Arrivals(house.db, house.app.parlour.files.store).accept(raw, [SUPPORT])
    async with asyncio.timeout(60):
        while (newest := (await house.as_system(mailroom.ledger)).mails[0]).outcome is Outcome.WAITING:
            await asyncio.sleep(0.01)
    assert newest.ticket_id
    return await house.as_system(tickets.ticket, newest.ticket_id)


def written(message_id: str, **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = MARIA, SUPPORT, "Tent", message_id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(f"In words of {message_id}.")
    return mail.as_bytes()


async def test_mails_about_the_merged_ticket_come_into_the_kept_one(house: House, desk: Browser) -> None:
    await house.as_system(mailboxes.add, SUPPORT)
    first, second = await bring(house, written("<one@x>")), await bring(house, written("<two@x>"))
    here = place(house, first)
    await desk.submit(f"{here}/chat", words("Which tent?"), page=here)
    ours = (await mails(house, MARIA, count=3))[-1]
    await merge(house, first, second)

    by_ours = await bring(house, written("<three@x>", In_Reply_To=str(ours["Message-ID"])))
    by_theirs = await bring(house, written("<four@x>", References="<one@x>"))
    assert [by_ours.number, by_theirs.number] == [second.number, second.number]

    await house.db.write(ada(house), merging.undo, first.ticket_id)
    apart = await bring(house, written("<five@x>", References="<one@x>"))
    assert apart.number == first.number


async def test_the_page_finds_the_other_ticket_by_its_number_shows_it_and_offers_to_undo(
    house: House, desk: Browser, two: tuple[Ticket, Ticket]
) -> None:
    first, second = two
    here = place(house, first)
    offered = await desk.get(f"{here}/merge")
    found = await desk.get(f"{here}/merge?q=%23{second.number}")
    assert f"into={second.ticket_id}" in offered.text
    assert f"into={second.ticket_id}" in found.text
    page = f"{here}/merge?into={second.ticket_id}"
    assert "Still leaks." in (await desk.get(page)).text
    done = await desk.submit(f"{here}/merge", {"into": str(second.ticket_id)}, page=page)
    assert done.headers["location"] == place(house, second)
    merged, kept = (await desk.get(here)).text, (await desk.get(place(house, second))).text
    assert "Undo the merge" in merged
    assert "composer-content" not in merged
    assert "Merged into this ticket" in kept
    undone = await desk.submit(f"{here}/merge/undo", {}, page=here)
    assert undone.headers["location"] == here
    assert "Undo the merge" not in (await desk.get(here)).text


async def test_no_ticket_of_another_workspace_is_found(house: House, two: tuple[Ticket, Ticket]) -> None:
    first, second = two
    stranger = Actor.system(uuid4())
    with pytest.raises(DomainError):
        await house.db.write(stranger, merging.merge, first.ticket_id, second.ticket_id)
    with pytest.raises(Invalid):
        await house.db.write(ada(house), merging.merge, first.ticket_id, uuid4())
