"""Uploads under a server that is killed, and what they cost one that is not."""

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from parlour.app import create_app
from parlour.features.files import service as files
from parlour.kernel.access import Actor
from tests.faults.people import TRANSIENT, Agent, Customer
from tests.house import behind_its_back
from tests.jobs import are_due
from tests.live import Live
from tests.until import until

KILLS = 4
SIZE = 1024 * 1024


@dataclass(frozen=True)
class Uploaded:
    """A file whose message was acknowledged, and what it is made of."""

    address: str
    digest: str


async def acknowledged(customer: Customer, address: str, **request: Any) -> dict[str, Any]:
    """Post until it is taken; what the answer says."""
    while True:
        try:
            headers = {"accept": "application/json", "x-csrf-token": customer.csrf}
            answer = await customer.post(address, headers=headers, **request)
        except httpx.TransportError:
            await asyncio.sleep(0.05)
            continue
        if answer.status_code in (200, 201):
            found: dict[str, Any] = answer.json()
            return found
        assert answer.status_code in TRANSIENT, answer.text
        await asyncio.sleep(0.1)


async def send_files(customer: Customer, over: asyncio.Event, sent: list[Uploaded]) -> None:
    """One file after the other, each with a message of its own: by turns ahead of it, and with it."""
    ticket = f"/support/acme/ticket/{customer.ticket_id}"
    while not over.is_set():
        content = random.randbytes(SIZE)
        message: dict[str, Any] = {"data": {"client_id": str(uuid4()), "content": ""}}
        if len(sent) % 2:
            ahead = await acknowledged(customer, f"{ticket}/files", files={"files": ("a.bin", content)})
            message["data"]["file_ids"] = ahead["file"]["file_id"]
        else:
            message["files"] = {"files": ("a.bin", content)}
        answer = await acknowledged(customer, f"{ticket}/chat", **message)
        [file] = answer["message"]["files"]
        sent.append(Uploaded(f"{ticket}/files/{file['file_id']}/a.bin", sha256(content).hexdigest()))


async def test_no_kill_loses_a_file_that_was_acknowledged_and_none_leaves_bytes_for_good(live: Live) -> None:
    over, sent = asyncio.Event(), [list[Uploaded](), list[Uploaded]()]
    async with AsyncExitStack() as stack:
        customers = [await stack.enter_async_context(Customer(live, f"c{n}")) for n in range(len(sent))]
        for customer in customers:
            await customer.open_ticket()
        async with asyncio.TaskGroup() as load:
            for customer, theirs in zip(customers, sent, strict=True):
                load.create_task(send_files(customer, over, theirs))
            for _ in range(KILLS):
                await asyncio.sleep(random.uniform(0.05, 0.4))
                await asyncio.to_thread(live.kill)
                await asyncio.to_thread(live.start)
            await until(lambda: all(len(theirs) > 1 for theirs in sent))
            over.set()
        for customer, theirs in zip(customers, sent, strict=True):
            for file in theirs:
                assert sha256((await customer.get(file.address)).content).hexdigest() == file.digest
    await asyncio.to_thread(live.kill)

    await a_day_later(live)

    kept = behind_its_back(live.settings, "SELECT storage_key, counted FROM files")
    assert len(kept) == sum(map(len, sent))
    folder = Path(live.settings.files_url)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        key for key, _ in kept
    }
    counted = behind_its_back(live.settings, "SELECT files_size FROM workspaces")
    assert counted == [(SIZE * len(kept),)]


async def a_day_later(live: Live) -> None:
    """What was begun and never sent is swept, and its bytes go."""
    behind_its_back(live.settings, "UPDATE files SET created_at = '2026-01-01T00:00:00.000000Z'")
    app = create_app(live.settings)
    async with app.parlour.running():
        while await app.parlour.db.write(Actor.system(), files.sweep):
            pass
        while await app.parlour.db.read(Actor.system(), are_due):
            app.parlour.worker.wake()
            await asyncio.sleep(0.05)


# ------------------------------------------------------------------------------------------ power cuts

TRACED = "fsync,fdatasync,link,linkat,write,writev,sendto,sendmsg"


@pytest.mark.sqlite
@pytest.mark.strace
async def test_bytes_name_and_row_are_on_the_disk_one_after_the_other_before_it_is_said(
    tmp_path: Path,
) -> None:
    """As the kernel was asked: a power cut at any point leaves no row without its bytes, and no name without
    its content.
    """
    trace = tmp_path / "trace"
    strace = ("strace", "-D", "-f", "-qq", "-y", "-s", "16", "-e", f"trace={TRACED}", "-o", str(trace))
    with Live(tmp_path, strace) as live:
        async with Customer(live, "maria") as maria:
            await maria.open_ticket()
            before = len(trace.read_text().splitlines())
            here = f"/support/acme/ticket/{maria.ticket_id}/files"
            await acknowledged(maria, here, files={"files": ("a.bin", random.randbytes(SIZE))})
    asked = completed(trace.read_text().splitlines()[before:])
    [(key,)] = behind_its_back(live.settings, "SELECT storage_key FROM files")
    path = Path(live.settings.files_url) / str(key)
    wal = f"{live.settings.sqlite_path}-wal"

    begun, bytes_, name, folder, row, said = (
        first(asked, "sync", f"<{wal}>"),
        first(asked, "fsync", f"<{live.settings.data_dir}/#"),
        first(asked, "linkat", path.name),
        first(asked, "fsync", f"<{path.parent}>"),
        first(asked[first(asked, "fsync", f"<{path.parent}>") :], "sync", f"<{wal}>"),
        first(asked, "", "HTTP/1.1 201"),
    )
    assert max(begun, bytes_) < name < folder < folder + row < said


def completed(lines: list[str]) -> list[str]:
    """The calls in the order in which they came back: what was interrupted by another is put together."""
    begun: dict[str, str] = {}
    found = []
    for line in lines:
        thread, _, call = line.partition(" ")
        if call.endswith("<unfinished ...>"):
            begun[thread] = call
        elif "resumed>" in call:
            found.append(begun.pop(thread, "") + call)
        else:
            found.append(call)
    return found


def first(calls: list[str], call: str, of: str) -> int:
    return next(at for at, each in enumerate(calls) if call in each.partition("(")[0] and of in each)


# -------------------------------------------------------------------------------------------- memory


def peak_of(live: Live) -> int:
    """The most bytes that the server's process has held since `begin_peak`."""
    status = Path(f"/proc/{live.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def begin_peak(live: Live) -> int:
    Path(f"/proc/{live.pid}/clear_refs").write_text("5", encoding="ascii")
    return peak_of(live)


@pytest.mark.sqlite
async def test_an_upload_costs_the_server_little_memory(live: Live) -> None:
    """A megabyte is what its pieces, and those of the disk, come to; a whole file would be 25."""
    async with Agent(live, "ada") as ada:
        await ada.sign_in()
        whole = 25 * 1024 * 1024
        await send(ada, 1024)
        before = begin_peak(live)
        await send(ada, whole)
        alone = peak_of(live) - before
        before = begin_peak(live)
        await asyncio.gather(*(send(ada, whole // 5) for _ in range(10)))
        together = peak_of(live) - before

    assert alone < 8 * 1024 * 1024
    assert together < 50 * 1024 * 1024


async def send(agent: Agent, size: int) -> None:
    """What is no picture, of which there may be many at once."""
    headers = {"accept": "application/json", "x-csrf-token": agent.csrf}
    address = f"/workspace/{agent.live.workspace_id}/tickets/files"
    answer = await agent.post(address, headers=headers, files={"files": ("a.bin", bytes(size))})
    assert answer.status_code == 201, answer.text
