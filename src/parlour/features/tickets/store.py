"""SQL of tickets."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    update,
)

from parlour.db import dialect, search
from parlour.db.database import HERE, Tx
from parlour.db.schema import ACTIVE, ticket_tags, tickets
from parlour.db.shortcut import Answered
from parlour.features.tickets.models import Draft, Priority, Status, Ticket

_TICKET = (
    tickets.c.ticket_id,
    tickets.c.workspace_id,
    tickets.c.number,
    tickets.c.subject,
    tickets.c.description,
    tickets.c.status,
    tickets.c.priority,
    tickets.c.email,
    tickets.c.chat_room_id,
    tickets.c.assignee_id,
    tickets.c.version,
    tickets.c.created_at,
    tickets.c.updated_at,
    tickets.c.last_message_at,
    tickets.c.waiting_since,
    tickets.c.first_answer_at,
    tickets.c.snoozed_until,
    tickets.c.tagged,
    tickets.c.status_change,
    tickets.c.unsaid_from,
    tickets.c.unsaid_by,
    tickets.c.quiet,
    tickets.c.typed_name,
    tickets.c.merged_into,
    tickets.c.before_merge,
    tickets.c.gathers,
)
RANKS = {Priority.LOW: 0, Priority.MEDIUM: 1, Priority.HIGH: 2, Priority.URGENT: 3}
"""What `priority_rank` holds: priorities in their order, for the index."""


def has_status(status: Status) -> ColumnElement[bool]:
    """Said in the statement itself: of a value that comes with each run SQLite asks, each time, whether a
    partial index fits it, and plans anew.
    """
    return tickets.c.status == literal_column(f"'{status.value}'", tickets.c.status.type)


STATUSES = {status.value: status for status in Status}
PRIORITIES = {priority.value: priority for priority in Priority}


def _ticket(row: Any) -> Ticket:
    fields = list(row)
    fields[5:7] = STATUSES[row[5]], PRIORITIES[row[6]]
    return Ticket(*fields)


_THIS = (tickets.c.workspace_id == HERE) & (tickets.c.ticket_id == bindparam("this_ticket"))
_BY_ID = select(*_TICKET).where(_THIS)
_BY_NUMBER = select(*_TICKET).where(
    tickets.c.workspace_id == HERE, tickets.c.number == bindparam("number", type_=Integer())
)
_LOCKED = _BY_ID.with_for_update()
_LOCKED_ALL = (
    select(*_TICKET)
    .where(tickets.c.workspace_id == HERE, dialect.one_of(tickets.c.ticket_id, "these"))
    .order_by(tickets.c.ticket_id)
    .with_for_update()
)
_BY_CLIENT_ID = select(*_TICKET).where(
    tickets.c.workspace_id == HERE, tickets.c.client_id == bindparam("client")
)
_OF_EMAIL = (
    select(*_TICKET)
    .where(tickets.c.workspace_id == HERE, tickets.c.email == bindparam("email"))
    .order_by(tickets.c.ticket_id.desc())
    .limit(bindparam("limit", type_=Integer()))
)
_COUNT_OF_EMAIL = select(func.count()).select_from(
    select(tickets.c.ticket_id)
    .where(tickets.c.workspace_id == HERE, tickets.c.email == bindparam("email"))
    .limit(bindparam("limit", type_=Integer()))
    .subquery()
)
_IN_THESE_WORDS = (
    select(*_TICKET)
    .where(
        tickets.c.workspace_id == HERE,
        dialect.one_of(tickets.c.ticket_id, "these"),
        tickets.c.email == bindparam("email"),
        tickets.c.subject == bindparam("subject"),
        tickets.c.description == bindparam("description"),
        tickets.c.created_at > bindparam("since"),
        or_(tickets.c.status != Status.CLOSED.value, tickets.c.quiet),
    )
    .order_by(tickets.c.ticket_id.desc())
    .limit(1)
)

_MOMENT = bindparam("moment", type_=tickets.c.created_at.type)
_SPEAKS = update(tickets).where(_THIS)


def in_these_words(tx: Tx, these: Sequence[UUID], draft: Draft, *, since: datetime) -> Ticket | None:
    """The newest of these tickets that was opened since then with this draft's words and is not closed."""
    found = tx.run(
        _IN_THESE_WORDS,
        these=list(these),
        email=draft.email,
        subject=draft.subject,
        description=draft.description,
        since=since,
    ).first()
    return _ticket(found) if found else None


_INSERT_TICKET = insert(tickets)


def insert_ticket(tx: Tx, ticket: Ticket, *, client_id: UUID) -> None:
    """Its subject is searchable from now on; its description is its room's first message."""
    row = {
        "ticket_id": ticket.ticket_id,
        "workspace_id": ticket.workspace_id,
        "number": ticket.number,
        "subject": ticket.subject,
        "description": ticket.description,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "priority_rank": RANKS[ticket.priority],
        "email": ticket.email,
        "chat_room_id": ticket.chat_room_id,
        "assignee_id": ticket.assignee_id,
        "client_id": client_id,
        "version": ticket.version,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "last_message_at": ticket.last_message_at,
        "waiting_since": ticket.waiting_since,
        "first_answer_at": ticket.first_answer_at,
        "quiet": ticket.quiet,
        "typed_name": ticket.typed_name,
    }
    tx.put(_INSERT_TICKET, [row])
    search.index_words(tx, ticket.ticket_id, search.subject_words(ticket.subject, ticket.email))


def date(tx: Tx, ticket: Ticket) -> None:
    """Its moments are these: of a ticket that was brought from elsewhere."""
    names = ("last_message_at", "updated_at", "waiting_since", "first_answer_at")
    values = {name: getattr(ticket, name) for name in names}
    tx.run(update(tickets).where(_THIS).values(values), this_ticket=ticket.ticket_id)
    follow_on_tags(tx, [ticket], last_message_at=ticket.last_message_at)


def ticket(tx: Tx, ticket_id: UUID) -> Ticket | None:
    return next(iter(tx.objects(_BY_ID, _ticket, this_ticket=ticket_id)), None)


def asking_ticket(tx: Tx, ticket_id: UUID) -> Callable[[], Ticket | None]:
    return tx.asking(_BY_ID, _perhaps, this_ticket=ticket_id)


def by_number(tx: Tx, number: int) -> Ticket | None:
    row = tx.first(_BY_NUMBER, number=number)
    return _ticket(row) if row else None


def lock_ticket(tx: Tx, ticket_id: UUID) -> Ticket | None:
    row = tx.first(_LOCKED, this_ticket=ticket_id)
    return _ticket(row) if row else None


def lock_all(tx: Tx, ticket_ids: Sequence[UUID]) -> list[Ticket]:
    """In the order of their ids, in which everybody locks many."""
    return [_ticket(row) for row in tx.rows(_LOCKED_ALL, these=list(ticket_ids))]


def asking_by_client_id(tx: Tx, client_id: UUID) -> Callable[[], Ticket | None]:
    return tx.asking(_BY_CLIENT_ID, _perhaps, client=client_id)


def _perhaps(found: Answered) -> Ticket | None:
    return _ticket(found.rows[0]) if found.rows else None


def by_client_id(tx: Tx, client_id: UUID) -> Ticket | None:
    return asking_by_client_id(tx, client_id)()


def forget_form(tx: Tx, ticket_id: UUID) -> None:
    """The form that opened the ticket is not known by its `client_id` any more."""
    tx.run(update(tickets).where(_THIS).values(client_id=None), this_ticket=ticket_id)


def of_email(tx: Tx, email: str, *, limit: int) -> list[Ticket]:
    return tx.objects(_OF_EMAIL, _ticket, email=email, limit=limit)


_MERGED = select(*_TICKET).where(
    tickets.c.workspace_id == HERE,
    dialect.one_of(tickets.c.merged_into, "these"),
    tickets.c.merged_into.is_not(None),
)
_MERGED = _MERGED.order_by(tickets.c.ticket_id).limit(bindparam("limit", type_=Integer()))


def merged_into(tx: Tx, ticket_ids: Sequence[UUID], *, limit: int) -> list[Ticket]:
    """What went on in one of these tickets itself."""
    return tx.objects(_MERGED, _ticket, these=list(ticket_ids), limit=limit)


def count_of_email(tx: Tx, email: str, *, limit: int) -> int:
    """No more than `limit`."""
    count: int = tx.run(_COUNT_OF_EMAIL, email=email, limit=limit).scalar_one()
    return count


def spoke(tx: Tx, before: Ticket, now: Ticket) -> None:
    """Note how a locked ticket stands now that somebody has spoken (`life.after_word`)."""
    moved = now.status is not before.status
    changed = ("status_change", "snoozed_until", "quiet", "version", "updated_at") if moved else ()
    names = ("last_message_at", "waiting_since", "first_answer_at", *changed)
    values = {name: getattr(now, name) for name in names} | ({"status": now.status.value} if moved else {})
    tx.change_soon(_SPEAKS, this_ticket=now.ticket_id, **values)
    follow_on_tags(tx, [before], last_message_at=now.last_message_at)


_SPEAKS_QUIETLY = update(tickets).where(_THIS).values(last_message_at=_MOMENT)


def spoke_quietly(tx: Tx, ticket: Ticket, moment: datetime) -> None:
    """When the last word was, which its customer's pages say; nothing else follows from it."""
    tx.run(_SPEAKS_QUIETLY, this_ticket=ticket.ticket_id, moment=moment)
    follow_on_tags(tx, [ticket], last_message_at=moment)


_ON_TAGS = (ticket_tags.c.workspace_id == HERE) & dialect.one_of(ticket_tags.c.ticket_id, "these")


def follow_on_tags(tx: Tx, locked: Sequence[Ticket], **values: object) -> None:
    """What lists are sorted by stands with the tags of a ticket too, where customers may not write."""
    these = [ticket.ticket_id for ticket in locked if ticket.tagged]
    if these:
        tx.as_system().run(update(ticket_tags).where(_ON_TAGS).values(**values), these=these)


def change_all(tx: Tx, ticket_ids: Sequence[UUID], moment: datetime, **values: object) -> list[Ticket]:
    """Set columns of locked tickets, the same of each; their versions go up by one."""
    query = (
        update(tickets)
        .where(tickets.c.workspace_id == HERE, dialect.one_of(tickets.c.ticket_id, "these"))
        .values(version=tickets.c.version + 1, updated_at=moment, **values)
        .returning(*_TICKET)
    )
    return [_ticket(row) for row in tx.run(query, these=list(ticket_ids))]


_HELD = select(tickets.c.ticket_id).where(
    tickets.c.workspace_id == HERE, tickets.c.assignee_id == bindparam("holder")
)
_HELD = _HELD.order_by(tickets.c.last_message_at.desc(), tickets.c.ticket_id.desc())
_HELD = _HELD.limit(bindparam("limit", type_=Integer()))
_HELD_ACTIVE = _HELD.where(text(f"tickets.{ACTIVE}"))
_RELEASE = (
    update(tickets)
    .where(tickets.c.workspace_id == HERE, dialect.one_of(tickets.c.ticket_id, "these"))
    .values(assignee_id=None, version=tickets.c.version + 1, updated_at=_MOMENT)
    .returning(*_TICKET)
)


def held_by(tx: Tx, user_id: UUID, *, active: bool, limit: int) -> list[UUID]:
    """Tickets of this person, the newest activity first."""
    return list(tx.run(_HELD_ACTIVE if active else _HELD, holder=user_id, limit=limit).scalars())


def release(tx: Tx, ticket_ids: Sequence[UUID], user_id: UUID, moment: datetime) -> list[Ticket]:
    """Take those of the tickets that are still this person's; as they are now.

    Whose they are is looked at here: for a condition on it SQLite would walk all that this person has.
    """
    theirs = [each.ticket_id for each in lock_all(tx, ticket_ids) if each.assignee_id == user_id]
    return [_ticket(row) for row in tx.run(_RELEASE, these=theirs, moment=moment)]


def mailed_seq(tx: Tx, ticket_id: UUID) -> int:
    """Up to where the customer has been told of answers by mail."""
    return tx.run(select(tickets.c.mailed_seq).where(_THIS), this_ticket=ticket_id).scalar_one_or_none() or 0


def set_mailed_seq(tx: Tx, ticket_id: UUID, seq: int) -> None:
    query = update(tickets).where(_THIS, tickets.c.mailed_seq < seq).values(mailed_seq=seq)
    tx.run(query, this_ticket=ticket_id)
