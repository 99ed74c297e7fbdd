"""PostgreSQL on a disk that takes nothing more: its tables, or its log, which stops all of it."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin

from tests.cluster import SECRET, Node
from tests.faults.people import Customer, Said, Ticket
from tests.live import SLUG
from tests.ports import free_port
from tests.postgres_files import Files

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

MEGABYTE = 2**20
WORDS = "Words that took an hour"
LONG = os.urandom(7_500).hex()
"""Does not become shorter when PostgreSQL packs it."""
SIZES = {"the tables": 96 * MEGABYTE, "the log": 16 * MEGABYTE}
HOLD = ("unshare", "--map-root-user", "--mount", "sh", "-c")
SOMEBODY = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
"""Whoever may mount here is root, as whom PostgreSQL does not start."""


class SmallDisk:
    """A disk that only those see who enter it."""

    def __init__(self, at: Path, size: int) -> None:
        self.at = at
        at.mkdir()
        script = f'mount -t tmpfs -o size={size} tmpfs "$0" && exec sleep infinity'
        self._holder = subprocess.Popen([*HOLD, script, str(at)])
        self.inside = Path(f"/proc/{self._holder.pid}/root{at}")
        deadline = time.monotonic() + 10
        while not os.path.ismount(self.inside):
            assert self._holder.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.enter = ["nsenter", "--user", "--mount", f"--target={self._holder.pid}", *SOMEBODY]

    def fill(self) -> None:
        (self.inside / "filler").write_bytes(b"")
        with (self.inside / "filler").open("ab", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)):
                    pass
            except OSError:
                return

    def make_room(self) -> None:
        (self.inside / "filler").unlink()

    def close(self) -> None:
        self._holder.send_signal(signal.SIGKILL)
        self._holder.wait()


class Place:
    """PostgreSQL with a part of it on a small disk, and Parlour on it."""

    def __init__(self, folder: Path, full: str) -> None:
        self.disk = SmallDisk(folder / "disk", SIZES[full])
        self.server = Files((folder if full == "the log" else self.disk.at) / "main", free_port())
        self.server.log, self.server.within = folder / "postgres.log", self.disk.enter
        self.node = Node(folder / "node", "")

    def start(self, full: str) -> None:
        log = self.disk.at if full == "the log" else self.disk.at.parent
        self.server.make(f"--waldir={log / 'wal'}", "--wal-segsize=1")
        self.server.configure("max_wal_size = 1GB\nautovacuum = off\n")
        self.server.start()
        if full == "the log":  # which nothing may be taken from then, as when a standby was forgotten
            self.server.rows("SELECT pg_create_physical_replication_slot('gone', true)")
        self.node.environment |= {
            "PARLOUR_DATABASE_URL": self.server.furnish(),
            "PARLOUR_SECRET_KEY": SECRET,
            "PARLOUR_TRUSTED_PROXIES": "127.0.0.1",
        }
        self.node.command("workspace", "create", SLUG, "--name", "Acme Outdoor")
        self.node.start()

    def use_up(self) -> None:
        """Fill the disk, and the segments of the log that are there already but for a part of the last."""
        self.disk.fill()
        here = "SELECT file_name, file_offset FROM pg_walfile_name_offset(pg_current_wal_insert_lsn())"
        while (self.disk.inside / "wal").exists():
            [(name, offset)] = self.server.rows(here)
            newest = max(path.name for path in (self.disk.inside / "wal").iterdir() if len(path.name) == 24)
            if newest == name and int(str(offset)) > MEGABYTE * 3 // 4:
                return
            self.server.rows("SELECT pg_logical_emit_message(false, 'test', %s)", LONG * 4)

    def close(self) -> None:
        self.node.kill()
        self.server.kill()
        self.disk.close()


@pytest.fixture(params=sorted(SIZES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path, request.param)
    try:
        place.start(request.param)
        yield place
    finally:
        place.close()


@asynccontextmanager
async def open_page(maria: Customer, ticket: str) -> AsyncIterator[None]:
    """With its socket, in the ticket's room, for as long as the server keeps it."""
    url = str(maria.base_url).rstrip("/")
    page = (await maria.get(maria.chat_at(ticket), headers={"accept": "application/json"})).json()
    cookies = "; ".join(f"{each.name}={each.value}" for each in maria.cookies.jar)
    async with connect(
        f"{url.replace('http', 'ws', 1)}/realtime?ticket={ticket}&portal={SLUG}",
        origin=Origin(url),
        additional_headers={"Cookie": cookies},
    ) as socket:
        room = page["messages"][0]["room"]
        await socket.send(json.dumps({"t": "subscribe", "room": room, "after": 0}))
        while json.loads(await socket.recv())["t"] != "subscribed":
            pass
        yield


async def talk_until_refused(maria: Customer, ticket: str) -> list[Said]:
    """What was acknowledged before."""
    said: list[Said] = []
    while len(said) < 2_000:
        words, client_id = f"{LONG} {len(said)}", uuid4()
        maria.headers["x-forwarded-for"] = f"10.0.{len(said) // 200}.{len(said) % 200}"
        answer = await maria.post_message(ticket, words, client_id)
        if answer.status_code != 201:
            assert answer.status_code == 503, answer.text
            return said
        said.append(Said(ticket, client_id, words, answer.json()["message"]["seq"]))
    raise AssertionError("the disk never filled")


async def taken(maria: Customer, path: str, form: dict[str, str]) -> None:
    """Sooner or later, the same form as before."""
    async with asyncio.timeout(30):
        while True:
            answer = await maria.post(path, data={**form, "csrf": maria.csrf})
            if answer.status_code == 303:
                return
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.5)


async def status(maria: Customer, path: str) -> int:
    return (await maria.get(path)).status_code


async def test_what_does_not_fit_is_refused_with_its_words_and_taken_when_there_is_room(
    place: Place,
) -> None:
    async with AsyncExitStack() as leaving:
        maria = await leaving.enter_async_context(Customer(place.node, "maria"))
        maria.timeout = 30  # an answer comes when the house has given up, and a crashed server lets it wait
        ticket = await maria.open_ticket()
        chat = maria.chat_at(ticket)
        forms = {
            chat: {"content": f"{WORDS} {LONG}", "client_id": str(uuid4())},
            f"/support/{SLUG}/ticket/new": Ticket(description=f"{WORDS} {LONG}").fields("", maria.email),
        }
        await leaving.enter_async_context(open_page(maria, ticket))
        place.use_up()
        said = await talk_until_refused(maria, ticket)
        pages = [await maria.post(path, data={**form, "csrf": maria.csrf}) for path, form in forms.items()]
        ready, alive = await status(maria, "/readyz"), await status(maria, "/healthz")

        place.disk.make_room()
        if not place.server.running:
            place.server.start()  # as its unit does
        for path, form in forms.items():
            await taken(maria, path, form)
        async with asyncio.timeout(60):
            while await status(maria, "/readyz") != 200:
                await asyncio.sleep(0.5)

    assert [page.status_code for page in pages] == [503] * 2
    for page, form in zip(pages, forms.values(), strict=True):
        assert WORDS in page.text
        assert form["client_id"] in page.text, "sent again from there it is the same message"
    assert (ready, alive) == (503, 200)
    stored = {client: (seq, words) for seq, _, words, client in place.server.conversation(ticket)}
    assert {each.client_id: (each.seq, each.content) for each in said}.items() <= stored.items()
    assert "Traceback" not in place.node.log.read_text()
