"""Objects under random keys: in a folder, in S3 or in another cloud, by one contract over obstore."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID

from parlour.files.errors import FilesAway, Missing, TooLarge
from parlour.files.folder import PIECE, be_there, below, clear_left, pieces_of
from parlour.kernel.disk import settle
from parlour.kernel.errors import StorageFull

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from obstore.store import ObjectStore

PART = 5 * 1024 * 1024
"""Bytes. S3 takes no smaller part of an upload but the last."""
PART_ON_DISK = 512 * 1024
REMEMBERED = 10_000
"""Folders whose own names are known to be on the disk."""
MARK = ".parlour"
"""A folder in a store that we made: it tells one that holds nothing yet from the mount point of a disk."""
STOPS_WITHIN = 5.0
"""Seconds for a cloud that answers to end an upload which was cancelled, and to clear up after one."""
AT_ONCE = 4
"""Uploads to a cloud that hold their parts in memory at the same moment; the others wait their turn."""


def new_key(workspace_id: UUID) -> str:
    """Random, because nobody is to guess one, and below 256 folders a workspace, so that none gets long."""
    key = secrets.token_hex(20)
    return f"{workspace_id}/{key[:2]}/{key}"


class FileStore:
    """What is put is whole or not there, and stays as it is until it is deleted."""

    def __init__(self, store: "Callable[[], ObjectStore]", where: str, folder: Path | None = None) -> None:
        """`store` is made when the first object is asked for: its library takes 4 MB."""
        self.where = where
        """For people; holds no secret."""
        self.folder = folder
        self._make_store = store
        self._part = PART if folder is None else PART_ON_DISK
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._settled = set[Path]()

    @cached_property
    def _store(self) -> "ObjectStore":
        return self._make_store()

    @staticmethod
    def at(url: str) -> "FileStore":
        """A folder's path, or a URL that obstore knows: `s3://bucket/prefix`, `gs://…`, `az://…`, `memory:///`.

        Keys and endpoint of a cloud are read from where its own tools read them, such as AWS_ACCESS_KEY_ID
        and AWS_ENDPOINT_URL. Raises ValueError.
        """
        if "://" not in url:
            return _of_folder(Path(url))
        from obstore.exceptions import BaseError
        from obstore.store import from_url

        try:
            if url.startswith("memory:"):
                cloud = from_url(url)
            else:
                cloud = from_url(url, client_options=_client(), retry_config=_retries())
        except (BaseError, OSError) as error:
            raise ValueError(str(error)) from error
        return FileStore(lambda: cloud, url)

    async def put(self, key: str, chunks: AsyncIterable[bytes], *, limit: int) -> int:
        """Keep what comes, at most `limit` bytes, and return when it is on the disk: how many they are.

        A key is used once; the second finds it taken. `chunks` must not wait for a stranger: it has one of
        few turns. Raises TooLarge, FilesAway, StorageFull and what `chunks` raises; then nothing is kept.
        """
        import obstore

        head, size = list[bytes](), 0
        source = _limited(chunks, limit)
        async with self._turn:
            async for chunk in source:
                head.append(chunk)
                size += len(chunk)
                if size > self._part:
                    break
            if size <= self._part:
                with clear_words():
                    await obstore.put_async(
                        self._store, key, b"".join(head), mode="create", use_multipart=False
                    )
            else:
                size += await self._put_parts(key, head, source)
            if self.folder is not None:
                with clear_words():
                    await asyncio.to_thread(self._sync, self.folder / key)
        return size

    async def put_file(self, key: str, file: BinaryIO, *, limit: int, synced: bool = False) -> int:
        """`put` of a file that lies on this machine's disk, `synced` perhaps, and does not change any more.

        On the disk of the store's folder it gets its name there, and is not copied.
        """
        if self.folder is not None:
            with clear_words():
                size = await asyncio.to_thread(self._name, file, below(self.folder, key), limit, synced)
            if size is not None:
                return size
        return await self.put(key, _pieces(file), limit=limit)

    def _name(self, file: BinaryIO, path: Path, limit: int, synced: bool) -> int | None:
        """Give an open file a name, for good. Its size, or None where that cannot be done: on another disk,
        where names cannot be linked, or without /proc.

        The bytes are on the disk before the name is, so that after a power cut none leads to half a file.
        """
        descriptor = file.fileno()
        size = os.fstat(descriptor).st_size
        if size > limit:
            raise TooLarge
        if not synced:
            os.fsync(descriptor)
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            # With a folder's descriptor os.link follows the name in /proc to the file itself.
            os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=folder)
        except FileExistsError as error:
            raise FilesAway("The key is taken.") from error
        except OSError:
            return None
        finally:
            os.close(folder)
        self._settle(path.parent)
        return size

    def _sync(self, path: Path) -> None:
        settle(path)
        self._settle(path.parent)

    def _settle(self, folder: Path) -> None:
        """The names in the folder are on the disk, and its own and those above: a power cut may come now."""
        assert self.folder is not None
        settle(folder)
        if folder not in self._settled:
            for above in folder.parents:
                if not above.is_relative_to(self.folder):
                    break
                settle(above)
            if len(self._settled) >= REMEMBERED:
                self._settled.clear()
            self._settled.add(folder)

    async def _put_parts(self, key: str, head: list[bytes], rest: AsyncIterator[bytes]) -> int:
        """How many bytes came after `head`. No store says "only if new" of parts: it is asked before."""
        import obstore

        if await self.size(key) is not None:
            raise FilesAway("The key is taken.")
        more, cut, stopped = 0, list[Exception](), asyncio.Event()

        async def whole() -> AsyncIterator[bytes]:
            nonlocal more
            try:
                while head:
                    yield head.pop(0)
                async for chunk in rest:
                    if stopped.is_set():
                        raise FilesAway("The upload was stopped.")
                    more += len(chunk)
                    yield chunk
            except Exception as error:
                cut.append(error)
                raise

        try:
            with clear_words():
                # Unlike obstore's writer this ends the upload at the server when what it reads fails.
                uploading = obstore.put_async(
                    self._store, key, whole(), use_multipart=True, chunk_size=self._part, max_concurrency=1
                )
                await _ended(asyncio.ensure_future(uploading), stopped)
        except BaseException:
            with suppress(FilesAway, TimeoutError):  # what went wrong first is told
                async with asyncio.timeout(STOPS_WITHIN):
                    await asyncio.shield(self.delete(key))
            if cut and not stopped.is_set():
                raise cut[0] from None
            raise
        return more

    async def get(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `end`, in pieces. Raises Missing, FilesAway.

        Who says an `end` gets all up to there: of an object that is shorter the rest is Missing.
        """
        try:
            async for piece in self._get(key, start, end):
                yield piece
        except Missing:
            await self._be_there(used=True)
            raise

    async def _get(self, key: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        if self.folder is not None:
            async for piece in pieces_of(below(self.folder, key), start, end):
                yield piece
            return
        import obstore

        span: Any = {"offset": start} if end is None else (start, end)
        with clear_words(writing=False):
            found = await obstore.get_async(self._store, key, options={"range": span} if start or end else {})
            async for piece in found.stream(min_chunk_size=PIECE):
                start += len(piece)
                yield bytes(piece)
        if end is not None and start < end:
            raise Missing

    async def size(self, key: str, *, used: bool = False) -> int | None:
        """Bytes, or None when there is no such object. Raises FilesAway, as well when nothing at all is in a
        store that was `used`.
        """
        import obstore

        try:
            with clear_words(writing=False):
                return (await obstore.head_async(self._store, key))["size"]
        except Missing:
            await self._be_there(used=used)
            return None

    async def delete(self, key: str) -> None:
        """It is gone afterwards, and was not there perhaps. Raises FilesAway."""
        import obstore

        try:
            with clear_words(writing=False):
                await obstore.delete_async(self._store, key)
        except Missing:
            await self._be_there(used=True)
        if self.folder is not None:
            await asyncio.to_thread(clear_left, self.folder / key)

    async def _be_there(self, *, used: bool = False) -> None:
        """Raises FilesAway where no key leads to anything, because there is no such bucket, or the folder's
        disk is not mounted. One that was `used`, or that we made, is not empty: what is deleted leaves its
        folders, and MARK was there from the start.
        Buckets have no MARK: a name in the settings leads to them, not a mount point that may be empty, and
        one without it may be of before, so another bucket that is there would be told from ours by nothing.
        """
        if self.folder is not None:
            await asyncio.to_thread(be_there, self.folder, used)
            return
        import obstore
        from obstore.exceptions import PermissionDeniedError

        with clear_words(), suppress(PermissionDeniedError):
            # A server that says of a key that it is not there, to somebody who may not list, has the bucket.
            async for _ in obstore.list(self._store, chunk_size=1):
                return

    async def check(self) -> None:
        """Put, read and delete an object, and miss it. Raises FilesAway, StorageFull."""

        async def probe() -> AsyncIterator[bytes]:
            yield b"parlour"

        key = f"check/{secrets.token_hex(20)}"
        await self.put(key, probe(), limit=16)
        try:
            if b"".join([piece async for piece in self.get(key)]) != b"parlour":
                raise FilesAway("What was stored came back changed.")
        except Missing:
            raise FilesAway("What was stored was not there.") from None
        finally:
            await self.delete(key)
        if await self.size(key) is not None:
            raise FilesAway("What was deleted is still there.")


def _of_folder(folder: Path) -> FileStore:
    def local() -> "ObjectStore":
        from obstore.store import LocalStore

        return LocalStore(folder)

    try:
        new = not folder.exists()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if new:
            (folder / MARK).mkdir(exist_ok=True)
    except OSError as error:
        raise ValueError(str(error)) from error
    return FileStore(local, str(folder), folder)


def _client() -> Any:
    """An endpoint that is named with http:// is meant: a server of one's own on the same machine."""
    plain = any(
        os.environ.get(name, "").startswith("http://") for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    )
    return {"timeout": "60s", "connect_timeout": "5s", "allow_http": plain}


def _retries() -> Any:
    from datetime import timedelta

    return {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}


async def _limited(chunks: AsyncIterable[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge
        yield chunk


@contextmanager
def clear_words(*, writing: bool = True) -> "Iterator[None]":
    """obstore's errors in ours."""
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        yield
    except FileNotFoundError as error:
        raise (FilesAway("The bucket is not there.") if writing else Missing) from error
    except AlreadyExistsError as error:
        raise FilesAway("The key is taken.") from error
    except (BaseError, OSError, ValueError) as error:
        said = str(error)
        if "No space left" in said or "Disk quota" in said or "File too large" in said:
            raise StorageFull from error
        raise FilesAway(said) from error


async def _ended(uploading: "asyncio.Future[object]", stopped: asyncio.Event) -> None:
    """Whoever is cancelled lets the upload fail first: a future of obstore that is dropped leaves its parts
    in the bucket, where they are paid for and no listing shows them.
    """
    try:
        await asyncio.shield(uploading)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([uploading], timeout=STOPS_WITHIN)
        raise
    finally:
        uploading.cancel()


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    await asyncio.to_thread(file.seek, 0)
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece
