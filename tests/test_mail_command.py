"""`parlour mailbox` and `parlour mail receive`: what a mail server's pipe is told."""

import os
from pathlib import Path

import pytest

from tests.shell import Shell, sentence

MAIL = "From: Maria <maria@example.com>\nTo: Support <support@acme.example>\nSubject: Tent\n\nIt leaks.\n"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path / "data")
    assert shell.run("workspace", "create", "acme", "--name", "Acme").returncode == 0
    added = shell.run("mailbox", "add", "Support@ACME.example", "--workspace", "acme")
    assert (added.returncode, added.stderr) == (0, "")
    return shell


def test_an_address_is_listed_and_given_once(shell: Shell) -> None:
    assert shell.run("mailbox", "list").stdout == "acme  support@acme.example\n"
    again = shell.run("mailbox", "add", "support@acme.example", "--workspace", "acme")
    assert sentence(again) == "This address is a workspace's already."
    assert "email address" in sentence(shell.run("mailbox", "add", "support", "--workspace", "acme"))
    assert sentence(shell.run("mailbox", "add", "a@b.example", "--workspace", "nowhere"))
    assert shell.run("mailbox", "remove", "Support@acme.example").returncode == 0
    assert shell.run("mailbox", "list").stdout == ""


def test_a_mail_is_stored_before_the_pipe_ends_with_0(shell: Shell) -> None:
    piped = shell.run("mail", "receive", "--to", "support@acme.example", typed=MAIL)

    assert (piped.returncode, piped.stdout, piped.stderr) == (os.EX_OK, "", "")
    assert shell.rows("SELECT outcome FROM mails") == [("waiting",)]
    [(key,)] = shell.rows("SELECT storage_key FROM mails")
    assert (shell.folder / "files" / str(key)).read_text() == MAIL


def test_whom_it_is_for_stands_in_the_mail_if_nobody_says_so(shell: Shell) -> None:
    assert shell.run("mail", "receive", typed=MAIL).returncode == os.EX_OK
    other = shell.run("mail", "receive", "--to", "other@acme.example", typed=MAIL)
    assert other.returncode == os.EX_NOUSER
    assert "mailbox list" in other.stderr


def test_a_mail_that_cannot_be_stored_is_to_be_brought_again(shell: Shell) -> None:
    (shell.folder / "files").write_text("no folder")
    piped = shell.run("mail", "receive", "--to", "support@acme.example", typed=MAIL)

    assert piped.returncode == os.EX_TEMPFAIL
    assert piped.stderr.startswith("Not now: ")
    assert shell.rows("SELECT 1 FROM mails") == []
