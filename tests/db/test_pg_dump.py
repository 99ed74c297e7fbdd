"""PostgreSQL's own dump, as docs/postgresql.md has it: forced row security must not keep rows from it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.db.place import Place
from tests.servers import POSTGRESQL

pytestmark = pytest.mark.postgresql

GUIDE = Path(__file__).parents[2] / "docs/postgresql.md"
COUNTS = "SELECT (SELECT count(*) FROM workspaces), (SELECT count(*) FROM members)"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """With a workspace and its owner."""
    place = Place(tmp_path)
    place.migrate()
    place.shell.run("workspace", "create", "acme", "--name", "Acme")
    options = ("--workspace", "acme", "--role", "owner", "--password-stdin")
    place.shell.run("agent", "create", "ada@acme.example", *options, typed="correct horse battery\n")
    yield place
    place.server.drop(place.name)
    with place.server.admin_connection() as admin:
        admin.execute(f'DROP ROLE IF EXISTS "{place.role}"'.encode())


def guided(program: str, url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """The guide's own line, with our address and folder."""
    [line] = re.findall(rf"^ *({program} --.*)$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    words = re.sub(r"'postgresql://[^']*'", url, line).replace("parlour.dump", str(folder / "parlour.dump"))
    bin_folder = POSTGRESQL.path()
    assert bin_folder is not None
    name, *rest = words.split()
    return subprocess.run(
        [str(bin_folder.resolve().with_name(name)), *rest],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_owners_dump_holds_every_row_and_is_restored(place: Place, tmp_path: Path) -> None:
    fresh = f"{place.name}_restored"
    dumped = guided("pg_dump", place.owner_url, tmp_path)
    place.server.create(fresh, "template0")
    try:
        admin_url = f"postgresql://postgres@127.0.0.1:{place.server.port}/{fresh}"
        restored = guided("pg_restore", admin_url, tmp_path)
        with place.server.admin_connection(fresh) as admin:
            counts = admin.execute(COUNTS).fetchall()
        there = place.shell.environment["PARLOUR_DATABASE_URL"].replace(place.name, fresh)
        second = place.shell.run("workspace", "create", "b", "--name", "B", PARLOUR_DATABASE_URL=there)
    finally:
        place.server.drop(fresh)

    assert (dumped.returncode, dumped.stderr) == (0, "")
    assert (restored.returncode, restored.stderr) == (0, "")
    assert counts == [(1, 1)]
    assert second.returncode == 0, second.stderr


def test_without_that_option_the_server_refuses(place: Place, tmp_path: Path) -> None:
    """Hence the option."""
    program = POSTGRESQL.path()
    assert program is not None
    command = [str(program.resolve().with_name("pg_dump")), f"--file={tmp_path / 'dump'}", place.owner_url]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert refused.returncode == 1
    assert "row-level security" in refused.stderr
