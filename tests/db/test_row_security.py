"""PostgreSQL itself keeps workspaces, customers and viewers to what is theirs, whatever a statement asks."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, NoResultFound

from parlour.db import dialect, schema
from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.tickets.models import Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.db.test_every_store import Enough, every_call, name_of
from tests.house import Browser, House, behind_its_back

pytestmark = pytest.mark.postgresql

NO_TENANTS = {
    "workspaces": "a row is a tenant; its policies are like theirs",
    "outbox": "jobs of accounts belong to no workspace; its policies name the workspace of the others",
    "users": "an account is in several workspaces",
    "credentials": "an account's",
    "sessions": "an account's",
    "password_resets": "an account's",
    "recovery_codes": "an account's",
    "dkim_keys": "the house signs mails of every workspace with them",
    "limit_windows": "how often something was tried lately, by a key that names no ticket",
    "history": "one row about the database itself",
    "alembic_version": "the schema's number, which the servers may only read",
    "schema_floor": "which programs may work here; the servers may only read it",
    "search_progress": "one row about the index of words",
    "ticket_search": "read through functions alone; what goes in is fenced",
}


def policies(house: House, table: str) -> list[tuple[Any, ...]]:
    found = behind_its_back(
        house.app.parlour.settings,
        "SELECT policyname, permissive, cmd FROM pg_policies WHERE schemaname = 'public' AND tablename = ?",
        table,
    )
    return [tuple(row) for row in found]


async def test_every_table_forces_its_policies_on_everybody(house: House) -> None:
    query = """SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"""
    found = behind_its_back(house.app.parlour.settings, query)
    forced = {str(name): so for name, so in found}

    assert {name for name, so in forced.items() if not so} == {
        "alembic_version",
        "history",
        "limit_windows",
        "schema_floor",
        "search_progress",
    }
    assert set(forced) == {table.name for table in schema.TENANT_TABLES} | set(NO_TENANTS)


async def test_every_tenant_table_stands_behind_the_fence_of_its_workspace(house: House) -> None:
    for table in schema.TENANT_TABLES:
        assert ("workspace", "RESTRICTIVE", "ALL") in policies(house, table.name), table.name


async def test_the_servers_role_owns_nothing_bypasses_nothing_and_rewrites_no_history(house: House) -> None:
    settings = house.app.parlour.settings
    mighty = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = 'parlour_app'"
    owned = "SELECT count(*) FROM pg_class WHERE relowner = 'parlour_app'::regrole"
    may = "SELECT has_table_privilege('parlour_app', 'public.audit_log', ?)"

    assert behind_its_back(settings, mighty) == [(False,)]
    assert behind_its_back(settings, owned) == [(0,)]
    assert behind_its_back(settings, may, "UPDATE") == behind_its_back(settings, may, "DELETE") == [(False,)]
    assert behind_its_back(settings, may, "INSERT") == [(True,)]


# ------------------------------------------------------------------------------ in the wrong name

ALWAYS = {
    "workspaces.store.asking_at",
    "workspaces.store.by_slug",
    "workspaces.store.asking_by_id",
    "workspaces.store.by_id",
    "workspaces.store.every",
    "workspaces.settings.store.settings",
    "workspaces.mailboxes.store.is_only",
}
"""That a workspace exists, its name and what it chose for itself: on its portal for everybody."""
OWN = {"workspaces.store.every", "workspaces.mailboxes.store.is_only"}
"""Answer with the workspace that the actor does belong to."""
OPENS = {"chat.store.insert_rooms", "tickets.store.insert_ticket"}

Wrong = Callable[[House, Ticket], Actor | None]
WRONG: dict[str, tuple[Wrong, set[str]]] = {
    "nobody at all": (lambda _house, _ticket: None, set()),
    "another workspace's owner": (
        lambda house, _ticket: Actor.agent(house.other.workspace_id, clock.new_id(), Role.OWNER, "Olga"),
        OWN,
    ),
    "another workspace's customer": (
        lambda house, ticket: Actor.customer(house.other.workspace_id, ticket.ticket_id, ticket.email),
        OWN,
    ),
    "another workspace's visitor": (
        lambda house, _ticket: Actor.visitor(house.other.workspace_id),
        OWN,
    ),
    "another workspace's system": (
        lambda house, _ticket: Actor.system(house.other.workspace_id),
        OWN,
    ),
    "somebody who is signed in elsewhere": (lambda _house, _ticket: Actor.person(clock.new_id()), ALWAYS),
    "whoever holds another session": (lambda _house, _ticket: Actor.visitor(holding="0" * 64), ALWAYS),
    "the customer of another ticket": (
        lambda house, ticket: Actor.customer(house.workspace.workspace_id, clock.new_id(), ticket.email),
        ALWAYS,
    ),
    "a visitor without the browser's secret": (
        lambda house, _ticket: Actor.visitor(house.workspace.workspace_id),
        ALWAYS | OPENS,
    ),
}


class Asked:
    """How many rows each changing statement has changed."""

    def __init__(self, by: Connection) -> None:
        self.changed = 0
        self._by = by

    def note(self, by: Connection, cursor: Any, sql: str, *_: Any) -> None:
        if by is self._by and re.match(r"\s*(INSERT|UPDATE|DELETE|WITH)", sql):
            self.changed += max(cursor.rowcount, 0)


@contextmanager
def watching(connection: Connection) -> Iterator[Asked]:
    asked = Asked(connection)
    event.listen(Engine, "after_cursor_execute", asked.note)
    try:
        yield asked
    finally:
        event.remove(Engine, "after_cursor_execute", asked.note)


def is_nothing(answer: object) -> bool:
    if isinstance(answer, dict):
        return all(map(is_nothing, answer.values()))
    if isinstance(answer, list | tuple | set):
        return all(map(is_nothing, answer))
    return not answer


def what_gets_through(tx: Tx, named: Actor, house: House, ticket: Ticket) -> set[str]:
    """The store functions that answer or change anything, asked for `named` by whoever the database knows."""
    through: set[str] = set()
    deceived = Tx(tx.connection, named)  # it tells the database nothing
    tx.connection.execute(text("SELECT 1"))
    for function, arguments in every_call(Tells(deceived, ticket), house.ada, ticket):  # type: ignore[arg-type]
        tx.connection.exec_driver_sql("SAVEPOINT one")
        with watching(tx.connection) as asked:
            try:
                answer = function(deceived, **arguments)
                answer = answer() if callable(answer) else answer
            except (DBAPIError, NoResultFound, ValueError):  # there is no row where there has to be one
                answer = None
        tx.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT one")
        if asked.changed or not is_nothing(answer):
            through.add(name_of(function))
    return through


class Rows(list[Any]):
    """What a statement found, which is closed when it was read."""

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


class Tells:
    """For making the arguments, which takes a look at the ticket's first message."""

    def __init__(self, tx: Tx, ticket: Ticket) -> None:
        self.workspace_id = tx.workspace_id
        self.connection = tx.connection
        self._ticket = ticket

    def run(self, *_: Any, **__: Any) -> Any:
        now = clock.now()
        words = ("content", "customer", self._ticket.email, "", clock.new_id(), now, 0)
        return Rows([(clock.new_id(), self._ticket.chat_room_id, 1, *words)])

    rows = run


@pytest.mark.parametrize("who", WRONG)
async def test_in_the_wrong_name_no_store_function_finds_or_changes_anything(
    house: House, visitor: Browser, who: str
) -> None:
    ticket = await house.open_ticket(visitor)
    wrong, allowed = WRONG[who]
    actor = wrong(house, ticket)
    through: set[str] = set()

    def ask(tx: Tx) -> None:
        tx.execute(text("SELECT 1"))
        if actor is None:
            for name in ("kind", "actor", "workspace", "user", "role", "ticket"):
                tx.connection.execute(text(f"SELECT set_config('parlour.{name}', '', true)"))
        named = Actor.system(house.workspace.workspace_id)
        through.update(what_gets_through(tx, named, house, ticket))
        raise Enough

    with pytest.raises(Enough):
        await house.db.write(actor or Actor.visitor(), ask)

    assert through - allowed == set()


CHANGES = re.compile(
    r"\.(insert|attach|hand|count_in|set(?!tings)|update|delete|turn|take|use$|revoke|change|release|lock|note|next|move|copy)"
)


async def test_a_viewer_changes_nothing(house: House, visitor: Browser) -> None:
    """But looks at everything; the own saved views are somebody's own, and the viewer's are not Ada's."""
    ticket = await house.open_ticket(visitor)
    viewer = Actor.agent(house.workspace.workspace_id, clock.new_id(), Role.VIEWER, "Viv")
    through: set[str] = set()

    def ask(tx: Tx) -> None:
        tx.execute(text("SELECT 1"))
        named = Actor.system(house.workspace.workspace_id)
        through.update(what_gets_through(tx, named, house, ticket))
        raise Enough

    with pytest.raises(Enough):
        await house.db.write(viewer, ask)

    assert {name for name in through if CHANGES.search(name)} == set()
    assert {"tickets.store.ticket", "chat.store.newest", "tickets.listing.store.page"} <= through


# -------------------------------------------------------------------------------------------- rooms

ROOMS = """SELECT audience FROM chat_rooms
           WHERE workspace_id = :workspace AND ticket_id = :ticket ORDER BY 1"""
WRITE = """UPDATE chat_rooms SET last_seq = last_seq WHERE workspace_id = :workspace AND ticket_id = :ticket
           RETURNING audience"""


def somebody(role: Role, ticket: Ticket) -> Actor:
    return Actor.agent(ticket.workspace_id, clock.new_id(), role, "Someone")


Seen = tuple[list[str], list[str]]
WHO: dict[str, tuple[Callable[[Ticket], Actor], Seen]] = {
    "customer": (
        lambda ticket: Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email),
        (["public"], ["public"]),
    ),
    "neighbour": (
        lambda ticket: Actor.customer(ticket.workspace_id, clock.new_id(), "n@example.com"),
        ([], []),
    ),
    "visitor": (lambda ticket: Actor.visitor(ticket.workspace_id), ([], [])),
    **{
        role.value: (
            partial(somebody, role),
            (["internal", "public"], [] if role is Role.VIEWER else ["internal", "public"]),
        )
        for role in Role
    },
    "agent elsewhere": (
        lambda _ticket: Actor.agent(clock.new_id(), clock.new_id(), Role.OWNER, "Someone"),
        ([], []),
    ),
    "system": (lambda ticket: Actor.system(ticket.workspace_id), (["internal", "public"],) * 2),
    "system everywhere": (lambda _ticket: Actor.system(), (["internal", "public"], [])),
}


@pytest.mark.parametrize("who", WHO)
async def test_who_may_read_and_write_which_room_of_a_ticket(
    house: House, visitor: Browser, who: str
) -> None:
    ticket = await house.open_ticket(visitor)
    made, expected = WHO[who]

    def look(tx: Tx) -> Seen:
        this = {"workspace": ticket.workspace_id, "ticket": ticket.ticket_id}
        read = [str(row[0]) for row in tx.execute(text(ROOMS), this)]
        written = sorted(str(row[0]) for row in tx.execute(text(WRITE), this))
        return read, written

    assert await house.db.write(made(ticket), look) == expected


async def test_nobody_writes_in_another_ones_name(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)

    def forge(tx: Tx) -> None:
        row = {"workspace_id": ticket.workspace_id, "room_id": ticket.chat_room_id, "seq": 2}
        row |= {"message_id": clock.new_id(), "content": "I am Ada", "created_at": clock.now()}
        forged = {"sender_type": "agent", "sender_id": str(house.ada), "sender_name": "Ada"}
        tx.execute(schema.messages.insert(), row | forged)

    with pytest.raises(DBAPIError, match="row-level security"):
        await house.db.write(customer, forge)


async def test_the_name_is_said_again_after_the_savepoint_in_which_it_was_said(
    house: House,
) -> None:
    """Going back to the savepoint brings back whoever spoke before it; also through a proxy."""
    kind = text("SELECT current_setting('parlour.kind', true)")
    here = house.workspace.workspace_id

    def ask(tx: Tx) -> list[Any]:
        ada = tx.acting_as(Actor.agent(here, house.ada, Role.AGENT, "Ada"))
        before = tx.execute(kind).scalar()
        with dialect.walking_in_order(tx):
            inside = ada.execute(kind).scalar()
        return [before, inside, ada.execute(kind).scalar(), tx.execute(kind).scalar()]

    assert await house.db.read(Actor.visitor(here), ask) == ["visitor", "agent", "agent", "visitor"]


async def test_the_name_follows_whoever_acts_inside_one_transaction(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    this = {"workspace": ticket.workspace_id, "ticket": ticket.ticket_id}

    def look(tx: Tx) -> list[int]:
        inner = tx.acting_as(Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email))
        return [len(one.execute(text(ROOMS), this).all()) for one in (tx, inner, tx, inner)]

    assert await house.as_system(look) == [2, 1, 2, 1]


# -------------------------------------------------------------------------------------------- files

HELD = ("answered", "noted", "her own", "the agent's own", "a visitor's own", "another visitor's")
NAMED = "SELECT name FROM files WHERE workspace_id = :workspace"
RENAMED = "UPDATE files SET position = position WHERE workspace_id = :workspace RETURNING name"
TAKEN = "DELETE FROM files WHERE workspace_id = :workspace RETURNING name"
FILES: dict[str, tuple[Callable[[Ticket], Actor], set[str], set[str]]] = {
    "customer": (
        lambda ticket: Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email),
        {"answered", "her own"},
        {"her own"},
    ),
    "neighbour": (
        lambda ticket: Actor.customer(ticket.workspace_id, clock.new_id(), ticket.email),
        set(),
        set(),
    ),
    "visitor": (lambda ticket: Actor.visitor(ticket.workspace_id), set(), set()),
    "the visitor": (
        lambda ticket: Actor.visitor(ticket.workspace_id, "x v"),
        {"a visitor's own"},
        {"a visitor's own"},
    ),
    "viewer": (partial(somebody, Role.VIEWER), set(HELD), set()),
    "agent": (partial(somebody, Role.AGENT), set(HELD), set()),
    "the agent": (
        lambda ticket: Actor.agent(ticket.workspace_id, UUID(int=7), Role.AGENT, "Ada"),
        set(HELD),
        {"the agent's own"},
    ),
    "owner elsewhere": (
        lambda _ticket: Actor.agent(clock.new_id(), UUID(int=7), Role.OWNER, "Olga"),
        set(),
        set(),
    ),
    "system": (lambda ticket: Actor.system(ticket.workspace_id), set(HELD), set(HELD)),
}


@pytest.mark.parametrize("who", FILES)
async def test_who_sees_which_files_and_may_change_or_take_back_only_the_own_that_were_not_sent(
    house: House, visitor: Browser, who: str
) -> None:
    ticket = await house.open_ticket(visitor)
    made, seen, own = FILES[who]

    def attach(tx: Tx) -> None:
        notes = chat.notes_room(tx, ticket.ticket_id)
        chat.announce(tx, notes, "status:open")
        here = {"workspace_id": tx.workspace_id, "size": 1, "counted": 1, "created_at": clock.now()}
        here |= {"storage_key": "a", "thumbnail_key": "b"}
        public = ticket.chat_room_id
        for name, room, seq, uploader, kind in (
            ("answered", public, 1, "x", "agent"),
            ("noted", notes, 1, "x", "agent"),
            ("her own", public, None, ticket.email, "customer"),
            ("the agent's own", public, None, str(UUID(int=7)), "agent"),
            ("a visitor's own", None, None, "v", "visitor"),
            ("another visitor's", None, None, "w", "visitor"),
        ):
            whose = {"room_id": room, "seq": seq, "uploader": uploader, "uploader_kind": kind}
            tx.execute(schema.files.insert(), {**here, "file_id": clock.new_id(), "name": name, **whose})

    def look(tx: Tx) -> list[set[str]]:
        this = {"workspace": ticket.workspace_id}
        return [{str(row[0]) for row in tx.execute(text(sql), this)} for sql in (NAMED, RENAMED, TAKEN)]

    await house.as_system(attach)

    assert await house.db.write(made(ticket), look) == [seen, own, own]
