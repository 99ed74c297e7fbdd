"""Objects that are shorter than what was put: a disk was mended, a copy was broken off, a store says so."""

import os
import zipfile
from pathlib import Path

import httpx
import pytest

from parlour.db.new_file import NewFile
from parlour.features.takeout.archive import Export
from parlour.features.tickets.models import Ticket
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor
from tests.attaching import desk_of, file_at, newest, room_of, say
from tests.house import Browser, House
from tests.live import Live, command

WHOLE = bytes(range(256)) * 4_000


def shorten(folder: Path, size: int) -> None:
    """Every object in the store."""
    for path in folder.glob("*/*/*"):
        os.truncate(path, size)


@pytest.fixture
async def damaged(house: House, visitor: Browser) -> Ticket:
    ticket = await house.open_ticket(visitor)
    await say(visitor, room_of(ticket), ("a.bin", WHOLE))
    folder = house.app.parlour.files.store.folder
    assert folder
    shorten(folder, 1_000)
    return ticket


async def test_a_part_that_is_gone_is_not_found(visitor: Browser, damaged: Ticket) -> None:
    [file] = (await newest(visitor, room_of(damaged)))["files"]

    for part in ("bytes=2000-3000", "bytes=-500"):
        gone = await visitor.get(file_at(damaged, file), headers={"range": part})
        assert gone.status_code == 404
    there = await visitor.get(file_at(damaged, file), headers={"range": "bytes=0-99"})
    assert (there.status_code, there.content) == (206, WHOLE[:100])


async def test_one_of_which_nothing_is_left_is_not_found(
    house: House, visitor: Browser, desk: Browser, damaged: Ticket
) -> None:
    [file] = (await newest(visitor, room_of(damaged)))["files"]
    folder = house.app.parlour.files.store.folder
    assert folder
    shorten(folder, 0)

    assert (await visitor.get(file_at(damaged, file))).status_code == 404
    assert (await desk.get(f"{desk_of(damaged)}/files/{file['file_id']}/a.bin")).status_code == 404


async def test_an_export_counts_it_among_what_is_missing(
    house: House, damaged: Ticket, tmp_path: Path
) -> None:
    at = await house.db.read(Actor.visitor(), workspaces.workspace_at, "acme")
    made = Export(house.db, house.app.parlour.files.store, at, lambda _, __: None)

    with NewFile(tmp_path / "acme.zip", "an export").writing() as out:
        await made.write(out)

    assert made.missing == 1
    assert zipfile.ZipFile(tmp_path / "acme.zip").testzip() is None


def test_what_is_cut_in_the_middle_ends_the_connection_with_a_line_in_the_log(tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        key = command(live.environment, "apikey", "create", "--workspace", "acme", "--name", "Nightly")
        headers = {"authorization": f"Bearer {key.splitlines()[-1]}"}
        with httpx.Client(base_url=f"{live.url}/api/v1", headers=headers, timeout=30) as program:
            about = {"name": "a.bin"}, {"content-type": "application/octet-stream"}
            put = program.post("/files", params=about[0], headers=about[1], content=WHOLE)
            shorten(live.data / "files", 1_000)
            with pytest.raises(httpx.RemoteProtocolError):
                program.get(f"/files/{put.json()['file_id']}")
            assert program.get("/me").status_code == 200
        said = live.log.read_text(errors="replace")

    assert "file.broken_off" in said
    assert "Traceback" not in said
