"""A database from outside: its numbers, and what can be wrong with it although it answers."""

import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import structlog
from msgspec import Struct
from sqlalchemy import Connection, select, text

from parlour.db import backlog, epoch
from parlour.db.backlog import Backlog
from parlour.db.database import DatabaseUnusable, Tx
from parlour.db.schema import fetched_mailboxes, outbox, workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor

STANDBY_SECONDS = 2.0
"""Longer than a standby at the other end of the world takes to answer."""
SILENT_AFTER = timedelta(minutes=10)
"""A mailbox is looked into every two minutes. Five times that without success, and somebody has to know."""
SILENT_COUNTED = 1_000
STEPS_A_LOOK = 200_000
"""Steps of SQLite's machine between two looks at the clock."""
NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs", "afs")
"""Where a lock may not lock and a sync may not sync: https://www.sqlite.org/howtocorrupt.html#_filesystems_with_broken_or_missing_lock_implementations"""

FULLEST = 9
"""Workspaces that are named at most."""

log = structlog.get_logger(__name__)


class Rights(Struct, frozen=True):
    """What the servers' own role may do beyond its work."""

    superuser: bool
    passes_policies: bool
    owns_tables: bool


def numbers(tx: Tx) -> tuple[list[Backlog], dict[str, int], str, int]:
    """What waits, what was given up, how mails fare, the line of history, and how many mailboxes nobody could
    look into for too long: in one look, for `/metrics`.
    """
    too_old = fetched_mailboxes.c.looked_at < clock.now() - SILENT_AFTER
    silent = select(fetched_mailboxes.c.mailbox_id).where(too_old).limit(SILENT_COUNTED)
    silent_now = len(tx.execute(silent).all())
    return backlog.census(tx), backlog.mailed_lately(tx), epoch.current(tx), silent_now


def damage(tx: Tx, *, seconds: float) -> str:
    """What SQLite finds wrong with its file in `seconds`, which for a large one are spent before its end."""
    connection = cast(sqlite3.Connection, tx.connection.connection.dbapi_connection)
    until = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > until, STEPS_A_LOOK)
    try:
        found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        return "" if "interrupted" in str(error) else str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.set_progress_handler(None, 0)
    return "" if found == "ok" else found


def unsafe_settings(tx: Tx) -> dict[str, bool]:
    """Those of PostgreSQL's settings, all off, under which what was acknowledged may be lost, and whether
    something else can keep it: without fsync a standby that each commit waits for; without full_page_writes
    a storage that never writes half a page, which cannot be seen from here.
    """
    query = text(
        "SELECT name, CASE name WHEN 'full_page_writes' THEN true"
        " WHEN 'fsync' THEN current_setting('synchronous_standby_names') <> ''"
        " AND current_setting('synchronous_commit') NOT IN ('off', 'local') ELSE false END "
        "FROM pg_catalog.pg_settings "
        "WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY name"
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def waits_for_a_standby(tx: Tx) -> bool:
    """Whether a commit of this role is on this machine's disk and waits for another machine's in vain.

    It is looked for rather than tried: nothing ends such a wait but the standby, so that each try would keep
    a connection of the server.
    """
    query = text(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE wait_event = 'SyncRep'"
        " AND query_start < statement_timestamp() - make_interval(secs => :seconds))"
    )
    return bool(tx.execute(query, {"seconds": STANDBY_SECONDS}).scalar_one())


def rights(tx: Tx) -> Rights:
    row = tx.execute(
        text(
            "SELECT r.rolsuper, r.rolbypassrls, EXISTS (SELECT FROM pg_catalog.pg_tables t "
            "WHERE t.schemaname = 'public' AND t.tablename = 'tickets' AND t.tableowner = current_user) "
            "FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"
        )
    ).one()
    return Rights(*row)


def server_time(tx: Tx) -> datetime:
    found: datetime = tx.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found


def newest_time(tx: Tx) -> datetime | None:
    """When the newest job was stored, by the clock of then: its id begins with that moment."""
    newest = tx.execute(select(outbox.c.job_id).order_by(outbox.c.job_id.desc()).limit(1)).scalar()
    return datetime.fromtimestamp((newest.int >> 80) / 1000, UTC) if newest else None


def file_system_of(path: Path) -> str:
    """The kind of file system that holds `path`, by the longest mount point above it; empty where unknown."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    real, best, kind = os.path.realpath(path), "", ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, name, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, name
    return kind


def fullest(tx: Tx, least: int) -> list[tuple[str, int]]:
    """Some workspaces whose files are so many bytes or more: their slugs and bytes, the largest first."""
    size = workspaces.c.files_size
    query = select(workspaces.c.slug, size).where(size >= least).order_by(size.desc()).limit(FULLEST)
    return [(row[0], row[1]) for row in tx.execute(query)]


def refuse_a_forgetful_server(connection: Connection) -> None:
    """Raises DatabaseUnusable for settings of the whole server that no connection of ours can better.

    Where something else may keep what they do not, as with some providers, it is said and no more.
    """
    for name, may_be_kept in unsafe_settings(Tx(connection, Actor.system())).items():
        if not may_be_kept:
            raise DatabaseUnusable(
                f"The database server runs with {name} = off, so that a crash of its machine could lose or "
                f"damage what was acknowledged. An administrator runs ALTER SYSTEM SET {name} = on."
            )
        log.warning(
            "database.may.forget",
            setting=f"{name} = off",
            because="what was acknowledged is as safe as the standby or the storage keeps it: "
            "docs/postgresql.md, A managed database",
        )
