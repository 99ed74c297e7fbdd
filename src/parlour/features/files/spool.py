"""Where bytes lie that are not stored yet."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from parlour.kernel.errors import StorageFull

_NAMELESS = os.O_RDWR | getattr(os, "O_TMPFILE", 0) | os.O_CLOEXEC
"""Without O_EXCL, which a temporary file of the standard library has: it may get a name when it is stored."""


def spool(folder: Path) -> BinaryIO:
    """A file without a name, which ends with its process: in the folder of the data, if that can be written
    to, because many systems keep the other place for such files in memory.
    """
    if not os.access(folder, os.W_OK):
        return cast(BinaryIO, TemporaryFile())
    try:
        return os.fdopen(os.open(folder, _NAMELESS, 0o600), "w+b")
    except OSError:  # a disk, or a system, that knows no nameless files
        return cast(BinaryIO, TemporaryFile(dir=folder))


@contextmanager
def on_disk() -> Iterator[None]:
    """Around what writes to such a file, and closes it: a full disk is said as one. Raises StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StorageFull from error
        raise
