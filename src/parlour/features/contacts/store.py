"""SQL of the people who write."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, and_, bindparam, case, insert, not_, or_, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import contacts
from parlour.db.shortcut import Answered
from parlour.features.contacts.models import Contact
from parlour.kernel import clock

_CONTACT = (
    contacts.c.contact_id,
    contacts.c.email,
    contacts.c.name,
    contacts.c.note,
    contacts.c.created_at,
    contacts.c.name_typed,
    contacts.c.blocked_at,
    contacts.c.complained_at,
)
_HERE = select(*_CONTACT).where(contacts.c.workspace_id == HERE)
_AT = _HERE.where(contacts.c.email == bindparam("email"))
_BLOCKED = select(contacts.c.blocked_at).where(
    contacts.c.workspace_id == HERE, contacts.c.email == bindparam("email")
)
_BLOCKED = _BLOCKED.with_for_update(read=True)
_THIS = (contacts.c.workspace_id == HERE) & (contacts.c.contact_id == bindparam("this_contact"))
_THESE = _HERE.where(dialect.one_of(contacts.c.contact_id, "these"))
_LAST_CHARACTER = "\U0010ffff"
_FOLLOWING = (
    _HERE.where(
        contacts.c.email > bindparam("after"), contacts.c.email.between(bindparam("first"), bindparam("last"))
    )
    .order_by(contacts.c.email)
    .limit(bindparam("limit", type_=Integer()))
)

_BLOCKED_FOLLOWING = _FOLLOWING.where(contacts.c.blocked_at.is_not(None))


def _contact(row: Any) -> Contact:
    return Contact(*row)


@cache
def _remembering(database: str) -> Any:
    query = dialect.insert_on(database, contacts)
    open_to_it = or_(contacts.c.name == "", and_(contacts.c.name_typed, not_(query.excluded.name_typed)))
    named = and_(query.excluded.name != "", open_to_it)
    values = {
        column: case((named, query.excluded[column]), else_=contacts.c[column])
        for column in ("name", "name_typed")
    }
    keys = [contacts.c.workspace_id, contacts.c.email]
    return query.on_conflict_do_update(index_elements=keys, set_=values).returning(contacts.c.blocked_at)


def remember(tx: Tx, email: str, name: str, *, typed: bool) -> Callable[[], bool]:
    """Somebody of whom no name is known yet gets this one, which counts for more than one that was `typed`
    if it is not. What comes back says whether they are blocked, which nobody
    changes before this transaction has ended: the row is written, whatever it holds.
    """
    new = {"workspace_id": tx.workspace_id, "contact_id": clock.new_id(), "created_at": clock.now()}
    facts = {"email": email, "name": name, "name_typed": typed, "note": "", **new}
    return tx.asking(_remembering(dialect.name_of(tx)), _says_blocked, **facts)


def _says_blocked(found: Answered) -> bool:
    return any(blocked_at for (blocked_at,) in found.rows)


def insert_contact(tx: Tx, contact_id: UUID, email: str) -> None:
    """Somebody of whom nothing else is known yet."""
    new = {"workspace_id": tx.workspace_id, "contact_id": contact_id, "created_at": clock.now()}
    tx.execute(insert(contacts).values(email=email, name="", note="", **new))


def contact(tx: Tx, contact_id: UUID) -> Contact | None:
    row = tx.run(select(*_CONTACT).where(_THIS), this_contact=contact_id).first()
    return _contact(row) if row else None


def these(tx: Tx, contact_ids: Collection[UUID]) -> dict[UUID, Contact]:
    found = map(_contact, tx.rows(_THESE, these=list(contact_ids)))
    return {each.contact_id: each for each in found}


def lock(tx: Tx, contact_id: UUID) -> Contact | None:
    """As they are, and nobody else changes that before this transaction has ended."""
    row = tx.run(select(*_CONTACT).where(_THIS).with_for_update(), this_contact=contact_id).first()
    return _contact(row) if row else None


def by_email(tx: Tx, email: str) -> Contact | None:
    return next(iter(tx.objects(_AT, _contact, email=email)), None)


def asking_blocked(tx: Tx, email: str) -> Callable[[], bool]:
    """As `remember` says it."""
    return tx.asking(_BLOCKED, _says_blocked, email=email)


def following(tx: Tx, *, beginning: str, after: str, blocked: bool, limit: int) -> list[Contact]:
    """By address: those that begin so and come after that one; all, or those who are blocked."""
    asked = {"after": after, "first": beginning, "last": beginning + _LAST_CHARACTER, "limit": limit}
    return [_contact(row) for row in tx.run(_BLOCKED_FOLLOWING if blocked else _FOLLOWING, **asked)]


def change(tx: Tx, contact_id: UUID, *, name: str, note: str) -> None:
    values = {"name": name, "note": note, "name_typed": False}
    tx.run(update(contacts).where(_THIS).values(**values), this_contact=contact_id)


def block(tx: Tx, contact_id: UUID, at: datetime | None) -> bool:
    """Since then, or with None no longer. False when it was so already."""
    before = contacts.c.blocked_at.is_not(None) if at is None else contacts.c.blocked_at.is_(None)
    query = update(contacts).where(_THIS, before).values(blocked_at=at)
    return tx.run(query, this_contact=contact_id).rowcount == 1


def complained(tx: Tx, email: str) -> None:
    here = (contacts.c.workspace_id == HERE) & (contacts.c.email == bindparam("address"))
    tx.run(update(contacts).where(here).values(complained_at=clock.now()), address=email)
