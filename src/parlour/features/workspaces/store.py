"""SQL of workspaces and their members."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import NoResultFound

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import audit_log, members, users, workspaces
from parlour.db.shortcut import Answered
from parlour.features.workspaces import choices
from parlour.features.workspaces.models import (
    AuditEntry,
    Member,
    Membership,
    Portal,
    Standing,
    TrailRow,
    Workspace,
)
from parlour.kernel import clock
from parlour.kernel.access import Role

_WORKSPACE = (workspaces.c.workspace_id, workspaces.c.slug, workspaces.c.name)

_ID_BY_SLUG = select(workspaces.c.workspace_id).where(workspaces.c.slug == bindparam("slug"))
_BY_SLUG = select(*_WORKSPACE, workspaces.c.settings).where(workspaces.c.slug == bindparam("slug"))
_BY_ID = select(*_WORKSPACE, workspaces.c.settings).where(workspaces.c.workspace_id == HERE)

_THIS_MEMBER = (members.c.workspace_id == HERE) & (members.c.user_id == bindparam("member"))
_ROLE = select(members.c.role).where(_THIS_MEMBER)
_IN_USE = exists().where(users.c.user_id == members.c.user_id, users.c.disabled_at.is_(None))
_ROLE_NOW = _ROLE.where(_IN_USE)


def _of_members(*columns: Column[Any]) -> Select[Any]:
    """The first `limit` of them by their names."""
    return (
        select(*columns)
        .join(members, members.c.user_id == users.c.user_id)
        .where(members.c.workspace_id == HERE)
        .order_by(users.c.name, users.c.user_id)
        .limit(bindparam("limit", type_=Integer()))
    )


_MEMBER = (users.c.user_id, users.c.name, users.c.email, members.c.role, users.c.disabled_at)
_MEMBERS = _of_members(*_MEMBER)
_FOLLOWING = _of_members(*_MEMBER, users.c.second_factor, users.c.last_seen_at).where(
    tuple_(users.c.name, users.c.user_id)
    > tuple_(bindparam("name", type_=Text()), bindparam("user", type_=Uuid()))
)
_STANDINGS = _of_members(users.c.user_id, users.c.second_factor, users.c.last_seen_at)
_KNOWN_AS = (
    select(audit_log.c.actor_name)
    .where(
        audit_log.c.workspace_id == HERE,
        audit_log.c.actor_id == bindparam("actor"),
        audit_log.c.ticket_id.is_(None),
    )
    .order_by(audit_log.c.entry_id.desc())
    .limit(1)
)
_NEXT_TICKET_NUMBER = (
    update(workspaces)
    .where(workspaces.c.workspace_id == HERE)
    .values(last_ticket_number=workspaces.c.last_ticket_number + 1)
    .returning(workspaces.c.last_ticket_number)
)
_TICKET_NUMBER_BACK = (
    update(workspaces)
    .where(workspaces.c.workspace_id == HERE)
    .values(last_ticket_number=workspaces.c.last_ticket_number - 1)
)
_INSERT_ENTRY = insert(audit_log)
_ENTRIES = (
    select(
        audit_log.c.actor_name,
        audit_log.c.action,
        audit_log.c.before,
        audit_log.c.after,
        audit_log.c.created_at,
        audit_log.c.actor_id,
    )
    .where(audit_log.c.workspace_id == HERE, audit_log.c.ticket_id == bindparam("ticket"))
    .order_by(audit_log.c.entry_id.desc())
    .limit(bindparam("limit", type_=Integer()))
)
_LAST_CHANGES = (
    select(audit_log.c.ticket_id, func.max(audit_log.c.created_at))
    .where(
        audit_log.c.workspace_id == HERE,
        dialect.one_of(audit_log.c.ticket_id, "these"),
        audit_log.c.action == bindparam("action"),
    )
    .group_by(audit_log.c.ticket_id)
)
_LAST_NAMED = _LAST_CHANGES.where(
    func.coalesce(audit_log.c.after, audit_log.c.before) == bindparam("named", type_=Text())
)


def insert_workspace(tx: Tx, *, workspace_id: UUID, slug: str, name: str) -> Workspace:
    tx.execute(
        insert(workspaces).values(workspace_id=workspace_id, slug=slug, name=name, created_at=clock.now())
    )
    return Workspace(workspace_id, slug, name)


def by_slug(tx: Tx, slug: str) -> Portal | None:
    row = tx.first(_BY_SLUG, slug=slug)
    return Portal(row[0], row[1], row[2], choices.read(row[3])) if row else None


def asking_at(tx: Tx, slug: str) -> Callable[[], UUID | None]:
    """The id of the workspace with this slug."""
    return tx.asking(_ID_BY_SLUG, _id, slug=slug)


def _id(found: Answered) -> UUID | None:
    return found.rows[0][0] if found.rows else None


def every(tx: Tx) -> Sequence[Workspace]:
    return [Workspace(*row) for row in tx.execute(select(*_WORKSPACE).order_by(workspaces.c.slug))]


def asking_by_id(tx: Tx, workspace_id: UUID) -> Callable[[], Portal | None]:
    return tx.asking(_BY_ID, _portal, workspace=workspace_id)


def _portal(found: Answered) -> Portal | None:
    return next((Portal(row[0], row[1], row[2], choices.read(row[3])) for row in found.rows), None)


def by_id(tx: Tx, workspace_id: UUID) -> Portal | None:
    row = tx.first(_BY_ID, workspace=workspace_id)
    return Portal(row[0], row[1], row[2], choices.read(row[3])) if row else None


def asking_ticket_number(tx: Tx) -> Callable[[], int]:
    """Take the next number. The row stays locked until commit, so numbers have no holes."""
    return tx.asking(_NEXT_TICKET_NUMBER, _number)


def _number(taken: Answered) -> int:
    if not taken.rows:  # whoever may not look
        raise NoResultFound
    number: int = taken.rows[0][0]
    return number


def give_back_ticket_number(tx: Tx) -> None:
    tx.change_soon(_TICKET_NUMBER_BACK)


def insert_member(tx: Tx, *, user_id: UUID, role: Role) -> None:
    """The bell of theirs begins now: what came before is no news to them."""
    who = {"workspace_id": tx.workspace_id, "user_id": user_id, "role": role.value}
    tx.execute(insert(members).values(**who, bell_read_at=clock.now()))


def lock_members(tx: Tx) -> None:
    """Who belongs to the workspace, and as what, is decided by one transaction at a time."""
    query = select(workspaces.c.workspace_id).where(workspaces.c.workspace_id == HERE)
    tx.run(query.with_for_update(key_share=True))


def set_role(tx: Tx, user_id: UUID, role: Role) -> None:
    tx.run(update(members).where(_THIS_MEMBER).values(role=role.value), member=user_id)


def delete_member(tx: Tx, user_id: UUID) -> None:
    tx.run(delete(members).where(_THIS_MEMBER), member=user_id)


def has_owner_besides(tx: Tx, user_id: UUID) -> bool:
    """Whether somebody else owns the workspace whose account is not disabled."""
    owners_here = (members.c.workspace_id == HERE) & (members.c.role == Role.OWNER.value)
    others = select(members.c.user_id).where(owners_here, _IN_USE, members.c.user_id != user_id)
    return tx.run(others.limit(1)).first() is not None


def rename(tx: Tx, name: str) -> None:
    tx.run(update(workspaces).where(workspaces.c.workspace_id == HERE).values(name=name))


def set_second_factor_required(tx: Tx, required: bool) -> bool:
    """False when it was so already."""
    here = (workspaces.c.workspace_id == HERE) & (workspaces.c.second_factor_required != required)
    return tx.run(update(workspaces).where(here).values(second_factor_required=required)).rowcount == 1


def has_second_factor(tx: Tx, user_id: UUID) -> bool:
    return bool(tx.execute(select(users.c.second_factor).where(users.c.user_id == user_id)).scalar())


def second_factor_required_of(tx: Tx, user_id: UUID) -> bool:
    """Whether any workspace that this person belongs to asks for one."""
    query = (
        select(workspaces.c.workspace_id)
        .join(members, members.c.workspace_id == workspaces.c.workspace_id)
        .where(members.c.user_id == user_id, workspaces.c.second_factor_required)
        .limit(1)
    )
    return tx.execute(query).first() is not None


def role_of(tx: Tx, user_id: UUID) -> Role | None:
    role = tx.run(_ROLE, member=user_id).scalar_one_or_none()
    return Role(role) if role else None


def role_now(tx: Tx, user_id: UUID) -> Role | None:
    """`role_of`; None for an account that is disabled."""
    role = tx.run(_ROLE_NOW, member=user_id).scalar_one_or_none()
    return Role(role) if role else None


def hold_role(tx: Tx, user_id: UUID) -> Role | None:
    """`role_now`, and nobody takes the member away before this transaction has ended."""
    role = tx.run(_ROLE_NOW.with_for_update(read=True, of=members), member=user_id).scalar_one_or_none()
    return Role(role) if role else None


def name_of(tx: Tx, user_id: UUID) -> str:
    query = select(users.c.name).join(members, members.c.user_id == users.c.user_id).where(_THIS_MEMBER)
    return tx.run(query, member=user_id).scalar_one_or_none() or ""


def members_of(tx: Tx, *, limit: int) -> Sequence[Member]:
    return tx.objects(_MEMBERS, _member_in, limit=limit)


def _member_in(row: Sequence[Any]) -> Member:
    return _member(*row)


def _member(user_id: UUID, name: str, email: str, role: str, disabled_at: datetime | None) -> Member:
    return Member(user_id, name, email, Role(role), disabled=disabled_at is not None)


def members_after(tx: Tx, name: str, user_id: UUID, *, limit: int) -> Sequence[tuple[Member, Standing]]:
    """Those who come after this name and id, by name."""
    found = tx.run(_FOLLOWING, name=name, user=user_id, limit=limit)
    return [(_member(*row[:5]), Standing(*row[5:])) for row in found]


def standings_of(tx: Tx, *, limit: int) -> Mapping[UUID, Standing]:
    """Of the same members as `members_of`."""
    found = tx.run(_STANDINGS, limit=limit)
    return {user_id: Standing(second_factor, seen_at) for user_id, second_factor, seen_at in found}


def memberships(tx: Tx, user_id: UUID) -> Sequence[Membership]:
    query = (
        select(*_WORKSPACE, members.c.role, members.c.told)
        .join(members, members.c.workspace_id == workspaces.c.workspace_id)
        .where(members.c.user_id == user_id)
        .order_by(workspaces.c.name, workspaces.c.workspace_id)
        .limit(200)
    )
    return [Membership(row[0], row[1], row[2], Role(row[3]), row[4]) for row in tx.execute(query)]


def insert_audit_entries(
    tx: Tx, *, action: str, changes: Sequence[tuple[UUID | None, str | None, str | None]]
) -> None:
    """An entry for each (ticket_id, before, after)."""
    said = {
        "workspace_id": tx.workspace_id,
        "actor_id": tx.actor.id,
        "actor_name": tx.actor.name,
        "action": action,
        "created_at": clock.now(),
    }
    entries = [
        {
            **said,
            "entry_id": clock.new_id(),
            "ticket_id": ticket_id,
            "before": before,
            "after": after,
        }
        for ticket_id, before, after in changes
    ]
    if entries:
        tx.put(_INSERT_ENTRY, entries)


def audit_entries(tx: Tx, *, ticket_id: UUID, limit: int) -> Sequence[AuditEntry]:
    return tx.objects(_ENTRIES, _entry, ticket=ticket_id, limit=limit)


def _entry(row: Sequence[Any]) -> AuditEntry:
    return AuditEntry(*row)


def last_changes(
    tx: Tx, ticket_ids: Sequence[UUID], *, action: str, named: str | None
) -> Mapping[UUID, datetime]:
    if named is None:
        rows = tx.run(_LAST_CHANGES, these=list(ticket_ids), action=action)
    else:
        rows = tx.run(_LAST_NAMED, these=list(ticket_ids), action=action, named=named)
    return dict(tuple(row) for row in rows)


def other_entries(
    tx: Tx, *, action: str, actor_id: str, before: UUID | None, after: UUID | None, limit: int
) -> Sequence[TrailRow]:
    """Those about no ticket, the newest first; those just `after` an id the oldest first."""
    log, key = audit_log.c, audit_log.c.entry_id
    columns = (key, log.actor_name, log.action, log.before, log.after, log.created_at, log.actor_id)
    query = select(*columns).where(log.workspace_id == HERE, log.ticket_id.is_(None))
    if action:
        query = query.where(log.action == action)
    if actor_id:
        query = query.where(log.actor_id == actor_id)
    if before:
        query = query.where(key < before)
    if after:
        query = query.where(key > after)
    query = query.order_by(key if after else key.desc()).limit(bindparam("limit", type_=Integer()))
    return [
        TrailRow(entry_id, name, what, " → ".join(filter(None, (was, now))), 1, at, who)
        for entry_id, name, what, was, now, at, who in tx.run(query, limit=limit)
    ]


def known_as(tx: Tx, actor_id: str) -> str | None:
    """The name under which somebody last did something here that the trail holds."""
    name: str | None = tx.run(_KNOWN_AS, actor=actor_id).scalar_one_or_none()
    return name
