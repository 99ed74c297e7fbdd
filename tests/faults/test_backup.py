"""Backups where they are needed: beside a busy server, on a full disk, killed in the middle."""

import asyncio
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.kernel.access import Actor
from tests import postgres_server
from tests.house import House, behind_its_back, open_house
from tests.postgres_server import ON_POSTGRESQL
from tests.shell import Shell
from tests.until import until

pytestmark = pytest.mark.timeout(300)

RATE = 20
"""Writes a second."""
MEGABYTE = 2**20
ON_SQLITE = """
    WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})
    INSERT INTO messages ({columns}) SELECT r.workspace_id, r.room_id, n, lower(hex(randomblob(16))),
        hex(randomblob(256)) || hex(zeroblob(1792)), 'agent', 'someone', 'Someone', NULL, r.created_at
    FROM n, {room} r"""
ON_SERVER = """
    INSERT INTO messages ({columns}) SELECT r.workspace_id, r.room_id, n, gen_random_uuid(),
        repeat(md5(n::text), 16) || repeat('0', 3584), 'agent', 'someone', 'Someone', NULL, r.created_at
    FROM generate_series(1, {rows}) n, {room} r"""
COLUMNS = (
    "workspace_id, room_id, seq, message_id, content, sender_type, sender_id, sender_name, client_id, "
    "created_at"
)
ROOM = "(SELECT * FROM chat_rooms WHERE audience = 'internal' ORDER BY room_id LIMIT 1)"


def fill(run: Callable[[str], object], megabytes: int) -> None:
    """Notes of 4 kB, straight into a ticket's internal room."""
    statement = ON_SERVER if ON_POSTGRESQL else ON_SQLITE
    run(statement.format(columns=COLUMNS, rows=megabytes * MEGABYTE // 4096, room=ROOM))


class Writer:
    """Twenty messages a second, and which of them were acknowledged."""

    def __init__(self, house: House, ticket: Ticket) -> None:
        self._house, self._ticket = house, ticket
        self.acknowledged: list[str] = []
        self.slowest = 0.0

    async def write(self, until: asyncio.Event) -> None:
        customer = Actor.customer(self._ticket.workspace_id, self._ticket.ticket_id, self._ticket.email)
        while not until.is_set():
            words, began = f"message {len(self.acknowledged)}", time.monotonic()
            await self._house.db.write(customer, tickets.send_message, self._ticket.ticket_id, words, uuid4())
            self.acknowledged.append(words)
            took = time.monotonic() - began
            self.slowest = max(self.slowest, took)
            await asyncio.sleep(max(0.0, 1 / RATE - took))


def as_owner(house: House) -> list[str]:
    settings = house.app.parlour.settings
    if not settings.is_postgresql:
        return []
    return ["--owner-url", postgres_server.server().owner_url(settings.database_url.rsplit("/", 1)[1])]


async def test_beside_a_busy_server_it_ends_and_holds_what_was_acknowledged_before(tmp_path: Path) -> None:
    """On a database of 300 MB, with twenty messages a second."""
    file = tmp_path / "file"
    async with open_house(tmp_path / "data") as house, house.browser() as browser:
        beside = Shell(tmp_path / "data")
        ticket = await house.open_ticket(browser)
        await asyncio.to_thread(fill, lambda sql: behind_its_back(house.app.parlour.settings, sql), 300)
        writer, stop, began = Writer(house, ticket), asyncio.Event(), time.monotonic()
        writing = asyncio.create_task(writer.write(stop))
        await until(lambda: len(writer.acknowledged) >= RATE)
        usual = RATE / (time.monotonic() - began)
        before, began = len(writer.acknowledged), time.monotonic()
        made = await asyncio.to_thread(beside.run, "backup", str(file), *as_owner(house))
        took, during = time.monotonic() - began, len(writer.acknowledged) - before
        stop.set()
        await writing
    elsewhere = Shell(tmp_path / "elsewhere")
    elsewhere.environment.pop("PARLOUR_DATABASE_URL", None)
    restored = await asyncio.to_thread(elsewhere.run, "restore", str(file))

    assert made.returncode == 0, made.stderr
    assert restored.returncode == 0, restored.stderr
    said = told(elsewhere, ticket)
    assert said == writer.acknowledged[: len(said)]
    assert before <= len(said) <= before + during
    rates = f"{during} writes in {took:.1f} s, {usual:.1f} a second before, slowest {writer.slowest:.1f} s"
    assert during > usual * took / 4, rates


def told(shell: Shell, ticket: Ticket) -> list[str]:
    """What the ticket's customer said, as the folder's file has it."""
    with_words = f"""SELECT m.content FROM messages m JOIN chat_rooms r USING (workspace_id, room_id)
        WHERE r.ticket_id = '{ticket.ticket_id.hex}' AND r.audience = 'public' AND m.sender_type = 'customer'
        AND m.content LIKE 'message %' ORDER BY m.seq"""  # noqa: S608 an id of our own
    with closing(sqlite3.connect(shell.folder / "parlour.db")) as file:
        return [str(words) for (words,) in file.execute(with_words)]


# ------------------------------------------------------------------------------- broken off, and full


@pytest.fixture
async def big(tmp_path: Path) -> Shell:
    """Commands on a file of 100 MB: enough to be met in the middle."""
    shell = Shell(tmp_path / "data")
    async with open_house(shell.folder) as house, house.browser() as browser:
        await house.open_ticket(browser)
        fill(shell.rows, 100)
    return shell


@pytest.fixture
def empty(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "elsewhere")


def kill_in_the_middle(shell: Shell, growing: Path, *command: str) -> None:
    running = shell.start(*command)
    deadline = time.monotonic() + 60
    while not (growing.exists() and growing.stat().st_size > MEGABYTE):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert running.returncode == -signal.SIGKILL


@pytest.mark.sqlite
def test_a_backup_that_is_killed_leaves_no_file_and_is_made_again(big: Shell, tmp_path: Path) -> None:
    file, unfinished = tmp_path / "file", tmp_path / ".file.unfinished"
    kill_in_the_middle(big, unfinished, "backup", str(file))
    left = file.exists(), unfinished.exists()
    again = big.run("backup", str(file))

    assert left == (False, True)
    assert again.returncode == 0, again.stderr
    assert not unfinished.exists()


@pytest.mark.sqlite
def test_a_restore_that_is_killed_leaves_nothing_and_starts_over(
    big: Shell, empty: Shell, tmp_path: Path
) -> None:
    file, target = tmp_path / "file", empty.folder / "parlour.db"
    big.run("backup", str(file))
    kill_in_the_middle(empty, target.with_name("parlour.db.unfinished"), "restore", str(file))
    left = empty.rows("SELECT name FROM sqlite_master")
    again = empty.run("restore", str(file))

    assert left == []
    assert again.returncode == 0, again.stderr
    assert empty.rows("SELECT count(*) FROM messages") == big.rows("SELECT count(*) FROM messages")
    assert not target.with_name("parlour.db.unfinished").exists()


def on_a_small_disk(shell: Shell, *command: str) -> subprocess.CompletedProcess[str]:
    """With a limit of the system on the size of a file, which is met as a full disk is."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MEGABYTE, 2 * MEGABYTE))

    return subprocess.run(
        [sys.executable, "-m", "parlour", *command],
        env=shell.environment,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.sqlite
def test_a_disk_that_fills_up_is_named_and_nothing_half_stays(
    big: Shell, empty: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    refused = on_a_small_disk(big, "backup", str(file))
    left = sorted(path.name for path in tmp_path.iterdir())
    big.run("backup", str(file))
    not_restored = on_a_small_disk(empty, "restore", str(file))

    assert refused.returncode == not_restored.returncode == 2
    assert "the disk is full. Nothing was kept." in refused.stderr.splitlines()[-1]
    assert left == ["data"]
    assert "messages could not be copied; nothing was kept" in not_restored.stderr.splitlines()[-1]
    assert not (empty.folder / "parlour.db.unfinished").exists()
    assert "Traceback" not in refused.stderr + not_restored.stderr
