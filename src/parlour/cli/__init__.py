"""The command line. Bad input gets one clear sentence and exit code 2, never a traceback."""

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from parlour import __version__
from parlour.cli import copies, database, serving, takeout
from parlour.cli.base import Refused, err, refuse_bytes
from parlour.cli.dkim import dkim
from parlour.cli.doctor import doctor
from parlour.cli.jobs import jobs_app
from parlour.cli.keys import apikey_app
from parlour.cli.mail import mail_app
from parlour.cli.mailboxes import mailbox_app
from parlour.cli.mailroom import receive
from parlour.cli.mcp import mcp
from parlour.cli.people import agent_app, workspace_app
from parlour.db.backup.rows import BackupUnusable
from parlour.db.database import DatabaseUnusable
from parlour.db.migrate import SchemaTooNew
from parlour.db.new_file import Unwritable
from parlour.db.sqlite.file import DataFolderInUse
from parlour.features.accounts.passwords import MIN_LENGTH
from parlour.kernel.errors import DomainError, Invalid
from parlour.settings import BadSetting

app = typer.Typer(
    name="parlour",
    help="A self-hosted support desk with a live chat room for every ticket.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"Parlour {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """A self-hosted support desk with a live chat room for every ticket."""


app.command()(serving.serve)
app.command("demo")(serving.run_demo)
app.command()(database.migrate)
app.command()(copies.backup)
app.command()(copies.restore)
app.command()(copies.move)
app.command("import")(takeout.bring)
app.command()(takeout.export)
app.command()(takeout.erase)
app.command()(mcp)
app.command()(serving.worker)
app.command()(doctor)
app.add_typer(workspace_app, name="workspace")
app.add_typer(agent_app, name="agent")
app.add_typer(apikey_app, name="apikey")
app.add_typer(mailbox_app, name="mailbox")
mail_app.command("receive")(receive)
mail_app.command("dkim")(dkim)
app.add_typer(mail_app, name="mail")
app.add_typer(jobs_app, name="jobs")

PROBLEMS = {
    "slug": "A slug is 1 to 48 small letters, digits and hyphens, with no hyphen at either end.",
    "name": "The name needs 1 to 80 characters.",
    "email": "That is not an email address.",
    "role": "A program is a viewer, an agent or an admin.",
    "form": "There are as many of these already as there can be.",
}
PASSWORDS = {
    "short": f"The password needs at least {MIN_LENGTH} characters.",
    "long": "The password is too long.",
    "common": "This password is among the first that get tried: choose another.",
    "email": "The password must not be the email address.",
    "product": "The password must be more than the name of this program.",
    "yours": "The password must be more than the name, the address or the workspace.",
}


REFUSALS = (
    *(Refused, BadSetting, DomainError),
    *(DatabaseUnusable, DataFolderInUse, SchemaTooNew, BackupUnusable, Unwritable),
)


def _refuse_bytes() -> None:
    """What the system handed over has to be text: a name in another encoding could be kept nowhere."""
    given = {f"Argument {number}": said for number, said in enumerate(sys.argv[1:], 1)}
    given |= {name: said for name, said in os.environ.items() if name.startswith("PARLOUR_")}
    for what, said in given.items():
        refuse_bytes(what, said)


def _say_in_any_encoding() -> None:
    """A terminal that lacks a letter shows its number: the thing itself has been done."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _sentence(error: Exception) -> str:
    if type(error) is Invalid:  # the others have a sentence of their own
        told = {**PROBLEMS, "password": PASSWORDS.get(error.problems.get("password", ""), "")}
        return " ".join(told.get(field, field) for field in error.problems)
    return error.message if isinstance(error, DomainError) else str(error)


def main() -> None:
    _say_in_any_encoding()
    try:
        _refuse_bytes()
        app()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except REFUSALS as error:
        err.print(_sentence(error), markup=False)
        raise SystemExit(2) from None
