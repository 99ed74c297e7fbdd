"""SQL of the people who write."""

from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, select, update

from parlour.db import dialect
from parlour.db.database import HERE, Tx
from parlour.db.schema import contacts
from parlour.features.contacts.models import Contact
from parlour.kernel import clock

_CONTACT = (contacts.c.contact_id, contacts.c.email, contacts.c.name, contacts.c.note, contacts.c.created_at)
_HERE = select(*_CONTACT).where(contacts.c.workspace_id == HERE)
_AT = _HERE.where(contacts.c.email == bindparam("email"))
_THIS = (contacts.c.workspace_id == HERE) & (contacts.c.contact_id == bindparam("this_contact"))
_LAST_CHARACTER = "\U0010ffff"
_FOLLOWING = (
    _HERE.where(
        contacts.c.email > bindparam("after"), contacts.c.email.between(bindparam("first"), bindparam("last"))
    )
    .order_by(contacts.c.email)
    .limit(bindparam("limit", type_=Integer()))
)


def _contact(row: Any) -> Contact:
    return Contact(*row)


def remember(tx: Tx, email: str, name: str) -> None:
    """Somebody of whom no name is known yet gets this one."""
    new = {"workspace_id": tx.workspace_id, "contact_id": clock.new_id(), "created_at": clock.now()}
    query = dialect.insert(tx, contacts).values(email=email, name=name, note="", **new)
    unnamed = (contacts.c.name == "") & (query.excluded.name != "")
    keys = [contacts.c.workspace_id, contacts.c.email]
    named = {"name": query.excluded.name}
    tx.execute(query.on_conflict_do_update(index_elements=keys, set_=named, where=unnamed))


def contact(tx: Tx, contact_id: UUID) -> Contact | None:
    row = tx.run(select(*_CONTACT).where(_THIS), this_contact=contact_id).first()
    return _contact(row) if row else None


def by_email(tx: Tx, email: str) -> Contact | None:
    row = tx.first(_AT, email=email)
    return _contact(row) if row else None


def following(tx: Tx, *, beginning: str, after: str, limit: int) -> list[Contact]:
    """By address: those that begin so and come after that one."""
    asked = {"after": after, "first": beginning, "last": beginning + _LAST_CHARACTER, "limit": limit}
    return [_contact(row) for row in tx.run(_FOLLOWING, **asked)]


def change(tx: Tx, contact_id: UUID, *, name: str, note: str) -> None:
    tx.run(update(contacts).where(_THIS).values(name=name, note=note), this_contact=contact_id)
