"""What `parlour doctor` looks at of attachments: their store, the virus scanner, and how much there is."""

from pathlib import Path

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


async def scanner(clamd: str) -> Finding:
    from parlour.files.scan import Scanner

    try:
        return Finding("virus scanner", "ok", f"{await Scanner(clamd).version()}.")
    except Exception as error:
        says = f"{clamd} does not answer, so nothing is scanned: {str(error) or type(error).__name__}."
        return Finding("virus scanner", "wrong", says, "Is clamd running, and may this user open its socket?")


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
