"""`parlour mailbox`: where mail comes in, and whether it does."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

from parlour.cli.base import at_workspace, once, settings_now
from parlour.cli.refused import Refused, line_from_stdin, refuse_bytes
from parlour.db.database import Database
from parlour.features.mailroom import accounts
from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.models import Standing
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import Mailbox
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.outbound.addresses import Reach
from parlour.settings import Settings

an_address = click.argument("address", help="For example support@example.com.")


@click.command
@an_address
@at_workspace
@click.option(
    "--imap-url",
    metavar="URL",
    help="Fetch its mail from there: imaps://mail.example.com, or imap+starttls://…, with user@ if "
    "the user is not ADDRESS itself, and /FOLDER if it is not INBOX.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Fetch also what came since that day; else only what comes from now on.",
)
@click.option(
    "--password-stdin/--no-password-stdin", default=False, help="Read the mailbox's password from stdin."
)
@click.option(
    "--password-file", type=Path, metavar="FILE", help="Read the mailbox's password from this file."
)
def add_mailbox(
    address: str,
    workspace: str,
    imap_url: str | None,
    since: datetime | None,
    password_stdin: bool,
    password_file: Path | None,
) -> None:
    """Let a workspace get the mail that comes to ADDRESS. Answers are asked back to its first address.

    Without --imap-url a mail server brings it (see parlour mail receive). With it, for an address that the
    workspace has already, it sets where and with which password it is fetched.

    Mailboxes at Google and Microsoft whose owner signs in there are connected in Settings, Mail.
    """
    if imap_url:
        password = _password(password_file, from_stdin=password_stdin)
        beginning = since.replace(tzinfo=UTC) if since else None
        made, count = once(lambda db: _fetch(db, address, workspace, imap_url, password, beginning))
        click.echo(f"Mails that lie there: {count:,}. What is fetched stays there, too, as it is.")
    else:
        made = once(lambda db: _in_workspace(db, workspace, mailboxes.add, address))
    click.echo(f"Mail to {made.address} becomes tickets of {workspace}.")


def _password(file: Path | None, *, from_stdin: bool) -> str:
    """Never from the command line, which other users of the machine can read. Raises Refused."""
    if file is not None:
        try:
            password = file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{file} cannot be read: {getattr(error, 'strerror', 'it is no text')}.") from None
    elif from_stdin:
        password = line_from_stdin("The password")
    elif sys.stdin is not None and sys.stdin.isatty():
        password = str(click.prompt("Password of the mailbox", hide_input=True, err=True))
    else:
        raise Refused("Give the mailbox's password with --password-stdin or --password-file.")
    refuse_bytes("The password", password)
    if not password:
        raise Refused("The password is empty.")
    return password


async def _in_workspace(db: Database, slug: str, add: Callable[..., Mailbox], *values: object) -> Mailbox:
    place = await db.read(Actor.visitor(), workspaces.workspace_at, slug)
    return await db.write(Actor.system(place.workspace_id), add, *values)


async def _fetch(
    db: Database, address: str, slug: str, url: str, password: str, since: datetime | None
) -> tuple[Mailbox, int]:
    """Look into it first: nothing is stored that does not work. Raises Refused."""
    from parlour.features.mailroom.fetching.looking import look_into  # with the libraries that it needs
    from parlour.mail.imap import BadServer, Server, ServerTrouble

    try:
        server = Server.at(url, address)
        found = await look_into(server, password, since=since)
    except (BadServer, ServerTrouble) as error:
        raise Refused(str(error)) from None
    keys = fetching.keyring(settings_now().secret_keys)
    facts = (address, server.url, password, keys, found.place, since or clock.now())
    return await _in_workspace(db, slug, fetching.fetch_from, *facts), found.count


@click.command
def list_mailboxes() -> None:
    """List the addresses: workspace, address; and of those that are fetched from where, and how that goes."""
    for slug, mailbox, standing in once(_every):
        line = f"{slug}  {mailbox.address}"
        click.echo(f"{line}  {_shown(standing)}" if standing else line)


async def _every(db: Database) -> list[tuple[str, Mailbox, Standing | None]]:
    found = []
    for place in await db.scan(Actor.system(), workspaces.every):
        system = Actor.system(place.workspace_id)
        fetched = await db.read(system, fetching.standings)
        for each in await db.read(system, mailboxes.every):
            found.append((place.slug, each, fetched.get(each.mailbox_id)))  # noqa: PERF401 two loops read better
    return found


def _shown(standing: Standing) -> str:
    looked = f"{standing.url}  last looked into {standing.looked_at:%Y-%m-%d %H:%M:%S} UTC"
    if standing.error:
        return f"{looked}  FAILS: {standing.error}"
    return f"{looked}  SILENT: does a server or a worker run?" if standing.is_silent else looked


@click.command
@an_address
def stop_fetching(address: str) -> None:
    """Fetch the mail of ADDRESS by IMAP no more. It stays the workspace's address; what came stays, too."""

    async def stop(db: Database) -> None:
        mailbox = await _at(db, address)
        await db.write(Actor.system(mailbox.workspace_id), fetching.stop, mailbox.mailbox_id)

    once(stop)
    click.echo(f"Mail to {address} is not fetched any more.")


@click.command
@an_address
def remove_mailbox(address: str) -> None:
    """Let mail to ADDRESS become tickets no more. What came stays."""

    async def remove(db: Database) -> None:
        mailbox = await _at(db, address)
        await db.write(Actor.system(mailbox.workspace_id), accounts.remove, mailbox.mailbox_id)

    once(remove)
    click.echo(f"Mail to {address} becomes tickets no more.")


async def _at(db: Database, address: str) -> Mailbox:
    found = await db.read(Actor.system(), mailboxes.with_addresses, [address.strip().lower()])
    if not found:
        raise Refused(f"No workspace gets mail at {address} (see parlour mailbox list).")
    return found[0]


@click.command
@an_address
def try_mailbox(address: str) -> None:
    """Look whether mail of ADDRESS can be fetched, and whether mail can be sent. Fetches and sends nothing.

    Ends with 1 when something is wrong.
    """

    async def look(db: Database) -> list[tuple[bool, str]]:
        settings = settings_now()
        return [await _way_in(db, await _at(db, address), settings), await _way_out(settings)]

    found = once(look)
    for right, sentence in found:
        click.echo(f"{'ok   ' if right else 'wrong'} {sentence}")
    raise SystemExit(0 if all(right for right, _ in found) else 1)


async def _way_in(db: Database, mailbox: Mailbox, settings: Settings) -> tuple[bool, str]:
    from parlour.features.mailroom.fetching.looking import tried
    from parlour.features.mailroom.fetching.opening import Opener
    from parlour.kernel.keyring import Unreadable
    from parlour.mail.imap import ServerTrouble

    keys, reach = fetching.keyring(settings.secret_keys), Reach(settings.mailboxes_private)
    try:
        server, count = await tried(db, mailbox, Opener(db, keys, reach, settings.oauth), reach)
    except fetching.NotFetched:
        return (
            True,
            "In: nothing is fetched; your mail server brings the mail (parlour mail receive, or SMTP).",
        )
    except Unreadable:
        return False, f"In: {fetching.NO_KEY}"
    except ServerTrouble as trouble:
        return False, f"In: {trouble}"
    return True, f"In: {server.host} lets {server.user} in; {count:,} mails lie in {server.folder}."


async def _way_out(settings: Settings) -> tuple[bool, str]:
    from parlour.mail.send import SmtpMailer

    if settings.smtp_url is None:
        return False, f"Out: PARLOUR_SMTP_URL is not set: mails become files in {settings.mail_folder}."
    host = urlsplit(settings.smtp_url).hostname
    try:
        await SmtpMailer(settings.smtp_url, settings.mail_from).look_in()
    except Exception as error:
        return False, f"Out: {host} does not let us send: {str(error) or type(error).__name__}."
    return True, f"Out: {host} lets us in; mails come from {settings.mail_from}."
