"""Several Parlours on one PostgreSQL: web nodes and workers, each a process, with Redis or without."""

import asyncio
import json
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from uuid import UUID

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.typing import Origin

from tests import launcher, postgres_server
from tests.faults.people import TRANSIENT, Agent, Customer, Person, Said
from tests.live import AGENTS, PASSWORD, SLUG, Live, command, email_of, environment_for
from tests.redis_server import RedisServer

FURNISHED = "parlour_furnished"
SECRET = "the-same-on-every-node-" * 2


@cache
def furnished() -> str:
    """Makes a database with the workspace and its agents, once a run; the workspace's id."""
    server = postgres_server.server()
    server.create(FURNISHED)
    environment = environment_for(server.folder / "furnishing") | {
        "PARLOUR_DATABASE_URL": server.direct_url(FURNISHED),
        "PARLOUR_SECRET_KEY": SECRET,
    }
    made = command(environment, "workspace", "create", SLUG, "--name", "Acme Outdoor")
    for agent, (role, name) in AGENTS.items():
        options = ("--workspace", SLUG, "--role", role, "--name", name, "--password-stdin")
        command(environment, "agent", "create", email_of(agent), *options, typed=f"{PASSWORD}\n")
    return made.splitlines()[-1]


class Node(Live):
    """A web node; its data are in the cluster's database."""

    def __init__(self, folder: Path, workspace_id: str, *options: str, **environment: str) -> None:
        super().__init__(folder, **environment)
        self.workspace_id = workspace_id
        self.options = options

    def __enter__(self) -> "Node":
        self.start()
        return self


class WorkerProcess:
    """`parlour worker`."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._environment = environment_for(folder / "data") | environment
        self._log = folder / "worker.log"
        self._process: launcher.Started | subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = launcher.start(["worker"], self._environment, log)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(20)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.end(signal.SIGKILL)

    def log(self) -> str:
        return self._log.read_text()


class Cluster:
    """`redis` is None when the nodes have only PostgreSQL in common."""

    def __init__(self, database_url: str, redis: RedisServer | None, nodes: list[Node]) -> None:
        self.database_url = database_url
        self.postgres = postgres_server.server()
        self.redis = redis
        self.nodes = nodes
        self.workers: list[WorkerProcess] = []

    @property
    def workspace_id(self) -> str:
        return self.nodes[0].workspace_id

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        database = self.database_url.rsplit("/", 1)[1]
        with self.postgres.admin_connection(database) as connection:
            return connection.execute(query, values).fetchall()

    def conversation(self, ticket_id: str) -> list[tuple[int, str, str, UUID | None]]:
        """As the records of a single server tell it: seq, sender_type, content, client_id."""
        query = """SELECT seq, sender_type, content, messages.client_id FROM messages
                   JOIN tickets ON tickets.chat_room_id = messages.room_id
                   WHERE tickets.ticket_id = %s ORDER BY seq"""
        return self.rows(query, ticket_id)  # type: ignore[return-value]

    def room_of(self, ticket_id: str) -> str:
        return str(self.rows("SELECT chat_room_id FROM tickets WHERE ticket_id = %s", ticket_id)[0][0])

    def live_url(self, avoid: str = "") -> str:
        urls = [node.url for node in self.nodes if node.running and node.url != avoid]
        return random.choice(urls or [self.nodes[0].url])


@contextmanager
def open_cluster(
    folder: Path,
    *,
    redis: bool,
    nodes: int = 2,
    workers: int = 0,
    options: tuple[str, ...] = (),
    **environment: str,
) -> Iterator[Cluster]:
    workspace_id = furnished()
    server = postgres_server.server()
    url = server.direct_url(server.of_folder(folder, FURNISHED))
    common = {
        "PARLOUR_DATABASE_URL": url,
        "PARLOUR_SECRET_KEY": SECRET,
        "PARLOUR_TRUSTED_PROXIES": "127.0.0.1",
        **environment,
    }
    with ExitStack() as stack:
        stack.callback(postgres_server.left, url)
        broker = stack.enter_context(RedisServer(folder)) if redis else None
        if broker:
            common["PARLOUR_REDIS_URL"] = broker.url
        made = [Node(folder / f"node{n}", workspace_id, *options, **common) for n in range(nodes)]
        cluster = Cluster(url, broker, [stack.enter_context(node) for node in made])
        for number in range(workers):
            worker = WorkerProcess(folder / f"worker{number}", common)
            cluster.workers.append(worker)
            stack.callback(worker.kill)
            worker.start()
        yield cluster


class Roaming(Person):
    """Goes to whichever node answers, as through a proxy."""

    cluster: Cluster

    def go(self, url: str) -> None:
        self.base_url = httpx.URL(url)
        self.headers["origin"] = url

    async def say(self, ticket_id: str, content: str) -> Said:
        """As ever, but at another node with every attempt."""
        client_id = UUID(bytes=os.urandom(16), version=4)
        while True:
            self.go(self.cluster.live_url())
            with suppress(httpx.TransportError):
                answer = await self.post_message(ticket_id, content, client_id)
                if answer.status_code in (200, 201):
                    return Said(ticket_id, client_id, content, answer.json()["message"]["seq"])
                assert answer.status_code in TRANSIENT, answer.text
            await asyncio.sleep(0.1)


class RoamingCustomer(Roaming, Customer):
    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__(cluster.nodes[0], name)
        self.cluster = cluster
        # Behind the proxy everybody has an address, and limits, of their own.
        self.headers["x-forwarded-for"] = f"10.0.{random.randrange(250)}.{random.randrange(250)}"

    @property
    def query(self) -> str:
        return f"ticket={self.ticket_id}&portal={SLUG}"


class RoamingAgent(Roaming, Agent):
    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__(cluster.nodes[0], name)
        self.cluster = cluster

    @property
    def query(self) -> str:
        return f"workspace={self.cluster.workspace_id}"


class Ear:
    """A page's socket in one room: resumes for ever, on any node, and keeps the log it was told."""

    def __init__(self, person: RoamingCustomer | RoamingAgent, room: str, after: int = 0) -> None:
        self.person = person
        self.room = room
        self.log: list[tuple[int, str]] = []
        self.heard_at: dict[str, float] = {}
        self.closes: list[int | None] = []
        self.url = ""
        self._last = after

    async def listen(self) -> None:
        while True:
            with suppress(OSError, InvalidHandshake, WebSocketException, TimeoutError, EOFError):
                await self._sit(self.person.cluster.live_url())
            await asyncio.sleep(random.uniform(0.05, 0.3))

    async def _sit(self, url: str) -> None:
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.person.cookies.jar)
        async with connect(
            f"{url.replace('http', 'ws', 1)}/realtime?{self.person.query}",
            origin=Origin(url),
            additional_headers={"Cookie": cookies},
            compression=None,
            ping_interval=None,
            open_timeout=5,
            close_timeout=1,
        ) as socket:
            self.url = url
            try:
                await self._hear(socket)
            finally:
                self.url = ""
                self.closes.append(socket.close_code)

    async def _hear(self, socket: ClientConnection) -> None:
        await self._subscribe(socket)
        while True:
            frame = json.loads(await asyncio.wait_for(socket.recv(), 45))
            if frame["t"] == "message":
                if frame["seq"] == self._last + 1:
                    self._note(frame)
                elif frame["seq"] > self._last + 1:
                    await self._subscribe(socket)
            elif frame["t"] == "heads":
                await socket.send('{"t":"alive"}')
                if frame["rooms"].get(self.room, 0) > self._last:
                    await self._subscribe(socket)

    def _note(self, frame: dict[str, object]) -> None:
        self._last += 1
        self.log.append((self._last, str(frame["content"])))
        self.heard_at[str(frame["client_id"])] = asyncio.get_running_loop().time()

    async def _subscribe(self, socket: ClientConnection) -> None:
        await socket.send(json.dumps({"t": "subscribe", "room": self.room, "after": self._last}))
