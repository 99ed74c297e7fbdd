"""SQL of webhooks and of what is posted to them."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, func, insert, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.moments import AT_ONCE, moment, present
from parlour.db.schema import webhook_deliveries, webhooks, workspaces
from parlour.features.events.models import Kind
from parlour.features.webhooks.models import Delivery, Off, Outcome, Parcel, State, Told, Webhook
from parlour.kernel import clock
from parlour.kernel.keyring import Sealed

_WEBHOOK = (
    webhooks.c.webhook_id,
    webhooks.c.url,
    webhooks.c.events,
    webhooks.c.off,
    webhooks.c.except_key,
    webhooks.c.secret,
    webhooks.c.secret_key,
    webhooks.c.previous_secret,
    webhooks.c.previous_key,
    webhooks.c.previous_until,
    webhooks.c.failing_since,
    webhooks.c.created_at,
    webhooks.c.position,
    webhooks.c.slow,
    webhooks.c.job_id,
)
_HERE = webhooks.c.workspace_id == HERE
_THIS = _HERE & (webhooks.c.webhook_id == bindparam("this_webhook"))
_LIMIT = bindparam("limit", type_=Integer())
_EVERY = select(*_WEBHOOK).where(_HERE).order_by(webhooks.c.webhook_id).limit(_LIMIT)
_LOCK_ON = (
    select(*_WEBHOOK)
    .where(_HERE, webhooks.c.off == Off.ON)
    .order_by(webhooks.c.webhook_id)
    .limit(_LIMIT)
    .with_for_update()
)
_HOW_MANY = select(func.count()).select_from(webhooks).where(_HERE)
_PLACE = select(workspaces.c.workspace_id).where(workspaces.c.workspace_id == HERE)
_ONE = select(*_WEBHOOK).where(_THIS)
_LOCK = _ONE.with_for_update()

_DELIVERY = (
    webhook_deliveries.c.event_id,
    webhook_deliveries.c.kind,
    webhook_deliveries.c.body,
    webhook_deliveries.c.state,
    webhook_deliveries.c.tries,
    webhook_deliveries.c.status,
    webhook_deliveries.c.answer,
    webhook_deliveries.c.failure,
    webhook_deliveries.c.milliseconds,
    webhook_deliveries.c.tried_at,
    webhook_deliveries.c.next_try_at,
    webhook_deliveries.c.created_at,
)
_OF_THIS = (webhook_deliveries.c.workspace_id == HERE) & (
    webhook_deliveries.c.webhook_id == bindparam("this_webhook")
)
_THAT = _OF_THIS & (webhook_deliveries.c.event_id == bindparam("this_event"))


def _webhook(row: Any) -> Webhook:
    webhook_id, url, events, off, except_key, secret, key, previous, previous_key, until, *rest = row
    failing_since, created_at, position, slow, job_id = rest
    return Webhook(
        webhook_id=webhook_id,
        url=url,
        events=tuple(Kind(kind) for kind in events.split(",")),
        off=Off(off),
        except_key=except_key,
        secret=Sealed(secret, key),
        previous=Sealed(previous, previous_key) if previous else None,
        previous_until=until,
        failing_since=failing_since,
        created_at=created_at,
        position=position,
        slow=slow,
        job_id=job_id,
    )


def insert_webhook(
    tx: Tx,
    *,
    webhook_id: UUID,
    url: str,
    events: Sequence[Kind],
    except_key: UUID | None,
    secret: Sealed,
    position: int,
) -> None:
    tx.execute(
        insert(webhooks).values(
            workspace_id=tx.workspace_id,
            webhook_id=webhook_id,
            url=url,
            events=",".join(events),
            except_key=except_key,
            secret=secret.text,
            secret_key=secret.key,
            position=position,
            created_at=clock.now(),
        )
    )


def every(tx: Tx, *, limit: int) -> list[Webhook]:
    """The first one first."""
    return [_webhook(row) for row in tx.rows(_EVERY, limit=limit)]


def lock_all_on(tx: Tx, *, limit: int) -> list[Webhook]:
    return [_webhook(row) for row in tx.run(_LOCK_ON, limit=limit)]


def webhook(tx: Tx, webhook_id: UUID) -> Webhook | None:
    row = tx.first(_ONE, this_webhook=webhook_id)
    return _webhook(row) if row else None


def lock(tx: Tx, webhook_id: UUID) -> Webhook | None:
    row = tx.run(_LOCK, this_webhook=webhook_id).first()
    return _webhook(row) if row else None


def change(tx: Tx, webhook_id: UUID, **values: Any) -> None:
    tx.run(update(webhooks).where(_THIS).values(**values), this_webhook=webhook_id)


def change_secret(tx: Tx, webhook: Webhook, secret: Sealed, *, until: datetime) -> None:
    """What was the secret signs as well until then."""
    change(
        tx,
        webhook.webhook_id,
        secret=secret.text,
        secret_key=secret.key,
        previous_secret=webhook.secret.text,
        previous_key=webhook.secret.key,
        previous_until=until,
    )


def delete_webhook(tx: Tx, webhook_id: UUID) -> bool:
    return tx.run(delete(webhooks).where(_THIS), this_webhook=webhook_id).rowcount == 1


def how_many(tx: Tx) -> int:
    """No more come until this transaction has ended."""
    dialect.lock(tx, "webhooks", tx.workspace_id.hex)
    found: int = tx.run(_HOW_MANY).scalar_one()
    return found


def follow(tx: Tx) -> None:
    """Note with the workspace whether there is a webhook that is on: what happens looks there.

    By a statement that begins when nobody else is doing the same, and so sees what they have done.
    """
    tx.run(_PLACE.with_for_update(key_share=True))
    on = select(webhooks.c.webhook_id).where(_HERE, webhooks.c.off == Off.ON).exists()
    tx.run(update(workspaces).where(workspaces.c.workspace_id == HERE).values(hooked=on))


def sealed_otherwise(tx: Tx, *, keys: Collection[str], limit: int) -> Sequence[tuple[UUID, Webhook]]:
    """Whose, and which, have a secret that is sealed under none of these names."""
    query = select(webhooks.c.workspace_id, *_WEBHOOK).where(webhooks.c.secret_key.not_in(keys)).limit(limit)
    return [(row[0], _webhook(row[1:])) for row in tx.execute(query)]


def reseal(tx: Tx, webhook: Webhook, sealed: Sealed) -> None:
    """The same secret under another key, unless it was replaced meanwhile."""
    same = _THIS & (webhooks.c.secret == webhook.secret.text)
    values = {"secret": sealed.text, "secret_key": sealed.key}
    tx.run(update(webhooks).where(same).values(values), this_webhook=webhook.webhook_id)


# -------------------------------------------------------------------------------------------- deliveries


def insert_deliveries(tx: Tx, webhook_id: UUID, told: Sequence[Told]) -> int:
    """To be posted at once; what is there already is left as it is. Says how many there were."""
    new = dialect.insert(tx, webhook_deliveries).values(_rows(tx, webhook_id, told))
    return tx.execute(new.on_conflict_do_nothing()).rowcount


def insert_or_revive(tx: Tx, webhook_id: UUID, told: Sequence[Told], *, all_of_them: bool) -> int:
    """The same, and what was given up begins anew; what has arrived as well, where it is all of them."""
    new = dialect.insert(tx, webhook_deliveries).values(_rows(tx, webhook_id, told))
    again = [State.FAILED, State.DELIVERED] if all_of_them else [State.FAILED]
    afresh = {"state": State.PENDING, "tries": 0, "next_try_at": new.excluded.next_try_at}
    key = ["workspace_id", "webhook_id", "event_id"]
    return tx.execute(
        new.on_conflict_do_update(
            index_elements=key, set_=afresh, where=webhook_deliveries.c.state.in_(again)
        )
    ).rowcount


def _rows(tx: Tx, webhook_id: UUID, told: Sequence[Told]) -> list[dict[str, Any]]:
    due, at = present(tx.connection), clock.now()
    return [
        {
            "workspace_id": tx.workspace_id,
            "webhook_id": webhook_id,
            "event_id": each.event_id,
            "kind": each.kind,
            "ticket_id": each.ticket_id,
            "contact_id": each.contact_id,
            "body": each.body,
            "state": State.PENDING.value,
            "next_try_at": due,
            "created_at": at,
        }
        for each in told
    ]


def revive(tx: Tx, webhook_id: UUID, event_id: UUID) -> bool:
    """Begin anew, at once. False where there is no such delivery."""
    values = {"state": State.PENDING.value, "tries": 0, "next_try_at": moment(tx.connection)}
    statement = update(webhook_deliveries).where(_THAT).values(values)
    return tx.run(statement, this_webhook=webhook_id, this_event=event_id).rowcount == 1


_DUE = (
    select(webhook_deliveries.c.event_id, webhook_deliveries.c.body, webhook_deliveries.c.tries)
    .where(_OF_THIS, webhook_deliveries.c.next_try_at <= bindparam("now", type_=webhooks.c.created_at.type))
    .order_by(webhook_deliveries.c.next_try_at, webhook_deliveries.c.event_id)
    .limit(_LIMIT)
)
_NEXT = select(func.min(webhook_deliveries.c.next_try_at)).where(
    _OF_THIS, webhook_deliveries.c.next_try_at.is_not(None)
)


def due(tx: Tx, webhook_id: UUID, at: datetime, *, limit: int) -> list[Parcel]:
    """Those that wait longest first."""
    return [Parcel(*row) for row in tx.run(_DUE, this_webhook=webhook_id, now=at, limit=limit)]


def next_try(tx: Tx, webhook_id: UUID) -> datetime | None:
    """When something is to be tried that is not due yet."""
    found: datetime | None = tx.run(_NEXT, this_webhook=webhook_id).scalar_one()
    return found


_SETTLE = (
    update(webhook_deliveries)
    .where(_THAT)
    .values(
        state=bindparam("new_state"),
        tries=bindparam("new_tries"),
        status=bindparam("new_status"),
        answer=bindparam("new_answer"),
        failure=bindparam("new_failure"),
        milliseconds=bindparam("new_milliseconds"),
        tried_at=bindparam("new_tried_at"),
        next_try_at=bindparam("new_next"),
    )
)


def settle(tx: Tx, webhook_id: UUID, outcomes: Sequence[tuple[Outcome, State, timedelta]]) -> None:
    """What became of each: its state now, and after how long it is tried again if it is pending."""
    at, due = clock.now(), present(tx.connection)
    rows = [
        {
            "workspace": tx.workspace_id,
            "this_webhook": webhook_id,
            "this_event": outcome.parcel.event_id,
            "new_state": state.value,
            "new_tries": outcome.parcel.tries + 1,
            "new_status": outcome.status,
            "new_answer": outcome.answer,
            "new_failure": outcome.failure,
            "new_milliseconds": outcome.milliseconds,
            "new_tried_at": at,
            "new_next": due + wait if state is State.PENDING else None,
        }
        for outcome, state, wait in outcomes
    ]
    tx.execute(_SETTLE, rows)


def put_down(tx: Tx, webhook_id: UUID, told: Told, outcome: Outcome, state: State) -> None:
    """What was posted already, while somebody waited for it."""
    [row] = _rows(tx, webhook_id, [told])
    tx.execute(insert(webhook_deliveries).values({**row, "state": state.value, "next_try_at": None}))
    settle(tx, webhook_id, [(outcome, state, AT_ONCE)])


def deliveries(
    tx: Tx, webhook_id: UUID, *, before: UUID | None, state: State | None, limit: int
) -> list[Delivery]:
    """The newest event first."""
    query = select(*_DELIVERY).where(_OF_THIS)
    if before:
        query = query.where(webhook_deliveries.c.event_id < before)
    if state:
        query = query.where(webhook_deliveries.c.state == state)
    query = query.order_by(webhook_deliveries.c.event_id.desc()).limit(limit)
    return [_delivery(row) for row in tx.run(query, this_webhook=webhook_id)]


def delivery(tx: Tx, webhook_id: UUID, event_id: UUID) -> Delivery | None:
    query = select(*_DELIVERY).where(_THAT)
    row = tx.run(query, this_webhook=webhook_id, this_event=event_id).first()
    return _delivery(row) if row else None


def _delivery(row: Any) -> Delivery:
    event_id, kind, body, state, *rest = row
    return Delivery(event_id, kind, body, State(state), *rest)


def forget_deliveries(tx: Tx, webhook_id: UUID, *, limit: int) -> int:
    """Some of a webhook that is gone; says how many."""
    some = select(webhook_deliveries.c.event_id).where(_OF_THIS).limit(limit)
    gone = delete(webhook_deliveries).where(_OF_THIS, webhook_deliveries.c.event_id.in_(some))
    return tx.run(gone, this_webhook=webhook_id).rowcount


def sweep(tx: Tx, before: datetime, *, limit: int) -> int:
    """Forget some of what is older; says how many."""
    old = webhook_deliveries.c.created_at < before
    return dialect.delete_some(tx, webhook_deliveries, old, webhook_deliveries.c.created_at, limit=limit)
