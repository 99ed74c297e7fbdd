"""What a mail that was read becomes: a ticket, a word in one, or a line of the ledger and nothing else.

Exactly once, whatever is delivered twice or by two ways: a mail is known by its Message-ID in the workspace,
and where a form or a machine gives all of its mails the same one, by that and its sender. Other words of one
sender under one Message-ID wait for somebody to look at them.
"""

from datetime import timedelta
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.chat.models import CONTENT_LIMIT
from parlour.features.contacts import service as contacts
from parlour.features.files import service as files
from parlour.features.mailroom import answers, service, store
from parlour.features.mailroom.letters import CAME_BEFORE, OTHER_WORDS, Letter, Sorted
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import finding
from parlour.features.tickets import service as tickets
from parlour.features.tickets.auto_reply import service as auto_reply
from parlour.features.tickets.models import SUBJECT_LIMIT, Draft, Ticket
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.participants import service as participants
from parlour.features.tickets.threads import service as threads
from parlour.features.tickets.threads.models import Arrived
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel import clock, text
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.graphemes import cut
from parlour.mail.receive.parsed import Kind

FLOOD = 30
FLOOD_WITHIN = timedelta(hours=1)
"""So many mails of one sender in an hour are read; what comes on top waits for somebody to look at it."""
CONFIRMED = 10
CONFIRMED_WITHIN = timedelta(days=1)
"""So many tickets of one sender are confirmed in a day: a machine without marks that answers each of our
mails by a new one of its own has no more to answer then.
"""
LATE = "It had lain in its mailbox for days, and was not confirmed."
UNCONFIRMED = f"It opened one of more than {CONFIRMED} tickets in a day, and was not confirmed."
CUT_SHORT = "It is too large to be fetched: this is its beginning, and the rest lies on its mail server."
_QUIET = {
    Kind.AUTOMATIC: "A machine wrote it.",
    Kind.LIST: "It comes from a mailing list.",
    Kind.COMPLAINT: "Somebody marked a mail of ours as spam.",
    Kind.RECEIPT: "A mail program says that a mail was shown or deleted.",
    Kind.REACTION: "A reaction to a mail of ours.",
}


@requires(Permission.SYSTEM)
def sort(tx: Tx, letter: Letter) -> Outcome:
    """Do with the mail what is to be done, and note it; of one that was sorted before, nothing."""
    before = store.lock(tx, letter.mail_id)
    if before is None:
        raise service.UnknownMail
    if before is not Outcome.WAITING:
        return before
    parsed, client_id = letter.parsed, _known_as(tx, letter)
    say = answers.as_note if letter.noted_by else answers.by_member if letter.member else _said
    done = _held(tx, letter, client_id) or say(tx, letter, client_id)
    store.settle(
        tx,
        letter.mail_id,
        client_id=client_id,
        message_id=parsed.message_id,
        sender=letter.sender,
        subject=cut(parsed.subject, SUBJECT_LIMIT),
        verified=parsed.verified,
        outcome=done.outcome.value,
        reason=done.reason,
        ticket_id=done.ticket_id,
    )
    return done.outcome


def _known_as(tx: Tx, letter: Letter) -> UUID:
    """By its Message-ID, and by more where that is another mail's."""
    client_id = letter.client_id(tx.workspace_id)
    stands = store.taken(tx, client_id)
    if stands and stands[1] not in ("", letter.sender):
        client_id = letter.client_id(tx.workspace_id, also=letter.sender)
        stands = store.taken(tx, client_id)
    if stands and letter.released and _says_something_else(tx, letter, stands[0], client_id):
        return letter.client_id(tx.workspace_id, also=letter.checksum)
    return client_id


def _says_something_else(tx: Tx, letter: Letter, ticket_id: UUID, client_id: UUID) -> bool:
    """Than its sender's mail of the same id, which stands there. What a list or a scanner adds is nothing."""
    ticket = finding.by_id(tx, ticket_id)
    if ticket is None or not letter.sender:
        return False
    customer = tx.acting_as(Actor.customer(tx.workspace_id, ticket_id, letter.sender))
    said = chat.said_as(customer, ticket.chat_room_id, client_id)
    if said is None:
        return False
    before, now = " ".join(said.content.split()), " ".join(_words(letter)[0].split())
    return before not in now and now not in before


def _held(tx: Tx, letter: Letter, client_id: UUID) -> Sorted | None:
    """Why the mail says nothing in any ticket; None for what a person wrote to us."""
    parsed = letter.parsed
    if stands := store.taken(tx, client_id):
        if _says_something_else(tx, letter, stands[0], client_id):
            return Sorted(Outcome.QUARANTINED, OTHER_WORDS)
        return Sorted(Outcome.DUPLICATE, CAME_BEFORE, stands[0])
    if not letter.noted_by and (told := _told(tx, letter)):
        return told
    if parsed.kind is Kind.LOOP or mailboxes.own_among(tx, [letter.sender]):
        return Sorted(Outcome.LOOP, "It is a mail of our own, or of another desk that answers by itself.")
    if not letter.sender:
        return Sorted(Outcome.QUARANTINED, "It names no sender to whom one could answer.")
    if letter.released:
        return None
    if parsed.kind in _QUIET:
        return Sorted(Outcome.AUTOMATIC, _QUIET[parsed.kind], _about(tx, letter))
    if letter.ours and letter.about is None:
        return Sorted(Outcome.QUARANTINED, "It answers a mail of ours that is about no ticket.")
    since = clock.now() - FLOOD_WITHIN
    if store.recent_of(tx, letter.sender, since=since, limit=FLOOD) >= FLOOD:
        return Sorted(Outcome.QUARANTINED, f"Its sender wrote more than {FLOOD} mails in an hour.")
    return None


def _told(tx: Tx, letter: Letter) -> Sorted | None:
    """What another mail server has to say of a mail of ours is noted there."""
    parsed, returned = letter.parsed, letter.parsed.bounce
    if returned:
        said = f"{returned.status} {returned.said}".strip()
        if letter.answers:
            outgoing.came_back(tx, letter.answers, said, final=returned.permanent)
        return Sorted(Outcome.BOUNCE, cut(f"{returned.recipient}: {said}", 500), _about(tx, letter))
    if parsed.kind is Kind.COMPLAINT:
        if letter.answers:
            outgoing.complained(tx, letter.answers)
        return Sorted(Outcome.AUTOMATIC, _QUIET[parsed.kind], _about(tx, letter))
    return None


def _about(tx: Tx, letter: Letter) -> UUID | None:
    """The ticket that it is about; None when that was deleted, or is another workspace's."""
    found = finding.by_id(tx, letter.about) if letter.about else None
    return found.ticket_id if found else None


def _said(tx: Tx, letter: Letter, client_id: UUID) -> Sorted:
    content, reason = _words(letter)
    ticket = _ticket_of(tx, letter)
    if ticket and not ticket.is_closed:
        stranger = tx.acting_as(letter.stranger(tx.workspace_id))
        customer = Actor.customer(tx.workspace_id, ticket.ticket_id, letter.sender)
        files.hand_over(stranger, letter.file_ids, ticket.chat_room_id, customer)
        sent = tickets.send_message(
            tx.acting_as(customer), ticket.ticket_id, content, client_id, file_ids=letter.file_ids
        )
        if sent.repeat:
            return Sorted(Outcome.DUPLICATE, CAME_BEFORE, ticket.ticket_id)
        arrived = _arrived(tx, letter)
        if letter.about or letter.parsed.verified or _answered(tx, letter):
            _let_join(tx, ticket, letter, arrived)  # anybody can write a number, and a name into From
        if letter.sender == ticket.email:
            threads.came_by_mail(tx, ticket.ticket_id, arrived, believed=letter.parsed.verified)
        if letter.parsed.kind is Kind.PERSON and not letter.parsed.odd_sender and not letter.late:
            auto_reply.answer(tx, ticket, letter.sender)
        return Sorted(Outcome.ADDED, reason, ticket.ticket_id)
    if ticket:
        reason = f"Ticket #{ticket.number} is closed. {reason}".strip()
    return _opened(tx, letter, client_id, content, reason)


def _opened(tx: Tx, letter: Letter, client_id: UUID, content: str, reason: str) -> Sorted:
    subject = cut(letter.parsed.subject or text.one_line(content), SUBJECT_LIMIT)
    name = cut(text.name(letter.parsed.sender.name), text.NAME_LIMIT) if letter.parsed.sender else ""
    unconfirmed = _unconfirmed(tx, letter)
    draft = Draft(subject, content, letter.sender, client_id, name, letter.file_ids, not unconfirmed)
    opened = tickets.open_ticket(tx.acting_as(letter.stranger(tx.workspace_id)), draft)
    if opened.repeat:  # by the same mail, which was read at the same moment
        return Sorted(Outcome.DUPLICATE, CAME_BEFORE, opened.ticket.ticket_id)
    arrived = _arrived(tx, letter)
    threads.came_by_mail(tx, opened.ticket.ticket_id, arrived, believed=True)
    _let_join(tx, opened.ticket, letter, arrived)
    return Sorted(Outcome.OPENED, f"{reason} {unconfirmed}".strip(), opened.ticket.ticket_id)


def _unconfirmed(tx: Tx, letter: Letter) -> str:
    """Why its sender is not told that it opened a ticket; nothing where they are."""
    if letter.late:
        return LATE
    since = clock.now() - CONFIRMED_WITHIN
    opened = store.recent_of(tx, letter.sender, since=since, limit=CONFIRMED, opened=True)
    return UNCONFIRMED if opened >= CONFIRMED else ""


def _let_join(tx: Tx, ticket: Ticket, letter: Letter, arrived: Arrived) -> None:
    ours = mailboxes.own_among(tx, letter.addressed)
    participants.join(tx, ticket, letter.others(ours, but=arrived.reply_to))


def _arrived(tx: Tx, letter: Letter) -> Arrived:
    """What it says of its thread. Of several addresses for answers the first that is nobody's of us is the
    customer's.
    """
    parsed = letter.parsed
    wanted = [each.mailbox for each in parsed.reply_to if each.mailbox and not each.odd]
    ours = mailboxes.own_among(tx, wanted)
    reply_to = next((each for each in wanted if each not in ours), "")
    if reply_to == letter.sender or (reply_to and contacts.is_blocked(tx, reply_to)):
        reply_to = ""
    return Arrived(
        message_id=parsed.message_id,
        references=parsed.references or parsed.in_reply_to[:1],
        subject=parsed.subject,
        reply_to=reply_to,
        mailbox_id=letter.mailbox_id,
    )


def _words(letter: Letter) -> tuple[str, str]:
    """What is said, and what the ledger has to say of it."""
    parsed = letter.parsed
    words = letter.words or text.many_lines(parsed.text) or parsed.subject
    left = len(parsed.attachments) - len(letter.file_ids)
    if not letter.is_whole:
        return cut(words, CONTENT_LIMIT) or "(…)", CUT_SHORT
    if words and left and len(words) <= CONTENT_LIMIT:
        return words, f"{left} of its files {'is' if left == 1 else 'are'} only in the original."
    if not words:
        return "(…)", "It holds no words."
    if len(words) > CONTENT_LIMIT:
        shortened = f"{cut(words, CONTENT_LIMIT - 1)}…"
        return shortened, "Its text is longer than a message; the original has all of it."
    return words, ""


def _ticket_of(tx: Tx, letter: Letter) -> Ticket | None:
    """Where what it answers goes on, if that is merged into another ticket. A mail of ours only those have
    who take part; any other, or a number, leads nobody there but the customer and who is in copy by now.
    """
    named = _named_by(tx, letter)
    if named is None:
        return None
    found = finding.going_on(tx, named)
    if letter.about or letter.sender in (named.email, found.email):
        return found
    return found if letter.sender in participants.of_ticket(tx, found.ticket_id) else None


def _named_by(tx: Tx, letter: Letter) -> Ticket | None:
    """By a mail of ours; else by another one in the ticket, which they answer, too; else by its subject."""
    if letter.about:
        return finding.by_id(tx, letter.about)
    answered = _answered(tx, letter)
    return finding.by_id(tx, answered) if answered else finding.by_subject(tx, letter.parsed.subject)


def _answered(tx: Tx, letter: Letter) -> UUID | None:
    """The ticket in which the mail that it answers stands, where that is none of ours."""
    parsed = letter.parsed
    return store.ticket_of(tx, [*parsed.in_reply_to, *reversed(parsed.references)])
