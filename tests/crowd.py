"""A workspace as skewed as real ones, straight into the tables, by the database itself.

Half of its tickets are one agent's and open, a fifth are one customer's; what comes with tickets (links,
grants, sessions, finished jobs, the trail, bulk changes) comes in the same numbers, half of it expired.
Beside it are two hundred small workspaces, so that an average says nothing about any of them.
"""

# ruff: noqa: S608 - the statements are made of nobody's words but ours

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

from parlour.settings import Settings
from tests import postgres_server

REGULAR = "regular@example.com"
SMALL, EACH = 200, 20
FAR = 1 << 40
"""Ids above it are those of the small workspaces."""

STATUS = """CASE WHEN n % 2 = 0 THEN CASE n % 6 WHEN 0 THEN 'new' WHEN 2 THEN 'open' ELSE 'pending' END
    WHEN n % 10 < 5 THEN 'open' WHEN n % 10 = 5 THEN 'resolved' ELSE 'closed' END"""
EMAIL = "CASE WHEN n % 5 = 0 THEN 'regular@example.com' ELSE 'customer' || n % 5000 || '@example.com' END"
ASSIGNEE = "CASE WHEN n % 2 = 0 THEN {busy} WHEN n % 4 = 1 THEN {ada} END"
RANK = "n / 2 % 4"
WORDS = "'parcel w' || (n % 997)"
EARLY = 50_000
UNEVEN_WORDS = f"""{WORDS} || CASE WHEN n % 2 = 0 THEN ' even' ELSE ' odd' END
    || CASE WHEN n <= {EARLY} THEN ' early' ELSE '' END"""
"""One that all tickets have, a rare one, one of two that none has both of, one that the newest have not."""

TICKETS = (
    f"""INSERT INTO tickets (workspace_id, ticket_id, number, subject, description, status, priority,
            priority_rank, email, chat_room_id, assignee_id, mailed_seq, version, created_at, updated_at,
            last_message_at, waiting_since, first_answer_at)
        SELECT {{place}}, ID(8 * n), 1000000 + n, 'Parcel w' || (n % 997), 'Late', {STATUS},
            CASE {RANK} WHEN 0 THEN 'low' WHEN 1 THEN 'medium' WHEN 2 THEN 'high' ELSE 'urgent' END, {RANK},
            {EMAIL}, ID(8 * n + 1), {ASSIGNEE}, 0, 1, AT(n), AT(n), AT(n + n * 7919 % 500),
            CASE WHEN n % 3 = 0 THEN AT(n) END, CASE WHEN n % 6 > 0 THEN AT(n) END
        FROM numbers""",
    """INSERT INTO chat_rooms (workspace_id, room_id, ticket_id, audience, status, last_seq, created_at)
        SELECT {place}, ID(8 * n + 1), ID(8 * n), 'public', 'open', 1, AT(n) FROM numbers
        UNION ALL SELECT {place}, ID(8 * n + 2), ID(8 * n), 'internal', 'open', 0, AT(n) FROM numbers""",
    """INSERT INTO messages (workspace_id, room_id, seq, message_id, content, sender_type, sender_id,
            sender_name, created_at)
        SELECT {place}, ID(8 * n + 1), 1, ID(8 * n + 3), 'Late', 'customer', 'm@example.com', '', AT(n)
        FROM numbers""",
)
BESIDE = (
    """INSERT INTO access_links (workspace_id, token_hash, ticket_id, email, created_at, expires_at)
        SELECT {place}, 'link' || n, ID(8 * n), 'regular@example.com', AT(n), EXPIRES(n) FROM numbers""",
    """INSERT INTO grants (workspace_id, visitor_hash, ticket_id, email, created_at, expires_at)
        SELECT {place}, 'visitor' || n % 1000, ID(8 * n), 'regular@example.com', AT(n), EXPIRES(n)
        FROM numbers""",
    """INSERT INTO sessions (session_hash, user_id, created_at, last_seen_at, expires_at)
        SELECT 'session' || n, {busy}, AT(n), EXPIRES(n), EXPIRES(n) FROM numbers""",
    """INSERT INTO invitations (workspace_id, invitation_id, token_hash, email, role, invited_by, created_at,
            expires_at, used_at)
        SELECT {place}, ID(8 * n), 'invitation' || n, 'guest' || n || '@example.com', 'agent', {ada}, AT(n),
            EXPIRED(n), CASE WHEN n % 2 = 0 THEN AT(n) END FROM numbers""",
    """INSERT INTO audit_log (workspace_id, entry_id, actor_id, actor_name, action, ticket_id,
            before, after, created_at)
        SELECT {place}, ID(8 * n), 'agent', 'Busy', 'status', ID(8 * n), 'new', 'open', AT(n) FROM numbers""",
    """INSERT INTO outbox (job_id, workspace_id, kind, payload, run_at, attempts, finished_at, dead_at, error)
        SELECT ID(8 * n), {place}, 'mail.confirmation', '{{}}', AT(n), 1,
            CASE WHEN n % 10 > 0 THEN AT(n) END, CASE WHEN n % 10 = 0 THEN AT(n) END, '' FROM numbers""",
    """INSERT INTO bulk_changes (workspace_id, bulk_id, user_id, field, value, total, done, changed,
            created_at, finished_at)
        SELECT {place}, ID(8 * n), {busy}, 'priority', 'high', 50, 50, 50, EXPIRED(n), AT(n)
        FROM numbers WHERE n % 50 = 0""",
    """INSERT INTO bulk_items (workspace_id, bulk_id, ticket_id, before, after, status_before, done_at)
        SELECT {place}, ID(8 * (n - n % 50)), ID(8 * n), 'low', 'high', 'open', AT(n)
        FROM numbers WHERE n >= 50""",
)
SMALL_ONES = (
    """INSERT INTO workspaces (workspace_id, slug, name, last_ticket_number, settings, created_at)
        SELECT ID({far} + n), 'small-' || n, 'Small', {each}, '{{}}', AT(n) FROM numbers""",
)
SEARCH = {
    "sqlite": (
        """INSERT INTO ticket_search_terms (rowid, terms)
            SELECT n + 1 - (SELECT min(n) FROM numbers)
                + coalesce((SELECT rowid FROM ticket_search ORDER BY rowid DESC LIMIT 1), 0),
            {place} || ' ' || {words} FROM numbers""",
        """INSERT INTO ticket_search (workspace, ticket_id, words)
            SELECT {place}, ID(8 * n), {words} FROM numbers ORDER BY n""",
        """UPDATE search_progress SET low = 0,
            high = (SELECT rowid FROM ticket_search ORDER BY rowid DESC LIMIT 1)""",
    ),
    "postgresql": (
        """INSERT INTO ticket_search (workspace_id, ticket_id, words, terms)
            SELECT {place}, ID(8 * n), {words}, {hex} || ' ' || {words} FROM numbers ORDER BY n""",
        "UPDATE search_progress SET low = 0, high = (SELECT max(position) FROM ticket_search)",
    ),
}


SQLITE = {
    "ID": "printf('%032x', {start} + {of})",
    "AT": "strftime('%Y-%m-%dT%H:%M:00.000000Z', 1767225600 + ({of}) * 60, 'unixepoch')",
    "EXPIRES": "CASE WHEN {of} % 2 = 0 THEN '2099-01-01T00:00:00.000000Z' ELSE EXPIRED({of}) END",
    "EXPIRED": "'2025-01-01T00:00:00.000000Z'",
}
POSTGRESQL = {
    "ID": "lpad(to_hex({start} + {of}), 32, '0')::uuid",
    "AT": "(timestamptz '2026-01-01Z' + ({of}) * interval '1 minute')",
    "EXPIRES": "CASE WHEN {of} % 2 = 0 THEN timestamptz '2099-01-01Z' ELSE EXPIRED({of}) END",
    "EXPIRED": "timestamptz '2025-01-01Z'",
}


@dataclass(frozen=True)
class Crowd:
    """Who the crowd belongs to: the workspace, the agent with half of it, and a colleague."""

    settings: Settings
    workspace_id: UUID
    busy: UUID
    ada: UUID
    words: str = WORDS
    """What is said of a ticket, in SQL."""

    def grow(self, first: int, last: int) -> None:
        """Add the tickets `first` to `last`, and what comes with them."""
        engine = "postgresql" if self.settings.is_postgresql else "sqlite"
        statements = [*TICKETS, *SEARCH[engine], *BESIDE]
        self._run([(each, self.workspace_id, 0, first, last) for each in statements])

    def add_small_ones(self) -> None:
        few = [(each, self.workspace_id, 0, 1, SMALL) for each in SMALL_ONES]
        for small in range(1, SMALL + 1):
            start = FAR + small * 1_000
            few += [(each, UUID(int=FAR + small), start, 1, EACH) for each in TICKETS]
        self._run(few)

    def add_a_neighbour(self, places: int) -> None:
        """Another workspace, with the same words in as many places, and one word that is its own."""
        engine = "postgresql" if self.settings.is_postgresql else "sqlite"
        neighbour = UUID(int=2 * FAR)
        words = [each.replace("{words}", "'stranger ' || {words}") for each in SEARCH[engine]]
        self._run([(each, neighbour, 2 * FAR, 1, places) for each in words])

    def analyze(self) -> None:
        self._run([("ANALYZE", self.workspace_id, 0, 1, 1)])

    def _run(self, statements: list[tuple[str, UUID, int, int, int]]) -> None:
        if self.settings.is_postgresql:
            name = self.settings.database_url.rsplit("/", 1)[1]
            with postgres_server.server().admin_connection(name) as admin:
                admin.execute("SET session_replication_role = replica")
                for statement in statements:
                    admin.execute(self._postgresql(*statement).encode())
            return
        with closing(sqlite3.connect(self.settings.sqlite_path, timeout=30, isolation_level=None)) as file:
            file.execute("PRAGMA synchronous=OFF")
            file.execute("PRAGMA cache_size=-200000")
            file.execute("BEGIN IMMEDIATE")
            for statement in statements:
                file.execute(self._sqlite(*statement))
            file.execute("COMMIT")

    def _named(self, statement: str, place: UUID, quote: str) -> str:
        return statement.format(
            place=quote.format(place.hex),
            busy=quote.format(self.busy.hex),
            ada=quote.format(self.ada.hex),
            hex=f"'{place.hex}'",
            words=self.words,
            far=FAR,
            each=EACH,
        )

    def _sqlite(self, statement: str, place: UUID, start: int, first: int, last: int) -> str:
        text = _spelled(statement, start, SQLITE)
        text = self._named(text, place, "'{}'")
        series = f"SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}"
        numbers = f"WITH RECURSIVE numbers (n) AS ({series})"
        return text.replace("SELECT", f"{numbers} SELECT", 1) if "FROM numbers" in text else text

    def _postgresql(self, statement: str, place: UUID, start: int, first: int, last: int) -> str:
        text = _spelled(statement, start, POSTGRESQL)
        text = self._named(text, place, "uuid '{}'")
        series = f"(SELECT n::bigint FROM generate_series({first}, {last}) n)"
        return text.replace("FROM numbers", f"FROM {series} numbers")


def _spelled(statement: str, start: int, spelling: dict[str, str]) -> str:
    """A number as an id of 32 digits, and as a minute of 2026; every second one has expired."""
    for name, words in spelling.items():
        found = rf"\b{name}\(((?:[^()]|\([^()]*\))*)\)"
        statement = re.sub(found, lambda call: words.format(start=8 * start, of=call[1]), statement)  # noqa: B023
    return statement
