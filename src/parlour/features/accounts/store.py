"""SQL of agents and their sessions."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Text, bindparam, cast, delete, func, insert, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import credentials as credentials_table
from parlour.db.schema import members, password_resets, sessions, users, workspaces
from parlour.features.accounts.models import Account, Credentials, Desk, Preferences, SignedIn
from parlour.kernel import clock
from parlour.kernel.access import Role

LONG_AGO = datetime.min.replace(tzinfo=UTC)
_PERSON = (
    users.c.user_id,
    users.c.name,
    users.c.email,
    sessions.c.session_hash,
    cast(users.c.settings, Text),  # as text, which can be compared
    users.c.second_factor,
    sessions.c.last_seen_at,
)
_CREDENTIALS = (
    users.c.user_id,
    users.c.name,
    users.c.email,
    credentials_table.c.password_hash,
    credentials_table.c.totp_secret,
    credentials_table.c.totp_key,
    credentials_table.c.totp_step,
)
_ACCOUNT = (
    select(*_CREDENTIALS)
    .join(credentials_table, credentials_table.c.user_id == users.c.user_id)
    .where(users.c.disabled_at.is_(None))
)

_THIS_SESSION = (sessions.c.session_hash == bindparam("session")) & users.c.disabled_at.is_(None)
_VALID = (
    _THIS_SESSION
    & (sessions.c.expires_at > bindparam("now"))
    & (sessions.c.last_seen_at > bindparam("idle_since"))
)
_PERSON_OF_SESSION = select(*_PERSON).join(users, users.c.user_id == sessions.c.user_id).where(_VALID)
_theirs = members.alias()
_DESK_OF_SESSION = (
    select(
        *_PERSON,
        members.c.role,
        workspaces.c.workspace_id,
        workspaces.c.slug,
        workspaces.c.name,
        select(func.count()).where(_theirs.c.user_id == users.c.user_id).scalar_subquery(),
        workspaces.c.second_factor_required,
        members.c.told,
        members.c.bell_read_at,
        sessions.c.expires_at,
    )
    .join(users, users.c.user_id == sessions.c.user_id)
    .join(members, members.c.user_id == users.c.user_id)
    .join(workspaces, workspaces.c.workspace_id == members.c.workspace_id)
    .where(members.c.workspace_id == HERE, _THIS_SESSION)
)


def insert_user(
    tx: Tx, *, user_id: UUID, email: str, name: str, password_hash: str, bound_to: UUID | None = None
) -> None:
    new = {"user_id": user_id, "email": email, "name": name, "bound_to": bound_to}
    tx.execute(insert(users).values(created_at=clock.now(), **new))
    tx.execute(insert(credentials_table).values(user_id=user_id, password_hash=password_hash))


def bound_to(tx: Tx, user_id: UUID) -> UUID | None:
    found: UUID | None = tx.execute(select(users.c.bound_to).where(users.c.user_id == user_id)).scalar_one()
    return found


def unbind(tx: Tx, user_id: UUID) -> bool:
    """False when it was bound to no workspace."""
    query = update(users).where(users.c.user_id == user_id, users.c.bound_to.is_not(None))
    return tx.execute(query.values(bound_to=None)).rowcount == 1


def user_id_of(tx: Tx, email: str) -> UUID | None:
    return tx.execute(select(users.c.user_id).where(users.c.email == email)).scalar_one_or_none()


def _credentials(tx: Tx, whose: ColumnElement[bool]) -> Credentials | None:
    row = tx.execute(_ACCOUNT.where(whose)).first()
    return Credentials(*row) if row else None


def credentials(tx: Tx, email: str) -> Credentials | None:
    return _credentials(tx, users.c.email == email)


def credentials_of(tx: Tx, user_id: UUID) -> Credentials | None:
    return _credentials(tx, users.c.user_id == user_id)


def lock_credentials(tx: Tx, user_id: UUID) -> Credentials | None:
    """`credentials_of`, which nobody changes before this transaction has ended."""
    query = _ACCOUNT.where(users.c.user_id == user_id)
    row = tx.execute(query.with_for_update(key_share=True)).first()
    return Credentials(*row) if row else None


def email_of(tx: Tx, user_id: UUID) -> str | None:
    return tx.execute(select(users.c.email).where(users.c.user_id == user_id)).scalar()


def name_of(tx: Tx, user_id: UUID) -> str:
    return tx.execute(select(users.c.name).where(users.c.user_id == user_id)).scalar() or ""


def unlocks(tx: Tx, email: str) -> int:
    return tx.execute(select(users.c.unlocks).where(users.c.email == email)).scalar() or 0


def add_unlock(tx: Tx, email: str) -> bool:
    query = update(users).where(users.c.email == email).values(unlocks=users.c.unlocks + 1)
    return tx.execute(query).rowcount > 0


def set_password_hash(tx: Tx, *, user_id: UUID, password_hash: str) -> None:
    statement = update(credentials_table).where(credentials_table.c.user_id == user_id)
    tx.execute(statement.values(password_hash=password_hash))


def insert_session(tx: Tx, *, session_hash: str, user_id: UUID, device: str, expires_at: datetime) -> None:
    now = clock.now()
    tx.execute(
        insert(sessions).values(
            session_hash=session_hash,
            user_id=user_id,
            created_at=now,
            last_seen_at=now,
            expires_at=expires_at,
            device=device,
        )
    )
    _see(tx, user_id, now)


def _see(tx: Tx, user_id: UUID, now: datetime) -> None:
    """Kept with the person: sessions are forgotten soon after their last use."""
    tx.execute(update(users).where(users.c.user_id == user_id).values(last_seen_at=now))


def touch_session(tx: Tx, *, user_id: UUID, session_hash: str) -> None:
    now = clock.now()
    this = (sessions.c.user_id == user_id) & (sessions.c.session_hash == session_hash)
    tx.execute(update(sessions).where(this).values(last_seen_at=now))
    _see(tx, user_id, now)


def delete_session(tx: Tx, session_hash: str) -> None:
    tx.execute(delete(sessions).where(sessions.c.session_hash == session_hash))


def delete_sessions_of(tx: Tx, user_id: UUID) -> None:
    tx.execute(delete(sessions).where(sessions.c.user_id == user_id))


def delete_expired_sessions(tx: Tx, *, idle_since: datetime, limit: int) -> int:
    """Up to `limit` that are too old or that nobody used for too long."""
    too_old, unused = sessions.c.expires_at < clock.now(), sessions.c.last_seen_at < idle_since
    gone = dialect.delete_some(tx, sessions, too_old, sessions.c.expires_at, limit=limit)
    return gone + dialect.delete_some(tx, sessions, unused, sessions.c.last_seen_at, limit=limit - gone)


def _signed_in(row: Any, stale_before: datetime = LONG_AGO) -> SignedIn:
    settings = Preferences.of(json.loads(row[4] or "{}"))
    stale = row[6] < stale_before
    return SignedIn(row[0], row[1], row[2], row[3], settings=settings, second_factor=row[5], stale=stale)


def _desk(row: Any) -> tuple[Desk, datetime, datetime]:
    """And when its session was last used, and ends."""
    role, *of_place, expires_at = row[len(_PERSON) :]
    return Desk(_signed_in(row), Role(role), *of_place), row[6], expires_at


def person(tx: Tx, session_hash: str, *, idle_since: datetime, stale_before: datetime) -> SignedIn | None:
    now = {"session": session_hash, "now": clock.now(), "idle_since": idle_since}
    row = tx.execute(_PERSON_OF_SESSION, now).first()
    return _signed_in(row, stale_before) if row else None


def desk(
    tx: Tx, session_hash: str, workspace_id: UUID, *, idle_since: datetime, stale_before: datetime
) -> Desk | None:
    """Whether the session is good at this moment is asked here: the statement finds the same for long."""
    found = tx.objects(_DESK_OF_SESSION, _desk, session=session_hash, workspace=workspace_id)
    if not found:
        return None
    [(desk, used, expires_at)] = found
    if expires_at <= clock.now() or used <= idle_since:
        return None
    return replace(desk, person=replace(desk.person, stale=True)) if used < stale_before else desk


def end_resets(tx: Tx, user_id: UUID) -> None:
    """Whatever link to a new password was mailed opens nothing any more."""
    statement = update(password_resets).where(
        password_resets.c.user_id == user_id, password_resets.c.used_at.is_(None)
    )
    tx.execute(statement.values(used_at=clock.now()))


def accounts(tx: Tx, *, email: str | None = None) -> list[Account]:
    """All of them by their addresses, or the one that has this address."""
    count = select(func.count()).where(_theirs.c.user_id == users.c.user_id).scalar_subquery()
    columns = (
        users.c.user_id,
        users.c.email,
        users.c.name,
        users.c.second_factor,
        users.c.disabled_at,
        count,
    )
    query = select(*columns).order_by(users.c.email)
    if email is not None:
        query = query.where(users.c.email == email)
    return [Account(*row) for row in tx.execute(query)]


def set_disabled(tx: Tx, *, user_id: UUID, at: datetime | None) -> None:
    tx.execute(update(users).where(users.c.user_id == user_id).values(disabled_at=at))
