"""Addresses stand in the one spelling in which they are compared from now on.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

from parlour.kernel.addresses import clean_email

revision = "0010"
down_revision = "0009"

NAMED = ("users", "invitations", "tickets", "access_links", "grants")


def upgrade() -> None:
    """Those that may differ are few: with letters beyond ASCII, or with a host as DNS has it.

    What is no address any more stays, and so does an account whose other spelling is somebody else's.
    """
    here = op.get_bind()
    beyond_ascii = "email GLOB '*[^ -~]*'" if here.dialect.name == "sqlite" else "email ~ '[^ -~]'"
    for table in NAMED:
        query = f"SELECT DISTINCT email FROM {table} WHERE {beyond_ascii} OR email LIKE '%xn--%'"  # noqa: S608
        for old in here.execute(sa.text(query)).scalars().all():
            new = clean_email(old)
            if new and new != old:
                _rename(here, table, old, new)


def _rename(here: sa.Connection, table: str, old: str, new: str) -> None:
    both = {"old": old, "new": new}
    if table == "tickets":  # a customer is known in the own rooms by the address
        theirs = (
            "room_id IN (SELECT r.room_id FROM chat_rooms r JOIN tickets t"
            " ON t.workspace_id = r.workspace_id AND t.ticket_id = r.ticket_id WHERE t.email = :old)"
        )
        said = "SET sender_id = :new, sender_name = :new WHERE sender_type = 'customer' AND sender_id = :old"
        here.execute(sa.text(f"UPDATE messages {said} AND {theirs}"), both)
        read = "SET reader = :new WHERE side = 'customer' AND reader = :old"
        here.execute(sa.text(f"UPDATE read_marks {read} AND {theirs}"), both)
    taken = " AND NOT EXISTS (SELECT 1 FROM users WHERE email = :new)" if table == "users" else ""
    here.execute(sa.text(f"UPDATE {table} SET email = :new WHERE email = :old{taken}"), both)  # noqa: S608
