"""SQL of workspaces and their members."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from parlour.db.database import HERE, Tx
from parlour.db.schema import members, users, workspaces
from parlour.features.workspaces.models import Member, Membership, Workspace
from parlour.kernel import clock
from parlour.kernel.access import Role

_WORKSPACE = (workspaces.c.workspace_id, workspaces.c.slug, workspaces.c.name)

_BY_SLUG = select(*_WORKSPACE).where(workspaces.c.slug == bindparam("slug"))
_BY_ID = select(*_WORKSPACE).where(workspaces.c.workspace_id == HERE)


def insert_workspace(tx: Tx, *, workspace_id: UUID, slug: str, name: str) -> Workspace:
    tx.execute(
        insert(workspaces).values(workspace_id=workspace_id, slug=slug, name=name, created_at=clock.now())
    )
    return Workspace(workspace_id, slug, name)


def by_slug(tx: Tx, slug: str) -> Workspace | None:
    row = tx.execute(_BY_SLUG, {"slug": slug}).first()
    return Workspace(*row) if row else None


def by_id(tx: Tx, workspace_id: UUID) -> Workspace | None:
    row = tx.execute(_BY_ID, {"workspace": workspace_id}).first()
    return Workspace(*row) if row else None


def next_ticket_number(tx: Tx) -> int:
    """Take the next number. The row stays locked until commit, so numbers have no holes."""
    query = (
        update(workspaces)
        .where(workspaces.c.workspace_id == tx.workspace_id)
        .values(last_ticket_number=workspaces.c.last_ticket_number + 1)
        .returning(workspaces.c.last_ticket_number)
    )
    number: int = tx.execute(query).scalar_one()
    return number


def insert_member(tx: Tx, *, user_id: UUID, role: Role) -> None:
    tx.execute(insert(members).values(workspace_id=tx.workspace_id, user_id=user_id, role=role.value))


def role_of(tx: Tx, user_id: UUID) -> Role | None:
    query = select(members.c.role).where(
        members.c.workspace_id == tx.workspace_id, members.c.user_id == user_id
    )
    role = tx.execute(query).scalar_one_or_none()
    return Role(role) if role else None


def members_of(tx: Tx) -> Sequence[Member]:
    query = (
        select(users.c.user_id, users.c.name, users.c.email, members.c.role)
        .join(members, members.c.user_id == users.c.user_id)
        .where(members.c.workspace_id == tx.workspace_id)
        .order_by(users.c.name, users.c.user_id)
        .limit(500)
    )
    return [Member(user_id, name, email, Role(role)) for user_id, name, email, role in tx.execute(query)]


def memberships(tx: Tx, user_id: UUID) -> Sequence[Membership]:
    query = (
        select(*_WORKSPACE, members.c.role)
        .join(members, members.c.workspace_id == workspaces.c.workspace_id)
        .where(members.c.user_id == user_id)
        .order_by(workspaces.c.name, workspaces.c.workspace_id)
        .limit(200)
    )
    return [Membership(row[0], row[1], row[2], Role(row[3])) for row in tx.execute(query)]
