"""Rows that look alike: their template draws a look once, and what each says is put into it as text."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape
from typing import Any
from uuid import uuid4

from parlour.features.desk.tickets.cells import table_rows
from parlour.features.tickets.models import Colour, Priority, Status, Tag, TicketRow
from parlour.kernel.access import Actor, Role
from parlour.web.looks import Looks
from parlour.web.render import Renderer
from tests.web.test_render import NASTY

MAY = Actor.agent(uuid4(), uuid4(), Role.AGENT, "Ada")
MOMENT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


class Counting(Renderer):
    """How many looks it drew, of what."""

    def __init__(self) -> None:
        super().__init__(lambda name: f"/static/{name}")
        self.drawn: list[Sequence[Any]] = []
        self.rows = Looks(self._counted)

    def _counted(self, name: str, /, **context: Any) -> str:
        self.drawn.append(context["each"])
        return self(name, **context)


def ticket(number: int, **differs: Any) -> TicketRow:
    row = TicketRow(
        ticket_id=uuid4(),
        number=number,
        subject=f"Parcel {number}",
        email=f"m{number}@example.com",
        status=Status.OPEN,
        priority=Priority.HIGH,
        created_at=MOMENT,
        last_message_at=MOMENT,
        chat_room_id=uuid4(),
        assignee_id=None,
        version=number,
        waiting_since=None,
        assignee_name=None,
    )
    return row._replace(**differs)


def shown(renderer: Renderer, *rows: TicketRow) -> str:
    return table_rows(renderer, MAY, rows)("tickets/")


def test_the_template_draws_no_look_again_whatever_the_rows_say() -> None:
    renderer = Counting()
    shown(renderer, *map(ticket, range(25)))
    page = shown(renderer, *map(ticket, range(100, 125)))

    assert len(renderer.drawn) == 1
    assert page.count("<tr ") == 25
    assert all(f"Parcel {number}<" in page for number in range(100, 125))


def test_a_row_that_looks_another_way_is_drawn_beside_those_that_do_not() -> None:
    renderer = Counting()
    shown(renderer, ticket(1))
    tag = Tag(uuid4(), "Delivery", Colour.BLUE)
    differences: Sequence[dict[str, Any]] = (
        {"status": Status.PENDING, "snoozed_until": MOMENT},
        {"priority": Priority.LOW},
        {"unread": True},
        {"blocked": True},
        {"customer_name": "Maria"},
        {"email": "somebody.with.a.long.name@example.com"},
        {"assignee_id": uuid4(), "assignee_name": "Ada"},
        {"tags": (tag,)},
    )
    page = shown(renderer, ticket(2), *(ticket(3, **differs) for differs in differences))

    assert [len(each) for each in renderer.drawn] == [1, len(differences)]
    for words in (
        "28 Nov 2026, 09:30 UTC",
        ">Low<",
        ">Unread ",
        "data-blocked",
        ">Maria<",
        ">Ada<",
        ">Delivery<",
    ):
        assert words in page


def test_what_people_type_is_put_in_as_text_and_nothing_in_it_is_a_place() -> None:
    renderer = Counting()
    typed = f"100 %s of %(number)s {{number}} %% {NASTY}"
    told = {"subject": typed, "customer_name": typed, "assignee_name": typed, "assignee_id": uuid4()}
    shown(renderer, ticket(1, customer_name="Maria", assignee_name="Ada", assignee_id=uuid4()))
    page = shown(renderer, ticket(2, **told))

    assert len(renderer.drawn) == 1
    assert unescape(page).count(typed) == 3
    assert "<script" not in page
    assert "&lt;script src=&quot;//x&quot;&gt;&#x27;either/or" in page
