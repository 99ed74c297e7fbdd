"""A data folder that is not root's, in which root has run a command."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def give_back(folder: Path) -> None:
    """What root made there belongs to whoever the folder belongs to: the server, which runs as that user,
    could not open it otherwise, as after a `restore` between `systemctl stop` and `systemctl start`.

    No link is followed, and a file with two names is left alone: one of them may be outside.
    """
    with suppress(OSError):
        owner = folder.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            for _, folders, files, at in os.fwalk(folder):
                for name in (*folders, *files):
                    _give(name, at, owner)


def _give(name: str, at: int, owner: os.stat_result) -> None:
    """What was looked at is what is given, though its owner may put something else under the name meanwhile.
    Nor does it lose a lock that this process has: what is held only as a path has none.
    """
    with suppress(OSError):  # gone meanwhile, for a server may be running, or a root that may not
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=at)
        try:
            found = os.fstat(held)
            alone = stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1)
            if found.st_uid == 0 and alone:
                os.chown(f"/proc/self/fd/{held}", owner.st_uid, owner.st_gid)
        finally:
            os.close(held)
