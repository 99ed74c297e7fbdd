"""What agents see and change about themselves: name, password, preferences, open sessions."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import asdict

from parlour.db.database import Database, Tx
from parlour.features.accounts import notices, store
from parlour.features.accounts import service as accounts
from parlour.features.accounts.models import Credentials, Preferences, Profile, SessionRow
from parlour.features.accounts.passwords import hash_apart, password_matches, problem_with
from parlour.features.accounts.profile import store as profile_store
from parlour.kernel import clock, text
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.errors import Invalid

SESSIONS_SHOWN = 100


def public_id(session_hash: str) -> str:
    """Names a session on a page. 48 bits: one account's sessions never collide."""
    return hashlib.sha256(session_hash.encode()).hexdigest()[:12]


@requires(Permission.ACCOUNT_USE)
def profile(tx: Tx, token: str | None) -> Profile:
    """Raises SignedOut."""
    person = accounts.signed_in(tx, token)
    rows = [
        SessionRow(public_id(hashed), device, opened, used, current=hashed == person.session_hash)
        for hashed, device, opened, used in _sessions(tx, person.user_id)
    ]
    rows.sort(key=lambda row: not row.current)
    return Profile(rows, second_factor=person.second_factor)


def _sessions(tx: Tx, user_id: UUID) -> Sequence[tuple[str, str, datetime, datetime]]:
    idle_since = clock.now() - accounts.IDLE
    return profile_store.sessions_of(tx, user_id, idle_since=idle_since, limit=SESSIONS_SHOWN)


@requires(Permission.ACCOUNT_USE)
def rename(tx: Tx, token: str | None, name: str) -> None:
    """Raises Invalid for a name that is empty or too long, SignedOut."""
    own = accounts.own_account(tx, token)
    shown = text.name(name)
    if not 1 <= len(shown) <= text.NAME_LIMIT:
        raise Invalid({"name": "too_long" if shown else "required"})
    if shown != own.name:
        profile_store.set_name(tx, user_id=own.user_id, name=shown)
        notices.record(tx, own, "name", before=own.name, after=shown)


@requires(Permission.ACCOUNT_USE)
def choose(tx: Tx, token: str | None, chosen: Preferences) -> None:
    """Store the preferences and leave alone whatever else stands in the settings. Raises SignedOut."""
    person = accounts.signed_in(tx, token)
    merged = {**profile_store.settings(tx, person.user_id), **asdict(chosen)}
    profile_store.set_settings(tx, user_id=person.user_id, settings=merged)


async def change_password(
    db: Database, person: Actor, token: str | None, current: str, new: str, device: str
) -> str:
    """Every other session ends. Returns this browser's new one.

    Raises WrongPassword, Invalid for a new one that can't be taken, SignedOut.
    """
    own = await db.read(person, accounts.own_account, token)
    names = await db.read(person, accounts.own_names)
    problems = {}
    if not await password_matches(own.password_hash, current):
        problems["password"] = "wrong" if current else "required"
    same = text.password(new) == text.password(current)
    if wrong := problem_with(new, own.email, names) or ("same" if same else None):
        problems["new_password"] = wrong
    if problems:
        raise accounts.refusal(problems)
    return await db.write(person, _change_password, token, own, await hash_apart(new), device)


@requires(Permission.ACCOUNT_USE)
def _change_password(tx: Tx, token: str | None, proved: Credentials, password_hash: str, device: str) -> str:
    own = accounts.still_proved(tx, token, proved)
    set_password(tx, own, password_hash, device)
    return accounts.start_session(tx, None, device)


@requires(Permission.ACCOUNT_USE)
def set_password(tx: Tx, own: Credentials, password_hash: str, device: str) -> None:
    """A new password ends every session of the account, and every mailed way to another password."""
    store.set_password_hash(tx, user_id=tx.user_id, password_hash=password_hash)
    store.end_resets(tx, tx.user_id)
    accounts.end_sessions(tx)
    notices.tell(tx, own, notices.Change.PASSWORD_CHANGED, device)


@requires(Permission.ACCOUNT_USE)
def end_session(tx: Tx, token: str | None, shown_id: str) -> bool:
    """End one session of the account. True when it was this browser's own; gone already is fine too."""
    person = accounts.signed_in(tx, token)
    for hashed, *_ in _sessions(tx, person.user_id):
        if public_id(hashed) == shown_id:
            store.delete_session(tx, hashed)
            accounts.recheck_sockets(tx)
            return hashed == person.session_hash
    return False


@requires(Permission.ACCOUNT_USE)
def sign_out_everywhere(tx: Tx, token: str | None) -> None:
    """This browser's session ends too. Raises SignedOut."""
    accounts.signed_in(tx, token)
    accounts.end_sessions(tx)
