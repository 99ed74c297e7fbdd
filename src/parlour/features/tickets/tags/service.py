"""Tags: what the agents of a workspace sort its tickets by. Customers see nothing of them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from parlour.db.database import Database, Tx
from parlour.db.outbox import Job
from parlour.features.events import service as events
from parlour.features.tickets import changes
from parlour.features.tickets.models import Colour, Tag, Ticket
from parlour.features.tickets.tags import store as tag_store
from parlour.features.workspaces import audit
from parlour.kernel import clock, seen, text
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.errors import Invalid, NotFound

JOB = "tickets.untag"
TAGS_LIMIT = 100
"""Tags of a workspace: a list that one can still choose from."""
TICKET_LIMIT = 10
"""Tags of a ticket: each is written again with what the lists are sorted by."""
NAME_LIMIT = 30
AT_ONCE = 200
"""Tickets a transaction that a deleted tag is taken off."""


class UnknownTag(NotFound):
    code = "unknown_tag"
    message = "We could not find this tag."


@requires(Permission.TICKET_LIST)
def every(tx: Tx) -> Sequence[Tag]:
    """The workspace's, by name."""
    return tag_store.every(tx, limit=TAGS_LIMIT)


@requires(Permission.TICKET_LIST)
def of_tickets(tx: Tx, ticket_ids: Sequence[UUID]) -> Mapping[UUID, tuple[Tag, ...]]:
    return tag_store.of_tickets(tx, ticket_ids) if ticket_ids else {}


def _checked(tx: Tx, name: str, colour: str, *, besides: UUID | None = None) -> tuple[str, Colour]:
    """Raises Invalid (`name`: required, too_long, taken; `colour`: unknown)."""
    problems: dict[str, str] = {}
    name = text.name(name)
    if not name:
        problems["name"] = "required"
    elif len(name) > NAME_LIMIT:
        problems["name"] = "too_long"
    else:
        other = tag_store.by_key(tx, name.casefold())
        if other and other.tag_id != besides:
            problems["name"] = "taken"
    if colour not in {*Colour}:
        problems["colour"] = "unknown"
    if problems:
        raise Invalid(problems)
    return name, Colour(colour)


@requires(Permission.TAG_MANAGE)
def make(tx: Tx, name: str, colour: str) -> Tag:
    """Raises Invalid (`name`: required, too_long, taken; `colour`: unknown; `form`: too_many)."""
    name, chosen = _checked(tx, name, colour)
    if tag_store.how_many(tx) >= TAGS_LIMIT:
        raise Invalid({"form": "too_many"})
    made = Tag(clock.new_id(), name, chosen)
    tag_store.insert_tag(tx, made, key=name.casefold())
    audit.record(tx, "tag_made", after=name)
    return made


@requires(Permission.TAG_MANAGE)
def change(tx: Tx, tag_id: UUID, name: str, colour: str, seen_mark: str = "") -> None:
    """Another name or colour, on every ticket at once. `seen_mark` is that of both before.

    Raises what `make` raises, UnknownTag, ChangedMeanwhile.
    """
    before = tag_store.lock(tx, tag_id)
    if before is None:
        raise UnknownTag
    seen.insist(seen_mark, before.name, before.colour)
    name, chosen = _checked(tx, name, colour, besides=tag_id)
    tag_store.update_tag(tx, Tag(tag_id, name, chosen), key=name.casefold())
    audit.record(tx, "tag_changed", before=before.name, after=name)


@requires(Permission.TAG_MANAGE)
def delete(tx: Tx, tag_id: UUID) -> None:
    """Nobody sees it from now on; a job takes it off the tickets, which may be many. Raises UnknownTag."""
    gone = _tag(tx, tag_id)
    tag_store.hide_tag(tx, tag_id, clock.now())
    audit.record(tx, "tag_deleted", before=gone.name)
    tx.enqueue(JOB, {"tag_id": str(tag_id)})


@requires(Permission.SYSTEM)
def take_off_some(tx: Tx, tag_id: UUID) -> bool:
    """The next tickets of a deleted tag; False when none had it any more, and then the tag is gone too."""
    gone = tag_store.take_off_some(tx, tag_id, limit=AT_ONCE)
    if not gone:
        tag_store.delete_tag(tx, tag_id)
        return False
    events.ticket_updated(tx, gone, "tags")
    return True


def _tag(tx: Tx, tag_id: UUID) -> Tag:
    found = tag_store.tag(tx, tag_id)
    if found is None:
        raise UnknownTag
    return found


@requires(Permission.TICKET_UPDATE)
def fitting(tx: Tx, ticket: Ticket, name: str) -> Tag:
    """The tag of this name. Raises Invalid (`tag`: required, unknown; too_many for a ticket without room)."""
    name = text.name(name)
    tag = tag_store.by_key(tx, name.casefold())
    if tag is None:
        raise Invalid({"tag": "unknown" if name else "required"})
    if len(tag_store.of_tickets(tx, [ticket.ticket_id]).get(ticket.ticket_id, [])) >= TICKET_LIMIT:
        raise Invalid({"tag": "too_many"})
    return tag


@requires(Permission.TICKET_LIST)
def known(tx: Tx, tag_id: UUID) -> Tag | None:
    return tag_store.tag(tx, tag_id)


@requires(Permission.TICKET_LIST)
def have(tx: Tx, ticket_ids: Sequence[UUID], tag_id: UUID) -> set[UUID]:
    """Those of the tickets that have it."""
    found = of_tickets(tx, ticket_ids)
    return {ticket_id for ticket_id, these in found.items() if any(tag.tag_id == tag_id for tag in these)}


@requires(Permission.TICKET_UPDATE)
def put_on_all(tx: Tx, locked: Sequence[Ticket], tag_id: UUID) -> list[Ticket]:
    """Those that got it; not those that have it already, or as many tags as a ticket can have."""
    tag = tag_store.tag(tx, tag_id)
    if tag is None:
        return []
    others = of_tickets(tx, [ticket.ticket_id for ticket in locked])
    taking = []
    for ticket in locked:
        these = others.get(ticket.ticket_id, ())
        if len(these) < TICKET_LIMIT and tag not in these:
            taking.append(ticket)
    tag_store.put_on(tx, taking, tag_id)
    audit.record_all(tx, "tag", {ticket.ticket_id: (None, tag.name) for ticket in taking})
    events.ticket_updated(tx, [ticket.ticket_id for ticket in taking], "tags")
    for ticket in taking:
        changes.tell(tx, ticket, inward=True)
    return taking


@requires(Permission.TICKET_UPDATE)
def take_off_all(tx: Tx, locked: Sequence[Ticket], tag_id: UUID) -> list[Ticket]:
    """Those that had it."""
    tag = tag_store.tag(tx, tag_id)
    if tag is None:
        return []
    had = have(tx, [ticket.ticket_id for ticket in locked], tag_id)
    tag_store.take_off(tx, sorted(had), tag_id)
    audit.record_all(tx, "tag", dict.fromkeys(sorted(had), (tag.name, None)))
    gone = [ticket for ticket in locked if ticket.ticket_id in had]
    events.ticket_updated(tx, [ticket.ticket_id for ticket in gone], "tags")
    for ticket in gone:
        changes.tell(tx, ticket, inward=True)
    return gone


class TagJobs:
    """A run that broke off is taken up where it was: what is taken off is not found again."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.handlers = {JOB: self.take_off}

    async def take_off(self, job: Job) -> None:
        system, tag_id = Actor.system(job.workspace_id), UUID(job.payload["tag_id"])
        while await self._db.write(system, take_off_some, tag_id):
            pass
