"""SQL of mailed links and of what a customer's browser may open."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, insert, literal, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import access_links, grants
from parlour.kernel import clock

_GRANTED = (
    (grants.c.workspace_id == HERE)
    & (grants.c.visitor_hash == bindparam("visitor"))
    & (grants.c.expires_at > bindparam("now"))
)
_GRANTED_EMAIL = select(grants.c.email).where(_GRANTED, grants.c.ticket_id == bindparam("ticket"))
_GRANTED_TICKETS = (
    select(grants.c.ticket_id, grants.c.email)
    .where(_GRANTED)
    .order_by(grants.c.ticket_id.desc())
    .limit(bindparam("limit", type_=Integer()))
)


def keep_link(tx: Tx, *, token_hash: str, ticket_id: UUID, email: str, expires_at: datetime) -> bool:
    """Store the link, or let the one that is stored live on. False when it was revoked."""
    query = dialect.insert(tx, access_links).values(
        workspace_id=tx.workspace_id,
        token_hash=token_hash,
        ticket_id=ticket_id,
        email=email,
        created_at=clock.now(),
        expires_at=expires_at,
    )
    query = query.on_conflict_do_update(
        index_elements=["workspace_id", "token_hash"],
        set_={"expires_at": query.excluded.expires_at},
        where=access_links.c.revoked_at.is_(None),
    )
    return tx.execute(query.returning(access_links.c.token_hash)).first() is not None


def valid_link(tx: Tx, token_hash: str) -> tuple[UUID, str] | None:
    """The (ticket_id, email) of a link that still works, and that nobody revokes at the same moment."""
    query = select(access_links.c.ticket_id, access_links.c.email).where(
        access_links.c.workspace_id == tx.workspace_id,
        access_links.c.token_hash == token_hash,
        access_links.c.expires_at > clock.now(),
        access_links.c.revoked_at.is_(None),
    )
    row = tx.execute(query.with_for_update()).first()
    return (row[0], row[1]) if row else None


def revoke_links(tx: Tx, ticket_id: UUID) -> None:
    query = update(access_links).where(
        access_links.c.workspace_id == tx.workspace_id,
        access_links.c.ticket_id == ticket_id,
        access_links.c.revoked_at.is_(None),
    )
    tx.execute(query.values(revoked_at=clock.now()))


def copy_grants(tx: Tx, *, old: str, new: str, limit: int) -> None:
    """Let the visitor `new` open the newest tickets that `old` may open."""
    query = (
        select(
            grants.c.workspace_id,
            literal(new),
            grants.c.ticket_id,
            grants.c.email,
            grants.c.created_at,
            grants.c.expires_at,
        )
        .where(
            grants.c.workspace_id == tx.workspace_id,
            grants.c.visitor_hash == old,
            grants.c.expires_at > clock.now(),
        )
        .order_by(grants.c.ticket_id.desc())
        .limit(limit)
        .with_for_update()  # one that is being taken away right now is not copied
    )
    columns = ["workspace_id", "visitor_hash", "ticket_id", "email", "created_at", "expires_at"]
    tx.execute(insert(grants).from_select(columns, query))


@cache
def _granting(database: str) -> Any:
    query = dialect.insert_on(database, grants)
    return query.on_conflict_do_update(
        index_elements=["workspace_id", "visitor_hash", "ticket_id"],
        set_={"expires_at": query.excluded.expires_at, "email": query.excluded.email},
    )


def insert_grant(tx: Tx, *, visitor_hash: str, ticket_id: UUID, email: str, expires_at: datetime) -> None:
    grant = {
        "workspace_id": tx.workspace_id,
        "visitor_hash": visitor_hash,
        "ticket_id": ticket_id,
        "email": email,
        "created_at": clock.now(),
        "expires_at": expires_at,
    }
    tx.execute(_granting(dialect.name_of(tx)), grant)


def granted_email(tx: Tx, *, visitor_hash: str, ticket_id: UUID) -> str | None:
    found = tx.run(_GRANTED_EMAIL, visitor=visitor_hash, ticket=ticket_id, now=clock.now())
    return found.scalar_one_or_none()


def granted_tickets(tx: Tx, *, visitor_hash: str, limit: int) -> list[tuple[UUID, str]]:
    found = tx.run(_GRANTED_TICKETS, visitor=visitor_hash, now=clock.now(), limit=limit)
    return [(ticket_id, email) for ticket_id, email in found]


def delete_grants(tx: Tx, ticket_id: UUID) -> None:
    tx.execute(
        delete(grants).where(grants.c.workspace_id == tx.workspace_id, grants.c.ticket_id == ticket_id)
    )


def delete_expired(tx: Tx, *, before: datetime, limit: int) -> int:
    """Across all workspaces: up to `limit` links and as many grants that stopped working before `before`."""
    return sum(
        dialect.delete_some(tx, table, table.c.expires_at < before, table.c.expires_at, limit=limit)
        for table in (access_links, grants)
    )
