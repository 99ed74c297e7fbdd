"""SQL of the mailboxes that are fetched: who fetches each, and how far it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, delete, insert, select, update

from parlour.db.database import HERE, Tx
from parlour.db.moments import moment
from parlour.db.schema import fetched_mailboxes as fetched
from parlour.db.schema import mails
from parlour.features.mailroom.fetching.models import Claim, Outage, Place, Standing
from parlour.kernel import clock
from parlour.kernel.keyring import Sealed

_CLAIMED = (
    fetched.c.workspace_id,
    fetched.c.mailbox_id,
    fetched.c.url,
    fetched.c.password,
    fetched.c.password_key,
    fetched.c.since,
    fetched.c.uid_validity,
    fetched.c.last_uid,
    fetched.c.known_uid,
    fetched.c.failures,
    fetched.c.stuck_uid,
    fetched.c.bounded,
    fetched.c.provider,
)
_STANDING = (
    fetched.c.mailbox_id,
    fetched.c.url,
    fetched.c.looked_at,
    fetched.c.failures,
    fetched.c.error,
    fetched.c.provider,
)
_OUTAGE = (fetched.c.mailbox_id, fetched.c.looked_at, fetched.c.told_at, fetched.c.error)
_EVERY = select(*_STANDING).where(fetched.c.workspace_id == HERE)
_THIS = (fetched.c.workspace_id == HERE) & (fetched.c.mailbox_id == bindparam("mailbox"))
_HELD = _THIS & (fetched.c.holder == bindparam("held_by"))
_AT = (
    _THIS
    & (fetched.c.uid_validity == bindparam("validity_was"))
    & (fetched.c.last_uid == bindparam("last_was"))
)
_KNOWN = select(mails.c.message_id).where(
    mails.c.workspace_id == HERE, mails.c.message_id.in_(bindparam("ids", expanding=True))
)


def _claim(row: Any) -> Claim:
    return Claim(
        row.workspace_id,
        row.mailbox_id,
        row.url,
        Sealed(row.password, row.password_key),
        row.since,
        Place(row.uid_validity, row.last_uid, row.known_uid),
        row.failures,
        row.stuck_uid,
        row.bounded,
        row.provider,
    )


def put(
    tx: Tx,
    *,
    mailbox_id: UUID,
    url: str,
    sealed: Sealed,
    place: Place,
    since: datetime,
    bounded: bool,
    provider: str,
) -> None:
    """From now on the mailbox is fetched from there, after that place."""
    drop(tx, mailbox_id=mailbox_id)
    values = {
        "mailbox_id": mailbox_id,
        "url": url,
        "password": sealed.text,
        "password_key": sealed.key,
        "since": since,
        "uid_validity": place.validity,
        "last_uid": place.last,
        "known_uid": place.known,
        "due_at": moment(tx.connection),
        "looked_at": clock.now(),
        "failures": 0,
        "error": "",
        "stuck_uid": 0,
        "bounded": bounded,
        "provider": provider,
    }
    tx.execute(insert(fetched).values(workspace_id=tx.workspace_id, **values))


def drop(tx: Tx, *, mailbox_id: UUID) -> bool:
    return tx.run(delete(fetched).where(_THIS), mailbox=mailbox_id).rowcount == 1


def reseal(tx: Tx, *, mailbox_id: UUID, before: str, sealed: Sealed) -> None:
    """Keep the same password under another key, unless it was replaced meanwhile."""
    statement = update(fetched).where(_THIS, fetched.c.password == before)
    tx.run(statement.values(password=sealed.text, password_key=sealed.key), mailbox=mailbox_id)


def begin_renewal(tx: Tx, *, mailbox_id: UUID, before: str, renewal: UUID, lease: timedelta) -> bool:
    """False while somebody else renews, and where that was done since."""
    free = fetched.c.renewal.is_(None) | (fetched.c.renewal_until < moment(tx.connection))
    statement = update(fetched).where(_THIS, fetched.c.password == before, free)
    begun = statement.values(renewal=renewal, renewal_until=moment(tx.connection, lease))
    return tx.run(begun, mailbox=mailbox_id).rowcount == 1


def end_renewal(tx: Tx, *, mailbox_id: UUID, renewal: UUID, sealed: Sealed | None) -> None:
    """Keep what came of it, unless another grant or another's renewal has taken its place."""
    kept = {"password": sealed.text, "password_key": sealed.key} if sealed else {}
    statement = update(fetched).where(_THIS, fetched.c.renewal == renewal)
    tx.run(statement.values(renewal=None, renewal_until=None, **kept), mailbox=mailbox_id)


def every(tx: Tx) -> list[Standing]:
    """Of the workspace."""
    return [Standing(*row) for row in tx.run(_EVERY)]


def this(tx: Tx, mailbox_id: UUID) -> Claim | None:
    """As if it were claimed, for whoever only looks."""
    row = tx.run(select(*_CLAIMED).where(_THIS), mailbox=mailbox_id).first()
    return _claim(row) if row else None


# -------------------------------------------------------------------------------------- of every workspace


def any_due(tx: Tx) -> bool:
    query = select(fetched.c.mailbox_id).where(fetched.c.due_at < moment(tx.connection)).limit(1)
    return tx.execute(query).first() is not None


def claim(tx: Tx, *, holder: UUID, lease: timedelta, limit: int) -> list[Claim]:
    """Take up to `limit` mailboxes that nobody holds, those first that have waited longest."""
    due = fetched.c.due_at < moment(tx.connection)
    first = select(fetched.c.mailbox_id).where(due).order_by(fetched.c.due_at).limit(limit)
    chosen = first.with_for_update(skip_locked=True).cte("chosen")
    taken = (
        update(fetched)
        .where(fetched.c.mailbox_id.in_(select(chosen.c.mailbox_id)), due)
        .values(due_at=moment(tx.connection, lease), holder=holder)
        .returning(*_CLAIMED)
    )
    return [_claim(row) for row in tx.execute(taken)]


def renew(tx: Tx, *, holder: UUID, lease: timedelta) -> set[UUID]:
    """Hold on to what is held. Returns which mailboxes that still are."""
    held = update(fetched).where(fetched.c.holder == holder).values(due_at=moment(tx.connection, lease))
    return {row.mailbox_id for row in tx.execute(held.returning(fetched.c.mailbox_id))}


def silent(tx: Tx, *, after: timedelta, limit: int) -> list[tuple[UUID, Standing]]:
    """Those that were not looked into for so long, with their workspaces."""
    query = select(fetched.c.workspace_id, *_STANDING).where(fetched.c.looked_at < clock.now() - after)
    return [(row[0], Standing(*row[1:])) for row in tx.execute(query.limit(limit))]


# ------------------------------------------------------------------------------------- of whoever holds it


def release(tx: Tx, *, mailbox_id: UUID, holder: UUID, after: timedelta) -> None:
    """Let anybody have it again after so long."""
    values = {"due_at": moment(tx.connection, after), "holder": None}
    tx.run(update(fetched).where(_HELD).values(**values), mailbox=mailbox_id, held_by=holder)


def note_look(tx: Tx, *, mailbox_id: UUID, holder: UUID) -> Outage | None:
    """What is over, `told_at` and all, unless somebody else holds it."""
    values = {"looked_at": clock.now(), "failures": 0, "error": "", "stuck_uid": 0}
    return _noted(tx, mailbox_id, holder, values)


def note_failure(tx: Tx, *, mailbox_id: UUID, holder: UUID, error: str, stuck_uid: int) -> Outage | None:
    """What goes on, unless somebody else holds it. Those at one mail are counted from the first at it: what
    failed before, as when the server was away, says nothing of that mail.
    """
    failures: Any = fetched.c.failures + 1
    if stuck_uid:
        failures = case((fetched.c.stuck_uid == stuck_uid, failures), else_=1)
    values = {"failures": failures, "error": error, "stuck_uid": stuck_uid}
    return _noted(tx, mailbox_id, holder, values)


def _noted(tx: Tx, mailbox_id: UUID, holder: UUID, values: dict[str, Any]) -> Outage | None:
    noted = update(fetched).where(_HELD).values(**values).returning(*_OUTAGE)
    row = tx.run(noted, mailbox=mailbox_id, held_by=holder).first()
    return Outage(*row) if row else None


def set_told_at(tx: Tx, *, mailbox_id: UUID, at: datetime | None) -> None:
    tx.run(update(fetched).where(_THIS).values(told_at=at), mailbox=mailbox_id)


def move(tx: Tx, *, mailbox_id: UUID, before: Place, to: Place) -> bool:
    """False when it was fetched on by somebody else, who has moved it already."""
    values = {"uid_validity": to.validity, "last_uid": to.last, "known_uid": to.known}
    moved = tx.run(
        update(fetched).where(_AT).values(**values),
        mailbox=mailbox_id,
        validity_was=before.validity,
        last_was=before.last,
    )
    return moved.rowcount == 1


def known(tx: Tx, *, message_ids: Sequence[str]) -> set[str]:
    """Which of these Message-IDs stand in the ledger."""
    found = tx.execute(_KNOWN, {"ids": list(message_ids), "workspace": tx.workspace_id})
    return {row.message_id for row in found}
