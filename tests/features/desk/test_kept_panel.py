"""What a ticket's page keeps as it was drawn is drawn anew when anything that it shows has changed."""

from typing import Any

import pytest
from sqlalchemy import Table, update

from parlour.db.database import Tx
from parlour.db.schema import canned_replies, contacts, tags, tickets, users
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.canned import service as canned
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.participants import service as copies
from parlour.features.tickets.tags import service as tagging
from parlour.features.workspaces import audit
from parlour.kernel.access import Actor, Role
from parlour.web.render import Renderer
from tests.house import Browser, House
from tests.tickets import ada, customer_says, place

CHANGES: list[tuple[str, Table, dict[str, Any], dict[str, Any]]] = [
    ("Joe Renamed", users, {"name": "Joe"}, {"name": "Joe Renamed"}),
    ("Tag renamed", tags, {"name": "Late"}, {"name": "Tag renamed"}),
    ("Spare renamed", tags, {"name": "Spare"}, {"name": "Spare renamed"}),
    ("Thanks renamed", canned_replies, {}, {"name": "Thanks renamed"}),
    ("Maria Renamed", contacts, {}, {"name": "Maria Renamed", "name_typed": False}),
    ("A note about her", contacts, {}, {"note": "A note about her"}),
    ("An earlier parcel", tickets, {"subject": "Another"}, {"subject": "An earlier parcel"}),
    ("Described anew", tickets, {"subject": "This one"}, {"description": "Described anew"}),
    ("The parcel came", tickets, {"subject": "This one"}, {"subject": "The parcel came"}),
]
"""What stands on the page afterwards; of which table which rows get which values, as from another node:
nothing here hears of it.
"""


async def furnish(house: House, visitor: Browser) -> Ticket:
    """A ticket of which everything has something to show."""
    await house.open_ticket(visitor, subject="Another")
    ticket = await house.open_ticket(visitor, subject="This one")
    for name in ("Late", "Spare"):
        await house.db.write(ada(house), tagging.make, name, "red")
    await house.db.write(ada(house), bulk.tag_one, ticket.ticket_id, "Late")
    await house.db.write(ada(house), canned.add, "Thanks", "Thank you.", shared=True)
    await house.db.write(ada(house), copies.add, ticket.ticket_id, "joana@example.com")
    return ticket


def change(tx: Tx, table: Table, which: dict[str, Any], values: dict[str, Any]) -> None:
    query = update(table).filter_by(**which).values(**values)
    here = table.c.get("workspace_id")
    tx.execute(query if here is None else query.where(here == tx.workspace_id))


async def test_a_change_is_seen_at_once_wherever_it_was_made(
    house: House, desk: Browser, visitor: Browser
) -> None:
    ticket = await furnish(house, visitor)
    system = Actor.system(house.workspace.workspace_id)
    joe = Actor.person(await house.add_agent("joe@acme.example", Role.AGENT, name="Joe"))
    for words, table, which, values in CHANGES:
        before = await desk.get(place(house, ticket))
        await house.db.write(joe if table is users else system, change, table, which, values)
        after = await desk.get(place(house, ticket))

        assert words not in before.text, words
        assert words in after.text, words

    await house.as_system(audit.record, "access", ticket_id=ticket.ticket_id)
    assert "The system ended the customer" in (await desk.get(place(house, ticket))).text
    await house.db.write(ada(house), copies.remove, ticket.ticket_id, "joana@example.com")
    assert "Take joana@example.com out" not in (await desk.get(place(house, ticket))).text


async def test_the_panel_is_drawn_once_until_somebody_writes(
    house: House, desk: Browser, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await furnish(house, visitor)
    await desk.get(place(house, ticket))
    drawn: list[str] = []
    draw = Renderer.__call__

    def note(renderer: Renderer, name: str, /, **context: object) -> str:
        drawn.append(name)
        return draw(renderer, name, **context)

    monkeypatch.setattr(Renderer, "__call__", note)
    await desk.get(place(house, ticket))
    await customer_says(house, ticket, "Is there any news?")
    again = drawn.copy()
    await desk.get(place(house, ticket))

    assert again == ["desk/ticket.html"]
    assert "desk/ticket_panel.html" in drawn
