"""No mail takes long, or much, however it is built."""

import time
from collections.abc import Callable

import pytest

from parlour.mail.receive.parse import UNREADABLE, parse
from tests.mail.receive.mails import html, mail, multipart, text

pytestmark = pytest.mark.sqlite  # before any database

LONGEST = 2.0
"""Seconds of processor time for any mail."""

MILLION = 1_000_000


def deep(depth: int) -> bytes:
    """Parts inside one another."""
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(depth)
    )
    return opened + b"\r\nwords\r\n" + b"x" * 5 * MILLION


def blob(kind: bytes, content: bytes) -> bytes:
    return b"Content-Type: %s\r\n\r\n%s" % (kind, content)


COSTLY: dict[str, Callable[[], bytes]] = {
    "a header without an end": lambda: b"a: b\r\n" * 2 * MILLION,
    "one field without an end": lambda: b"Subject: x" + b"\r\n y" * 2 * MILLION,
    "a subject of encoded words": lambda: mail("Subject: " + "=?x-unknown?b?gYKDhA==?= " * 3_000),
    "a subject of beginnings of words": lambda: mail("Subject: " + "=?a?q?" * 10_000),
    "recipients": lambda: mail(*["To: " + "a@b.example," * 3_000] * 5),
    "colons among recipients": lambda: mail("To: a@b.c" + ":x" * 30_000),
    "letters among recipients": lambda: mail("To: " + "a" * 60_000),
    "routes": lambda: mail("From: <" + "@a" * 30_000 + ">"),
    "brackets": lambda: mail("From: " + "(" * 60_000),
    "parameters": lambda: mail("Content-Type: text/plain;" + " " * 60_000 + "a" * 9_000),
    "results": lambda: mail("Authentication-Results: x;dkim=pass " + "a" * 60_000),
    "results in quotes": lambda: mail("Authentication-Results: x; " + 'a"b"(' * 12_000),
    "references": lambda: mail("References: " + "a" * 60_000, "In-Reply-To: " + "<a@b> " * 10_000),
    "parts": lambda: multipart(*[b"\r\nx"] * 20_000),
    "a part inside a part": lambda: deep(500),
    "a boundary everywhere": lambda: mail(
        "Content-Type: multipart/mixed; boundary=-", body=b"-" * 20 * MILLION
    ),
    "base64 that is none": lambda: mail(
        "Content-Transfer-Encoding: base64", body=b"a?" * 10 * MILLION + b"a"
    ),
    "lines of uuencode": lambda: mail(
        "Content-Transfer-Encoding: x-uuencode", body=b"begin 644 x\n" + b"!\n" * 10 * MILLION
    ),
    "one line": lambda: text("x" * 20 * MILLION),
    "blank lines": lambda: text("\n" * 20 * MILLION),
    "spaces": lambda: text(" " * 5 * MILLION + "x" + " " * 5 * MILLION),
    "directions": lambda: text("\u202a\u2066x" * 200_000),
    "quoted lines": lambda: text("> a\nb\n" * 300_000),
    "labels": lambda: text("From: a\n" * 60_000 + "Subject: x\n"),
    "short labels": lambda: text("a:\n" * 170_000),
    "letters before a bracket": lambda: text("From: x\n" + "a" * 400_000 + "\nTo: y\nDate: z\n"),
    "sentences that introduce": lambda: text("On 3 Nov 2026 a@b.example wrote:\n" * 15_000),
    "dashes": lambda: text("-- \n" * 120_000),
    "folded lines": lambda: mail("Content-Type: text/plain; format=flowed", body=">>> a \r\n" * 60_000),
    "bytes of no charset": lambda: mail(
        "Content-Type: text/plain; charset=utf-8", body=b"\xff\x80a" * 300_000
    ),
    "utf-7": lambda: mail("Content-Type: text/plain; charset=utf-7", body=b"+2AA-" * 100_000),
    "divisions": lambda: html("<div>" * 100_000 + "x"),
    "fonts that are reopened": lambda: html(
        "<p>" + "".join(f"<font color={n}>" for n in range(400)) + "<p>x" * 90_000
    ),
    "fonts behind what seems to close them": lambda: html(
        "<p><font color=1><i title='</font></i>'><!-- </font> --><script></i></script>" * 6_000
        + "<p>x" * 20_000
    ),
    "tables": lambda: html("<table><tr><td>" * 30_000),
    "ampersands": lambda: html("&" * 500_000),
    "attributes": lambda: html("<a " + " ".join(f"a{n}=1" for n in range(60_000)) + ">"),
    "open quotes": lambda: html('<a b="' * 80_000),
    "comments": lambda: html("<!--" * 120_000),
    "links": lambda: html("<a href='https://x.example/'>x</a>" * 15_000),
    "spans": lambda: html("<span>x</span>" * 36_000),
    "lists": lambda: html("<ul><li>" * 60_000),
    "pages": lambda: multipart(*[blob(b"text/html", b"<b>x</b>" * 60_000)] * 30),
    "guesses": lambda: multipart(*[blob(b"text/plain", bytes(range(128, 256)) * 400)] * 30),
    "signatures in signatures": lambda: mail(
        "Content-Type: application/pkcs7-mime", body=b"\x30\x80" * 5 * MILLION
    ),
    "elements of a signature": lambda: mail(
        "Content-Type: application/pkcs7-mime",
        body=b"\x30\x80\x06\x09*\x86H\x86\xf7\r\x01\x07\x02" + b"\x05\0" * 5 * MILLION,
    ),
    "a winmail.dat of nothing": lambda: multipart(
        blob(b"application/ms-tnef", b"\x78\x9f\x3e\x22\0\0" + (b"\1" + b"\0" * 10) * MILLION)
    ),
    "a report": lambda: mail(
        "From: MAILER-DAEMON@x.example",
        body=b"a@b.example: 550 x\n\nFinal-Recipient: rfc822;a@b.example\n\n" * 20_000,
    ),
    "letters in a report": lambda: mail("From: MAILER-DAEMON@x.example", body=b"failed " + b"a" * 500_000),
    "appointments": lambda: mail(
        "Content-Type: text/calendar", body=b"BEGIN:VEVENT\r\n" + b'A;B="' * 100_000
    ),
}


@pytest.mark.parametrize("build", COSTLY.values(), ids=COSTLY)
def test_no_mail_takes_longer_than_that(build: Callable[[], bytes]) -> None:
    mail = build()
    began = time.process_time()

    read = parse(mail)

    assert UNREADABLE not in read.defects
    assert time.process_time() - began < LONGEST


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_behind_a_header_that_is_longer_than_is_read_stand_the_words(end: bytes) -> None:
    header = [b"From: ada@example.com", b"Subject: Lamp", *[b"X-Scanned: again and again"] * 40_000]
    read = parse(end.join([*header, b"", b"It is broken."]))

    assert (read.subject, read.reply) == ("Lamp", "It is broken.")
    assert not read.odd_sender
