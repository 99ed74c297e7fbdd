"""Keys with which programs act in a workspace, as themselves and with a role of their own.

A key is worth no more than the rights that whoever made it has at that moment, and ends when they leave. One
that the operator made on the command line hangs on nobody.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.accounts.api_keys import store as key_store
from parlour.features.accounts.api_keys.models import ApiKey, Made, Program
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock, text
from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.kernel.errors import DomainError, Invalid, NotFound
from parlour.kernel.secrets import hash_of, new_secret

ROLES = (Role.VIEWER, Role.AGENT, Role.ADMIN)
"""No program owns a workspace."""
KEYS_LIMIT = 50
"""Keys of a workspace: a list that somebody can still look through."""
USED = timedelta(minutes=1)
"""When a key was last used is written no more often."""
_TOKEN = re.compile(r"parlour_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


class UnknownKey(NotFound):
    code = "unknown_key"
    message = "We could not find this key."


class BadKey(DomainError):
    """Missing, malformed, revoked, or made by somebody who may do nothing here now: one answer for all."""

    status = 401
    code = "bad_key"
    message = "This needs an API key of the workspace, as Authorization: Bearer parlour_…"


class AlreadyMade(DomainError):
    """The same form came twice: its key is there, and was shown to whoever sent the first."""

    status = 409
    code = "already_made"
    message = "This key has been made already."


def _said(name: str, role: Role) -> str:
    """As the audit trail has it."""
    return f"{name}: {role.value}"


def place_of(token: str) -> UUID | None:
    """A token names its workspace, so that looking it up touches no other one's rows."""
    found = _TOKEN.fullmatch(token)
    return UUID(found[1]) if found else None


@requires(Permission.KEY_MANAGE)
def make(tx: Tx, key_id: UUID, name: str, role: str) -> Made:
    """A key, whose token nobody can ever read again.

    Raises Invalid (`name`: required, too_long; `role`: unknown; `form`: too_many), AlreadyMade.
    """
    name, problems = text.name(name), {}
    if not name:
        problems["name"] = "required"
    elif len(name) > text.NAME_LIMIT:
        problems["name"] = "too_long"
    if role not in ROLES:
        problems["role"] = "unknown"
    if problems:
        raise Invalid(problems)
    if key_store.is_there(tx, key_id):
        raise AlreadyMade
    if key_store.how_many(tx) >= KEYS_LIMIT:
        raise Invalid({"form": "too_many"})
    secret, chosen = new_secret(), Role(role)
    key_store.insert_key(
        tx, key_id=key_id, secret_hash=hash_of(secret), name=name, role=chosen, made_by=tx.actor.user_id
    )
    audit.record(tx, "key_made", after=_said(name, chosen))
    return Made(name, f"parlour_{tx.workspace_id.hex}_{secret}")


@requires(Permission.KEY_MANAGE)
def every(tx: Tx) -> Sequence[ApiKey]:
    """The workspace's, the newest first."""
    return key_store.every(tx, limit=KEYS_LIMIT)


@requires(Permission.KEY_MANAGE)
def revoke(tx: Tx, key_id: UUID) -> None:
    """It opens nothing from the next request on. Raises UnknownKey."""
    gone = key_store.delete_key(tx, key_id)
    if gone is None:
        raise UnknownKey
    audit.record(tx, "key_revoked", before=_said(*gone))


@requires(Permission.WORKSPACE_SEE)
def end_of_who_left(tx: Tx, user_id: UUID) -> None:
    """Keys of somebody who has left, or whose account is disabled, end for good. Each is noted."""
    if workspaces.role_of(tx, user_id) is None:
        gone = key_store.delete_made_by(tx.as_system(), user_id)
        audit.record_ends(tx, "key_ended", [_said(name, role) for name, role in gone])


@requires(Permission.SYSTEM)
def program(tx: Tx, token: str) -> Program:
    """Whose key it is, asked as the system in the `place_of` the token. Raises BadKey."""
    parts = _TOKEN.fullmatch(token)
    found = parts and key_store.by_secret(tx, hash_of(parts[2]))
    if not found or found.worth is None:
        raise BadKey
    last = found.last_used_at
    return Program(
        key_id=found.key_id,
        actor=Actor.program(tx.workspace_id, found.key_id, found.worth, found.name),
        workspace_slug=found.slug,
        workspace_name=found.place,
        stale=last is None or clock.now() - last >= USED,
    )


@requires(Permission.SYSTEM)
def note_use(tx: Tx, key_id: UUID) -> None:
    """It was used just now."""
    key_store.used(tx, key_id, clock.now())


def _at(tx: Tx, slug: str) -> Tx:
    """Raises UnknownWorkspace."""
    return tx.acting_as(Actor.system(workspaces.workspace_at(tx, slug).workspace_id))


@requires(Permission.SYSTEM)
def make_at(tx: Tx, slug: str, name: str, role: Role) -> Made:
    """The operator's. Raises UnknownWorkspace, and what `make` raises."""
    return make(_at(tx, slug), clock.new_id(), name, role.value)


@requires(Permission.SYSTEM)
def every_at(tx: Tx, slug: str) -> Sequence[ApiKey]:
    """Raises UnknownWorkspace."""
    return every(_at(tx, slug))


@requires(Permission.SYSTEM)
def revoke_at(tx: Tx, slug: str, key_id: UUID) -> None:
    """Raises UnknownWorkspace, UnknownKey."""
    revoke(_at(tx, slug), key_id)
