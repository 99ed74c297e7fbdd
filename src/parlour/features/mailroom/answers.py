"""A member answers, by mail, the mail that told them of a ticket: what they write goes to its customer.

Three things have to hold: the mail that they answer was ours, about this ticket and to this very member,
which its Message-ID proves; our own mail server vouches for the sender; and they may answer at that moment.
Otherwise it is held back for somebody to look at.
"""

import re
from collections.abc import Sequence
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.chat.models import CONTENT_LIMIT
from parlour.features.files import service as files
from parlour.features.mailroom.letters import CAME_BEFORE, Letter, Sorted
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import finding
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.features.workspaces import service as workspaces
from parlour.kernel import text
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.graphemes import cut

_OURS = re.compile(r"/workspace/[0-9a-f-]{36}/(tickets|notifications)")
"""A link of the notification: whoever kept that may have kept the words around it."""


@requires(Permission.SYSTEM)
def members(tx: Tx) -> Sequence[tuple[str, UUID]]:
    """The addresses of those who may answer, and who they are."""
    return [(each.email, each.user_id) for each in workspaces.members(tx) if each.answers]


@requires(Permission.SYSTEM)
def by_member(tx: Tx, letter: Letter, client_id: UUID) -> Sorted:
    """What the member says is said under their name, or held back with the reason."""
    about = finding.by_id(tx, letter.about) if letter.about else None
    ticket = about and finding.going_on(tx, about)
    agent, words = _agent(tx, letter.member), text.many_lines(letter.parsed.reply)
    if ticket is None or agent is None or (because := _why_not(letter, ticket, agent, words)):
        reason = because or "It answers a mail to a member."
        return Sorted(Outcome.QUARANTINED, reason, about.ticket_id if about else None)
    stranger = tx.acting_as(letter.stranger(tx.workspace_id))
    files.hand_over(stranger, letter.file_ids, ticket.chat_room_id, agent)
    answering = tx.acting_as(agent)
    sent = tickets.send_message(answering, ticket.ticket_id, words, client_id, file_ids=letter.file_ids)
    if sent.repeat:
        return Sorted(Outcome.DUPLICATE, CAME_BEFORE, ticket.ticket_id)
    return Sorted(Outcome.ADDED, "A member answered the mail that told them of it.", ticket.ticket_id)


@requires(Permission.SYSTEM)
def as_note(tx: Tx, letter: Letter, client_id: UUID) -> Sorted:
    """What somebody at the desk has looked at is their note: nobody proved who wrote it."""
    about = finding.by_id(tx, letter.about) if letter.about else None
    ticket = about and finding.going_on(tx, about)
    agent = _agent(tx, letter.noted_by)
    if ticket is None or agent is None or not agent.may(Permission.NOTE_WRITE):
        reason = "The ticket is gone." if ticket is None else "Whoever wanted it as a note may write none."
        return Sorted(Outcome.QUARANTINED, reason, about.ticket_id if about else None)
    words = text.many_lines(letter.parsed.reply) or letter.parsed.subject
    note = f"{letter.sender}:\n\n{words}"
    if len(note) > CONTENT_LIMIT:
        note = f"{cut(note, CONTENT_LIMIT - 1)}…"
    stranger = tx.acting_as(letter.stranger(tx.workspace_id))
    noting = tx.acting_as(agent)
    files.hand_over(stranger, letter.file_ids, chat.notes_room(noting, ticket.ticket_id), agent)
    tickets.add_note(noting, ticket.ticket_id, note, client_id, file_ids=letter.file_ids)
    return Sorted(Outcome.ADDED, "Somebody put it into the ticket as a note.", ticket.ticket_id)


def _agent(tx: Tx, user_id: UUID | None) -> Actor | None:
    role = workspaces.hold_role(tx, user_id) if user_id else None
    if role is None or user_id is None:
        return None
    return Actor.agent(tx.workspace_id, user_id, role, workspaces.name_of(tx, user_id))


def _why_not(letter: Letter, ticket: Ticket, agent: Actor, words: str) -> str:
    if not letter.by_member:
        return "It answers a mail to a member, from another address than theirs."
    if not letter.parsed.verified or letter.parsed.odd_sender:
        return "It answers a mail to a member, but our mail server does not vouch for its sender."
    if not agent.may(Permission.TICKET_REPLY):
        return "It answers a mail to a member who may not answer the customer."
    if ticket.is_closed:
        return f"Ticket #{ticket.number} is closed."
    if not letter.is_whole or len(words) > CONTENT_LIMIT:
        return "It is longer than a message."
    own = [line for line in words.splitlines() if line.strip() and not line.startswith(">")]
    if not own or _OURS.search(words):
        return "What its sender wrote cannot be told from what they answered."
    return ""
