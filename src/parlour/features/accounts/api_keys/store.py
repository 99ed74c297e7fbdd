"""SQL of the keys of programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Integer, and_, bindparam, case, delete, func, insert, not_, or_, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import api_keys, members, users, workspaces
from parlour.features.accounts.api_keys.models import ApiKey
from parlour.kernel import clock
from parlour.kernel.access import Role, lesser

_PROVED = or_(not_(workspaces.c.second_factor_required), users.c.second_factor)
_IN_HERE = and_(users.c.disabled_at.is_(None), _PROVED)
_MAKERS = case((_IN_HERE, members.c.role)).label("makers_role")
"""What whoever made it may do here now; nothing where they would not be let in themselves."""
_KEYS = (
    api_keys.join(workspaces, workspaces.c.workspace_id == api_keys.c.workspace_id)
    .outerjoin(
        members,
        and_(members.c.workspace_id == api_keys.c.workspace_id, members.c.user_id == api_keys.c.made_by),
    )
    .outerjoin(users, users.c.user_id == members.c.user_id)
)
_STANDING = (api_keys.c.key_id, api_keys.c.name, api_keys.c.role, api_keys.c.made_by, _MAKERS)
_THIS = (api_keys.c.workspace_id == HERE) & (api_keys.c.key_id == bindparam("this_key"))
_EVERY = (
    select(*_STANDING, users.c.name.label("maker"), api_keys.c.created_at, api_keys.c.last_used_at)
    .select_from(_KEYS)
    .where(api_keys.c.workspace_id == HERE)
    .order_by(api_keys.c.key_id.desc())
    .limit(bindparam("limit", type_=Integer()))
)
_BY_SECRET = (
    select(*_STANDING, api_keys.c.last_used_at, workspaces.c.slug, workspaces.c.name.label("place"))
    .select_from(_KEYS)
    .where(api_keys.c.workspace_id == HERE, api_keys.c.secret_hash == bindparam("secret_hash"))
)
_HOW_MANY = select(func.count()).select_from(api_keys).where(api_keys.c.workspace_id == HERE)
_USED = (
    update(api_keys).where(_THIS).values(last_used_at=bindparam("moment", type_=api_keys.c.last_used_at.type))
)


class Found(NamedTuple):
    key_id: UUID
    name: str
    worth: Role | None
    last_used_at: datetime | None
    slug: str
    place: str


def _worth(role: str, made_by: UUID | None, makers_role: str | None) -> Role | None:
    """The key's own role, but no more than its maker's; the operator's keys hang on nobody."""
    if made_by is None:
        return Role(role)
    return lesser(Role(role), Role(makers_role)) if makers_role else None


def insert_key(
    tx: Tx, *, key_id: UUID, secret_hash: str, name: str, role: Role, made_by: UUID | None
) -> None:
    tx.execute(
        insert(api_keys).values(
            workspace_id=tx.workspace_id,
            key_id=key_id,
            secret_hash=secret_hash,
            name=name,
            role=role.value,
            made_by=made_by,
            created_at=clock.now(),
        )
    )


def every(tx: Tx, *, limit: int) -> Sequence[ApiKey]:
    """The newest first."""
    return [_key(row) for row in tx.rows(_EVERY, limit=limit)]


def _key(row: Any) -> ApiKey:
    key_id, name, role, made_by, makers_role, maker, *times = row
    return ApiKey(key_id, name, Role(role), _worth(role, made_by, makers_role), maker or "", *times)


def how_many(tx: Tx) -> int:
    """No more come until this transaction has ended."""
    dialect.lock(tx, "API keys", tx.workspace_id.hex)
    count: int = tx.run(_HOW_MANY).scalar_one()
    return count


def by_secret(tx: Tx, secret_hash: str) -> Found | None:
    row = tx.first(_BY_SECRET, secret_hash=secret_hash)
    if row is None:
        return None
    key_id, name, role, made_by, makers_role, *rest = row
    return Found(key_id, name, _worth(role, made_by, makers_role), *rest)


def is_there(tx: Tx, key_id: UUID) -> bool:
    return tx.run(select(api_keys.c.key_id).where(_THIS), this_key=key_id).first() is not None


def used(tx: Tx, key_id: UUID, at: datetime) -> None:
    tx.run(_USED, this_key=key_id, moment=at)


def delete_key(tx: Tx, key_id: UUID) -> tuple[str, Role] | None:
    """What it was called, and its role; None when it is not there."""
    row = tx.run(
        delete(api_keys).where(_THIS).returning(api_keys.c.name, api_keys.c.role), this_key=key_id
    ).first()
    return (row[0], Role(row[1])) if row else None


def delete_made_by(tx: Tx, user_id: UUID) -> list[tuple[str, Role]]:
    """The same for all that this person made."""
    theirs = (api_keys.c.workspace_id == HERE, api_keys.c.made_by == user_id)
    gone = tx.run(delete(api_keys).where(*theirs).returning(api_keys.c.name, api_keys.c.role))
    return [(name, Role(role)) for name, role in gone]
