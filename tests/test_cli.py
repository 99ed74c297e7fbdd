"""The command line as people meet it: one process a command, its words, its exit code."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from parlour.cli import main
from tests.shell import PATIENCE, Shell, sentence

PASSWORD = "correct horse battery"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A data folder with the workspace acme and its owner; tests here only add what is refused."""
    shell = Shell(tmp_path_factory.mktemp("furnished") / "data")
    assert shell.run("workspace", "create", "acme", "--name", "Acme Outdoor").returncode == 0
    assert join(shell, "ada@acme.example", role="owner").returncode == 0
    return shell


def join(
    shell: Shell, email: str, password: str = PASSWORD, workspace: str = "acme", role: str = "agent"
) -> subprocess.CompletedProcess[str]:
    options = ["--workspace", workspace, "--role", role, "--password-stdin"]
    return shell.run("agent", "create", email, *options, typed=f"{password}\n")


def test_an_account_is_unlocked_beside_whatever_counts_its_tries(furnished: Shell) -> None:
    known, unknown = (furnished.run("agent", "unlock", f"{name}@acme.example") for name in ("ada", "ben"))

    assert (known.returncode, known.stdout) == (0, "ada@acme.example may try again at once.\n")
    assert (unknown.returncode, unknown.stderr) == (2, "Nobody signs in as ben@acme.example.\n")


# ------------------------------------------------------------------------------------------ help


def main_says(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int | str | None, str, str]:
    """What the program does with these arguments, in this process: nothing of it gets as far as the data."""
    monkeypatch.setattr(sys, "argv", ["parlour", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("command", "named"),
    [
        ([], ["serve", "demo", "migrate", "worker", "workspace", "agent", "jobs"]),
        (["serve"], ["--host", "--port", "--workers"]),
        (["demo"], ["--port"]),
        (["migrate"], ["newest schema"]),
        (["worker"], ["background jobs"]),
        (["workspace"], ["create"]),
        (["workspace", "create"], ["SLUG", "--name"]),
        (["agent"], ["create"]),
        (["agent", "create"], ["EMAIL", "--workspace", "--role", "--name", "--password-stdin"]),
        (["jobs"], ["waiting", "dead", "retry"]),
    ],
)
def test_help_names_everything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str], named: list[str]
) -> None:
    code, out, _ = main_says([*command, "--help"], monkeypatch, capsys)

    assert code == 0
    assert [name for name in named if name not in out] == []


def test_help_needs_no_data_folder(shell: Shell) -> None:
    helped = shell.run("--help")

    assert (helped.returncode, helped.stderr) == (0, "")
    assert not shell.folder.exists()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        (["nonsense"], "nonsense"),
        (["serve", "--port", "many"], "--port"),
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--workers", "0"], "--workers"),
        (["workspace", "create"], "SLUG"),
        (["workspace", "create", "acme"], "--name"),
        (["agent", "create", "a@acme.example", "--workspace", "acme", "--role", "boss"], "--role"),
        (["jobs", "retry", "the-last-one"], "JOB"),
    ],
)
def test_a_command_that_cannot_be_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], about: str
) -> None:
    code, out, said = main_says(arguments, monkeypatch, capsys)

    assert (code, out) == (2, "")
    assert about in said


# ------------------------------------------------------------------------------------------ making things


def test_a_new_workspaces_id_is_the_last_line(shell: Shell) -> None:
    made = shell.run("workspace", "create", "acme", "--name", "  Acme Outdoor ")
    workspace_id = UUID(made.stdout.splitlines()[-1])

    assert made.returncode == 0
    assert "/support/acme" in made.stdout
    [(stored_id, slug, name)] = shell.rows("SELECT workspace_id, slug, name FROM workspaces")
    assert (UUID(str(stored_id)), slug, name) == (workspace_id, "acme", "Acme Outdoor")


@pytest.mark.parametrize(
    ("slug", "name", "about"),
    [
        ("acme", "Another", "already has this address"),
        ("-Acme!", "Acme", "small letters"),
        ("fine", " ", "1 to 80 characters"),
    ],
)
def test_a_workspace_that_cannot_be_is_refused_with_a_sentence(
    furnished: Shell, slug: str, name: str, about: str
) -> None:
    refused = furnished.run("workspace", "create", "--name", name, "--", slug)

    assert about in sentence(refused)


def test_an_agent_can_be_made_and_belongs_to_the_workspace(furnished: Shell) -> None:
    made = join(furnished, " Ben@Acme.example", role="viewer")
    rows = furnished.rows(
        "SELECT email, name, role, password_hash FROM users JOIN members USING (user_id) "
        "JOIN credentials USING (user_id) WHERE name = 'ben'"
    )

    assert made.returncode == 0
    assert [row[:3] for row in rows] == [("ben@acme.example", "ben", "viewer")]
    assert str(rows[0][3]).startswith("$argon2id$")
    assert PASSWORD not in made.stdout + made.stderr


@pytest.mark.parametrize(
    ("email", "password", "workspace", "about"),
    [
        ("new@acme.example", "short", "acme", "at least 10 characters"),
        ("not an address", PASSWORD, "acme", "email address"),
        ("new@acme.example", PASSWORD, "nowhere", "no support desk at this address"),
        ("ada@acme.example", PASSWORD, "acme", "already belongs"),
    ],
)
def test_an_agent_that_cannot_be_is_refused_with_a_sentence(
    furnished: Shell, email: str, password: str, workspace: str, about: str
) -> None:
    refused = join(furnished, email, password, workspace)

    assert about in sentence(refused)
    assert furnished.rows("SELECT count(*) FROM users WHERE email = 'new@acme.example'") == [(0,)]


LATIN_1 = "J\udcf6rg"  # what Python makes of such bytes


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("arguments", "typed", "environment", "about"),
    [
        (["workspace", "create", "second", "--name", LATIN_1], "", {}, "Argument 5"),
        (["workspace", "create", LATIN_1, "--name", "Second"], "", {}, "Argument 3"),
        (["agent", "create", "a@b.example", "--workspace", "acme", "--role", "agent", "--password-stdin"],
         f"{LATIN_1} und Freunde\n", {}, "The password"),
        (["agent", "create", "a@b.example", "--workspace", "acme", "--role", "agent", "--password-stdin"],
         f"{LATIN_1} und Freunde\n", {"LC_ALL": "C"}, "The password"),
        (["jobs", "dead"], "", {"PARLOUR_DATA_DIR": LATIN_1}, "PARLOUR_DATA_DIR"),
        (["serve"], "", {"PARLOUR_SMTP_URL": f"smtp://me:{LATIN_1}@mail.example"}, "PARLOUR_SMTP_URL"),
        (["move", "--from", f"sqlite:///{LATIN_1}", "--to", "postgresql://a/b"], "", {}, "Argument 3"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text_are_refused_with_a_sentence(
    furnished: Shell, arguments: list[str], typed: str, environment: dict[str, str], about: str
) -> None:
    refused = furnished.run(*arguments, typed=typed, **environment)

    assert "is no text" in sentence(refused)
    assert about in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.sqlite
def test_a_name_that_the_terminal_has_no_letters_for_is_kept_all_the_same(furnished: Shell) -> None:
    made = furnished.run("workspace", "create", "abroad", "--name", "Jörg 家", PYTHONIOENCODING="latin-1")

    assert made.returncode == 0
    assert "\\u5bb6" in made.stdout
    assert furnished.rows("SELECT name FROM workspaces WHERE slug = 'abroad'") == [("Jörg 家",)]


@pytest.mark.sqlite
def test_a_password_is_only_read_from_standard_input(furnished: Shell) -> None:
    options = ["--workspace", "acme", "--role", "agent"]
    refused = furnished.run("agent", "create", "new@acme.example", *options)

    assert "--password-stdin" in sentence(refused)


@pytest.mark.sqlite
@pytest.mark.parametrize("option", [["--password-stdin"], []], ids=["asked for", "in a terminal"])
def test_a_password_typed_in_a_terminal_is_asked_for_twice_and_never_shown(
    furnished: Shell, option: list[str]
) -> None:
    email = f"typist{len(option)}@acme.example"
    command = ["agent", "create", email, "--workspace", "acme", "--role", "agent", *option]
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "r+b", buffering=0) as screen, os.fdopen(theirs, "r+b", buffering=0) as terminal:
        running = furnished.start(*command, terminal=terminal)
        shown = b""
        for prompt in (b"Password: ", b"confirmation: "):
            while prompt not in shown:
                shown += screen.read(4096)
            screen.write(PASSWORD.encode() + b"\n")
        while b"may now work" not in shown:
            shown += screen.read(4096)
        assert running.wait(PATIENCE) == 0

    assert PASSWORD.encode() not in shown


def test_an_agent_of_two_workspaces_keeps_the_first_password(furnished: Shell) -> None:
    ada = "SELECT password_hash FROM users JOIN credentials USING (user_id) WHERE email = 'ada@acme.example'"
    before = furnished.rows(ada)
    furnished.run("workspace", "create", "second", "--name", "Second")
    again = join(furnished, "ada@acme.example", "another password", "second")

    assert again.returncode == 0
    assert "its password stays as it was" in again.stdout
    assert furnished.rows(ada) == before


def test_jobs_that_were_given_up_can_be_listed_and_run_again(furnished: Shell) -> None:
    none = furnished.run("jobs", "dead")
    refused = furnished.run("jobs", "retry", "00000000-0000-7000-8000-000000000000")

    assert (none.returncode, none.stderr) == (0, "No job was given up.\n")
    assert sentence(refused) == "We could not find that."


# ------------------------------------------------------------------------------------------ the database


@pytest.mark.sqlite
def test_migrating_twice_is_as_good_as_once(shell: Shell) -> None:
    for _ in range(2):
        done = shell.run("migrate")

        assert (done.returncode, done.stdout) == (0, "The database has the newest schema.\n")


@pytest.mark.sqlite
@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["migrate"]])
def test_a_database_newer_than_the_program_is_left_alone(shell: Shell, command: list[str]) -> None:
    shell.folder.mkdir(mode=0o700)
    shell.rows("CREATE TABLE alembic_version (version_num TEXT)")
    shell.rows("INSERT INTO alembic_version VALUES ('9999')")
    for path in shell.folder.iterdir():
        path.chmod(0o600)
    refused = shell.run(*command)

    assert "A newer Parlour made this database" in sentence(refused)
    assert shell.rows("SELECT name FROM sqlite_master") == [("alembic_version",)]
    assert shell.rows("SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("name", "value", "about"),
    [
        ("PARLOUR_BASE_URL", "desk.example", "PARLOUR_BASE_URL"),
        ("PARLOUR_DATABASE_URL", "mysql://localhost/parlour", "PARLOUR_DATABASE_URL"),
        ("PARLOUR_DATABASE_URL", "sqlite:////proc/nowhere/parlour.db", "/proc/nowhere"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_with_a_sentence(
    shell: Shell, name: str, value: str, about: str
) -> None:
    refused = shell.run("serve", "--port", "0", **{name: value})

    assert about in sentence(refused)


@pytest.mark.sqlite
def test_a_data_folder_that_cannot_be_made_is_refused_with_a_sentence(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = shell.run("migrate", PARLOUR_DATA_DIR=str(tmp_path / "file" / "data"))

    assert "PARLOUR_DATA_DIR" in sentence(refused)


TOO_LONG = "a" * 300
"""No file system takes such a name."""


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("command", "environment"),
    [
        (["backup", f"{TOO_LONG}.backup"], {}),
        (["backup", "new.backup"], {"PARLOUR_DATABASE_URL": f"sqlite:///{TOO_LONG}.db"}),
        (["restore", f"{TOO_LONG}.backup"], {}),
        (["move", "--from", f"sqlite:///{TOO_LONG}.db", "--to", "postgresql://a:b@127.0.0.1:1/new"], {}),
        (["workspace", "list"], {"PARLOUR_DATA_DIR": TOO_LONG}),
        (["serve", "--port", "0"], {"PARLOUR_DATABASE_URL": f"sqlite:///{TOO_LONG}.db"}),
    ],
)
def test_a_place_that_cannot_be_looked_at_is_said_so(
    shell: Shell, command: list[str], environment: dict[str, str]
) -> None:
    shell.folder.mkdir()

    assert "File name too long" in sentence(shell.run(*command, **environment))


@pytest.mark.sqlite
def test_a_file_that_is_no_database_is_refused_with_a_sentence(shell: Shell) -> None:
    shell.folder.mkdir()
    (shell.folder / "parlour.db").write_bytes(b"These are my notes, not a database. " * 200)
    refused = shell.run("migrate")

    assert "cannot be opened: file is not a database" in sentence(refused)
    assert (shell.folder / "parlour.db").read_bytes().startswith(b"These are my notes")


# ------------------------------------------------------------------------------------------ people


def test_accounts_are_listed_disabled_enabled_and_given_another_password(furnished: Shell) -> None:
    join(furnished, "ben@acme.example", role="viewer")
    disabled = furnished.run("agent", "disable", "ben@acme.example")
    listed = furnished.run("agent", "list")
    enabled = furnished.run("agent", "enable", "ben@acme.example")
    options = ["ben@acme.example", "--password-stdin"]
    changed = furnished.run("agent", "set-password", *options, typed="a quiet long evening\n")
    lifted = furnished.run("agent", "reset-second-factor", "ben@acme.example")
    places = furnished.run("workspace", "list")

    assert "is disabled" in disabled.stdout
    assert "ben@acme.example  1  password alone  disabled  ben" in listed.stdout
    assert "may sign in again" in enabled.stdout
    assert "has a new password" in changed.stdout
    assert "as before" in lifted.stdout
    assert "  acme  " in places.stdout


@pytest.mark.parametrize("command", ["disable", "enable", "reset-second-factor"])
def test_an_account_that_is_not_there_is_said_so(furnished: Shell, command: str) -> None:
    assert "Nobody has an account" in sentence(furnished.run("agent", command, "nobody@acme.example"))


def test_a_weak_password_is_refused_for_an_account_too(furnished: Shell) -> None:
    join(furnished, "ben@acme.example")
    refused = furnished.run("agent", "set-password", "ben@acme.example", "--password-stdin", typed="short\n")

    assert "at least 10 characters" in sentence(refused)
