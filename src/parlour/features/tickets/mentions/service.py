"""Who is named in a note: `@` and the name of a member. It is kept, and they are told."""

import re
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.tickets.mentions import store
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications.models import Kind as Told
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Member
from parlour.kernel.access import Permission, requires
from parlour.kernel.messages import Message

_SIGN = re.compile(r"(?<!\w)@")
_WITHIN_A_WORD = re.compile(r"\w")


def named(content: str, members: Sequence[Member]) -> set[UUID]:
    """Whoever bears a name that stands behind an `@`: all who share it. A first name will do while it is one
    member's alone. The case does not matter, and no name begins within a word, as in an address.

    What stands there is looked up, the longest first: it runs while everybody else's writing waits, and an
    expression of all names would have to be put together first.
    """
    called = _called(members)
    lengths: dict[str, set[int]] = defaultdict(set)
    for name in called:
        lengths[name[0]].add(len(name))
    longest_first = {letter: sorted(its, reverse=True) for letter, its in lengths.items()}
    said, found, end = content.casefold(), set[UUID](), 0
    for sign in _SIGN.finditer(said):
        at = sign.end()
        if at <= end:
            continue
        for length in longest_first.get(said[at : at + 1], ()):
            name = said[at : at + length]
            if name in called and not _WITHIN_A_WORD.match(said, at + length):
                found |= called[name]
                end = at + length
                break
    return found


def _called(members: Sequence[Member]) -> dict[str, set[UUID]]:
    whole: dict[str, set[UUID]] = defaultdict(set)
    first: dict[str, set[UUID]] = defaultdict(set)
    for member in members:
        if not member.disabled:
            name = member.name.casefold()
            whole[name].add(member.user_id)
            first[name.split()[0]].add(member.user_id)
    alone = {name: bearers for name, bearers in first.items() if len(bearers) == 1}
    return alone | whole


def names_of(user_id: UUID, members: Sequence[Member]) -> list[str]:
    """By what names a note can call this member, the longest first."""
    called = _called(members)
    return sorted((name for name, bearers in called.items() if user_id in bearers), key=len, reverse=True)


@requires(Permission.NOTE_WRITE)
def keep(tx: Tx, ticket: Ticket, note: Message) -> None:
    """Note down whom the note names, but for its author, and tell them."""
    if not _SIGN.search(note.content):
        return
    called = named(note.content, workspaces.members(tx)) - {tx.actor.user_id}
    for user_id in sorted(called, key=str):
        store.insert_mention(tx, user_id=user_id, ticket_id=ticket.ticket_id, message_id=note.message_id)
    notifications.tell(tx, Told.MENTIONED, called, [ticket])
