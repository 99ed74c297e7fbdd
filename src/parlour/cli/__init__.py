"""The command line. Bad input gets one clear sentence and exit code 2, never a traceback."""

import os
import sys
from io import TextIOWrapper

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from parlour import __version__
from parlour.cli.commands import Group, Later
from parlour.cli.refused import refuse_bytes

NAME = "parlour"

COMMANDS = {
    "serve": Later("serving:serve", "Serve the portals, the desk and live rooms, and do the jobs."),
    "demo": Later("serving:demo", "Serve a workspace full of believable tickets."),
    "migrate": Later("database:migrate", "Bring the database to the newest schema."),
    "backup": Later("copies:backup", "Copy everything into FILE; servers go on meanwhile."),
    "restore": Later("copies:restore", "Fill an empty database and the files from FILE."),
    "move": Later("copies:move", "Copy everything from SQLite to PostgreSQL."),
    "import": Later("takeout:bring", "Bring the tickets of another desk into a workspace."),
    "export": Later("takeout:export", "Write all that a workspace holds into FILE."),
    "erase": Later("takeout:erase", "Erase a person from a workspace."),
    "mcp": Later("mcp:mcp", "Let a language model work with tickets, by an API key."),
    "worker": Later("serving:worker", "Run background jobs apart from the web processes."),
    "doctor": Later("doctor:doctor", "Look at everything, and say in sentences what is wrong."),
}
WORKSPACE = {
    "create": Later("people:create_workspace", "Make a workspace."),
    "list": Later("people:list_workspaces", "List the workspaces: id, slug, name."),
}
AGENT = {
    "create": Later("people:create_agent", "Make an account and let it into a workspace."),
    "list": Later("people:list_agents", "List the accounts, and how each stands."),
    "disable": Later("people:disable_agent", "Let nobody in with this account any more."),
    "enable": Later("people:enable_agent", "Let a disabled account in again."),
    "reset-second-factor": Later("people:reset_second_factor", "Turn off a second factor that is lost."),
    "unlock": Later("people:unlock_agent", "Forget an account's wrong tries."),
    "set-password": Later("people:set_password", "Give an account another password."),
}
APIKEY = {
    "create": Later("keys:create_key", "Make a key."),
    "list": Later("keys:list_keys", "List the keys of a workspace."),
    "revoke": Later("keys:revoke_key", "End a key, also in a running server."),
}
MAILBOX = {
    "add": Later("mailboxes:add_mailbox", "Let a workspace get the mail that comes to ADDRESS."),
    "list": Later("mailboxes:list_mailboxes", "List the addresses, and whence their mail is fetched."),
    "stop": Later("mailboxes:stop_fetching", "Fetch the mail of ADDRESS by IMAP no more."),
    "remove": Later("mailboxes:remove_mailbox", "Let mail to ADDRESS become tickets no more."),
    "test": Later("mailboxes:try_mailbox", "Look whether mail can be fetched and sent."),
}
MAIL = {
    "parse": Later("mail:parse_mail", "Print as JSON what Parlour reads in a mail."),
    "receive": Later("mailroom:receive", "Take one mail from the pipe of a mail server."),
    "dkim": Later("dkim:dkim", "Make a DKIM key for DOMAIN and print its DNS record."),
}
JOBS = {
    "waiting": Later("jobs:waiting_jobs", "List the jobs that should have run."),
    "dead": Later("jobs:dead_jobs", "List the jobs that were given up."),
    "retry": Later("jobs:retry_jobs", "Let what was given up run again."),
}
GROUPS = {
    "workspace": Group("Workspaces: a team, a product, a company.", WORKSPACE),
    "agent": Group("The people who answer tickets.", AGENT),
    "apikey": Group("Keys for programs that use the API.", APIKEY),
    "mailbox": Group("The addresses at which workspaces get mail.", MAILBOX),
    "mail": Group("Mails: those that come in, and the signature of those that go out.", MAIL),
    "jobs": Group("Background jobs, such as a mail: those that wait, and those that were given up.", JOBS),
}
SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


def _show_completion(ctx: click.Context, _: click.Parameter, shell: str | None) -> None:
    if shell:
        click.echo(SHELLS[shell](app, {}, NAME, "_PARLOUR_COMPLETE").source())
        ctx.exit()


app = Group("A self-hosted support desk with a live chat room for every ticket.", {**COMMANDS, **GROUPS})
click.version_option(__version__, message="Parlour %(version)s", help="Say which version this is.")(app)
click.option(
    "--show-completion",
    type=click.Choice(tuple(SHELLS)),
    is_eager=True,
    expose_value=False,
    callback=_show_completion,
    help="Print what lets this shell complete commands and options.",
)(app)


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


def main() -> None:
    _say_in_any_encoding()
    try:
        _refuse_bytes()
        app(prog_name=NAME)
    except Exception as error:
        from parlour.cli.sentences import sentence  # it knows the errors of everything

        said = sentence(error)
        if said is None:
            raise
        click.echo(said, err=True)
        raise SystemExit(2) from None
