"""Where bytes lie that are not stored yet."""

import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast


def spool(folder: Path) -> BinaryIO:
    """A file without a name, which ends with its process: in the folder of the data, if that can be written
    to, because many systems keep the other place for such files in memory.
    """
    return cast(BinaryIO, TemporaryFile(dir=folder if os.access(folder, os.W_OK) else None))
