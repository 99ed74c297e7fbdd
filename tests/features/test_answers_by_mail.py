"""An answer that the customer does not see in the room goes by mail, ten minutes later and once."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.moments import AT_ONCE
from parlour.db.outbox import Job
from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.models import Draft, Ticket
from parlour.features.tickets.service import UNSEEN_REPLIES
from parlour.kernel.access import Actor
from parlour.kernel.secrets import new_secret
from tests.house import Browser, House
from tests.jobs import are_due, time_passes
from tests.mailbox import delivered, mails, text_of
from tests.tickets import place, words

MARIA = "maria@example.com"
AWHILE = timedelta(minutes=20)


async def answered_a_while_ago(house: House, visitor: Browser, desk: Browser, *answers: str) -> Ticket:
    """A ticket whose answers are old enough to be mailed, among notes that never are."""
    ticket = await house.open_ticket(visitor)
    await nothing_is_due(house)
    await answer_a_while_ago(house, desk, ticket, *answers)
    return ticket


async def answer_a_while_ago(house: House, desk: Browser, ticket: Ticket, *answers: str) -> None:
    here = place(house, ticket)
    await desk.submit(f"{here}/notes", words("He is a partner of ours."), page=here)
    for answer in answers:
        await desk.submit(f"{here}/chat", words(answer), page=here)
    await desk.submit(f"{here}/notes", words("He is rather impatient."), page=here)
    await time_passes(house.db, AWHILE)


async def the_post_has_gone(house: House) -> None:
    await house.open_ticket(house.browser("127.0.0.8"), email="someone@example.com")  # wakes the worker
    await nothing_is_due(house)


async def nothing_is_due(house: House) -> None:
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)


def answers_to(house: House, address: str) -> list[str]:
    """The texts of the mails that hold answers."""
    texts = [text_of(mail) for mail in delivered(house, address)]
    return [text for text in texts if "on its way" in text or "tomorrow" in text]


async def due_jobs(house: House) -> list[Job]:
    """The jobs that are about answers, claimed as by a worker that dies at once."""

    def claim(tx: Tx) -> list[Job]:
        jobs = outbox.claim(tx, Lane.MAIL, lease=AT_ONCE, limit=9)
        return [job for job in jobs if job.kind == UNSEEN_REPLIES]

    return await house.db.write(Actor.system(), claim)


async def found_by(house: House, job: Job) -> list[str]:
    unseen = await house.as_system(access.unseen_replies, job, new_secret())
    return [message.content for message in unseen.messages] if unseen else []


async def test_what_was_said_to_the_customer_is_mailed_and_no_note(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """The worker meets both answers' jobs at once: one mail holds both."""
    await answered_a_while_ago(house, visitor, desk, "It is on its way.", "It arrives tomorrow.")
    await the_post_has_gone(house)
    [text] = answers_to(house, MARIA)

    assert text.index("It is on its way.") < text.index("It arrives tomorrow.")
    assert not [
        mail for mail in delivered(house, MARIA) if "partner" in str(mail) or "impatient" in str(mail)
    ]


async def test_notes_alone_are_no_mail(house: House, visitor: Browser, desk: Browser) -> None:
    await answered_a_while_ago(house, visitor, desk)
    await the_post_has_gone(house)

    assert len(await mails(house, MARIA)) == 1


async def test_what_the_customer_has_read_in_the_room_is_not_mailed(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await answered_a_while_ago(house, visitor, desk, "It is on its way.")
    maria = Actor.customer(ticket.workspace_id, ticket.ticket_id, MARIA)
    room = await house.as_system(chat.history, ticket.chat_room_id, limit=1)
    await house.db.write(maria, chat.mark_read, ticket.chat_room_id, room.room.last_seq)
    await the_post_has_gone(house)

    assert answers_to(house, MARIA) == []


async def test_a_mail_that_could_not_be_sent_holds_the_same_when_it_is_tried_again(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await nothing_is_due(house)
    await house.app.parlour.worker.stop()
    await answer_a_while_ago(house, desk, ticket, "It is on its way.", "It arrives tomorrow.")

    first, second = await due_jobs(house)
    both = ["It is on its way.", "It arrives tomorrow."]
    assert [await found_by(house, first), await found_by(house, second)] == [both, []]
    await desk.submit(f"{place(house, ticket)}/chat", words("Has it come?"), page=place(house, ticket))
    again, other = await due_jobs(house)

    assert [await found_by(house, again), await found_by(house, other)] == [both, ["Has it come?"]]


async def test_a_later_answer_is_mailed_without_the_earlier_one(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await answered_a_while_ago(house, visitor, desk, "It is on its way.")
    await the_post_has_gone(house)
    await answer_a_while_ago(house, desk, ticket, "It arrives tomorrow.")
    await the_post_has_gone(house)
    first, second = answers_to(house, MARIA)

    assert "It is on its way." in first
    assert "It is on its way." not in second
    assert "It arrives tomorrow." in second


async def test_what_a_mail_does_not_hold_is_counted_and_leads_to_the_conversation(
    house: House, visitor: Browser, desk: Browser
) -> None:
    steps = [f"Step {number} of the repair tomorrow." for number in range(1, 14)]
    await answered_a_while_ago(house, visitor, desk, *steps)
    await the_post_has_gone(house)
    [text] = answers_to(house, MARIA)

    assert [step for step in steps if step in text] == steps[3:]
    assert "3 earlier messages are not in this mail. They are in the conversation:\nhttp" in text
    assert text.index("3 earlier messages") < text.index(steps[3])


async def test_a_mail_that_holds_everything_counts_nothing(
    house: House, visitor: Browser, desk: Browser
) -> None:
    await answered_a_while_ago(house, visitor, desk, *(f"Step {n} tomorrow." for n in range(1, 11)))
    await the_post_has_gone(house)
    [text] = answers_to(house, MARIA)

    assert "not in this mail" not in text


async def test_an_answer_behind_six_hundred_messages_of_the_customers_is_mailed(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    maria = Actor.customer(ticket.workspace_id, ticket.ticket_id, MARIA)
    for number in range(600):
        await house.db.write(maria, tickets.send_message, ticket.ticket_id, f"And {number}.", uuid4())
    await nothing_is_due(house)
    await answer_a_while_ago(house, desk, ticket, "It is on its way.")
    await the_post_has_gone(house)

    assert len(answers_to(house, MARIA)) == 1


async def test_tickets_that_a_mail_has_no_room_for_are_counted(house: House) -> None:
    portal = Actor.visitor(house.workspace.workspace_id)
    for number in range(22):
        draft = Draft(f"Parcel {number}", "It is late.", MARIA, uuid4())
        await house.db.write(portal, tickets.open_ticket, draft)
    await nothing_is_due(house)
    await house.db.write(portal, access.ask_for_links, MARIA)
    await nothing_is_due(house)
    [text] = [text for text in map(text_of, delivered(house, MARIA)) if "You asked for fresh links" in text]

    assert text.count("Code:") == 20
    assert "2 older tickets of yours are not in this mail." in text
