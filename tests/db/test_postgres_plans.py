"""Behind its policies PostgreSQL still walks the indexes: a page costs the same however much is there."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, Engine, event

from parlour.db import dialect, finding
from parlour.db.database import Tx
from parlour.features.chat import store as chat
from parlour.features.events import service as happenings
from parlour.features.events import store as events_store
from parlour.features.events.models import Happened, Kind
from parlour.features.tickets import store as tickets
from parlour.features.tickets.listing import store as listing_store
from parlour.features.tickets.listing.search import store as search_store
from parlour.features.tickets.models import Filters, Order, Stage, Status
from parlour.features.tickets.rows import store as rows_store
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests import postgres_server
from tests.house import House, behind_its_back, open_house

pytestmark = [pytest.mark.postgresql, pytest.mark.asyncio(loop_scope="module")]

TICKETS = 60_000
FILL = (
    "SET session_replication_role = replica",
    """INSERT INTO chat_rooms (workspace_id, room_id, ticket_id, audience, status, last_seq, created_at)
       SELECT w.workspace_id, gen_random_uuid(), gen_random_uuid(), 'public', 'open', 3, now()
       FROM workspaces w, generate_series(1, {count}) n""",
    """INSERT INTO tickets (workspace_id, ticket_id, number, subject, description, status, priority,
           priority_rank, email, chat_room_id, mailed_seq, version, created_at, updated_at, last_message_at)
       SELECT workspace_id, ticket_id, row_number() OVER (PARTITION BY workspace_id), 'Parcel', 'Late',
           (ARRAY['new', 'open', 'pending', 'resolved', 'closed'])[1 + (random() * 4)::int], 'medium', 1,
           'someone' || (random() * 5000)::int || '@example.com', room_id, 0, 1, now(), now(),
           now() - random() * interval '100 days' FROM chat_rooms""",
    """INSERT INTO messages (workspace_id, room_id, seq, message_id, content, sender_type, sender_id,
           sender_name, created_at)
       SELECT workspace_id, room_id, n, gen_random_uuid(), 'Words', 'customer', 'm@example.com', '', now()
       FROM chat_rooms, generate_series(1, 3) n""",
    """INSERT INTO ticket_search (workspace_id, ticket_id, words, terms)
       SELECT workspace_id, ticket_id, 'parcel w' || number % 10000,
           replace(workspace_id::text, '-', '') || ' parcel w' || number % 10000 || ' sixth' || number % 6
       FROM tickets""",
    "SET session_replication_role = origin",
    "ANALYZE",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def full(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("full")) as house:
        name = house.app.parlour.settings.database_url.rsplit("/", 1)[1]
        with postgres_server.server().admin_connection(name) as admin:
            for statement in FILL:
                admin.execute(statement.replace("{count}", str(TICKETS // 2)).encode())
        yield house


@contextmanager
def explained(tx: Tx, how: str = "") -> Iterator[list[str]]:
    """The plan of every statement that runs meanwhile, in the same name. Analyzed, it has run before."""
    plans: list[str] = []

    def explain(by: Connection, _: object, sql: str, values: Any, *__: object) -> None:
        if by is tx.connection and not sql.startswith("EXPLAIN"):
            driver: Any = by.connection.dbapi_connection
            rows = driver.execute(f"EXPLAIN {how} {sql}", values)
            plans.append("\n".join(row[0] for row in rows))

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


def page_of(**narrowed: Any) -> Callable[[Tx], object]:
    filters = Filters(**narrowed)

    def ask(tx: Tx) -> None:
        with dialect.walking_in_order(tx):
            listing_store.page(tx, filters, rows_store.ROWS, key=None, backwards=False, limit=26)

    return ask


LISTS: dict[str, tuple[Callable[[Tx], object], str]] = {
    "all": (page_of(), "ix_tickets_activity"),
    "of a status": (page_of(status=Status.OPEN), "ix_tickets_status_rank"),
    "unfinished": (page_of(status=Stage.ACTIVE), "ix_tickets_active"),
    "by creation": (page_of(order=Order.CREATED), "ix_tickets_created"),
    "by priority": (page_of(order=Order.PRIORITY), "ix_tickets_status_rank"),
    "waiting, by creation": (page_of(waiting=True, order=Order.CREATED), "ix_tickets_waiting_created"),
    "waiting, by priority": (page_of(waiting=True, order=Order.PRIORITY), "ix_tickets_waiting_rank"),
    "put aside, by creation": (
        page_of(status=Stage.SNOOZED, order=Order.CREATED),
        "ix_tickets_snoozed_created",
    ),
    "put aside, by priority": (
        page_of(status=Stage.SNOOZED, order=Order.PRIORITY),
        "ix_tickets_snoozed_rank",
    ),
    "of an address": (
        lambda tx: search_store.of_all_addresses(tx, "someone42@", before=None, limit=26),
        "ix_tickets_email",
    ),
}


def agent(house: House) -> Actor:
    return Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")


@pytest.mark.parametrize("which", LISTS)
async def test_a_page_of_tickets_walks_an_index_in_its_order(full: House, which: str) -> None:
    ask, index = LISTS[which]

    def look(tx: Tx) -> list[str]:
        with explained(tx) as plans:
            ask(tx)
        return plans

    plan = "\n".join(await full.db.scan(agent(full), look))
    assert index in plan
    assert "Seq Scan on tickets" not in plan


@pytest.mark.parametrize("kind", ["agent", "customer"])
async def test_what_came_after_is_found_by_the_rooms_own_index(full: House, kind: str) -> None:
    here = full.workspace.workspace_id
    rows = behind_its_back(
        full.app.parlour.settings,
        "SELECT ticket_id, chat_room_id, email FROM tickets WHERE workspace_id = ? LIMIT 1",
        here,
    )
    ticket_id, room_id, email = rows[0]
    customer = Actor.customer(here, ticket_id, str(email))  # type: ignore[arg-type]

    def look(tx: Tx) -> tuple[list[str], int]:
        with explained(tx) as plans:
            found = chat.following(tx, room_id, after=1, limit=50, characters=10_000)  # type: ignore[arg-type]
        return plans, len(found)

    plans, found = await full.db.read(agent(full) if kind == "agent" else customer, look)
    assert found == 2
    assert "pk_messages" in plans[0]
    assert "Seq Scan" not in plans[0]


async def test_the_policies_make_little_to_be_readied_for_an_agents_statement(full: House) -> None:
    """Readying what is then never asked took most of the time of the counts beside every page of the desk."""

    def look(tx: Tx) -> list[str]:
        with explained(tx) as plans:
            tickets.ticket(tx, full.ada)
        return plans

    [plan] = await full.db.read(agent(full), look)
    assert len(re.findall("InitPlan|SubPlan", plan)) <= 4


def searched(full: House, wanted: str, enough: int) -> tuple[list[object], list[str]]:
    """The tickets, and the plan of each look at the places: as the servers' role, through the function that
    may. What it runs inside is logged with its plan.
    """
    here = full.workspace.workspace_id
    name = full.app.parlour.settings.database_url.rsplit("/", 1)[1]
    told: list[str] = []
    with postgres_server.server().admin_connection(name) as admin:
        admin.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        for statement in (
            "LOAD 'auto_explain'",
            "SET auto_explain.log_min_duration = 0",
            "SET auto_explain.log_nested_statements = on",
            "SET client_min_messages = log",
            f"SET ROLE {postgres_server.APP}",
            "SET parlour.kind = 'agent'",
            "SET parlour.role = 'agent'",
            f"SET parlour.workspace = '{here}'",
        ):
            admin.execute(statement.encode())
        how = (list(finding.LOOKS), finding.HARDLY, finding.RARE, finding.RARE)
        found = admin.execute(
            "SELECT ticket FROM app.search_next(%s, 1000000, %s, %s, %s, %s, %s)", (wanted, enough, *how)
        ).fetchall()
    tickets_found = [ticket for (ticket,) in found if ticket]
    return tickets_found, [text for text in told if "public.ticket_search" in text and "Scan" in text]


async def test_a_search_walks_the_newest_places_and_the_index_of_words(full: House) -> None:
    found, (walk, index) = searched(full, "'w77' & 'parc':*", 30)

    assert len(found) == TICKETS // 2 // 10_000
    assert "Index Scan Backward using" in walk
    assert "Sort" not in walk
    assert "ix_ticket_search_tsv" in index
    assert "Seq Scan" not in walk + index


@pytest.mark.parametrize("enough", [30, 200])
async def test_of_what_many_places_hold_the_index_is_not_asked(full: House, enough: int) -> None:
    """It would tell all of them, and the more of them the more places there are."""
    found, walks = searched(full, "'sixth3'", enough)

    assert len(found) == enough
    assert [text for text in walks if "ix_ticket_search_tsv" in text] == []


def visited(plan: str) -> int:
    """Rows that came out of its nodes, or were looked at there in vain."""
    came = [int(rows) * int(loops) for rows, loops in re.findall(r"actual rows=(\d+) loops=(\d+)", plan)]
    return sum(came) + sum(map(int, re.findall(r"Rows Removed by .*: (\d+)", plan)))


async def test_events_get_their_places_by_one_walk_while_their_table_is_taken_for_tiny(house: House) -> None:
    """As it is in the first hours of a workspace, and where many tickets have just been brought."""
    many = 300

    def happen(tx: Tx, times: int) -> None:
        happenings.record(tx, *(Happened(Kind.TICKET_UPDATED, clock.new_id()) for _ in range(times)))

    def look(tx: Tx) -> str:
        with explained(tx, "(ANALYZE, TIMING OFF)") as plans:
            events_store.place(tx, 3, limit=500)
        return plans[0]

    await house.as_system(happen, 3)
    await house.as_system(happenings.settle)
    behind_its_back(house.app.parlour.settings, "ANALYZE")
    await house.as_system(happen, many)

    assert visited(await house.as_system(look)) < 10 * many
    given = behind_its_back(
        house.app.parlour.settings, "SELECT array_agg(position ORDER BY number) FROM events"
    )
    assert given == [(list(range(1, many + 4)),)]


def places(tx: Tx, typed: str) -> list[finding.Match]:
    return [match for part in finding.newest(tx, typed, before=None) for match in part.matches]


def said_at(tx: Tx, positions: list[int]) -> dict[int, str]:
    return dict(finding.said_at(tx, positions))


async def test_a_search_finds_the_newest_of_one_workspace_alone(full: House) -> None:
    found = await full.db.scan(agent(full), places, "w77 parc")

    assert len(found) == TICKETS // 2 // 10_000
    assert [match.position for match in found] == sorted((m.position for m in found), reverse=True)
    said = await full.db.scan(agent(full), said_at, [match.position for match in found])
    assert set(said.values()) == {"parcel w77"}
    assert len(said) == len(found)
