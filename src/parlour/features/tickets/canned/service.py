"""Canned replies: text that agents keep and fill in for a ticket; and the answers they send.

Some belong to the workspace and everybody uses them, the others to one agent. A placeholder is a word
in braces. One that we do not know is a gap for the agent to fill: it stops the answer once, and is sent as it
is by whoever means it. Braces that somebody typed are just braces.
"""

import re
from collections.abc import Collection, Sequence
from uuid import UUID

from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.chat.models import CONTENT_LIMIT
from parlour.features.tickets import service as tickets
from parlour.features.tickets.canned import store as canned_store
from parlour.features.tickets.models import Reply, Sent, Status, Ticket
from parlour.features.workspaces import audit
from parlour.kernel import clock, seen, text
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import DomainError, Forbidden, Invalid, NotFound

PLACEHOLDERS = ("customer_email", "ticket_number", "agent_name")
REPLIES_LIMIT = 200
"""Canned replies of one agent, and of the workspace: a list that one can still choose from."""
_PLACEHOLDER = re.compile(r"\{([^\W\d][\w-]{0,39})\}")
"""One word in any language: what one leaves by mistake, unlike `{}`, `{1}` or `{two words}`."""


class UnknownReply(NotFound):
    code = "unknown_reply"
    message = "We could not find this canned reply."


class GapLeft(DomainError):
    """Placeholders that a canned reply brought, and nothing fills in, still stand. `problems` names them."""

    status = 422
    code = "placeholder"
    message = "The text holds a placeholder that is still to be filled in."

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(*names)
        self.problems = {"placeholder": ", ".join(text.set_apart(f"{{{name}}}") for name in names)}


def gaps(text: str) -> list[str]:
    """The words in braces that stand for nothing, each once."""
    return [name for name in dict.fromkeys(_PLACEHOLDER.findall(text)) if name not in PLACEHOLDERS]


def fill(text: str, ticket: Ticket, agent_name: str) -> str:
    """The text with what we know of the ticket in it; unknown placeholders stay as they are."""
    values = dict(zip(PLACEHOLDERS, (ticket.email, str(ticket.number), agent_name), strict=True))
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


@requires(Permission.TICKET_UPDATE)
def answer(
    tx: Tx,
    ticket_id: UUID,
    content: str,
    client_id: UUID,
    *,
    file_ids: Sequence[UUID] = (),
    brought: Collection[str] = (),
    seen: int | None = None,
    then: Status | None = None,
) -> Sent:
    """An agent's answer, as it was typed. `brought` are the gaps that canned replies brought into it.

    Raises GapLeft, and what `tickets.send_message` raises.
    """
    left = [name for name in gaps(content) if name in brought]
    if left:
        raise GapLeft(left)
    return tickets.send_message(tx, ticket_id, content, client_id, file_ids=file_ids, seen=seen, then=then)


@requires(Permission.TICKET_LIST)
def usable(tx: Tx) -> Sequence[Reply]:
    """The workspace's and the actor's own, by name; of long ones the beginning."""
    return canned_store.usable(tx, limit=2 * REPLIES_LIMIT)


@requires(Permission.TICKET_LIST)
def whole(tx: Tx) -> Sequence[Reply]:
    """`usable` with all of each text, for programs, which take them to work with: megabytes, at the worst."""
    return canned_store.whole(tx, limit=2 * REPLIES_LIMIT)


@requires(Permission.TICKET_LIST)
def usable_names(tx: Tx) -> Sequence[tuple[UUID, str]]:
    """Ids and names of what `usable` gives."""
    return canned_store.usable_names(tx, limit=2 * REPLIES_LIMIT)


@requires(Permission.TICKET_LIST)
def reply(tx: Tx, reply_id: UUID) -> Reply:
    """Raises UnknownReply; a colleague's own is as unknown as a missing one."""
    found = canned_store.reply(tx, reply_id)
    if found is None:
        raise UnknownReply
    return found


@requires(Permission.TICKET_UPDATE)
def filled(tx: Tx, ticket_id: UUID) -> Sequence[Reply]:
    """What the actor may use, each filled in for this ticket; of long ones the beginning."""
    ticket = tickets.ticket(tx, ticket_id)
    return [replace(each, content=fill(each.content, ticket, tx.actor.name)) for each in usable(tx)]


@requires(Permission.TICKET_UPDATE)
def filled_one(tx: Tx, ticket_id: UUID, reply_id: UUID) -> str:
    """Raises UnknownReply."""
    return fill(reply(tx, reply_id).content, tickets.ticket(tx, ticket_id), tx.actor.name)


def shown(reply: Reply) -> dict[str, str]:
    """As the form holds it, by its fields."""
    return {"name": reply.name, "content": reply.content, "shared": "1" if reply.shared else ""}


def _checked(name: str, content: str) -> tuple[str, str]:
    name, content = text.name(name), text.many_lines(content)
    problems = {}
    for field, words, limit in (("name", name, text.NAME_LIMIT), ("content", content, CONTENT_LIMIT)):
        if not words:
            problems[field] = "required"
        elif len(words) > limit:
            problems[field] = "too_long"
    if problems:
        raise Invalid(problems)
    return name, content


def _owner(tx: Tx, *, shared: bool) -> UUID | None:
    if shared and not tx.actor.may(Permission.REPLY_TEMPLATES):
        raise Forbidden
    return None if shared else tx.actor.user_id


def _room_for_one(tx: Tx, owner_id: UUID | None) -> None:
    if canned_store.count(tx, owner_id=owner_id) >= REPLIES_LIMIT:
        raise Invalid({"form": "too_many"})


@requires(Permission.TICKET_UPDATE)
def add(tx: Tx, name: str, content: str, *, shared: bool) -> Reply:
    """Keep a reply, for oneself or for the workspace.

    Raises Invalid (`name`, `content`: required, too_long; `form`: too_many), and Forbidden for a
    shared one without the right to it.
    """
    owner_id = _owner(tx, shared=shared)
    name, content = _checked(name, content)
    _room_for_one(tx, owner_id)
    kept = Reply(clock.new_id(), name, content, owner_id)
    canned_store.insert_reply(tx, kept)
    audit.record(tx, "reply_added", after=name)
    return kept


@requires(Permission.TICKET_UPDATE)
def change(tx: Tx, reply_id: UUID, name: str, content: str, *, shared: bool, seen_mark: str = "") -> Reply:
    """`seen_mark` is that of what was `shown`. Raises what `add` raises, UnknownReply, ChangedMeanwhile."""
    before = canned_store.lock(tx, reply_id)
    if before is None:
        raise UnknownReply
    seen.insist(seen_mark, *shown(before).values())
    _owner(tx, shared=before.shared)
    owner_id = _owner(tx, shared=shared)
    name, content = _checked(name, content)
    if owner_id != before.owner_id:
        _room_for_one(tx, owner_id)
    after = Reply(reply_id, name, content, owner_id)
    canned_store.update_reply(tx, after)
    audit.record(tx, "reply_changed", before=before.name, after=name)
    return after


@requires(Permission.TICKET_UPDATE)
def remove(tx: Tx, reply_id: UUID) -> None:
    """Raises UnknownReply, and Forbidden for a shared one without the right to it."""
    gone = reply(tx, reply_id)
    _owner(tx, shared=gone.shared)
    canned_store.delete_reply(tx, reply_id)
    audit.record(tx, "reply_removed", before=gone.name)
