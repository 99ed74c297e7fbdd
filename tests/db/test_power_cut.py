"""A power cut, simulated below SQLite: what was not yet synced may be lost, in part, in any order.

The file system here keeps two pictures of every file: what a running program sees, and what would be on
the disk if the current went out now. Only a sync carries the one over to the other.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest

from parlour.db.sqlite.file import make_engine

PRAGMAS = ("journal_mode", "synchronous", "wal_autocheckpoint", "cache_size", "temp_store", "foreign_keys")
SECTOR = 512


@dataclass
class Disk:
    """`settled` is on the disk for sure; `floating` are the writes since the last sync, oldest first."""

    settled: dict[str, bytearray] = field(default_factory=dict)
    floating: dict[str, list[tuple[int, bytes | None]]] = field(default_factory=dict)
    on_change: Callable[[], None] = lambda: None

    def write(self, path: str, offset: int, content: bytes | None) -> None:
        """None cuts the file off at `offset`."""
        self.floating.setdefault(path, []).append((offset, content))
        self.on_change()

    def sync(self, path: str) -> None:
        self.on_change()
        picture = self.settled.setdefault(path, bytearray())
        for offset, content in self.floating.pop(path, []):
            _apply(picture, offset, content)
        self.on_change()

    def remove(self, path: str) -> None:
        self.settled.pop(path, None)
        self.floating.pop(path, None)

    def cut(self, chance: random.Random) -> dict[str, bytes]:
        """What the next boot finds: of all that was floating, some arrived, some did not, one is torn."""
        left = {path: bytearray(picture) for path, picture in self.settled.items()}
        for path, writes in self.floating.items():
            share = chance.choice((0.0, 0.5, 0.9, 1.0))
            for offset, content in writes:
                if chance.random() < share:
                    _apply(left.setdefault(path, bytearray()), offset, _torn(content, chance))
        return {path: bytes(picture) for path, picture in left.items()}


def _torn(content: bytes | None, chance: random.Random) -> bytes | None:
    """Now and then only the first sectors of a write reach the disk."""
    if content is None or len(content) <= SECTOR or chance.random() < 0.9:
        return content
    return content[: SECTOR * chance.randrange(1, len(content) // SECTOR + 1)]


def _apply(picture: bytearray, offset: int, content: bytes | None) -> None:
    if content is None:
        del picture[offset:]
        return
    picture.extend(b"\0" * (offset - len(picture)))
    picture[offset : offset + len(content)] = content


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self._path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "").name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 SQLite's name
        self._disk.write(self._path, offset, bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.write(self._path, newsize, None)
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._disk.sync(self._path)


class _FileSystem(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__("cut", "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _File:  # noqa: N802
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._disk.remove(Path(filename).name)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    file_system = _FileSystem(disk)
    yield disk
    file_system.unregister()


def our_pragmas(folder: Path) -> dict[str, str]:
    """What the server's own writing connection is set to."""
    with make_engine(folder / "pragmas.db", writer=True).connect() as connection:
        return {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in PRAGMAS}


@dataclass(frozen=True)
class Cut:
    """`promised` is the last row that somebody had an answer for at that moment."""

    promised: int
    files: dict[str, bytes]


def work_through_cuts(disk: Disk, folder: Path, pragmas: dict[str, str], moments: set[int]) -> list[Cut]:
    """Write rows in batches, as the server does, and keep what cuts at these moments would leave behind."""
    chance = random.Random(20)
    cuts: list[Cut] = []
    promised = changes = 0

    def look() -> None:
        nonlocal changes
        changes += 1
        if changes in moments:
            cuts.append(Cut(promised, disk.cut(chance)))

    connection = apsw.Connection(str(folder / "cut.db"), vfs="cut")
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name}={value}")
    connection.execute("CREATE TABLE said (seq INTEGER PRIMARY KEY, words TEXT, digest TEXT UNIQUE)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    disk.on_change = look
    while changes < max(moments):
        connection.execute("BEGIN IMMEDIATE")
        rows = chance.randrange(1, 9)
        for seq in range(promised + 1, promised + rows + 1):
            connection.execute("SAVEPOINT unit")
            words = "x" * chance.randrange(20, 9000)
            connection.execute("INSERT INTO said VALUES (?, ?, ?)", (seq, words, chance.randbytes(16).hex()))
            connection.execute("RELEASE unit")
        connection.execute("COMMIT")
        promised += rows
    disk.on_change = lambda: None
    connection.close()
    return cuts


def survivors(folder: Path, cut: Cut) -> list[int]:
    """Boot again from what is left. Fails when the database is damaged."""
    for path in folder.iterdir():
        path.unlink()
    for name, content in cut.files.items():
        (folder / name).write_bytes(content)
    connection = apsw.Connection(str(folder / "cut.db"))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = [int(row[0]) for row in connection.execute("SELECT seq FROM said ORDER BY seq")]
    connection.close()
    return found


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    return tmp_path / "before", tmp_path / "after"


@pytest.mark.parametrize("seed", range(3))
def test_no_acknowledged_row_is_lost_in_a_power_cut(
    disk: Disk, tmp_path: Path, folders: tuple[Path, Path], seed: int
) -> None:
    before, after = folders
    moments = set(random.Random(seed).sample(range(1, 24_000), 40))
    cuts = work_through_cuts(disk, before, our_pragmas(tmp_path), moments)

    assert len(cuts) == len(moments)
    assert any(len(cut.files["cut.db"]) > 2**20 for cut in cuts), "No cut came after a checkpoint."
    for cut in cuts:
        found = survivors(after, cut)
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= cut.promised


def test_the_same_cuts_lose_rows_where_commits_are_not_synced(
    disk: Disk, tmp_path: Path, folders: tuple[Path, Path]
) -> None:
    """So that nobody wonders whether the test above can fail."""
    before, after = folders
    moments = set(random.Random(0).sample(range(1, 3_000), 20))
    cuts = work_through_cuts(disk, before, {**our_pragmas(tmp_path), "synchronous": "NORMAL"}, moments)

    assert sum(max(0, cut.promised - len(survivors(after, cut))) for cut in cuts) > 0


def test_the_server_syncs_every_commit(tmp_path: Path) -> None:
    pragmas = our_pragmas(tmp_path)

    assert (pragmas["journal_mode"], pragmas["synchronous"]) == ("wal", "2")
