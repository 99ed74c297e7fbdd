"""Agents: who they are, and the sessions that prove it."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from parlour.db.database import Database, Tx
from parlour.features.accounts import store
from parlour.features.accounts.models import Credentials, Desk, SignedIn
from parlour.features.accounts.passwords import MAX_LENGTH, MIN_LENGTH, password_matches
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.addresses import clean_email
from parlour.kernel.errors import DomainError, Invalid, NotFound, SignedOut
from parlour.kernel.events import AccessChanged

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
REWIND = timedelta(minutes=5)
"""ASVS 7.3: a session ends after 12 idle hours or 7 days. Its idle clock is written every 5 minutes."""


class WrongCredentials(DomainError):
    """One answer for an unknown address and a wrong password."""

    status = 422
    code = "wrong"
    message = "That email address and password do not match."


def session_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@requires(Permission.SYSTEM)
def create_agent(tx: Tx, email: str, name: str, password: str, password_hash: str) -> UUID:
    """Make an account, or find the one that has this address. Raises Invalid."""
    address = clean_email(email)
    problems = {}
    if address is None:
        problems["email"] = "invalid"
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        problems["password"] = "length"  # noqa: S105 a code
    if problems or address is None:
        raise Invalid(problems)
    known = store.user_id_of(tx, address)
    if known:
        return known
    user_id = clock.new_id()
    shown = name.strip()[:80] or address.split("@")[0]
    store.insert_user(tx, user_id=user_id, email=address, name=shown, password_hash=password_hash)
    return user_id


@requires(Permission.SYSTEM)
def credentials(tx: Tx, email: str) -> Credentials | None:
    return store.credentials(tx, email)


@requires(Permission.SYSTEM)
def start_session(tx: Tx, user_id: UUID, replaces: str | None) -> str:
    """A fresh session's token. The one that the browser came with ends: nobody can plant a session."""
    if replaces:
        store.delete_session(tx, session_hash(replaces))
    token = secrets.token_urlsafe(32)
    store.insert_session(
        tx, session_hash=session_hash(token), user_id=user_id, expires_at=clock.now() + ABSOLUTE
    )
    return token


async def sign_in(db: Database, email: str, password: str, replaces: str | None) -> str:
    """The new session's token. Raises WrongCredentials, as slowly for an unknown address as for a known."""
    known = await db.read(Actor.system(), credentials, clean_email(email) or "")
    if not await password_matches(known.password_hash if known else None, password) or known is None:
        raise WrongCredentials
    return await db.write(Actor.system(), start_session, known.user_id, replaces)


@requires(Permission.ACCOUNT_USE)
def signed_in(tx: Tx, token: str | None) -> SignedIn:
    """Raises SignedOut."""
    now = clock.now()
    person = token and store.person(tx, session_hash(token), idle_since=now - IDLE, stale_before=now - REWIND)
    if not person:
        raise SignedOut
    return person


@requires(Permission.ACCOUNT_USE)
def desk(tx: Tx, token: str | None, workspace_id: UUID) -> Desk:
    """Raises SignedOut without a session; NotFound when the workspace isn't this agent's."""
    now = clock.now()
    found = token and store.desk(
        tx, session_hash(token), workspace_id, idle_since=now - IDLE, stale_before=now - REWIND
    )
    if found:
        return found
    signed_in(tx, token)
    raise NotFound


@requires(Permission.ACCOUNT_USE)
def rewind(tx: Tx, hashed: str) -> None:
    """Wind the idle clock of a session that was just used."""
    store.touch_session(tx, hashed)


@requires(Permission.ACCOUNT_USE)
def sign_out(tx: Tx, token: str, workspace_ids: list[UUID]) -> None:
    """End this session; open sockets of the agent prove themselves again."""
    person = signed_in(tx, token)
    store.delete_session(tx, person.session_hash)
    for workspace_id in workspace_ids:
        tx.emit(AccessChanged(workspace_id, user_id=person.user_id))


@requires(Permission.SYSTEM)
def sweep_sessions(tx: Tx) -> int:
    """Remove the sessions that ended by themselves."""
    return store.delete_expired_sessions(tx, idle_since=clock.now() - IDLE)
