"""`parlour import`, `export` and `erase`: what a team brings and takes along, and what is to be forgotten."""

import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import asdict

from parlour.cli.base import Refused, err, once, settings_now
from parlour.cli.copies import OwnerUrl, as_owner, the_file
from parlour.db.database import Database
from parlour.db.new_file import NewFile
from parlour.features.importing.models import Counts, Problem
from parlour.features.workspaces import service as workspaces
from parlour.files.store import FileStore
from parlour.kernel.access import Actor
from parlour.kernel.addresses import clean_email


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The ZIP archive to make. It must not exist.")],
    workspace: Annotated[str, typer.Option(metavar="SLUG", help="The slug of the workspace.")],
) -> None:
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
        with place.writing() as out, _told() as tell:
            made = Export(db, store, at, tell)
            await made.write(out)
            out.flush()
            with zipfile.ZipFile(place.beside) as whole:
                if broken := whole.testzip():
                    raise Refused(f"{file} was not written as it should be: {broken} cannot be read.")
        return made

    made = once(written)
    for what, count in made.counts.items():
        typer.echo(f"{what:<26} {count:>10,}")
    typer.echo(f"{file} holds all of {workspace} in {file.stat().st_size:,} bytes. It was read once more.")
    if made.missing:
        err.print(f"{made.missing:,} files or mails are not in the store any more.")


def erase(
    workspace: Annotated[str, typer.Option(metavar="SLUG", help="The slug of the workspace.")],
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="Whose words are to go.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much it would be.")] = False,
    owner_url: OwnerUrl = "",
) -> None:
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
        typer.confirm(f"Erase {address} from {workspace}? Nothing brings it back", abort=True)
    with _told() as tell:
        work = erasure.Erasure(begin, here, address, instead, tell)
        counts = work.count() if dry_run else work.run()
    for what, many in asdict(counts).items():
        typer.echo(f"{WHAT[what]:<32} {many:>10,}")
    if dry_run:
        typer.echo("Nothing was changed.")
        return
    typer.echo(f"Where {address} stood, there is {instead} now. Backups that were made before still hold it.")


class Source(StrEnum):
    ZENDESK = "zendesk"
    CHATWOOT = "chatwoot"
    FRESHDESK = "freshdesk"


def bring(
    source: Annotated[Source, typer.Argument(help="The desk that the export is of.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The unpacked export.")],
    workspace: Annotated[str, typer.Option(metavar="SLUG", help="The slug of the workspace to fill.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read, count, and name problems.")] = False,
) -> None:
    """Bring the tickets of another desk into a workspace, with their history; nobody is mailed.

    Done again it brings what is new and doubles nothing. Each problem is a line on standard error.
    docs/importing.md says what is read.
    """
    from parlour.app import make_intake
    from parlour.features.importing import chatwoot, freshdesk, zendesk
    from parlour.features.importing.reading import NoExport
    from parlour.features.importing.run import Import

    _readable(folder)
    read = {Source.ZENDESK: zendesk, Source.CHATWOOT: chatwoot, Source.FRESHDESK: freshdesk}[source].read
    settings = settings_now()

    async def brought(db: Database) -> Counts:
        at = await db.read(Actor.visitor(), workspaces.workspace_at, workspace)
        intake = make_intake(settings)

        def complain(problem: Problem) -> None:
            err.print(f"{problem.about}: {problem.why}", markup=False)

        with _told() as tell:
            work = Import(db, intake, at.workspace_id, source.value, dry_run, tell, complain)
            return await work.run(read(folder))

    try:
        counts = once(brought)
    except NoExport as error:
        raise Refused(str(error)) from None
    for what, many in asdict(counts).items():
        typer.echo(f"{BROUGHT[what]:<32} {many:>10,}")
    typer.echo("Nothing was changed." if dry_run else f"{folder} is in {workspace} now.")


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


@contextmanager
def _told() -> Iterator[Callable[[str, int], None]]:
    """What is being written and how much of it there is so far, where somebody watches a terminal."""
    if not err.is_terminal:
        yield lambda _, __: None
        return
    with err.status("Reading …") as status:
        yield lambda what, done: status.update(f"{what}: {done:,}")
