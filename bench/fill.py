"""Many tickets in a moment: straight into the tables, as alike as a year of work is at every size."""

import random
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

STATUSES = (
    "new",
    "open",
    "open",
    "pending",
    "resolved",
    "resolved",
    "resolved",
    "closed",
    "closed",
    "closed",
)
PRIORITIES = ("low", "medium", "medium", "medium", "high", "urgent")
RANKS = {"low": 0, "medium": 1, "high": 2, "urgent": 3}
WORDS = (
    *("parcel", "late", "refund", "invoice", "broken", "tent", "zip", "boots", "size", "exchange", "order"),
    *("lost", "missing", "label", "return", "pole", "stove", "leak", "warranty", "colour", "address"),
    *("change", "payment", "failed", "twice", "voucher", "expired", "delivery", "courier", "damp"),
)
BATCH = 10_000
NOW = datetime(2026, 11, 1, tzinfo=UTC)


INSERTS = (
    (
        "INSERT INTO tickets (workspace_id, ticket_id, number, subject, description, status, priority,"
        " priority_rank, email, chat_room_id, assignee_id, mailed_seq, version, created_at, updated_at,"
        " last_message_at, waiting_since, first_answer_at) VALUES (:workspace, :ticket, :number, :subject,"
        " :subject, :status, :priority, :rank, :email, :room, :assignee, 0, 1, :created, :spoke, :spoke,"
        " :waiting, :answered)"
    ),
    (
        "INSERT INTO chat_rooms (workspace_id, room_id, ticket_id, audience, status, last_seq, created_at)"
        " VALUES (:workspace, :room, :ticket, 'public', 'open', 1, :created),"
        " (:workspace, :notes, :ticket, 'internal', 'open', 0, :created)"
    ),
    (
        "INSERT INTO messages (workspace_id, room_id, seq, message_id, content, sender_type, sender_id,"
        " sender_name, created_at) VALUES (:workspace, :room, 1, :message, :subject, 'customer', :email,"
        " :email, :created)"
    ),
)
SEARCH = "INSERT INTO ticket_search (workspace, ticket_id, words) VALUES (:workspace, :ticket, :subject)"
SEARCH_TERMS = "INSERT INTO ticket_search_terms (rowid, terms) VALUES (?, ?)"
SEARCH_POSTGRESQL = (
    "INSERT INTO ticket_search (workspace_id, ticket_id, words, terms)"
    " VALUES (CAST(CAST(:workspace AS text) AS uuid), :ticket, :subject,"
    " concat(CAST(:workspace AS text), ' ', lower(:subject)))"
)


def fill(
    path: str,
    workspace_id: UUID,
    agents: Sequence[UUID],
    tickets: int,
    *,
    first: int = 1,
    done: Callable[[int], object] = int,
) -> None:
    """Add tickets number `first` and on; each has its rooms, one message, and words to be found by, which
    nobody has to take in any more.

    `done` is told of each batch that is stored.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(
        "PRAGMA cache_size=-1000000"
    )  # KiB: the indexes of a million tickets, written all over
    for start in range(first, first + tickets, BATCH):
        numbers = range(start, min(start + BATCH, first + tickets))
        rows = list(_rows(workspace_id, agents, numbers))
        connection.execute("BEGIN IMMEDIATE")  # a house that is open writes, too
        newest = connection.execute("SELECT rowid FROM ticket_search ORDER BY rowid DESC LIMIT 1").fetchone()
        for insert in (*INSERTS, SEARCH):
            connection.executemany(insert, rows)
        terms = (f"{row['workspace']} {row['subject'].lower()}" for row in rows)
        connection.executemany(SEARCH_TERMS, enumerate(terms, (newest or [0])[0] + 1))
        connection.execute("COMMIT")
        done(len(rows))
    connection.execute(
        "UPDATE workspaces SET last_ticket_number = ? WHERE workspace_id = ?",
        (first + tickets - 1, workspace_id.hex),
    )
    connection.execute("UPDATE search_progress SET low = 0, high = (SELECT max(rowid) FROM ticket_search)")
    connection.close()


def fill_postgresql(
    connection: "psycopg.Connection[tuple[object, ...]]",
    workspace_id: UUID,
    agents: Sequence[UUID],
    tickets: int,
    *,
    done: Callable[[int], object] = int,
) -> None:
    """The same tickets. `connection` belongs to somebody whom row-level security does not bind."""
    with connection.transaction(), connection.cursor() as cursor:
        for start in range(1, tickets + 1, BATCH):
            rows = list(_rows(workspace_id, agents, range(start, min(start + BATCH, tickets + 1))))
            for insert in (*INSERTS, SEARCH_POSTGRESQL):
                cursor.executemany(re.sub(r":(\w+)", r"%(\1)s", insert).encode(), rows)
            done(len(rows))
        number = "UPDATE workspaces SET last_ticket_number = %s WHERE workspace_id = %s"
        cursor.execute(number, (tickets, workspace_id))
        cursor.execute(
            'UPDATE search_progress SET low = 0, high = (SELECT max("position") FROM ticket_search)'
        )


def _rows(workspace_id: UUID, agents: Sequence[UUID], numbers: range) -> Iterator[dict[str, Any]]:
    """Of two tickets the one with the greater number is the younger."""
    for number in numbers:
        chance = random.Random(number)  # noqa: S311 the same tickets on every run
        created = NOW + timedelta(minutes=number)
        status, priority = chance.choice(STATUSES), chance.choice(PRIORITIES)
        waits = status == "new" or (status == "open" and chance.random() < 0.6)
        spoke = _text(created + timedelta(minutes=chance.randrange(60 * 24 * 7)))
        yield {
            "workspace": workspace_id.hex,
            "ticket": UUID(int=(1 << 100) + number * 8).hex,
            "room": UUID(int=(1 << 100) + number * 8 + 1).hex,
            "notes": UUID(int=(1 << 100) + number * 8 + 2).hex,
            "message": UUID(int=(1 << 100) + number * 8 + 3).hex,
            "number": number,
            "subject": " ".join(chance.sample(WORDS, 5)).capitalize(),
            "status": status,
            "priority": priority,
            "rank": RANKS[priority],
            "email": f"customer{number % 5000}@example.com",
            "assignee": chance.choice([None, *(agent.hex for agent in agents)]),
            "created": _text(created),
            "spoke": spoke,
            "waiting": spoke if waits else None,
            "answered": None if status == "new" else spoke,
        }


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
