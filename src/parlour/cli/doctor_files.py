"""What `parlour doctor` looks at of attachments: their store, the virus scanner, and how much there is."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from parlour.cli.findings import AS_THE_SERVER, Finding
from parlour.db import inspection
from parlour.db.database import Database
from parlour.features.files.models import NEARLY_FULL
from parlour.kernel.access import Actor
from parlour.settings import Settings

GIB = 1024**3


async def store(where: str) -> Finding:
    """An object goes in, comes out and is deleted."""
    from parlour.files.store import FileStore

    if _is_to_come(where):
        return Finding("files", "ok", f"{where} is made when somebody attaches something.")
    try:
        await FileStore.at(where).check()
    except Exception as error:
        says = f"{where} does not keep files: {str(error) or type(error).__name__}."
        return Finding("files", "wrong", says, f"Look at PARLOUR_FILES_URL (docs/files.md). {AS_THE_SERVER}")
    return Finding("files", "ok", f"{where} keeps files and gives them back.")


def _is_to_come(where: str) -> bool:
    return "://" not in where and not Path(where).exists()


async def scanner(clamd: str, file_limit: int) -> Finding:
    """It answers, and takes a file as long as may be attached: zeros, in a file that takes no room."""
    from parlour.files.scan import Scan, Scanner

    try:
        version = await Scanner(clamd).version()
    except Exception as error:
        says = f"{clamd} does not answer, so nothing is scanned: {str(error) or type(error).__name__}."
        return Finding("virus scanner", "wrong", says, "Is clamd running, and may this user open its socket?")
    with TemporaryFile() as longest:
        longest.truncate(file_limit)
        verdict = await Scanner(clamd).scan(cast(BinaryIO, longest))
    if verdict.scan is Scan.UNSCANNABLE:
        says = (
            f"{version}; it takes no file of {file_limit:,} bytes, and no customer gets what it did not take."
        )
        remedy = "Set clamd's StreamMaxLength to PARLOUR_FILE_LIMIT or more, or that lower."
        return Finding("virus scanner", "note", says, remedy)
    if verdict.scan is not Scan.CLEAN:
        says = f"{version}; of a file of zeros it says: {verdict.what or 'nothing'}. So nothing is scanned."
        return Finding("virus scanner", "wrong", says, "Look into clamd's own log.")
    return Finding("virus scanner", "ok", f"{version}.")


async def space(db: Database, settings: Settings) -> list[Finding]:
    """The workspaces whose files come near to what they may be."""
    quota = settings.files_quota
    found = await db.scan(Actor.system(), inspection.fullest, round(NEARLY_FULL * quota))
    return [
        Finding(
            "files",
            "note",
            f"those of {slug} are {taken / GIB:,.1f} of {quota / GIB:,.1f} GiB that they may be.",
            "Raise PARLOUR_FILES_QUOTA if the store has room.",
        )
        for slug, taken in found
    ]
