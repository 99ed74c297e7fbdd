"""`parlour mail receive`: the pipe of a mail server ends here."""

import os
import sys
from typing import Annotated

import typer

from parlour.cli.base import err, once, settings_now
from parlour.features.mailroom.arrivals import SIZE_LIMIT, Arrivals, MailTooLarge
from parlour.files.store import FileStore


def receive(
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Whom it was delivered to; else its own headers say so."),
    ] = None,
) -> None:
    """Take one mail from standard input, for the pipe of a mail server.

    Ends with 0 when it is stored, 75 when it is to be brought again, 67 when the address is nobody's here,
    65 when it is too large.
    """
    raise typer.Exit(_received(sys.stdin.buffer.read(SIZE_LIMIT + 1), to or []))


def _received(raw: bytes, to: list[str]) -> int:
    try:
        files = FileStore.at(settings_now().files_url)
        kept = once(lambda db: Arrivals(db, files).accept(raw, to))
    except MailTooLarge:
        err.print(f"The mail is larger than {SIZE_LIMIT:,} bytes.")
        return os.EX_DATAERR
    except Exception as error:
        err.print(f"Not now: {getattr(error, 'message', None) or error}", markup=False)
        return os.EX_TEMPFAIL
    if not kept:
        err.print("No workspace gets mail at this address (see parlour mailbox list).", markup=False)
        return os.EX_NOUSER
    return os.EX_OK
