"""Where commands look for the data, and what they make there."""

from pathlib import Path

import pytest

from tests.shell import Shell, sentence


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


COMMANDS = {
    "workspace create": ["workspace", "create", "acme", "--name", "Acme"],
    "agent create": [
        "agent",
        "create",
        "a@b.example",
        "--workspace",
        "acme",
        "--role",
        "agent",
        "--password-stdin",
    ],
    "jobs dead": ["jobs", "dead"],
    "jobs retry": ["jobs", "retry", "01a21876-0000-7000-8000-000000000000"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_nothing_is_made_where_nobody_said_to(shell: Shell, command: list[str], tmp_path: Path) -> None:
    refused = shell.run(
        *command, typed="correct horse battery\n", PARLOUR_DATA_DIR="", PARLOUR_DATABASE_URL=""
    )

    assert "PARLOUR_DATA_DIR" in sentence(refused)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", [command for name, command in COMMANDS.items() if name != "workspace create"]
)
def test_a_misspelt_folder_is_not_taken_for_a_desk(shell: Shell, command: list[str], tmp_path: Path) -> None:
    elsewhere = tmp_path / "parlor"
    refused = shell.run(
        *command, typed="correct horse battery\n", PARLOUR_DATA_DIR=str(elsewhere), PARLOUR_DATABASE_URL=""
    )

    assert str(elsewhere) in sentence(refused)
    assert not elsewhere.exists()


def test_the_first_workspace_may_make_the_desk_and_says_that_it_did(shell: Shell) -> None:
    made = shell.run("workspace", "create", "acme", "--name", "Acme", PARLOUR_DATABASE_URL="")
    again = shell.run("workspace", "create", "other", "--name", "Other", PARLOUR_DATABASE_URL="")

    assert (made.returncode, again.returncode) == (0, 0)
    assert str(shell.folder / "parlour.db") in made.stderr
    assert again.stderr == ""


def test_where_a_setting_is_wrong_no_desk_is_said_to_be_made(shell: Shell) -> None:
    command = COMMANDS["workspace create"]
    refused = shell.run(*command, PARLOUR_DATABASE_URL="", PARLOUR_FILES_QUOTA="30MB")

    assert sentence(refused).startswith("PARLOUR_FILES_QUOTA must be")
    assert not shell.folder.exists()
