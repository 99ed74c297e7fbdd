"""What is on the disk, whatever comes next."""

import os
from pathlib import Path


def settle(path: Path) -> None:
    """Wait until the disk has the file, or the names in the folder. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
