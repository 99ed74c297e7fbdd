"""`parlour import`, `export` and `erase`: what a team brings and takes along, and what is to be forgotten."""

import sys
import zipfile
from pathlib import Path

import click
from msgspec.structs import asdict

from parlour.cli.base import at_workspace, once, settings_now
from parlour.cli.copies import as_owner, by_owner, the_file
from parlour.cli.progress import Progress
from parlour.cli.refused import Refused
from parlour.db.database import Database
from parlour.db.new_file import NewFile
from parlour.features.importing.models import Counts, Problem
from parlour.features.workspaces import service as workspaces
from parlour.files.store import FileStore
from parlour.kernel.access import Actor
from parlour.kernel.addresses import clean_email


@click.command
@click.argument("file", type=Path, help="The ZIP archive to make. It must not exist.")
@at_workspace
def export(file: Path, workspace: str) -> None:
    """Write all that a workspace holds into FILE, as JSON Lines and files; servers go on meanwhile.

    For other programs, and for a team that moves on: docs/export.md says what stands where. It holds no
    passwords and no keys. What `parlour restore` takes is made by `parlour backup`.
    """
    from parlour.features.takeout.archive import Export

    place = NewFile(file, "an export")
    place.refuse_an_impossible_place()
    store = FileStore.at(settings_now().files_url)

    async def written(db: Database) -> Export:
        at = await db.read(Actor.visitor(), workspaces.workspace_at, workspace)
        with place.writing() as out, Progress() as tell:
            made = Export(db, store, at, tell)
            await made.write(out)
            out.flush()
            with zipfile.ZipFile(place.beside) as whole:
                if broken := whole.testzip():
                    raise Refused(f"{file} was not written as it should be: {broken} cannot be read.")
        return made

    made = once(written)
    for what, count in made.counts.items():
        click.echo(f"{what:<26} {count:>10,}")
    click.echo(f"{file} holds all of {workspace} in {file.stat().st_size:,} bytes. It was read once more.")
    for left in place.left_beside():
        click.echo(left, err=True)
    if made.missing:
        click.echo(f"{made.missing:,} files or mails are not whole in the store any more.", err=True)


@click.command
@at_workspace
@click.option("--email", required=True, metavar="ADDRESS", help="Whose words are to go.")
@click.option("--dry-run", is_flag=True, help="Only say how much it would be.")
@by_owner
def erase(workspace: str, email: str, dry_run: bool, owner_url: str | None) -> None:
    """Erase a person: their words, files, mails and names in one workspace. How much there was stays.

    All that was said in their tickets goes, whoever said it, and the tickets are closed; in the tickets of
    others, what they wrote. Servers go on meanwhile; if it is broken off, do it again. docs/erasing.md says
    what it cannot reach: above all backups that were made before.
    """
    from parlour.db import erasure, owner

    settings = settings_now()
    address = clean_email(email)
    if address is None:
        raise Refused(f"{email} is no email address.")
    if settings.is_postgresql:
        begin = owner.on_postgresql(as_owner(settings, owner_url))
    else:
        begin = owner.on_sqlite(the_file(settings, owner_url))
    here = erasure.workspace_at(begin, workspace)
    if here is None:
        raise Refused(f"There is no workspace {workspace}.")
    instead = erasure.pseudonym(settings.secret_key, here, address)
    if not dry_run and sys.stdin.isatty():
        click.confirm(f"Erase {address} from {workspace}? Nothing brings it back", abort=True)
    with Progress() as tell:
        work = erasure.Erasure(begin, here, address, instead, tell)
        counts = work.count() if dry_run else work.run()
    for what, many in asdict(counts).items():
        click.echo(f"{WHAT[what]:<32} {many:>10,}")
    if dry_run:
        click.echo("Nothing was changed.")
        return
    click.echo(f"Where {address} stood, there is {instead} now. Backups that were made before still hold it.")


SOURCES = ("zendesk", "chatwoot", "freshdesk")


@click.command
@click.argument(
    "source", type=click.Choice(SOURCES), metavar="SOURCE", help=f"Whose export it is: {', '.join(SOURCES)}."
)
@click.argument("folder", type=Path, help="The unpacked export.")
@click.option("--workspace", required=True, metavar="SLUG", help="The slug of the workspace to fill.")
@click.option("--dry-run", is_flag=True, help="Only read, count, and name problems.")
def bring(source: str, folder: Path, workspace: str, dry_run: bool) -> None:
    """Bring the tickets of another desk into a workspace, with their history; nobody is mailed.

    Done again it brings what is new and doubles nothing. Each problem is a line on standard error.
    docs/importing.md says what is read.
    """
    from parlour.app import make_intake
    from parlour.features.importing import chatwoot, freshdesk, zendesk
    from parlour.features.importing.reading import NoExport
    from parlour.features.importing.run import Import

    _readable(folder)
    read = {"zendesk": zendesk, "chatwoot": chatwoot, "freshdesk": freshdesk}[source].read
    settings = settings_now()

    async def brought(db: Database) -> Counts:
        at = await db.read(Actor.visitor(), workspaces.workspace_at, workspace)
        intake = make_intake(settings)

        with Progress() as tell:

            def complain(problem: Problem) -> None:
                tell.aside(f"{problem.about}: {problem.why}")

            work = Import(db, intake, at.workspace_id, source, dry_run, tell, complain)
            return await work.run(read(folder))

    try:
        counts = once(brought)
    except NoExport as error:
        raise Refused(str(error)) from None
    for what, many in asdict(counts).items():
        click.echo(f"{BROUGHT[what]:<32} {many:>10,}")
    click.echo("Nothing was changed." if dry_run else f"{folder} is in {workspace} now.")


def _readable(folder: Path) -> None:
    """Raises Refused."""
    try:
        if not folder.is_dir():
            raise Refused(f"There is no folder {folder}.")
        next(folder.iterdir(), None)
    except OSError as error:
        raise Refused(f"{folder} cannot be read: {error.strerror}.") from None


BROUGHT = {
    "tickets": "tickets",
    "known": "tickets that were here already",
    "messages": "messages",
    "notes": "notes",
    "files": "files",
    "people": "people",
    "tags": "tags that were not here yet",
    "problems": "problems, named above",
}
WHAT = {
    "tickets": "tickets",
    "messages": "messages and notes in them",
    "files": "files",
    "elsewhere": "messages in tickets of others",
    "mails": "mails",
    "contacts": "contacts",
}
