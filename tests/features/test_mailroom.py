"""Mail that comes in becomes a ticket, a word in one, or a line of the ledger: exactly one of these, once."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from uuid import UUID, uuid5

import pytest
from sqlalchemy import func, select

from parlour import worker
from parlour.db.database import Tx
from parlour.db.moments import AT_ONCE
from parlour.db.schema import outbox
from parlour.features.chat import service as chat
from parlour.features.files.models import MESSAGE_FILES
from parlour.features.mailroom import service as ledger
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.jobs import OUT_OF_REACH, TRIES
from parlour.features.mailroom.models import Arrival, Mail, Outcome
from parlour.features.mailroom.sorting import CONFIRMED
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Status, Ticket
from parlour.features.tickets.participants import service as participants
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.mailboxes.service import AddressTaken
from parlour.files.store import FileStore
from parlour.kernel import clock
from parlour.kernel.access import Actor
from tests.house import Browser, House
from tests.jobs import are_due
from tests.mailbox import delivered, mails, text_of
from tests.tickets import place, words

SUPPORT = "support@acme.example"
MARIA = "maria@example.com"
NOBODYS = "nobody@acme.example"

ON_ONE_LINE = policy.SMTP.clone(max_line_length=998)
"""As mail programs leave the Message-IDs of others."""

Bring = Callable[..., Awaitable[Mail]]


def written(text: str = "My tent leaks.", *, sender: str = MARIA, **headers: str) -> EmailMessage:
    """A mail as a person's program writes it; `headers` by their names, with _ for -."""
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Maria Weber <{sender}>", SUPPORT
    for name, value in {"Subject": "Tent", "Message-ID": "<first@example.com>", **headers}.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


@pytest.fixture
def files(house: House) -> FileStore:
    return FileStore.at(house.app.parlour.settings.files_url)


@pytest.fixture
async def bring(house: House, files: FileStore) -> Bring:
    """Hands a mail over and waits until it was read; its line of the ledger."""
    await house.as_system(mailboxes.add, SUPPORT)

    async def bring(mail: EmailMessage | bytes, to: str = SUPPORT) -> Mail:
        raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=ON_ONE_LINE)
        assert await Arrivals(house.db, files).accept(raw, [to])
        async with asyncio.timeout(30):
            while (newest := (await house.as_system(ledger.ledger)).mails[0]).outcome is Outcome.WAITING:
                await asyncio.sleep(0.01)
        return newest

    return bring


async def ticket_of(house: House, mail: Mail) -> Ticket:
    assert mail.ticket_id
    return await house.as_system(tickets.ticket, mail.ticket_id)


async def said_in(house: House, ticket: Ticket) -> list[tuple[str, str]]:
    """Who said what in the public room."""

    def read(tx: Tx, room_id: UUID) -> list[tuple[str, str]]:
        found = chat.history(tx, room_id).messages
        return [(each.sender_id, each.content) for each in found if each.sender_type != "system"]

    return await house.as_system(read, ticket.chat_room_id)


async def test_a_mail_opens_a_ticket_and_its_sender_is_told(house: House, bring: Bring) -> None:
    mail = await bring(written())
    ticket = await ticket_of(house, mail)

    assert (mail.outcome, mail.sender, mail.subject) == (Outcome.OPENED, MARIA, "Tent")
    assert (ticket.subject, ticket.email, ticket.status) == ("Tent", MARIA, Status.NEW)
    assert await said_in(house, ticket) == [(MARIA, "My tent leaks.")]
    [confirmation] = await mails(house, MARIA)
    assert confirmation["Reply-To"] == SUPPORT
    assert confirmation["In-Reply-To"] == confirmation["References"] == "<first@example.com>"


async def test_a_subject_that_is_too_long_ends_with_a_whole_sign(house: House, bring: Bring) -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
    mail = await bring(written(Subject=f"{'Tent ' * 39}tent {family}"))

    assert (await ticket_of(house, mail)).subject == f"{'Tent ' * 39}tent"


async def test_an_answer_goes_out_at_once_and_its_answer_comes_back_into_the_room(
    house: House, bring: Bring, desk: Browser
) -> None:
    ticket = await ticket_of(house, await bring(written()))
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("Which tent is it?"), page=here)
    _, answer = await mails(house, MARIA, 2)

    assert "Which tent is it?" in text_of(answer)
    assert "You can also answer this mail." in text_of(answer)
    assert (answer["Subject"], answer["Auto-Submitted"]) == ("Re: Tent", "no")

    quoted = f"The blue one.\n\nOn Friday, Acme wrote:\n> {text_of(answer).splitlines()[0]}\n"
    reply = written(quoted, Message_ID="<second@example.com>", In_Reply_To=answer["Message-ID"])
    mail = await bring(reply)

    assert (mail.outcome, mail.ticket_id) == (Outcome.ADDED, ticket.ticket_id)
    assert (await said_in(house, ticket))[-1] == (MARIA, "The blue one.")


async def test_a_machine_without_marks_that_answers_our_mails_by_new_ones_comes_to_an_end(
    house: House, bring: Bring
) -> None:
    """As a desk does that quotes no number of ours: each confirmation is a new matter there."""
    answered = 0
    while len(delivered(house, MARIA)) == answered and answered <= CONFIRMED:
        mail = await bring(written(Subject="Your case", Message_ID=f"<{answered}@example.com>"))
        async with asyncio.timeout(30):
            while await house.db.read(Actor.system(), are_due):
                await asyncio.sleep(0.02)
        answered += 1

    assert (mail.outcome, answered) == (Outcome.OPENED, CONFIRMED + 1)
    assert len(delivered(house, MARIA)) == CONFIRMED
    assert mail.reason == "It opened one of more than 10 tickets in a day, and was not confirmed."


async def test_who_writes_in_the_room_again_is_mailed_only_when_away(
    house: House, bring: Bring, desk: Browser, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor, email=MARIA)
    await bring(written(Subject=f"Re: Tent [#{ticket.number}]"))
    room = f"/support/acme/ticket/{ticket.ticket_id}/chat"
    await visitor.submit(room, words("Here I am."), page=room)
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("Hello!"), page=here)
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)

    assert len(await mails(house, MARIA)) == 1


async def test_the_capitals_of_an_address_make_nobody_else_of_its_sender(house: House, bring: Bring) -> None:
    ticket = await ticket_of(house, await bring(written()))
    again = written(
        "And the poles, too.",
        sender="Maria@EXAMPLE.com",
        Subject=f"Re: Tent [#{ticket.number}]",
        Message_ID="<second@example.com>",
    )

    assert (await bring(again)).ticket_id == ticket.ticket_id
    assert (await said_in(house, ticket))[-1] == (MARIA, "And the poles, too.")


@pytest.mark.parametrize("again", ["the same bytes", "by another way"])
async def test_the_same_mail_twice_is_one_message(house: House, bring: Bring, again: str) -> None:
    first = await bring(written())
    other = written()
    if again == "by another way":
        other["Received"] = "from somewhere else"
    second = await bring(other)

    assert (second.outcome, second.ticket_id) == (Outcome.DUPLICATE, first.ticket_id)
    assert len(await said_in(house, await ticket_of(house, first))) == 1


async def test_a_mail_to_two_of_our_addresses_is_one_ticket_and_the_ledger_names_both(
    house: House, bring: Bring, files: FileStore
) -> None:
    """Another workspace that it went to, too, has a ticket of its own."""
    sales, theirs = "sales@acme.example", "help@other.example"
    there = Actor.system(house.other.workspace_id)
    await house.as_system(mailboxes.add, sales)
    await house.db.write(there, mailboxes.add, theirs)
    mail = written(To=f"{SUPPORT}, {sales}, {theirs}")
    first, second = await bring(mail), await bring(mail, sales)
    await Arrivals(house.db, files).accept(mail.as_bytes(), [theirs])
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)
    [other] = (await house.db.read(there, ledger.ledger)).mails

    assert (first.outcome, second.outcome) == (Outcome.OPENED, Outcome.DUPLICATE)
    assert (second.address, second.ticket_id) == (sales, first.ticket_id)
    assert (other.outcome, other.ticket_id == first.ticket_id) == (Outcome.OPENED, False)


@pytest.mark.parametrize("part", ["text/vnd.google.email-reaction+json", "text/plain"])
async def test_an_emoji_for_an_answer_is_no_word_and_reopens_nothing(
    house: House, bring: Bring, desk: Browser, part: str
) -> None:
    ticket = await ticket_of(house, await bring(written()))
    here = place(house, ticket)
    await desk.submit(f"{here}/status", {"status": "resolved", "version": str(ticket.version)}, page=here)
    [*_, answer] = await mails(house, MARIA)
    emoji = '{"version": 1, "emoji": "👍"}' if "json" in part else "👍"
    shown = "" if "json" in part else "Content-Disposition: reaction\r\n"
    raw = (
        f"From: {MARIA}\r\nTo: {SUPPORT}\r\nSubject: Re: Tent\r\nMessage-ID: <thumb@example.com>\r\n"
        f"In-Reply-To: {answer['Message-ID']}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n👍\r\n"
        f"--b\r\nContent-Type: {part}; charset=utf-8\r\n{shown}\r\n{emoji}\r\n--b--\r\n"
    )
    reacted = await bring(raw.encode())
    after = await ticket_of(house, reacted)

    assert (reacted.outcome, reacted.ticket_id) == (Outcome.AUTOMATIC, ticket.ticket_id)
    assert after.status is Status.RESOLVED
    assert [said for _, said in await said_in(house, after)] == ["My tent leaks."]


async def test_two_mails_at_once_are_one_ticket(house: House, bring: Bring, files: FileStore) -> None:
    arrivals, raw = Arrivals(house.db, files), written().as_bytes()
    await asyncio.gather(*(arrivals.accept(raw, [SUPPORT]) for _ in range(5)))
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)
    found = [each.outcome for each in (await house.as_system(ledger.ledger)).mails]

    assert sorted(found) == [*[Outcome.DUPLICATE] * 4, Outcome.OPENED]


@pytest.mark.parametrize(
    ("mail", "outcome"),
    [
        (written(Auto_Submitted="auto-replied"), Outcome.AUTOMATIC),
        (written(Precedence="bulk", List_Id="<news.example.com>"), Outcome.AUTOMATIC),
        (written(sender=SUPPORT), Outcome.LOOP),
        (written(In_Reply_To="<0192e4a0-0000-7000-8000-000000000000@localhost>"), Outcome.OPENED),
        (written(In_Reply_To="<0192e4a0-0000-7000-8000-000000000000@parlour.test>"), Outcome.QUARANTINED),
        (b"not a mail at all", Outcome.QUARANTINED),
        (b"", Outcome.QUARANTINED),
    ],
    ids=["away", "list", "our own", "another house's", "about no ticket", "no mail", "nothing"],
)
async def test_what_no_person_wrote_to_us_opens_nothing(
    house: House, bring: Bring, mail: EmailMessage | bytes, outcome: Outcome
) -> None:
    found = await bring(mail)

    assert (found.outcome, found.ticket_id is None) == (outcome, outcome is not Outcome.OPENED)
    assert found.reason or outcome is Outcome.OPENED


GROUP = {
    "List_ID": "<support.acme.example>",
    "List_Unsubscribe": "<mailto:googlegroups-manage+1+unsubscribe@googlegroups.com>",
    "Precedence": "list",
}


@pytest.mark.parametrize(
    "way",
    [
        {"List_Post": f"<https://groups.google.com/a/acme.example/group/support/post>, <mailto:{SUPPORT}>"},
        {},
        {
            "From": f"'Maria Weber' via Support <{SUPPORT}>",
            "X_Original_From": f"Maria Weber <{MARIA}>",
            "Reply_To": f"Maria Weber <{MARIA}>",
        },
        {"From": f"Maria Weber via Support <{SUPPORT}>", "Reply_To": f"Support <{SUPPORT}>, Maria <{MARIA}>"},
    ],
)
async def test_a_group_at_our_own_address_hands_on_what_people_write(
    house: House, bring: Bring, way: dict[str, str]
) -> None:
    mail = await bring(written(**GROUP, **way))

    assert (mail.outcome, mail.sender, mail.verified) == (Outcome.OPENED, MARIA, False)
    assert (await ticket_of(house, mail)).email == MARIA
    [confirmation] = await mails(house, MARIA)
    assert confirmation["In-Reply-To"] == "<first@example.com>"


@pytest.mark.parametrize(
    ("way", "outcome"),
    [
        ({"List_ID": "<news.elsewhere.example>"}, Outcome.AUTOMATIC),
        ({"List_Post": "<mailto:news@elsewhere.example>"}, Outcome.AUTOMATIC),
        ({"Auto_Submitted": "auto-replied"}, Outcome.AUTOMATIC),
        ({"From": f"Support <{SUPPORT}>"}, Outcome.LOOP),
    ],
)
async def test_of_any_other_list_and_of_machines_behind_our_own_nothing_opens(
    bring: Bring, way: dict[str, str], outcome: Outcome
) -> None:
    assert (await bring(written(**{**GROUP, **way}))).outcome is outcome


FORM = {"From": f"Acme's website <{SUPPORT}>", "Reply_To": f"Maria Weber <{MARIA}>"}


@pytest.mark.parametrize("to", [SUPPORT, "support+web@acme.example"])
@pytest.mark.parametrize("sender", [SUPPORT, "wordpress@acme.example", "No-Reply@Acme.example"])
async def test_what_a_form_of_our_own_site_sends_is_its_visitors(
    house: House, bring: Bring, sender: str, to: str
) -> None:
    mail = await bring(written(**{**FORM, "From": f"Acme's website <{sender}>", "To": to}))
    ticket = await ticket_of(house, mail)

    assert (mail.outcome, mail.sender, mail.verified) == (Outcome.OPENED, MARIA, False)
    assert (ticket.email, await said_in(house, ticket)) == (MARIA, [(MARIA, "My tent leaks.")])
    [confirmation] = await mails(house, MARIA)
    assert confirmation["Reply-To"] == SUPPORT


async def test_a_form_whose_visitor_is_ourselves_goes_round_in_no_circle(house: House, bring: Bring) -> None:
    """As where the address that was typed leads back to us."""
    await bring(written(**FORM))
    [confirmation] = await mails(house, MARIA)
    for name, value in (("From", SUPPORT), ("To", SUPPORT), ("Reply-To", MARIA)):
        del confirmation[name]
        confirmation[name] = value

    assert (await bring(confirmation)).outcome is Outcome.LOOP
    del confirmation["Message-ID"]  # some servers write another one
    assert (await bring(confirmation)).outcome is Outcome.LOOP


@pytest.mark.parametrize(
    "other",
    [
        {"To": MARIA, "Cc": SUPPORT},
        {"Reply_To": SUPPORT},
        {"Reply_To": "none"},
        {"Auto_Submitted": "auto-generated"},
    ],
    ids=["an agent's own answer", "back to us", "back to nobody", "a machine's"],
)
async def test_anything_else_from_our_own_address_is_our_own(bring: Bring, other: dict[str, str]) -> None:
    assert (await bring(written(**{**FORM, **other}))).outcome is Outcome.LOOP


@pytest.mark.parametrize("sender", ["noreply@elsewhere.example", "bob@acme.example"])
async def test_whom_others_ask_to_be_answered_stays_no_more_than_an_address(
    house: House, bring: Bring, sender: str
) -> None:
    mail = await bring(written(**{**FORM, "From": sender}))

    assert (await ticket_of(house, mail)).email == sender
    assert len(await mails(house, MARIA)) == 1


async def test_who_answers_through_our_own_group_is_heard_as_who_wrote(house: House, bring: Bring) -> None:
    ticket = await ticket_of(house, await bring(written()))
    [confirmation] = await mails(house, MARIA)
    rewritten = {
        "From": f"'Maria Weber' via Support <{SUPPORT}>",
        "X_Original_From": f"Maria Weber <{MARIA}>",
    }
    answer = {"Message_ID": "<2@example.com>", "In_Reply_To": confirmation["Message-ID"]}
    mail = await bring(written("The blue one.", **GROUP, **rewritten, **answer))

    assert (mail.outcome, mail.ticket_id, mail.sender) == (Outcome.ADDED, ticket.ticket_id, MARIA)


async def test_who_answers_by_a_program_that_calls_itself_a_list_is_heard(house: House, bring: Bring) -> None:
    ticket = await ticket_of(house, await bring(written()))
    [confirmation] = await mails(house, MARIA)
    ways_out = {
        "List_Unsubscribe": "<https://crm.example/u/1>",
        "List_Unsubscribe_Post": "List-Unsubscribe=One-Click",
    }
    answer = {"Message_ID": "<2@example.com>", "In_Reply_To": confirmation["Message-ID"]}
    mail = await bring(written("The blue one.", **ways_out, **answer))

    assert (mail.outcome, mail.ticket_id) == (Outcome.ADDED, ticket.ticket_id)


async def test_two_people_whose_mails_bear_the_same_message_id_are_both_heard(
    house: House, bring: Bring
) -> None:
    """As the mails of some forms and machines do. Each that comes again came before."""
    first, other = written(), written("My stove smokes.", sender="karl@example.com")
    found = [await bring(each) for each in (first, other, other, first)]

    assert [each.outcome for each in found] == [*[Outcome.OPENED] * 2, *[Outcome.DUPLICATE] * 2]
    assert found[2].ticket_id == found[1].ticket_id != found[0].ticket_id == found[3].ticket_id
    assert (await ticket_of(house, found[1])).email == "karl@example.com"


async def test_other_words_under_the_same_message_id_are_said_once_somebody_lets_them(
    house: House, bring: Bring, desk: Browser
) -> None:
    """As a form's that gives all of its mails the same one. What a list adds says nothing else."""
    first = await bring(written())
    second = await bring(written("My stove smokes."))
    with_footer = await bring(written("My tent leaks.\n\n_______\nTent mailing list"))
    here = f"/workspace/{house.workspace.workspace_id}/mail"
    page = (await desk.get(here)).text
    await desk.submit(f"{here}/{second.mail_id}/release", {"release": "now"}, page=here)
    async with asyncio.timeout(30):
        while (now := await house.as_system(ledger.mail, second.mail_id)).outcome is Outcome.WAITING:
            await asyncio.sleep(0.01)

    assert (second.outcome, with_footer.outcome) == (Outcome.QUARANTINED, Outcome.DUPLICATE)
    assert "It bears the Message-ID of a mail that its sender sent before" in page
    assert f"{second.mail_id}/release" in page
    assert (now.outcome, now.ticket_id == first.ticket_id) == (Outcome.OPENED, False)
    assert await said_in(house, await ticket_of(house, now)) == [(MARIA, "My stove smokes.")]


HANDED_ON = """Please refund it.

Begin forwarded message:

From: Shop <shop@example.org>
Subject: Your order 4711
Date: 27 November 2026 at 10:00
To: Maria

A tent, 2 persons.
"""


@pytest.mark.parametrize("subject", ["Fwd: Your order 4711", "WG: Bestellung", "TR : Commande", "轉寄: 訂單"])
async def test_what_somebody_hands_on_to_us_is_shown_with_their_words(
    house: House, bring: Bring, subject: str
) -> None:
    ticket = await ticket_of(house, await bring(written(HANDED_ON, Subject=subject)))

    [(_, said)] = await said_in(house, ticket)
    assert said == HANDED_ON.strip()


async def test_our_own_mail_handed_back_says_only_what_is_new(house: House, bring: Bring) -> None:
    ticket = await ticket_of(house, await bring(written()))
    [confirmation] = await mails(house, MARIA)
    again = {"Message_ID": "<2@example.com>", "References": confirmation["Message-ID"]}
    await bring(written(HANDED_ON, Subject="Fwd: Tent", **again))

    assert (await said_in(house, ticket))[-1] == (MARIA, "Please refund it.")


async def test_a_stranger_gets_into_no_ticket_by_its_number(house: House, bring: Bring) -> None:
    ticket = await ticket_of(house, await bring(written()))
    subject = f"Re: Tent (#{ticket.number})"
    mail = await bring(written(sender="mallory@example.net", Subject=subject, Message_ID="<m@example.net>"))

    assert mail.outcome is Outcome.OPENED
    assert mail.ticket_id != ticket.ticket_id


async def test_the_subject_of_a_confirmation_alone_leads_back_to_its_ticket(
    house: House, visitor: Browser, bring: Bring
) -> None:
    first = await house.open_ticket(visitor, email=MARIA, subject="Tent", description="It leaks.")
    await house.as_system(mailboxes.add, "sales@acme.example")
    ticket = await house.open_ticket(visitor, email=MARIA, subject="Pole", description="It broke.")
    subjects = [each["Subject"] for each in await mails(house, MARIA, 2)]
    [subject] = [each for each in subjects if f"#{ticket.number}" in each]
    about_both = f"Re: Tent (#{first.number}) again (#{ticket.number})"
    answers = [
        await bring(written(text, Subject=named, Message_ID=f"<{text}@example.com>"))
        for text, named in (("one", f"Re: {subject}"), ("two", about_both))
    ]
    stranger = await bring(
        written(sender="mallory@example.net", Subject=subject, Message_ID="<m@example.net>")
    )

    assert [each.ticket_id for each in answers] == [ticket.ticket_id] * 2
    assert stranger.ticket_id != ticket.ticket_id


async def test_another_workspaces_address_is_one_like_any_other(house: House, bring: Bring) -> None:
    theirs = "help@other.example"
    await house.db.write(Actor.system(house.other.workspace_id), mailboxes.add, theirs)
    mail = await bring(written(sender=theirs))
    ours = await bring(written(sender=SUPPORT, Message_ID="<ours@example.com>"))

    assert (mail.outcome, ours.outcome) == (Outcome.OPENED, Outcome.LOOP)


async def test_workspaces_of_one_house_write_to_each_other_as_houses_do(
    house: House, bring: Bring, desk: Browser, files: FileStore
) -> None:
    theirs, there = "help@other.example", Actor.system(house.other.workspace_id)
    await house.db.write(there, mailboxes.add, theirs)
    ticket = await ticket_of(house, await bring(written("The invoice?", sender=theirs)))
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("It is on its way."), page=here)
    sent = await mails(house, theirs, 2)
    for mail in (*sent, *sent):
        await Arrivals(house.db, files).accept(mail.as_bytes(policy=ON_ONE_LINE), [theirs])
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)
    found = (await house.db.read(there, ledger.ledger)).mails
    back = await bring(sent[-1])

    assert sorted(each.outcome for each in found) == sorted(
        [Outcome.AUTOMATIC, Outcome.AUTOMATIC, Outcome.DUPLICATE, Outcome.OPENED]
    )
    assert {each.sender for each in found} == {SUPPORT}
    assert back.outcome is Outcome.LOOP, "in the workspace that sent it, it is its own"


async def test_a_mark_that_is_not_ours_leads_nowhere(house: House, bring: Bring) -> None:
    ticket = await ticket_of(house, await bring(written()))
    [confirmation] = await mails(house, MARIA)
    number, ticket_id, mark = confirmation["Message-ID"].split(".", 2)
    forged = f"{number}.{ticket_id}.{mark[3:6]}{mark[3:]}"
    mail = await bring(
        written(sender="mallory@example.net", In_Reply_To=forged, Message_ID="<m@example.net>")
    )

    assert mail.ticket_id != ticket.ticket_id


async def test_whoever_was_let_read_our_mail_joins_under_their_own_address(
    house: House, bring: Bring
) -> None:
    ticket = await ticket_of(house, await bring(written()))
    [confirmation] = await mails(house, MARIA)
    joined = written("I have it too.", sender="tom@example.com", Message_ID="<t@example.com>")
    joined["In-Reply-To"] = confirmation["Message-ID"]
    await bring(joined)
    after = await house.as_system(tickets.ticket, ticket.ticket_id)

    assert (await said_in(house, ticket))[-1] == ("tom@example.com", "I have it too.")
    assert after.email == MARIA


async def test_an_answer_to_a_closed_ticket_opens_another(house: House, bring: Bring) -> None:
    ticket = await ticket_of(house, await bring(written()))
    await house.as_system(
        tickets.update_ticket_status, ticket.ticket_id, Status.CLOSED, seen_version=ticket.version
    )
    mail = await bring(
        written("Still leaks.", Message_ID="<later@example.com>", In_Reply_To="<first@example.com>")
    )

    assert (mail.outcome, mail.ticket_id != ticket.ticket_id) == (Outcome.OPENED, True)
    assert f"#{ticket.number} is closed" in mail.reason


async def test_a_mail_that_cannot_be_read_is_quarantined_and_the_next_one_is_read(
    house: House, bring: Bring, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "delay_after", lambda _: AT_ONCE)
    key = f"{house.workspace.workspace_id}/never/was"
    gone = Arrival(clock.new_id(), (await house.as_system(mailboxes.every))[0].mailbox_id, key, 9)
    await house.as_system(ledger.receive, gone)
    following = await bring(written())
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)
    left = await house.as_system(ledger.mail, gone.mail_id)

    assert (left.outcome, left.tries, left.reason) == (Outcome.QUARANTINED, TRIES, "Its bytes are gone.")
    assert following.outcome is Outcome.OPENED


async def stored(house: House, files: FileStore, raw: bytes) -> Arrival:
    """A mail of which nobody knows yet."""
    key = f"{house.workspace.workspace_id}/of/mail"
    await files.put(key, _pieces(raw), limit=len(raw))
    return Arrival(clock.new_id(), (await house.as_system(mailboxes.every))[0].mailbox_id, key, len(raw))


async def read_at_last(house: House, mail: Arrival) -> Mail:
    async with asyncio.timeout(60):
        while (read := await house.as_system(ledger.mail, mail.mail_id)).outcome is Outcome.WAITING:
            await asyncio.sleep(0.05)
    return read


@pytest.mark.usefixtures("bring")
async def test_a_mail_waits_for_a_store_that_is_away_however_long_that_is(
    house: House, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = TRIES + 2
    monkeypatch.setattr(worker, "ATTEMPTS", 2 * tries)
    monkeypatch.setattr(worker, "delay_after", lambda _: timedelta(milliseconds=100))
    mail = await stored(house, files, written().as_bytes())
    assert files.folder
    away = files.folder.rename(files.folder.with_name("away"))
    files.folder.mkdir()

    await house.as_system(ledger.receive, mail)
    seen = [0]
    async with asyncio.timeout(60):
        while sorted(seen) == seen or max(seen) < tries - 1:  # until it begins to count anew
            await asyncio.sleep(0.01)
            seen.append(await house.db.read(Actor.system(), _most_attempts))
    waits = await house.as_system(ledger.mail, mail.mail_id)
    files.folder.rmdir()
    away.rename(files.folder)
    read = await read_at_last(house, mail)

    assert (waits.outcome, waits.reason) == (Outcome.WAITING, OUT_OF_REACH)
    assert (read.outcome, read.tries, read.reason) == (Outcome.OPENED, 0, "")


@pytest.mark.usefixtures("bring")
async def test_a_mail_with_a_file_waits_for_a_store_that_is_full(
    house: House, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "delay_after", lambda _: timedelta(milliseconds=100))
    letter = written()
    letter.add_attachment(b"%PDF-1.4 the receipt", "application", "pdf", filename="receipt.pdf")
    mail = await stored(house, files, letter.as_bytes())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        await house.as_system(ledger.receive, mail)
        async with asyncio.timeout(60):
            while await house.db.read(Actor.system(), _most_attempts) <= TRIES + 1:
                await asyncio.sleep(0.05)
    read = await read_at_last(house, mail)

    assert (read.outcome, read.tries, read.reason) == (Outcome.OPENED, 0, "")


def _most_attempts(tx: Tx) -> int:
    return tx.connection.scalars(select(func.max(outbox.c.attempts))).one() or 0


@pytest.mark.usefixtures("bring")
async def test_a_mail_of_which_only_a_part_is_left_is_not_taken_for_all_of_it(
    house: House, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "delay_after", lambda _: AT_ONCE)
    raw, key = (
        written("The blue one, and not the red one").as_bytes(),
        f"{house.workspace.workspace_id}/a/part",
    )
    await files.put(key, _pieces(raw[:-20]), limit=len(raw))
    cut = Arrival(clock.new_id(), (await house.as_system(mailboxes.every))[0].mailbox_id, key, len(raw))
    await house.as_system(ledger.receive, cut)
    async with asyncio.timeout(30):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)

    assert (await house.as_system(ledger.mail, cut.mail_id)).outcome is Outcome.QUARANTINED


async def test_a_mail_that_could_not_be_read_is_read_again_once_somebody_asks(
    house: House, bring: Bring, desk: Browser, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "delay_after", lambda _: AT_ONCE)
    raw, key = written().as_bytes(), f"{house.workspace.workspace_id}/not/yet"
    late = Arrival(clock.new_id(), (await house.as_system(mailboxes.every))[0].mailbox_id, key, len(raw))

    async def became(outcome: Outcome) -> None:
        async with asyncio.timeout(30):
            while (await house.as_system(ledger.mail, late.mail_id)).outcome is not outcome:
                await asyncio.sleep(0.02)

    await house.as_system(ledger.receive, late)
    await became(Outcome.QUARANTINED)
    await files.put(key, _pieces(raw), limit=len(raw))
    here = f"/workspace/{house.workspace.workspace_id}"
    page = (await desk.get(f"{here}/mail")).text
    answer = await desk.submit(f"{here}/mail/{late.mail_id}/read", {"read": "again"}, page=f"{here}/mail")
    await became(Outcome.OPENED)
    trail = (await desk.get(f"{here}/settings/audit")).text

    assert f"{late.mail_id}/read" in page
    assert f"{late.mail_id}/release" not in page  # nobody is known to have sent it
    assert (answer.status_code, answer.headers["location"]) == (303, f"{here}/mail")
    assert "Mail read again" in trail


async def _pieces(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


async def test_what_a_machine_said_of_a_ticket_can_be_let_through_though_it_came_twice(
    house: House, bring: Bring, desk: Browser
) -> None:
    ticket = await ticket_of(house, await bring(written()))
    [confirmation] = await mails(house, MARIA)
    away = written("I am away.", Message_ID="<away@example.com>", Auto_Submitted="auto-replied")
    away["In-Reply-To"] = confirmation["Message-ID"]
    first, twin = await bring(away), await bring(away)
    ledger_at = f"/workspace/{house.workspace.workspace_id}/mail"
    became = []
    for mail in (first, twin):
        await desk.submit(f"{ledger_at}/{mail.mail_id}/release", {"release": "now"}, page=ledger_at)
        async with asyncio.timeout(30):
            while (now := await house.as_system(ledger.mail, mail.mail_id)).outcome is Outcome.WAITING:
                await asyncio.sleep(0.01)
        became.append(now.outcome)

    assert (first.outcome, twin.outcome) == (Outcome.AUTOMATIC, Outcome.AUTOMATIC)
    assert became == [Outcome.ADDED, Outcome.DUPLICATE]
    assert (await said_in(house, ticket))[1:] == [(MARIA, "I am away.")]


async def test_a_mail_whose_words_were_said_at_that_moment_came_before(house: House, bring: Bring) -> None:
    """Its twin was read beside it, and the ledger did not show that one yet."""
    ticket = await ticket_of(house, await bring(written()))
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, MARIA)
    known_as = uuid5(ticket.workspace_id, "<second@example.com>")
    await house.db.write(customer, tickets.send_message, ticket.ticket_id, "Both poles.", known_as)
    mail = await bring(
        written("Both poles.", Message_ID="<second@example.com>", In_Reply_To="<first@example.com>")
    )

    assert (mail.outcome, mail.ticket_id) == (Outcome.DUPLICATE, ticket.ticket_id)
    assert (await said_in(house, ticket))[1:] == [(MARIA, "Both poles.")]


async def test_what_a_mail_brings_is_in_the_room_and_too_much_is_in_the_original(
    house: House, bring: Bring, desk: Browser
) -> None:
    first = written()
    first.add_attachment(b"Paid.", "application", "pdf", filename="receipt.txt")
    ticket = await ticket_of(house, await bring(first))
    second = written("More.", Message_ID="<more@example.com>", In_Reply_To="<first@example.com>")
    for number in range(MESSAGE_FILES + 2):
        second.add_attachment(b"x" * (number + 1), "image", "png", filename=f"../{number}.png")
    mail = await bring(second)
    page = await desk.get(f"{place(house, ticket)}/chat?after=0", headers={"accept": "application/json"})
    said = [each for each in page.json()["messages"] if each["files"]]

    assert [file["name"] for file in said[0]["files"]] == ["receipt.txt"]
    assert [file["name"] for file in said[1]["files"]] == [f"{n}.png" for n in range(MESSAGE_FILES)]
    assert mail.reason == "2 of its files are only in the original."
    file = said[0]["files"][0]
    got = await desk.get(f"{place(house, ticket)}/files/{file['file_id']}/{file['name']}")
    assert got.content.strip() == b"Paid."


async def test_a_mail_for_nobody_here_is_not_taken(house: House, bring: Bring, files: FileStore) -> None:
    assert not await Arrivals(house.db, files).accept(written().as_bytes(), [NOBODYS])
    assert (await house.as_system(ledger.ledger)).mails == []


async def test_what_stands_behind_a_plus_is_the_same_mailbox(house: House, bring: Bring) -> None:
    mail = await bring(written(), to="support+orders@acme.example")

    assert mail.outcome is Outcome.OPENED


async def test_what_stands_behind_a_plus_in_our_address_makes_nobody_of_it(
    house: House, bring: Bring, desk: Browser
) -> None:
    """Else our answer goes to ourselves, and whoever wrote waits for one."""
    plus = "support+orders@acme.example"
    ticket = await ticket_of(house, await bring(written(Reply_To=plus, Cc=f"{plus}, karl@example.com")))
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("Which tent is it?"), page=here)

    assert "Which tent is it?" in text_of((await mails(house, MARIA, 2))[1])
    assert await house.as_system(participants.of_ticket, ticket.ticket_id) == ["karl@example.com"]
    assert (await bring(written(sender=plus, Message_ID="<own@example.com>"))).outcome is Outcome.LOOP


@pytest.mark.parametrize("written_as", ["ada..b.@docomo.ne.jp", '"ada..b."@docomo.ne.jp'])
async def test_who_has_an_address_that_none_may_have_is_heard_and_answered(
    house: House, bring: Bring, written_as: str
) -> None:
    """Japanese providers gave such ones; a mail server takes them in quotes alone (RFC 5321)."""
    raw = written().as_bytes(policy=ON_ONE_LINE).replace(MARIA.encode(), written_as.encode())
    mail = await bring(raw)

    assert (mail.outcome, mail.sender) == (Outcome.OPENED, "ada..b.@docomo.ne.jp")
    [confirmation] = await mails(house, "ada..b.@docomo.ne.jp")  # as the library reads it
    assert b'\nTo: "ada..b."@docomo.ne.jp\n' in confirmation.as_bytes()
    mail = await bring(raw.replace(b"<first@", b"<second@").replace(b"Subject: ", b"Subject: Re: [#1] "))
    assert mail.outcome is Outcome.ADDED


async def test_an_address_is_one_workspaces(house: House, bring: Bring) -> None:
    with pytest.raises(AddressTaken):
        await house.as_system(mailboxes.add, SUPPORT.upper())
