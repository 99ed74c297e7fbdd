"""`parlour export`: everything of one workspace, for other programs and for those who leave."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from parlour.cli.base import Refused, err, once, settings_now
from parlour.db.database import Database
from parlour.db.new_file import NewFile
from parlour.features.workspaces import service as workspaces
from parlour.files.store import FileStore
from parlour.kernel.access import Actor


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


@contextmanager
def _told() -> Iterator[Callable[[str, int], None]]:
    """What is being written and how much of it there is so far, where somebody watches a terminal."""
    if not err.is_terminal:
        yield lambda _, __: None
        return
    with err.status("Reading …") as status:
        yield lambda what, done: status.update(f"{what}: {done:,}")
