"""What people attached goes along in a backup, from whatever store into whatever other."""

import asyncio
import io
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from parlour.db.backup import archive, load, objects, read
from parlour.db.backup.objects import Packed
from parlour.db.backup.rows import BackupUnusable
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.files.blocking import BlockingStore
from tests import postgres_server
from tests.attaching import room_of, say
from tests.house import Browser, House
from tests.object_storage import ObjectStorage
from tests.shell import Shell

MAIL = b"From: maria@example.com\nTo: support@acme.example\nSubject: Tent\n\nIt leaks.\n"


def quietly(_: str, __: int, ___: int) -> None:
    pass


@pytest.fixture
async def kept(house: House, visitor: Browser) -> dict[str, bytes]:
    """A house with a picture, its thumbnail, a large file and a mail: what its store holds."""
    ticket = await house.open_ticket(visitor)
    picture = io.BytesIO()
    Image.effect_noise((900, 700), 40).save(picture, "PNG")
    await say(visitor, room_of(ticket), ("photo.png", picture.getvalue()), ("log.txt", b"line\n" * 300_000))
    await house.as_system(mailboxes.add, "support@acme.example")
    await Arrivals(house.db, house.app.parlour.files.store).accept(MAIL)
    folder = Path(house.app.parlour.settings.files_url)
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(found) == 4
    return found


def written(house: House, file: Path) -> Packed:
    """The house's backup, as the command makes it."""
    settings = house.app.parlour.settings
    if settings.is_postgresql:
        name = settings.database_url.rsplit("/", 1)[1]
        source = read.of_postgresql(postgres_server.server().owner_url(name))
    else:
        source = read.of_sqlite(settings.sqlite_path)
    with BlockingStore(settings.files_url) as store, source as snapshot:
        return archive.write(file, snapshot, store, quietly)[1]


def restored(file: Path, place: Path, url: str) -> None:
    with BlockingStore(url) as store, archive.Archive(file, store) as source:
        load.into_sqlite(place / "parlour.db", source, quietly)


def in_store(url: str, keys: Iterator[str]) -> dict[str, bytes]:
    with BlockingStore(url) as store:
        return {key: b"".join(store.pieces(key)) for key in keys}


async def test_what_was_attached_is_in_the_backup_and_back_in_a_folder(
    house: House, kept: dict[str, bytes], tmp_path: Path
) -> None:
    file, place = tmp_path / "file", tmp_path / "new"
    packed = await asyncio.to_thread(written, house, file)
    await asyncio.to_thread(restored, file, place, str(place / "files"))

    assert (packed.count, packed.size, packed.missing) == (4, sum(map(len, kept.values())), 0)
    assert await asyncio.to_thread(in_store, str(place / "files"), iter(kept)) == kept


async def test_a_backup_of_a_folder_is_restored_into_a_bucket(
    house: House,
    kept: dict[str, bytes],
    tmp_path: Path,
    object_storage: ObjectStorage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await asyncio.to_thread(written, house, tmp_path / "file")
    for name, value in object_storage.environment.items():
        monkeypatch.setenv(name, value)
    await asyncio.to_thread(restored, tmp_path / "file", tmp_path / "new", object_storage.url)

    assert await asyncio.to_thread(in_store, object_storage.url, iter(kept)) == kept


async def test_a_file_that_the_store_has_lost_is_counted_and_the_rest_is_kept(
    house: House, kept: dict[str, bytes], tmp_path: Path
) -> None:
    lost, cut, *_ = sorted(kept, key=lambda key: -len(kept[key]))
    folder = Path(house.app.parlour.settings.files_url)
    (folder / lost).unlink()
    (folder / cut).write_bytes(kept[cut][:-1])

    packed = await asyncio.to_thread(written, house, tmp_path / "file")

    assert (packed.count, packed.missing) == (2, 2)


@pytest.mark.sqlite
async def test_a_backup_without_some_of_its_files_is_kept_and_does_not_end_as_a_whole_one(
    house: House, kept: dict[str, bytes], tmp_path: Path
) -> None:
    """As on the morning on which the disk of the files was not mounted."""
    shell, nowhere = Shell(house.app.parlour.settings.data_dir), str(tmp_path / "not mounted")

    whole = await asyncio.to_thread(shell.run, "backup", str(tmp_path / "whole"))
    rest = await asyncio.to_thread(shell.run, "backup", str(tmp_path / "rest"), PARLOUR_FILES_URL=nowhere)

    assert (whole.returncode, "are not in" in whole.stderr) == (0, False)
    assert (rest.returncode, (tmp_path / "rest").exists()) == (1, True)
    assert "4 files that messages name are not in" in rest.stderr


async def test_what_is_there_already_stays_and_a_half_of_it_is_refused(
    house: House, kept: dict[str, bytes], tmp_path: Path
) -> None:
    """A folder that survived its database is taken as it is; one that was cut short is not."""
    file, survived = tmp_path / "file", Path(house.app.parlour.settings.files_url)
    await asyncio.to_thread(written, house, file)
    await asyncio.to_thread(restored, file, tmp_path / "new", str(survived))
    (survived / next(iter(kept))).write_bytes(b"half")

    with pytest.raises(BackupUnusable, match="taken"):
        await asyncio.to_thread(restored, file, tmp_path / "newer", str(survived))
    with closing(sqlite3.connect(tmp_path / "newer" / "parlour.db")) as left:
        assert left.execute("SELECT name FROM sqlite_master").fetchall() == []


async def test_one_wrong_byte_among_the_files_is_noticed_before_anything_is_done(
    house: House, kept: dict[str, bytes], tmp_path: Path
) -> None:
    file, place = tmp_path / "file", tmp_path / "new"
    await asyncio.to_thread(written, house, file)
    with zipfile.ZipFile(file) as opened:
        at = opened.getinfo(objects.MEMBER).header_offset + 5_000
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)

    with pytest.raises(BackupUnusable, match="damaged"):
        await asyncio.to_thread(restored, file, place, str(place / "files"))
    assert [path for path in (place / "files").rglob("*") if path.is_file()] == []
