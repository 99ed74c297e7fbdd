"""One PostgreSQL for the tests of this process, in a temporary folder, with a database for every house.

PARLOUR_TEST_DATABASE says what the tests run on: `sqlite` (also when it is not set), `postgresql`, or
`pgbouncer`, which is PostgreSQL behind a proxy that lends connections by the transaction.

The server starts when the first test asks for a database. A database is a copy of one that was migrated
once. It belongs to a folder: whoever opens the same folder again finds the same data.
"""

import atexit
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from parlour.db.postgres import migrate_with
from tests.daemon import Daemon
from tests.ports import free_port
from tests.servers import PGBOUNCER, POSTGRESQL

ENGINE = os.environ.get("PARLOUR_TEST_DATABASE", "sqlite")
ON_POSTGRESQL = ENGINE in ("postgresql", "pgbouncer")
OWNER, APP, PASSWORD = "parlour_owner", "parlour_app", "tell-nobody"
TEMPLATE = "parlour_template"
DURABLE = False
"""A bench sets it before the server is made: commits then wait for the disk, as they do in earnest."""
KEPT = 8
"""Databases whose house is closed that may still be opened again; older ones are dropped."""
STARTS_WITHIN = 30
ROOM = 2**30


def quick_place(room: int = ROOM) -> str | None:
    """Memory, when there is plenty of it: what is copied and kept for a test waits for no disk."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > room
    return str(memory) if roomy else None


def unprivileged() -> list[str]:
    """What a command begins with so that it does not run as root, which PostgreSQL refuses."""
    if os.getuid() != 0:
        return []
    user = _somebody()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def given_to_the_server(folder: Path) -> None:
    """Whoever runs PostgreSQL here owns the folder from now on."""
    if os.getuid() == 0:
        os.chown(folder, _somebody().pw_uid, _somebody().pw_gid)


@cache
def _somebody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def programs() -> Path:
    """The folder of PostgreSQL's own commands."""
    return POSTGRESQL.installed().resolve().parent


@contextmanager
def halted(processes: Sequence[int]) -> Iterator[None]:
    try:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


class Server:
    """PostgreSQL, and PgBouncer in front of it once somebody asks for that."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="parlour-pg-", dir=quick_place()))
        self.port = free_port()
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._process: subprocess.Popen[bytes] | None = None
        self._bouncer: Bouncer | None = None
        atexit.register(self.end)
        given_to_the_server(self.folder)
        self._make()
        self.start()
        self._furnish()

    def _make(self) -> None:
        subprocess.run(
            [
                *(*unprivileged(), str(programs() / "initdb"), "--pgdata", str(self.folder / "data")),
                *("--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
        )

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "synchronous_commit": "on" if DURABLE else "off",
            "autovacuum": "on" if DURABLE else "off",
            "max_connections": "300",
            "shared_buffers": "64MB",
        }
        settings = [f"--{name}={value}" for name, value in options.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(*unprivileged(), str(programs() / "postgres"), "-D", str(self.folder / "data")),
                    *(f"--port={self.port}", *settings),
                ],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                return self.admin_connection().close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def process_id(self) -> int:
        assert self._process
        return self._process.pid

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is a fast shutdown: connections are cut, what was committed stays."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(STARTS_WITHIN)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing of it moves, and its connections stay up, as on a machine whose disk hangs."""
        assert self._process is not None
        with halted([self._process.pid, *children(self._process.pid)]):
            yield

    def copy_files(self) -> Path:
        """What is stored now, as files. The server is away for a moment."""
        copy = self.folder / "copy"
        self.stop()
        shutil.copytree(self.folder / "data", copy)
        self.start()
        return copy

    def replace_files(self, copy: Path, *, promoted: bool) -> None:
        """Go on from an older copy; `promoted`: on a timeline of its own, as a replica that takes over."""
        self.stop()
        shutil.rmtree(self.folder / "data")
        copy.rename(self.folder / "data")
        if promoted:
            (self.folder / "data" / "recovery.signal").touch()
            with (self.folder / "data" / "postgresql.auto.conf").open("a") as settings:
                settings.write("restore_command = 'false'\nrecovery_target_timeline = 'current'\n")
        for path in (self.folder / "data", *(self.folder / "data").rglob("*")):
            given_to_the_server(path)
        self.start()
        while promoted and self._recovers():
            time.sleep(0.05)

    def _recovers(self) -> bool:
        with self.admin_connection() as admin:
            return admin.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)

    def end(self) -> None:
        if self._bouncer:
            self._bouncer.stop()
            self._bouncer = None
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin_connection(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname=database, autocommit=True
        )

    @contextmanager
    def set_to(self, setting: str, value: str) -> Iterator[None]:
        """A setting of the whole server for the block."""
        with self.admin_connection() as admin:
            [(before,)] = admin.execute(f"SHOW {setting}".encode()).fetchall()
            try:
                _set(admin, setting, value)
                yield
            finally:
                _set(admin, setting, str(before))

    def _furnish(self) -> None:
        with self.admin_connection() as admin:
            admin.execute(f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER CREATEROLE")
            self.create(TEMPLATE, "template0", admin)
        migrate_with(self.owner_url(TEMPLATE), for_role=self.direct_url(TEMPLATE))

    def create(
        self, name: str, template: str = TEMPLATE, admin: "psycopg.Connection[object] | None" = None
    ) -> None:
        connection = admin or self.admin_connection()
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(OWNER)
            )
        )
        if admin is None:
            connection.close()

    def drop(self, name: str) -> None:
        with self.admin_connection() as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def direct_url(self, database: str) -> str:
        """For the servers' role, past any proxy."""
        return f"postgresql://{APP}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def owner_url(self, database: str) -> str:
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    def url(self, database: str) -> str:
        """For the servers' role, by the way that this run tests."""
        if ENGINE != "pgbouncer":
            return self.direct_url(database)
        if self._bouncer is None:
            self._bouncer = Bouncer(self.folder, self.port)
            self._bouncer.start()
        return f"postgresql://{APP}:{PASSWORD}@127.0.0.1:{self._bouncer.port}/{database}"

    def of_folder(self, folder: Path, like: str = TEMPLATE) -> str:
        """The name of the folder's database, made as a copy of the database `like` when it is not there."""
        name = f"p_{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:20]}"
        self._closed.pop(name, None)
        with self.admin_connection() as admin:
            there = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if there is None:
                self.create(name, like, admin)
        return name

    def closed(self, name: str) -> None:
        """Nobody has the database open any more. It may be opened again for a while."""
        self._closed[name] = None
        while len(self._closed) > KEPT:
            self.drop(self._closed.popitem(last=False)[0])


class Standby:
    """A copy of the server that follows it and can only be read from."""

    def __init__(self, server: Server) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="standby-", dir=server.folder))
        copy = self._folder / "data"
        given_to_the_server(self._folder)
        place = ("--host=127.0.0.1", f"--port={server.port}", "--username=postgres")
        command = (str(programs() / "pg_basebackup"), *place, f"--pgdata={copy}", "--checkpoint=fast", "-R")
        subprocess.run([*unprivileged(), *command], check=True, capture_output=True, cwd=self._folder)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(*unprivileged(), str(programs() / "postgres"), "-D", str(copy), f"--port={self.port}"),
                    *("--listen_addresses=127.0.0.1", "--unix_socket_directories=", "--max_connections=300"),
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                psycopg.connect(host="127.0.0.1", port=self.port, user="postgres").close()
                break
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(STARTS_WITHIN)
        shutil.rmtree(self._folder, ignore_errors=True)


def _set(admin: "psycopg.Connection[tuple[object, ...]]", setting: str, value: str) -> None:
    admin.execute(f"ALTER SYSTEM SET {setting} = '{value}'".encode())
    admin.execute("SELECT pg_reload_conf()")
    while admin.execute(f"SHOW {setting}".encode()).fetchone() != (value,):
        time.sleep(0.01)


class Bouncer(Daemon):
    """PgBouncer in transaction mode."""

    def __init__(self, folder: Path, server_port: int) -> None:
        self.folder = folder
        self.port = free_port()
        users = folder / "users.txt"
        users.write_text(f'"{APP}" "{PASSWORD}"\n"{OWNER}" ""\n')
        self._settings = folder / "pgbouncer.ini"
        self._settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server_port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {users}\npool_mode = transaction\n"
            "max_client_conn = 2000\ndefault_pool_size = 8\nserver_idle_timeout = 2\nserver_login_retry = 1\n"
            "query_wait_timeout = 4\n"
            f"logfile = {folder / 'pgbouncer.log'}\n"
        )

    def command(self) -> Sequence[str | Path]:
        return (*unprivileged(), PGBOUNCER.installed(), "--quiet", self._settings)

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


@cache
def server() -> Server:
    """The one of this process. Processes of pytest-xdist have one each."""
    return Server()


def left(url: str) -> None:
    """Whoever used the database at this URL has closed it."""
    server().closed(url.rsplit("/", 1)[1])
