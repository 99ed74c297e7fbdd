"""`parlour mail receive`: the pipe of a mail server ends here."""

import os
import sys

import click

from parlour.cli.base import once, settings_now
from parlour.features.mailroom.arrivals import SIZE_LIMIT, Arrivals, MailTooLarge
from parlour.files.store import FileStore


@click.command
@click.option(
    "--to", multiple=True, metavar="ADDRESS", help="Whom it was delivered to; else its own headers say so."
)
def receive(to: tuple[str, ...]) -> None:
    """Take one mail from standard input, for the pipe of a mail server.

    Ends with 0 when it is stored, 75 when it is to be brought again, 67 when the address is nobody's here,
    65 when it is too large.
    """
    raise SystemExit(_received(sys.stdin.buffer.read(SIZE_LIMIT + 1), list(to)))


def _received(raw: bytes, to: list[str]) -> int:
    try:
        files = FileStore.at(settings_now().files_url)
        kept = once(lambda db: Arrivals(db, files).accept(raw, to))
    except MailTooLarge:
        click.echo(f"The mail is larger than {SIZE_LIMIT:,} bytes.", err=True)
        return os.EX_DATAERR
    except Exception as error:
        click.echo(f"Not now: {getattr(error, 'message', None) or error}", err=True)
        return os.EX_TEMPFAIL
    if not kept:
        click.echo("No workspace gets mail at this address (see parlour mailbox list).", err=True)
        return os.EX_NOUSER
    return os.EX_OK
