"""One contract, kept by a folder, by memory, and by a server that speaks S3."""

import asyncio
import errno
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

import httpx
import pytest

from parlour.features.files.spool import spool
from parlour.files.errors import FilesAway, Missing, TooLarge
from parlour.files.store import PART, FileStore, new_key
from parlour.kernel.errors import StorageFull
from tests.object_storage import BUCKET, ObjectStorage

PIECE = 256 * 1024
LIMIT = 64 * 1024 * 1024


async def pieces(count: int, *, cut_at: int | None = None) -> AsyncIterator[bytes]:
    """So many pieces, each of another byte, or a line that is cut."""
    for number in range(count):
        if number == cut_at:
            raise ConnectionError("cut")
        yield bytes([number % 251]) * PIECE


async def all_of(store: FileStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in store.get(key, start, end)])


@pytest.fixture
def key() -> str:
    return new_key(uuid4())


@pytest.mark.parametrize("count", [0, 1, 2 * PART // PIECE + 3], ids=["empty", "small", "in parts"])
async def test_what_is_put_comes_back_whole_and_in_part(store: FileStore, key: str, count: int) -> None:
    whole = b"".join([piece async for piece in pieces(count)])

    size = await store.put(key, pieces(count), limit=LIMIT)

    assert size == await store.size(key) == len(whole)
    assert await all_of(store, key) == whole
    if whole:
        assert await all_of(store, key, 100, 300) == whole[100:300]
        assert await all_of(store, key, len(whole) - 5) == whole[-5:]


async def test_less_than_was_put_is_missing_at_its_end(store: FileStore, key: str) -> None:
    await store.put(key, pieces(1), limit=LIMIT)

    found = store.get(key, 0, PIECE + 1)
    assert len(await anext(found)) == PIECE
    with pytest.raises(Missing):
        await anext(found)


@pytest.mark.parametrize("count", [1, 2 * PART // PIECE], ids=["small", "in parts"])
async def test_a_key_is_used_once(store: FileStore, key: str, count: int) -> None:
    await store.put(key, pieces(1), limit=LIMIT)

    with pytest.raises(FilesAway):
        await store.put(key, pieces(count), limit=LIMIT)

    assert await all_of(store, key) == bytes(PIECE)


@pytest.mark.parametrize("nameless", [True, False], ids=["can be named", "is copied"])
async def test_a_file_of_this_machine_is_kept_by_the_same_rules(
    store: FileStore, key: str, nameless: bool, tmp_path: Path
) -> None:
    whole = os.urandom(3 * PIECE)
    with spool(tmp_path) if nameless else TemporaryFile() as file:
        file.write(whole)
        file.flush()
        with pytest.raises(TooLarge):
            await store.put_file(key, file, limit=len(whole) - 1)
        size = await store.put_file(key, file, limit=len(whole))
        with pytest.raises(FilesAway):
            await store.put_file(key, file, limit=len(whole))
        with pytest.raises((FilesAway, Missing)):
            await store.put_file("../other", file, limit=len(whole))

    assert (size, await all_of(store, key)) == (len(whole), whole)
    assert not (tmp_path / "other").exists()
    assert len(left_in(store)) in (0, 1)


async def test_on_the_disk_of_the_folder_a_file_gets_a_name_and_is_not_copied(
    tmp_path: Path, key: str
) -> None:
    store = FileStore.at(str(tmp_path / "files"))
    with spool(tmp_path) as file:
        file.write(b"words")
        file.flush()
        await store.put_file(key, file, limit=LIMIT)
        lies = os.fstat(file.fileno())

    assert (lies.st_ino, lies.st_dev) == ((kept := (tmp_path / "files" / key).stat()).st_ino, kept.st_dev)


async def test_what_is_too_large_leaves_nothing(store: FileStore, key: str) -> None:
    for limit in (PIECE - 1, 3 * PART):
        with pytest.raises(TooLarge):
            await store.put(key, pieces(100), limit=limit)
        assert await store.size(key) is None
    assert left_in(store) == []


async def test_a_line_that_is_cut_leaves_nothing(store: FileStore, key: str) -> None:
    for cut_at in (1, 60):
        with pytest.raises(ConnectionError):
            await store.put(key, pieces(100, cut_at=cut_at), limit=LIMIT)
        assert await store.size(key) is None
    assert left_in(store) == []


async def test_deleting_twice_is_deleting(store: FileStore, key: str) -> None:
    await store.put(key, pieces(1), limit=LIMIT)

    await store.delete(key)
    await store.delete(key)

    assert await store.size(key) is None
    with pytest.raises(Missing):
        await all_of(store, key)


async def test_no_key_leads_out_of_the_store(store: FileStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")

    with pytest.raises((FilesAway, Missing)):
        await all_of(store, "../secret")
    with pytest.raises(FilesAway):
        await store.put("../other", pieces(1), limit=LIMIT)

    assert not (tmp_path / "other").exists()


async def test_a_store_is_tried_by_using_it(store: FileStore) -> None:
    await store.check()

    assert left_in(store) == []


async def test_what_a_killed_writer_had_begun_goes_with_its_key(tmp_path: Path, key: str) -> None:
    store = FileStore.at(str(tmp_path))
    await store.put(key, pieces(1), limit=LIMIT)
    (tmp_path / f"{key}#1").write_bytes(b"half of it")

    await store.delete(key)

    assert left_in(store) == []


async def test_a_file_and_its_name_are_on_the_disk_before_it_is_said(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    store = FileStore.at(str(tmp_path))

    await store.put(key, pieces(1), limit=LIMIT)

    path = tmp_path / key
    assert synced == [path, path.parent, path.parent.parent, tmp_path]
    synced.clear()
    beside = f"{key}0"
    await store.put(beside, pieces(1), limit=LIMIT)
    assert synced == [tmp_path / beside, path.parent]


async def test_a_full_disk_is_said_as_one(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(at: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StorageFull):
        await FileStore.at(str(tmp_path)).put(key, pieces(1), limit=LIMIT)


async def test_a_server_that_is_away_is_said_as_one(
    object_storage: ObjectStorage, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (object_storage.environment | {"AWS_SECRET_ACCESS_KEY": "wrong"}).items():
        monkeypatch.setenv(name, value)
    store = FileStore.at("s3://no-such-bucket")

    with pytest.raises(FilesAway):
        await store.put(key, pieces(1), limit=LIMIT)


async def test_a_wrong_bucket_has_not_lost_what_is_asked_for(
    object_storage: ObjectStorage, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in object_storage.environment.items():
        monkeypatch.setenv(name, value)
    store = FileStore.at("s3://no-such-bucket/kept")

    await refuses_to_call_it_gone(store, key)
    with pytest.raises(FilesAway):
        await store.size(key)


async def test_a_folder_whose_disk_is_away_has_not_lost_what_is_asked_for(tmp_path: Path, key: str) -> None:
    mounted, away = tmp_path / "files", tmp_path / "away"
    store = FileStore.at(str(mounted))
    await store.put(key, pieces(1), limit=LIMIT)
    mounted.rename(away)

    await refuses_to_call_it_gone(store, key)
    with pytest.raises(FilesAway):
        await store.size(key)
    mounted.mkdir()
    await refuses_to_call_it_gone(store, key)
    with pytest.raises(FilesAway):
        await store.size(key, used=True)

    mounted.rmdir()
    away.rename(mounted)
    assert await all_of(store, key) == bytes(PIECE)


async def test_a_new_folder_is_no_disk_that_is_away(tmp_path: Path, key: str) -> None:
    store = FileStore.at(str(tmp_path / "new" / "files"))

    await store.delete(key)
    assert await store.size(key, used=True) is None
    with pytest.raises(Missing):
        await all_of(store, key)


async def test_an_upload_that_is_cut_leaves_no_parts_in_the_bucket(
    object_storage: ObjectStorage, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in object_storage.environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConnectionError):
        await FileStore.at(object_storage.url).put(key, pieces(100, cut_at=60), limit=LIMIT)

    assert key not in await begun_uploads(object_storage)


async def begun_uploads(object_storage: ObjectStorage) -> str:
    """What the bucket says of those that were neither completed nor ended."""
    async with httpx.AsyncClient() as client:
        begun = (await client.get(f"{object_storage.endpoint}/{BUCKET}?uploads")).text
    assert "ListMultipartUploadsResult" in begun
    return begun


async def test_nor_does_one_that_is_stopped(
    object_storage: ObjectStorage, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the end of the server, or by a limit of time."""
    for name, value in object_storage.environment.items():
        monkeypatch.setenv(name, value)
    store = FileStore.at(object_storage.url)

    async def endless() -> AsyncIterator[bytes]:
        async for piece in pieces(60):
            yield piece
        while True:
            await asyncio.sleep(0.05)
            yield b"."

    putting = asyncio.create_task(store.put(key, endless(), limit=LIMIT))
    async with asyncio.timeout(60):
        while key not in await begun_uploads(object_storage):
            await asyncio.sleep(0.05)
        putting.cancel()
        await asyncio.wait([putting])

    assert putting.cancelled()
    assert key not in await begun_uploads(object_storage)
    assert await store.size(key) is None


async def refuses_to_call_it_gone(store: FileStore, key: str) -> None:
    with pytest.raises(FilesAway):
        await all_of(store, key)
    with pytest.raises(FilesAway):
        await store.delete(key)


async def test_twenty_at_once_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    store = FileStore.at(str(tmp_path))
    tracemalloc.start()
    try:
        puts = [store.put(new_key(uuid4()), pieces(100), limit=LIMIT) for _ in range(20)]
        await asyncio.gather(*puts)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * 1024 * 1024


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_what_is_put_is_never_held_as_a_whole(
    kind: str, tmp_path: Path, object_storage: ObjectStorage
) -> None:
    """Not by the library either. A store in memory holds what it keeps, and is for tests."""
    where = str(tmp_path) if kind == "folder" else object_storage.url
    program = (sys.executable, "-m", "tests.files.weigh", where)
    cost = json.loads(subprocess.check_output(program, env=os.environ | object_storage.environment))

    assert cost["alone"] < 8 * 1024 * 1024
    assert cost["twenty"] < 100 * 1024 * 1024


def test_a_url_that_no_cloud_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        FileStore.at("nothing://bucket")


def left_in(store: FileStore) -> list[str]:
    """The files in the folder, if it is one."""
    return [str(path) for path in store.folder.rglob("*") if path.is_file()] if store.folder else []
