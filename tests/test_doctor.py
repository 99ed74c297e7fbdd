"""`parlour doctor`: a sentence for what is wrong, and nothing wrong said of a desk that is well."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests import postgres_server
from tests.clamd_server import STREAM_LIMIT, ClamdServer
from tests.ports import free_port
from tests.post_office import PostOffice
from tests.postgres_server import ON_POSTGRESQL
from tests.shell import Shell, sentence


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A desk whose files nobody else can read."""
    before = os.umask(0o077)
    shell = Shell(tmp_path / "data")
    assert shell.run("workspace", "create", "acme", "--name", "Acme").returncode == 0
    yield shell
    os.umask(before)


def said(shell: Shell, **environment: str) -> tuple[int, list[str]]:
    """The exit code, and the lines; a remedy stands at the end of its finding's line."""
    done = shell.run("doctor", **environment)
    assert done.stderr == ""
    lines = done.stdout.replace("\n      ", " ").splitlines()
    return done.returncode, [line.strip() for line in lines]


def wrongs(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("wrong")]


def others(lines: list[str]) -> list[str]:
    """What is wrong but for the database server of these tests, which does not sync."""
    return [line for line in wrongs(lines) if not line.startswith("wrong durability")]


def test_a_desk_that_is_well_ends_with_0_and_says_what_is_in_force(shell: Shell) -> None:
    code, lines = said(shell, PARLOUR_LOG_FORMAT="json")

    assert others(lines) == []
    assert (code, lines[-1]) == (0, "Nothing is wrong.") or ON_POSTGRESQL
    assert f"ok    PARLOUR_DATA_DIR: {shell.folder}" in lines
    assert "ok    PARLOUR_LOG_FORMAT: json" in lines
    assert any("PARLOUR_BASE_URL: http://127.0.0.1:8000 (by default)" in line for line in lines)
    for about in ("database", "clock", "jobs", "files", "bus"):
        assert any(line.startswith(f"ok    {about}:") for line in lines), about


def test_nothing_that_is_secret_is_shown(shell: Shell) -> None:
    secrets = {
        "PARLOUR_SECRET_KEY": "the key that nobody may ever see",
        "PARLOUR_SMTP_URL": "smtp://ada:s3cret-word@127.0.0.1:9",
        "PARLOUR_REDIS_URL": "redis://:s3cret-word@127.0.0.1:9/0",
        "PARLOUR_OAUTH_GOOGLE": "client-at-google:s3cret-word",
    }
    _, lines = said(shell, **secrets)

    assert not any("nobody may ever see" in line or "s3cret" in line for line in lines)
    assert any("client-at-google:(hidden)" in line for line in lines)


@pytest.mark.sqlite
def test_an_ipv6_address_is_looked_at_on_the_port_of_its_scheme(shell: Shell) -> None:
    _, lines = said(shell, PARLOUR_BASE_URL="http://[::1]")
    [line] = [each for each in lines if " address: " in each]

    assert line.startswith("note  address: http://[::1]/healthz does not answer from here: ")
    assert "Name or service not known" not in line, "it asked for a host by the name of a colon"


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header("Location", "https://elsewhere.example/")
        self.end_headers()


@pytest.mark.sqlite
def test_an_address_that_leads_elsewhere_is_told_from_one_that_is_silent(shell: Shell) -> None:
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        answering = Thread(target=server.serve_forever)
        answering.start()
        url = f"http://127.0.0.1:{server.server_port}"
        _, lines = said(shell, PARLOUR_BASE_URL=url)
        server.shutdown()
        answering.join()

    assert any(f"{url}/healthz is answered with 301, and not by Parlour." in line for line in lines)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "given",
    [
        "redis://127.0.0.1:9/0?password=s3cret-word",
        "redis://127.0.0.1:9/0?db=1&PASSWORD=s3cret-word&timeout=2",
        "rediss://:s3cret-word@127.0.0.1:9/0?ssl_password=s3cret-word",
    ],
)
def test_a_password_behind_the_question_mark_is_not_shown(shell: Shell, given: str) -> None:
    _, lines = said(shell, PARLOUR_REDIS_URL=given)
    [shown] = [line for line in lines if "PARLOUR_REDIS_URL:" in line]

    assert "s3cret" not in "".join(lines)
    assert "(hidden)" in shown
    assert "127.0.0.1:9/0" in shown


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("PARLOUR_BASEURL", "https://support.example", "PARLOUR_BASE_URL"),
        ("PARLOUR_LOG_FORMAT", "xml", "text or json"),
        ("PARLOUR_BASE_URL", "http://support.example", "https://"),
        ("PARLOUR_SMTP_URL", "smtp://127.0.0.1:9", "does not let us send"),
        ("PARLOUR_REDIS_URL", "redis://127.0.0.1:9/0", "Redis cannot be used"),
        ("PARLOUR_FILES_URL", "/proc", "does not keep files"),
        ("PARLOUR_CLAMD", "127.0.0.1:9", "nothing is scanned"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said(shell: Shell, setting: str, value: str, word: str) -> None:
    code, lines = said(shell, **{setting: value})

    assert code == 1
    assert len(others(lines)) == 1, lines
    assert word in others(lines)[0]


@pytest.mark.sqlite
def test_a_folder_without_a_desk_is_said_and_left_alone(shell: Shell, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    code, lines = said(shell, PARLOUR_DATA_DIR=str(elsewhere))

    assert code == 1
    assert str(elsewhere) in wrongs(lines)[0]
    assert not elsewhere.exists()


@pytest.mark.sqlite
@pytest.mark.sqlite
def test_a_place_that_cannot_be_looked_at_is_said(shell: Shell) -> None:
    looked = shell.run("doctor", PARLOUR_DATA_DIR="a" * 300)

    assert looked.returncode == 1
    assert "cannot be looked at: File name too long." in looked.stdout
    assert looked.stderr == ""


@pytest.mark.sqlite
def test_others_who_can_read_the_data_are_noticed(shell: Shell) -> None:
    (shell.folder / "parlour.db").chmod(0o644)

    code, lines = said(shell)

    assert code == 1
    assert any(f"chmod go= {shell.folder / 'parlour.db'}" in line for line in wrongs(lines))


@pytest.mark.sqlite
def test_a_damaged_file_is_noticed(shell: Shell) -> None:
    path = shell.folder / "parlour.db"
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = file.execute("PRAGMA page_size").fetchone()
        (root,) = file.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'workspaces'").fetchone()
    with path.open("r+b") as raw:
        raw.seek((root - 1) * size)
        raw.write(os.urandom(size))

    code, lines = said(shell)

    assert code == 1
    assert any("damage" in line or "malformed" in line for line in wrongs(lines)), lines
    assert "see what parlour doctor says" in sentence(shell.run("workspace", "list"))


def test_a_schema_that_is_not_what_its_revision_says_is_noticed(shell: Shell) -> None:
    statement = "ALTER TABLE bulk_changes DROP COLUMN put_back"
    if ON_POSTGRESQL:
        server = postgres_server.server()
        with server.admin_connection(server.of_folder(shell.folder)) as admin:
            admin.execute(statement)
    else:
        with closing(sqlite3.connect(shell.folder / "parlour.db")) as file:
            file.execute(statement)

    code, lines = said(shell)

    assert code == 1
    assert any("but bulk_changes.put_back is not there" in line for line in wrongs(lines)), lines


def test_a_place_that_takes_no_mails_is_noticed(shell: Shell) -> None:
    (shell.folder / "mail").write_bytes(b"")

    code, lines = said(shell)

    assert code == 1
    assert any("takes none" in line for line in wrongs(lines)), lines


@pytest.mark.sqlite
def test_a_clock_that_went_back_is_noticed(shell: Shell) -> None:
    with closing(sqlite3.connect(shell.folder / "parlour.db")) as file:
        file.execute(
            "INSERT INTO outbox (job_id, kind, payload, run_at, attempts) "
            "VALUES ('0fffffffffff70008000000000000000', 'x', '{}', '2999-01-01T00:00:00.000000Z', 0)"
        )
        file.commit()

    code, lines = said(shell)

    assert code == 1
    assert wrongs(lines)[0].startswith("wrong clock:")


LONG_AGO = "'2026-01-01T00:00:00.000000Z'"


@pytest.mark.parametrize(("dead_at", "word"), [("NULL", "wait, the oldest"), (LONG_AGO, "given up")])
def test_jobs_that_were_given_up_or_are_late_are_noticed(shell: Shell, dead_at: str, word: str) -> None:
    shell.rows(
        "INSERT INTO outbox (job_id, lane, kind, payload, attempts, run_at, dead_at) VALUES "  # noqa: S608
        f"('01a218997cd17d38932b000000000001', 'mail', 'mail.confirmation', '{{}}', 0, {LONG_AGO}, {dead_at})"
    )

    code, lines = said(shell)

    assert code == 1
    assert [line.partition(":")[0] for line in others(lines)] == ["wrong jobs"], lines
    assert word in others(lines)[0]


def test_a_workspace_whose_files_are_nearly_all_that_they_may_be_is_named(shell: Shell) -> None:
    shell.rows("UPDATE workspaces SET files_size = 800000000")

    _, lines = said(shell, PARLOUR_FILES_QUOTA="1000000000")

    assert any(line.startswith("note  files: those of acme are 0.7 of 0.9 GiB") for line in lines), lines


@pytest.mark.clamd
def test_a_scanner_that_takes_less_than_may_be_attached_is_a_note(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "clamd").mkdir()
    with ClamdServer(tmp_path / "clamd") as clamd:
        found = [
            line
            for limit in (STREAM_LIMIT // 2, 2 * STREAM_LIMIT)
            for line in said(shell, PARLOUR_CLAMD=clamd.socket, PARLOUR_FILE_LIMIT=str(limit))[1]
            if "virus scanner" in line
        ]

    assert [line.partition(" ")[0] for line in found] == ["ok", "note"]
    assert "takes no file of 2,097,152 bytes" in found[1]


async def test_a_scanner_that_answers_and_scans_nothing_is_wrong(shell: Shell) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\0")
        writer.write(b"ClamAV 1.0\0" if asked == b"zVERSION\0" else b"Can't allocate memory ERROR\0")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        _, lines = await asyncio.to_thread(said, shell, PARLOUR_CLAMD=f"127.0.0.1:{port}")

    [line] = [each for each in lines if "virus scanner" in each]
    assert line.startswith("wrong")
    assert "nothing is scanned" in line


async def test_a_mail_server_is_tried_without_a_mail(shell: Shell) -> None:
    office = PostOffice()
    await office.open()
    _, lines = await asyncio.to_thread(said, shell, PARLOUR_SMTP_URL=office.url)
    await office.close()

    assert any(line.startswith("ok    mail: 127.0.0.1 lets us in") for line in lines), lines
    assert office.conversations == 1
    assert office.mails == []


@pytest.mark.postgresql
def test_a_database_that_does_not_answer_is_said_once(shell: Shell) -> None:
    """Each of the checks would wait for it, and find the same."""
    code, lines = said(shell, PARLOUR_DATABASE_URL=f"postgresql://parlour@127.0.0.1:{free_port()}/parlour")

    assert code == 1
    found = [line for line in wrongs(lines) if line.startswith("wrong database")]
    assert len(found) == 1, lines
    assert "it does not answer: connection failed" in found[0]
    assert not any("database.away" in line for line in lines)


@pytest.mark.postgresql
def test_a_server_that_does_not_sync_is_noticed(shell: Shell) -> None:
    with postgres_server.server().set_to("fsync", "off"):
        code, lines = said(shell)

    assert code == 1
    assert any("fsync is off" in line for line in wrongs(lines)), lines


@pytest.mark.postgresql
def test_what_the_storage_may_keep_all_the_same_is_a_note(shell: Shell) -> None:
    with postgres_server.server().set_to("full_page_writes", "off"):
        _, lines = said(shell)

    assert any(line.startswith("note  durability: full_page_writes is off") for line in lines), lines
    assert wrongs(lines) == []
