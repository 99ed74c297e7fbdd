"""A member answers, by mail, the mail that told them of a ticket: what they write goes to its customer.

Three things have to hold: the mail that they answer was ours, about this ticket and to this very member,
which its Message-ID proves; our own mail server vouches for the sender; and they may answer at that moment.
Otherwise it is held back for somebody to look at.
"""

import re
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.chat.models import CONTENT_LIMIT
from parlour.features.files import service as files
from parlour.features.mailroom.letters import Letter, Sorted
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import finding
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.features.workspaces import service as workspaces
from parlour.kernel import text
from parlour.kernel.access import Actor, Permission, requires

_OURS = re.compile(r"/workspace/[0-9a-f-]{36}/(tickets|notifications)")
"""A link of the notification: whoever kept that may have kept the words around it."""


@requires(Permission.SYSTEM)
def member_at(tx: Tx, email: str) -> UUID | None:
    """The member of this address who may answer."""
    return next(
        (each.user_id for each in workspaces.members(tx) if each.email == email and each.answers), None
    )


@requires(Permission.SYSTEM)
def by_member(tx: Tx, letter: Letter, client_id: UUID) -> Sorted:
    """What the member says is said under their name, or held back with the reason."""
    about = finding.by_id(tx, letter.about) if letter.about else None
    ticket = about and finding.going_on(tx, about)
    agent, words = _agent(tx, letter), text.many_lines(letter.parsed.reply)
    if ticket is None or agent is None or (because := _why_not(letter, ticket, agent, words)):
        reason = because or "It answers a mail to a member."
        return Sorted(Outcome.QUARANTINED, reason, about.ticket_id if about else None)
    stranger = tx.acting_as(letter.stranger(tx.workspace_id))
    files.hand_over(stranger, letter.file_ids, ticket.chat_room_id, agent)
    tickets.send_message(tx.acting_as(agent), ticket.ticket_id, words, client_id, file_ids=letter.file_ids)
    return Sorted(Outcome.ADDED, "A member answered the mail that told them of it.", ticket.ticket_id)


def _agent(tx: Tx, letter: Letter) -> Actor | None:
    role = workspaces.hold_role(tx, letter.member) if letter.member else None
    if role is None or letter.member is None:
        return None
    name = workspaces.name_of(tx, letter.member)
    return Actor.agent(tx.workspace_id, letter.member, role, name)


def _why_not(letter: Letter, ticket: Ticket, agent: Actor, words: str) -> str:
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
