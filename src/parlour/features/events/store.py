"""SQL of what happened."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Integer,
    Update,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.lanes import lane_of
from parlour.db.schema import UtcDateTime, event_heads, events, outbox, workspaces
from parlour.db.shortcut import Answered
from parlour.features.events.models import FAN_OUT, Event, Happened, Kind
from parlour.kernel import clock

_EVENT = (
    events.c.position,
    events.c.event_id,
    events.c.kind,
    events.c.ticket_id,
    events.c.contact_id,
    events.c.message_id,
    events.c.changed,
    events.c.actor,
    events.c.created_at,
)
_UNPLACED = (events.c.workspace_id == HERE) & events.c.position.is_(None)
_LIMIT = bindparam("limit", type_=Integer())
_POSITION = bindparam("at", type_=BigInteger())
_FOLLOWING = (
    select(*_EVENT)
    .where(events.c.workspace_id == HERE, events.c.position > _POSITION)
    .order_by(events.c.position)
    .limit(_LIMIT)
)
_BETWEEN = (
    select(*_EVENT)
    .where(
        events.c.workspace_id == HERE,
        events.c.event_id > bindparam("after", type_=Uuid()),
        events.c.event_id < bindparam("before", type_=Uuid()),
        events.c.position.is_not(None),
    )
    .order_by(events.c.event_id)
    .limit(_LIMIT)
)
_ANY_UNPLACED = select(events.c.number).where(_UNPLACED).limit(1)
_HEAD = select(event_heads.c.position, event_heads.c.forgotten).where(event_heads.c.workspace_id == HERE)
_LOCK_HEAD = _HEAD.with_for_update()
_MOVE_HEAD = update(event_heads).where(event_heads.c.workspace_id == HERE)
_NEXT = select(events.c.number).where(_UNPLACED).order_by(events.c.number).limit(_LIMIT)
_STEP = func.row_number().over(order_by=events.c.number).label("step")
_OLDEST = (
    select(events.c.workspace_id)
    .where(events.c.created_at < bindparam("before", type_=events.c.created_at.type))
    .order_by(events.c.created_at)
    .limit(1)
)
_OLD = (
    select(events.c.position)
    .where(
        events.c.workspace_id == HERE,
        events.c.position > _POSITION,
        events.c.created_at < bindparam("before", type_=events.c.created_at.type),
    )
    .order_by(events.c.position)
    .limit(_LIMIT)
)
_FORGET = delete(events).where(events.c.workspace_id == HERE, events.c.position <= _POSITION)


@cache
def _insert(database: str) -> Any:
    """Without asking back for the number: a customer may write here, and not read."""
    if database == "postgresql":
        return insert(events).inline()
    next_one = select(func.coalesce(func.max(events.c.number), 0) + 1).where(_UNPLACED)
    return insert(events).values(workspace_id=HERE, number=next_one.scalar_subquery()).inline()


def insert_all(tx: Tx, happened: Sequence[Happened], *, actor: str) -> None:
    """In this order. Who holds a ticket's row has a number before the next one who waits for that row."""
    now, engine = clock.now(), dialect.name_of(tx)
    here = "workspace_id" if engine == "postgresql" else "workspace"
    rows = [
        {
            here: tx.workspace_id,
            "event_id": clock.new_id(),
            "kind": each.kind.value,
            "ticket_id": each.ticket_id,
            "contact_id": each.contact_id,
            "message_id": each.message_id,
            "changed": ",".join(each.changed),
            "actor": actor,
            "created_at": now,
        }
        for each in happened
    ]
    tx.put(_insert(engine), rows)


@cache
def _wake(database: str) -> Any:
    """In the name of whoever writes, who need not see that there are webhooks, nor anybody's jobs."""
    now = bindparam("now", type_=UtcDateTime()) if database == "sqlite" else func.statement_timestamp()
    job = {
        outbox.c.job_id: bindparam("new_job", type_=Uuid()),
        outbox.c.workspace_id: workspaces.c.workspace_id,
        outbox.c.kind: literal(FAN_OUT),
        outbox.c.lane: literal(lane_of(FAN_OUT).value),
        outbox.c.payload: literal({}, JSON()),
        outbox.c.run_at: now,
        outbox.c.due_at: now,
        outbox.c.put_at: now,
    }
    hooked = select(*job.values()).where(workspaces.c.workspace_id == HERE, workspaces.c.hooked)
    return insert(outbox).from_select(list(job), hooked)


def wake(tx: Tx) -> Callable[[], bool]:
    """Store the job that posts what happened, where a webhook is on; what comes back says whether it is. One
    statement, and one row read.
    """
    statement = _wake(dialect.name_of(tx))
    given: dict[str, Any] = {"new_job": clock.new_id()}
    if dialect.name_of(tx) == "sqlite":
        given["now"] = clock.steady()
    return tx.asking(statement, _is_stored, **given)


def _is_stored(answer: Answered) -> bool:
    return answer.written == 1


def following(tx: Tx, position: int, *, limit: int) -> list[Event]:
    return [_event(row) for row in tx.rows(_FOLLOWING, at=position, limit=limit)]


def _event(row: Any) -> Event:
    position, event_id, kind, ticket_id, contact_id, message_id, changed, actor, created_at = row
    fields = tuple(changed.split(",")) if changed else ()
    subject = (ticket_id, contact_id, message_id)
    return Event(position, event_id, Kind(kind), *subject, fields, actor, created_at)


def between(tx: Tx, after: UUID, before: UUID, *, limit: int) -> list[Event]:
    return [_event(row) for row in tx.rows(_BETWEEN, after=after, before=before, limit=limit)]


def has_unplaced(tx: Tx) -> bool:
    return tx.first(_ANY_UNPLACED) is not None


def head(tx: Tx) -> tuple[int, int]:
    """The last position that was given, and the last of what is no longer kept."""
    found = tx.first(_HEAD)
    return (found[0], found[1]) if found else (0, 0)


def lock_head(tx: Tx) -> tuple[int, int]:
    """`head`, which nobody else moves before this transaction has ended."""
    row = tx.run(_LOCK_HEAD).first()
    if row is None:
        new = dialect.insert(tx, event_heads).values(workspace_id=tx.workspace_id, position=0, forgotten=0)
        tx.execute(new.on_conflict_do_nothing(index_elements=["workspace_id"]))
        row = tx.run(_LOCK_HEAD).one()
    return row[0], row[1]


def place(tx: Tx, after: int, *, limit: int) -> int:
    """Give the next unplaced events the positions after this one; says how many there were."""
    return tx.run(_place(dialect.name_of(tx)), at=after, limit=limit).rowcount


@cache
def _place(database: str) -> Update:
    """On PostgreSQL without a join: while its statistics call the table tiny, that reads every event for each
    of these. Their numbers are one array there, in order, in which each finds its step.
    """
    if database == "postgresql":
        step = func.width_bucket(events.c.number, func.array(_NEXT.scalar_subquery()))
        last = select(func.max(_NEXT.subquery().c.number)).scalar_subquery()
        return update(events).where(_UNPLACED, events.c.number <= last).values(position=_POSITION + step)
    steps = _NEXT.add_columns(events.c.event_id, _STEP).subquery()
    these = (events.c.workspace_id == HERE) & (events.c.event_id == steps.c.event_id)
    return update(events).where(these).values(position=_POSITION + steps.c.step)


def move_head(tx: Tx, **values: int) -> None:
    tx.run(_MOVE_HEAD.values(**values))


def oldest(tx: Tx, before: datetime) -> UUID | None:
    """Whose event from before that moment comes first."""
    found: UUID | None = tx.execute(_OLDEST, {"before": before}).scalar_one_or_none()
    return found


def first_unplaced(tx: Tx) -> UUID | None:
    """A workspace some of whose events nobody has read yet."""
    query = select(events.c.workspace_id).where(events.c.position.is_(None)).limit(1)
    found: UUID | None = tx.execute(query).scalar_one_or_none()
    return found


def old(tx: Tx, after: int, before: datetime, *, limit: int) -> list[int]:
    """Positions after that one of events from before that moment."""
    return [row[0] for row in tx.rows(_OLD, at=after, before=before, limit=limit)]


def forget(tx: Tx, upto: int) -> int:
    return tx.run(_FORGET, at=upto).rowcount
