"""A file that a command makes: written beside its name, and put there when it is whole and on the disk."""

import errno
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import current_thread, main_thread
from typing import BinaryIO

from parlour.kernel.disk import settle

NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Unwritable(Exception):
    """The file cannot be made: a sentence for the person at the keyboard."""


@contextmanager
def _told_to_end() -> Iterator[None]:
    """By SIGTERM or SIGHUP a command ends as by a raised error, so that what it has begun is cleared away:
    to a name that has the day in it nobody would come again. What is ignored, as by nohup, stays ignored.
    """

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    names = (signal.SIGTERM, signal.SIGHUP) if current_thread() is main_thread() else ()
    before = {name: signal.signal(name, end) for name in names if signal.getsignal(name) is signal.SIG_DFL}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


class NewFile:
    """`kind` is what people call it, in sentences such as "a backup never takes another's place"."""

    def __init__(self, path: Path, kind: str) -> None:
        """Raises Unwritable."""
        self.path = path
        if not path.name:
            raise Unwritable(f"{path} is a folder: name the file to make.")
        self.beside = path.with_name(f".{path.name}.unfinished")
        """Where it is until it is whole."""
        self._kind = kind

    def refuse_an_impossible_place(self) -> None:
        """Raises Unwritable."""
        with self._sentences():
            self._refuse_an_existing_file()
            if not self.path.parent.is_dir():
                raise Unwritable(f"There is no folder {self.path.parent}.")

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """What the block writes is the file, readable by its owner alone; when it raises there is none, nor
        when the command is told to end, or its terminal has gone.

        Raises Unwritable.
        """
        self.refuse_an_impossible_place()
        with self._sentences(), _told_to_end(), self._taken() as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                self._refuse_an_existing_file()
                self.beside.rename(self.path)
                settle(self.path.parent)
            except BaseException:
                self.beside.unlink(missing_ok=True)
                raise

    def left_beside(self) -> list[str]:
        """Sentences about what killed commands left in this folder under other names, as that of another
        day: nobody writes them any more. They are not removed, for a folder may be shared with machines
        whose locks are not seen from here.
        """
        with suppress(OSError):
            return [
                f"{path} was left by a command that was killed: nothing needs it, remove it."
                for path in sorted(self.path.parent.glob(".*.unfinished"))
                if _is_written_by_nobody(path)
            ]
        return []

    def _refuse_an_existing_file(self) -> None:
        if self.path.exists() or self.path.is_symlink():
            raise Unwritable(f"{self.path} exists already: {self._kind} never takes another's place.")

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = "the disk is full" if error.errno in NO_ROOM else error.strerror or str(error)
            raise Unwritable(f"{self.path} cannot be written: {why}. Nothing was kept.") from error

    @contextmanager
    def _taken(self) -> Iterator[BinaryIO]:
        """The unfinished file, new and ours; what a killed command left under its name goes first."""
        with suppress(FileNotFoundError), self.beside.open("rb") as left:
            self._lock(left)
            self.beside.unlink()
        with os.fdopen(os.open(self.beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b") as file:
            self._lock(file)
            yield file

    def _lock(self, file: BinaryIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unwritable(f"Another command is writing {self.beside}.") from None
        except OSError as error:  # a network's file system may have no locks; then nobody is noticed there
            if error.errno not in NO_LOCKS:
                raise


def _is_written_by_nobody(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return True
    return False
