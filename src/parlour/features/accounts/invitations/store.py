"""SQL of invitations."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from parlour.db.database import HERE, Tx
from parlour.db.schema import invitations
from parlour.features.accounts.models import Invitation
from parlour.kernel import clock
from parlour.kernel.access import Role

_INVITATION = (
    invitations.c.invitation_id,
    invitations.c.workspace_id,
    invitations.c.email,
    invitations.c.role,
    invitations.c.invited_by,
    invitations.c.created_at,
    invitations.c.expires_at,
    invitations.c.ended_at.label("ended"),
    invitations.c.mailed,
)
_WAITING = (
    (invitations.c.workspace_id == HERE)
    & invitations.c.used_at.is_(None)
    & (invitations.c.expires_at > bindparam("now"))
)
_OPEN = _WAITING & invitations.c.ended_at.is_(None)
_THIS = (invitations.c.workspace_id == HERE) & (invitations.c.invitation_id == bindparam("this"))


def insert_invitation(
    tx: Tx,
    *,
    invitation_id: UUID,
    token_hash: str,
    email: str,
    role: Role,
    invited_by: UUID,
    expires_at: datetime,
    mailed: bool,
) -> None:
    tx.execute(
        insert(invitations).values(
            workspace_id=tx.workspace_id,
            invitation_id=invitation_id,
            token_hash=token_hash,
            email=email,
            role=role.value,
            invited_by=invited_by,
            created_at=clock.now(),
            expires_at=expires_at,
            mailed=mailed,
        )
    )


def _invitation(row: Any) -> Invitation:
    facts = row._asdict()
    return Invitation(**{**facts, "role": Role(facts["role"]), "ended": facts["ended"] is not None})


def waiting(tx: Tx, *, limit: int) -> Sequence[Invitation]:
    """Those that nobody used, also those that ended with their giver's rights."""
    query = select(*_INVITATION).where(_WAITING).order_by(invitations.c.created_at.desc()).limit(limit)
    return [_invitation(row) for row in tx.run(query, now=clock.now())]


def by_id(tx: Tx, invitation_id: UUID) -> Invitation | None:
    query = select(*_INVITATION).where(_WAITING, _THIS)
    row = tx.run(query, now=clock.now(), this=invitation_id).first()
    return _invitation(row) if row else None


def by_token(tx: Tx, token_hash: str) -> Invitation | None:
    """One that may still be used."""
    query = select(*_INVITATION).where(_OPEN, invitations.c.token_hash == token_hash)
    row = tx.run(query, now=clock.now()).first()
    return _invitation(row) if row else None


def set_token(tx: Tx, invitation_id: UUID, token_hash: str) -> None:
    tx.run(update(invitations).where(_THIS).values(token_hash=token_hash), this=invitation_id)


def use(tx: Tx, invitation_id: UUID) -> bool:
    """True for the first who uses it."""
    query = update(invitations).where(_THIS, invitations.c.used_at.is_(None)).values(used_at=clock.now())
    return tx.run(query, this=invitation_id).rowcount > 0


def end_given_by(tx: Tx, user_id: UUID, roles: Collection[Role]) -> list[tuple[str, Role]]:
    """End what this person gave away of these roles: to whom, and which."""
    given = (
        invitations.c.workspace_id == HERE,
        invitations.c.invited_by == user_id,
        invitations.c.role.in_([role.value for role in roles]),
        invitations.c.used_at.is_(None),
        invitations.c.ended_at.is_(None),
        invitations.c.expires_at > clock.now(),  # the index of what can still be used
    )
    ended = update(invitations).where(*given).values(ended_at=clock.now())
    return _addressed(tx.run(ended.returning(invitations.c.email, invitations.c.role)))


def _addressed(rows: Iterable[Any]) -> list[tuple[str, Role]]:
    return [(email, Role(role)) for email, role in rows]


def delete_open(tx: Tx, invitation_id: UUID) -> bool:
    query = delete(invitations).where(_THIS, invitations.c.used_at.is_(None))
    return tx.run(query, this=invitation_id).rowcount > 0


def delete_open_of(tx: Tx, email: str) -> list[tuple[str, Role]]:
    """A newer invitation takes the older one's place. To whom it was, and to which role."""
    query = delete(invitations).where(
        invitations.c.workspace_id == HERE, invitations.c.email == email, invitations.c.used_at.is_(None)
    )
    return _addressed(tx.run(query.returning(invitations.c.email, invitations.c.role)))
