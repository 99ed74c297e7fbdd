"""`parlour mailbox` and `parlour mail receive`: what a mail server's pipe is told."""

import os
from pathlib import Path

import pytest

from parlour.cli.dkim import told
from parlour.features.mailroom.signing.models import Found
from parlour.features.mailroom.signing.service import NoDomain, domain_in
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


def test_a_domains_key_is_made_once_and_its_record_printed_until_it_is_removed(shell: Shell) -> None:
    made = shell.run("mail", "dkim", "--domain", "Acme.Example.")
    again = shell.run("mail", "dkim", "--domain", "acme.example")
    [(domain, selector)] = shell.rows("SELECT domain, selector FROM dkim_keys")

    assert (made.returncode, made.stderr, domain) == (0, "", "acme.example")
    assert made.stdout == again.stdout
    assert f"{selector}._domainkey.acme.example\nValue  v=DKIM1; k=rsa; p=MII" in made.stdout
    assert "Nothing is signed yet." in made.stdout
    assert shell.run("mail", "dkim", "--domain", "acme.example", "--remove").returncode == 0
    assert "no DKIM key" in sentence(shell.run("mail", "dkim", "--domain", "acme.example", "--remove"))
    assert "no DKIM key" in sentence(shell.run("mail", "dkim", "--domain", "acme.example", "--check"))


@pytest.mark.parametrize("typed", ["acme", "a b.example", "", "support@acme.example"])
def test_what_is_no_domain_gets_no_key(typed: str) -> None:
    with pytest.raises(NoDomain):
        domain_in(typed)


@pytest.mark.parametrize(
    ("records", "said"),
    [([], "no record at x.example."), (["v=spf1"], "another record"), (["a", "b"], "2 records")],
)
def test_what_dns_has_instead_of_the_record_is_said(records: list[str], said: str) -> None:
    assert said in told("acme.example", Found("x.example", records, right=False))
