"""SQL of mailed links and of what a customer's browser may open."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import access_links, grants
from parlour.db.shortcut import Answered
from parlour.kernel import clock

_GRANTED_EMAIL = select(grants.c.email, grants.c.expires_at).where(
    grants.c.workspace_id == HERE,
    grants.c.visitor_hash == bindparam("visitor"),
    grants.c.ticket_id == bindparam("ticket"),
)


@cache
def _linking(database: str) -> Any:
    query = dialect.insert_on(database, access_links)
    return query.on_conflict_do_update(
        index_elements=["workspace_id", "token_hash"],
        set_={"expires_at": query.excluded.expires_at},
        where=access_links.c.revoked_at.is_(None),
    ).returning(access_links.c.token_hash)


def keep_link(
    tx: Tx, *, token_hash: str, ticket_id: UUID, email: str, expires_at: datetime
) -> Callable[[], bool]:
    """Store the link, or let the one that is stored live on. What comes back says if it may."""
    link = {
        "workspace_id": tx.workspace_id,
        "token_hash": token_hash,
        "ticket_id": ticket_id,
        "email": email,
        "created_at": clock.now(),
        "expires_at": expires_at,
    }
    return tx.asking(_linking(dialect.name_of(tx)), _is_stored, **link)


def _is_stored(answer: Answered) -> bool:
    return bool(answer.rows)


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


@cache
def _granting(database: str) -> Any:
    query = dialect.insert_on(database, grants)
    return query.on_conflict_do_update(
        index_elements=["workspace_id", "visitor_hash", "ticket_id"],
        set_={"expires_at": query.excluded.expires_at, "email": query.excluded.email},
    )


def insert_grants(tx: Tx, ticket_id: UUID, email: str, until: Mapping[str, datetime]) -> None:
    """Each visitor's hash opens the ticket until then."""
    now = clock.now()
    rows = [
        {
            "workspace_id": tx.workspace_id,
            "visitor_hash": visitor_hash,
            "ticket_id": ticket_id,
            "email": email,
            "created_at": now,
            "expires_at": expires_at,
        }
        for visitor_hash, expires_at in until.items()
    ]
    tx.put(_granting(dialect.name_of(tx)), rows)


def granted_email(tx: Tx, visitor_hash: str, ticket_id: UUID, *, at: datetime) -> str | None:
    """Of a grant that is good beyond `at`."""
    found = tx.first(_GRANTED_EMAIL, visitor=visitor_hash, ticket=ticket_id)
    return found[0] if found and found[1] > at else None


def asking_granted_tickets(
    tx: Tx, hashes: Sequence[str], *, limit: int
) -> Callable[[], list[tuple[UUID, str]]]:
    """Those that last, the newest first.

    Chosen and put in order here: SQLite would walk everybody's grants by their end, or by their tickets.
    """
    found, now = dialect.asking_grants_of(tx, hashes), clock.now()

    def lasting() -> list[tuple[UUID, str]]:
        those = [(ticket_id, email) for ticket_id, email, expires_at in found() if expires_at > now]
        return sorted(those, reverse=True)[:limit]

    return lasting


def delete_grants(tx: Tx, ticket_id: UUID) -> None:
    tx.execute(
        delete(grants).where(grants.c.workspace_id == tx.workspace_id, grants.c.ticket_id == ticket_id)
    )


def delete_grants_of(tx: Tx, hashes: Sequence[str]) -> list[tuple[UUID, UUID]]:
    """In every workspace. The (workspace_id, ticket_id) that they were for."""
    query = delete(grants).where(grants.c.visitor_hash.in_(hashes))
    found = tx.execute(query.returning(grants.c.workspace_id, grants.c.ticket_id))
    return [(workspace_id, ticket_id) for workspace_id, ticket_id in found]


def one_at_a_time(tx: Tx, *words: str) -> None:
    """Whoever comes with the same words to the same workspace waits until this transaction has ended."""
    dialect.lock(tx, tx.workspace_id.hex, *words)


def delete_expired(tx: Tx, *, before: datetime, limit: int) -> int:
    """Across all workspaces: up to `limit` links and as many grants that stopped working before `before`."""
    return sum(
        dialect.delete_some(tx, table, table.c.expires_at < before, table.c.expires_at, limit=limit)
        for table in (access_links, grants)
    )
