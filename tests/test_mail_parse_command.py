"""`parlour mail parse` as its operator meets it."""

import json
from pathlib import Path

import pytest

from tests.mail.receive.mails import file, multipart, text
from tests.shell import Shell

pytestmark = pytest.mark.sqlite  # before any database


def parsed(folder: Path, mail: bytes, *arguments: str, **environment: str) -> dict[str, object]:
    shell = Shell(folder / "data")
    finished = shell.run(
        "mail", "parse", *arguments, typed=mail.decode("utf-8", "surrogateescape"), **environment
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    read = json.loads(finished.stdout)
    assert isinstance(read, dict)
    return read


def test_what_is_read_in_a_mail_is_printed_as_json(tmp_path: Path) -> None:
    mail = multipart(
        "Content-Type: text/plain; charset=utf-8\n\n"
        "Grüße\n\nOn 3 Nov 2026 at 10:00, Help <help@acme.example> wrote:\n> Hi\n",
        file("application/pdf", b"%PDF-", 'Content-Disposition: attachment; filename="bill.pdf"'),
        fields=(
            "To: Help <help@acme.example>, Nobody",
            "Authentication-Results: mx.acme.example; dmarc=pass",
        ),
    )

    assert parsed(tmp_path, mail, "--authserv-id", "mx.acme.example", PYTHONIOENCODING="ascii") == {
        "subject": "The engine stops",
        "from": "ada@example.com",
        "to": ["help@acme.example"],
        "text": "Grüße\n\nOn 3 Nov 2026 at 10:00, Help <help@acme.example> wrote:\n> Hi",
        "reply": "Grüße",
        "html": "",
        "attachments": [{"name": "bill.pdf", "media_type": "application/pdf", "size": 5}],
        "automatic": False,
        "bounce": None,
        "verified": True,
    }


def test_a_report_of_a_mail_that_did_not_arrive_is_told(tmp_path: Path) -> None:
    report = text(
        "<jane@example.org>:\nRemote host said: 550 5.1.1 no such user\n",
        "From: MAILER-DAEMON@mx.example.org",
        "Subject: failure notice",
    )

    read = parsed(tmp_path, report)

    assert read["bounce"] == {"recipient": "jane@example.org", "status": "5.1.1", "permanent": True}
    assert read["automatic"] is True


def test_any_bytes_are_a_mail(tmp_path: Path) -> None:
    read = parsed(tmp_path, b"\xff\xfe\0From: x")

    assert (read["from"], read["to"], read["attachments"]) == (None, [], [])


def test_another_argument_is_refused(tmp_path: Path) -> None:
    assert Shell(tmp_path / "data").run("mail", "parse", "mail.eml").returncode == 2
