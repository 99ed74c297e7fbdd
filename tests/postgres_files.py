"""A PostgreSQL of a test's own, which may be configured, killed and put back as the guide says.

The other tests share a server (tests/postgres_server.py) that none of them may hurt.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import psycopg

from parlour.db.postgres import migrate_with
from tests.postgres_server import (
    APP,
    OWNER,
    PASSWORD,
    STARTS_WITHIN,
    children,
    given_to_the_server,
    programs,
    unprivileged,
)

GUIDE = Path(__file__).parents[1] / "docs/postgresql.md"
DATABASE = "parlour"


def guided(heading: str, language: str) -> list[str]:
    """What stands in the guide's blocks of this language below this heading, a text each."""
    whole = re.MULTILINE | re.DOTALL
    [chapter] = re.findall(rf"^### {heading}\n(.*?)(?=^##)", GUIDE.read_text(encoding="utf-8"), whole)
    return re.findall(rf"^```{language}\n(.*?)^```", chapter, whole)


class Files:
    """A data folder, and the server that runs on it while it is started."""

    def __init__(self, data: Path, port: int, host: str = "127.0.0.1") -> None:
        self.data, self.port, self.host = data, port, host
        self.log = data.with_suffix(".log")
        self.within = unprivileged()
        """What each of its commands begins with."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def make(self, *more: str) -> None:
        options = ("--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        self.run(str(programs() / "initdb"), f"--pgdata={self.data}", *options, *more)

    def run(self, *command: str) -> str:
        """As the server's user, who finds PostgreSQL's programs."""
        path = f"{programs()}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [*self.within, *command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.data.parent,
            env={**os.environ, "PATH": path},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def configure(self, lines: str, name: str = "postgresql.conf") -> None:
        self.run("sh", "-ec", 'printf %s "$0" >> "$1"', lines, str(self.data / name))

    def start(self) -> None:
        """Returns when it answers; by then a recovery may still go on."""
        command = [str(programs() / "postgres"), "-D", str(self.data), f"--port={self.port}"]
        options = (f"--listen_addresses={self.host}", "--unix_socket_directories=", "--shared_buffers=32MB")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.within, *command, *options], cwd=self.data.parent, stdout=log, stderr=log
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            with suppress(psycopg.OperationalError):
                return self.admin().close()
            assert self.running, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """A fast shutdown, which also archives what is left to archive."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(STARTS_WITHIN)

    @property
    def processes(self) -> list[int]:
        assert self._process is not None
        return [self._process.pid, *children(self._process.pid)]

    def kill(self) -> None:
        """All of its processes at once, as when the machine is lost."""
        if self._process is None or not self.running:
            return
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait(STARTS_WITHIN)

    def admin(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=self.host, port=self.port, user="postgres", dbname=database, autocommit=True
        )

    def rows(self, query: str, *values: object, database: str = "postgres") -> list[tuple[object, ...]]:
        with self.admin(database) as admin:
            return admin.execute(query, values).fetchall()

    def wait_until(self, query: str) -> None:
        """Until its only value is true."""
        deadline = time.monotonic() + STARTS_WITHIN
        while self.rows(query) != [(True,)]:
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def furnish(self) -> str:
        """Parlour's roles and its database; its address for the servers."""
        with self.admin() as admin:
            for role in (OWNER, APP):
                admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'".encode())
            admin.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}".encode())
        url = f"postgresql://{APP}:{PASSWORD}@{self.host}:{self.port}/{DATABASE}"
        migrate_with(url.replace(f"{APP}:{PASSWORD}", OWNER), for_role=url)
        return url

    def conversation(self, ticket_id: str) -> list[tuple[int, str, str, UUID | None]]:
        """Of each message of the ticket's public room, by seq: seq, sender_type, content, client_id."""
        query = """SELECT seq, sender_type, content, messages.client_id FROM messages
                   JOIN tickets ON tickets.chat_room_id = messages.room_id
                   WHERE tickets.ticket_id = %s ORDER BY seq"""
        return self.rows(query, ticket_id, database=DATABASE)  # type: ignore[return-value]


@contextmanager
def folder_for_servers() -> Iterator[Path]:
    """Not below the folder of a test, which only the test's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="parlour-pg-"))
    given_to_the_server(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
