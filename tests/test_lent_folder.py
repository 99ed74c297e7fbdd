"""A command that root runs in the data folder of the user that the server runs as."""

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from parlour.cli.lent import give_back
from tests.shell import Shell

SERVICE = 65534
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Only root makes files that others cannot open.")


def owners(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_uid for path in folder.rglob("*")}


@pytest.mark.sqlite
def test_what_is_restored_belongs_to_the_service(tmp_path: Path) -> None:
    old, new = Shell(tmp_path / "old"), Shell(tmp_path / "new")
    assert old.run("workspace", "create", "acme", "--name", "Acme").returncode == 0
    assert old.run("backup", str(tmp_path / "backup")).returncode == 0
    new.folder.mkdir(mode=0o700)
    os.chown(new.folder, SERVICE, SERVICE)

    restored = new.run("restore", str(tmp_path / "backup"))

    assert restored.returncode == 0, restored.stderr
    made = owners(new.folder)
    assert {"parlour.db", "parlour.lock", "secret_key", "files"} <= set(made)
    assert set(made.values()) == {SERVICE}
    assert (tmp_path / "backup").stat().st_uid == 0


def test_what_a_refused_command_has_made_belongs_to_the_service(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    shell.folder.mkdir(mode=0o700)
    os.chown(shell.folder, SERVICE, SERVICE)

    refused = shell.run("restore", str(tmp_path / "nothing"))

    assert refused.returncode == 2
    assert set(owners(shell.folder).values()) == {SERVICE}


def test_nothing_outside_is_given_away(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "data"
    outside.mkdir()
    folder.mkdir()
    os.chown(folder, SERVICE, SERVICE)
    (outside / "file").write_text("root's")
    (folder / "link").symlink_to(outside / "file")
    (folder / "way").symlink_to(outside)
    (folder / "second name").hardlink_to(outside / "file")

    give_back(folder)

    assert set(owners(outside).values()) == {0}
    assert outside.stat().st_uid == 0


def test_nor_is_what_the_folders_owner_puts_under_a_name_that_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "data"
    outside.write_text("root's")
    folder.mkdir()
    os.chown(folder, SERVICE, SERVICE)
    (folder / "file").write_text("made by root")

    def looked_at(look: Callable[..., os.stat_result], *what: Any, **how: Any) -> os.stat_result:
        found = look(*what, **how)
        if stat.S_ISREG(found.st_mode):
            (folder / "file").unlink()
            (folder / "file").hardlink_to(outside)
        return found

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(os, "stat", partial(looked_at, os.stat))
        meanwhile.setattr(os, "fstat", partial(looked_at, os.fstat))
        give_back(folder)

    assert (folder / "file").samefile(outside)
    assert outside.stat().st_uid == 0


def test_a_folder_of_roots_own_stays_so(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")

    assert shell.run("workspace", "create", "acme", "--name", "Acme").returncode == 0
    assert set(owners(shell.folder).values()) == {0}
