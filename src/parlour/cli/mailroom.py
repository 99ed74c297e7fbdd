"""`parlour mailbox`, and `parlour mail receive`: where mail comes in."""

import os
import sys
from typing import Annotated

import typer

from parlour.cli.base import err, once, settings_now
from parlour.cli.mail import mail_app
from parlour.db.database import Database
from parlour.features.mailroom.arrivals import SIZE_LIMIT, Arrivals, MailTooLarge
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import Mailbox
from parlour.files.store import FileStore
from parlour.kernel.access import Actor

mailbox_app = typer.Typer(
    help="The addresses at which workspaces get mail.", no_args_is_help=True, rich_markup_mode=None
)


@mailbox_app.command("add")
def add_mailbox(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="For example support@example.com.")],
    workspace: Annotated[str, typer.Option(metavar="SLUG", help="The slug of the workspace.")],
) -> None:
    """Let a workspace get the mail that comes to ADDRESS. Answers are asked back to its first address."""

    async def add(db: Database) -> Mailbox:
        place = await db.read(Actor.visitor(), workspaces.workspace_at, workspace)
        return await db.write(Actor.system(place.workspace_id), mailboxes.add, address)

    made = once(add)
    typer.echo(f"Mail to {made.address} becomes tickets of {workspace}.")


@mailbox_app.command("list")
def list_mailboxes() -> None:
    """List the addresses: workspace, address."""

    async def every(db: Database) -> list[tuple[str, str]]:
        return [
            (place.slug, each.address)
            for place in await db.scan(Actor.system(), workspaces.every)
            for each in await db.read(Actor.system(place.workspace_id), mailboxes.every)
        ]

    for slug, address in once(every):
        typer.echo(f"{slug}  {address}")


@mail_app.command("receive")
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
