"""Where the customer of a ticket is: in its room, or at their mails."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from uuid import UUID

from msgspec.structs import asdict

from parlour.db.database import Tx
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.threads import store
from parlour.features.tickets.threads.models import Arrived, Letterhead, Thread
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import Mailbox
from parlour.kernel.access import Permission, requires
from parlour.kernel.graphemes import cut

LINEAGE = 20
"""Message-IDs in `References`: the first, by which programs know the thread, and the newest."""
SUBJECT_LIMIT = 500
_PLAIN = re.compile(r"<[!-;=?-~]{1,400}>")
"""A Message-ID that a header takes as it is, in one line."""
_ANSWERS = re.compile(
    r"(?i)(?:re|aw|sv|vs|antw|odp|rif|res|ynt|回复|答复|回覆|ответ)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]"
)
"""How the subject of an answer begins, in the programs of several languages."""


@requires(Permission.SYSTEM)
def of_ticket(tx: Tx, ticket_id: UUID) -> Thread | None:
    """None for a ticket to which no mail ever came."""
    return store.asking_of_ticket(tx, ticket_id)()


@requires(Permission.SYSTEM)
def asking_of_ticket(tx: Tx, ticket_id: UUID) -> Callable[[], Thread | None]:
    """`of_ticket`, asked with what is asked next."""
    return store.asking_of_ticket(tx, ticket_id)


@requires(Permission.SYSTEM)
def address(tx: Tx, ticket: Ticket) -> str:
    """Where the customer wants to be mailed."""
    return address_in(of_ticket(tx, ticket.ticket_id), ticket)


def address_in(thread: Thread | None, ticket: Ticket) -> str:
    """`address`, of the ticket's thread."""
    return (thread and thread.reply_to) or ticket.email


@requires(Permission.SYSTEM)
def asking_letterheads(tx: Tx) -> Callable[[Thread | None, str], Letterhead]:
    """What comes back says what a mail about a ticket of a thread carries, so that it stands in it and its
    answers come here: asked with what is asked next.

    It is given an `anchor`, a Message-ID of no mail: all mails of a ticket to which none came refer to it,
    and so to each other.
    """
    addresses = cache(mailboxes.asking_every(tx))
    return lambda thread, anchor: _letterhead(thread, addresses(), anchor)


def _letterhead(thread: Thread | None, addresses: Sequence[Mailbox], anchor: str) -> Letterhead:
    headers: dict[str, str] = {}
    called = signature = ""
    if addresses:
        came_at = [each for each in addresses if thread and each.mailbox_id == thread.mailbox_id]
        ours = (came_at or addresses)[0]
        headers["Reply-To"], called, signature = ours.address, ours.called, ours.signature
    if thread is None or not _PLAIN.fullmatch(thread.message_id):
        headers |= {"In-Reply-To": anchor, "References": anchor}
        return Letterhead("", headers, called, signature)
    headers |= {"In-Reply-To": thread.message_id, "References": thread.lineage or thread.message_id}
    return Letterhead(_answering(thread.subject), headers, called, signature)


def _answering(subject: str) -> str:
    """The same through the whole thread: to programs that go by the subject another one is another thread."""
    return subject if not subject or _ANSWERS.match(subject) else f"Re: {subject}"


@requires(Permission.SYSTEM)
def came_by_mail(tx: Tx, ticket_id: UUID, mail: Arrived, *, believed: bool) -> None:
    """The customer's last word is this mail: what agents say goes there at once from now on.

    An address for answers is followed where the mail began the ticket or its sender is `believed`: whoever
    knows a customer's address could else have the answers of theirs sent elsewhere.
    """
    facts = asdict(mail)
    facts["lineage"] = " ".join(_lineage([*facts.pop("references"), mail.message_id]))
    facts["subject"] = cut(mail.subject, SUBJECT_LIMIT)
    if mail.reply_to and not believed:
        del facts["reply_to"]
    store.keep(tx, ticket_id, facts)


def _lineage(message_ids: Sequence[str]) -> Sequence[str]:
    usable = [each for each in dict.fromkeys(message_ids) if _PLAIN.fullmatch(each)]
    return usable if len(usable) <= LINEAGE else [usable[0], *usable[1 - LINEAGE :]]


@requires(Permission.SYSTEM)
def came_by_room(tx: Tx, ticket_id: UUID) -> None:
    """The customer writes in the room again."""
    store.leave(tx, ticket_id)
