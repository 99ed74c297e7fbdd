"""What kind of mail it is, and who stands for its sender."""

import pytest

from parlour.mail.receive.parse import parse
from parlour.mail.receive.parsed import Kind
from tests.mail.receive.mails import file, mail, multipart, text

pytestmark = pytest.mark.sqlite  # before any database


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (["Auto-Submitted: auto-replied"], Kind.AUTOMATIC),
        (["Auto-Submitted: auto-generated (failure)"], Kind.AUTOMATIC),
        (["Auto-Submitted: no"], Kind.PERSON),
        (["Precedence: bulk"], Kind.AUTOMATIC),
        (["Precedence: auto_reply"], Kind.AUTOMATIC),
        (["X-Autoreply: yes"], Kind.AUTOMATIC),
        (["Return-Path: <>"], Kind.AUTOMATIC),
        (["From: Mail Delivery System <MAILER-DAEMON@mx.example>"], Kind.AUTOMATIC),
        (["X-Auto-Response-Suppress: All"], Kind.PERSON),
        (["X-Auto-Response-Suppress: All", "Subject: Automatische Antwort: Lampe"], Kind.AUTOMATIC),
        (["Subject: Automatic reply of my machine"], Kind.PERSON),
        (["List-Id: <users.example.org>"], Kind.LIST),
        (["Precedence: list"], Kind.LIST),
        (["List-Unsubscribe: <mailto:x@example.org>"], Kind.LIST),
        (["Message-ID: <anything@mail.acme.example>"], Kind.LOOP),
        ([], Kind.PERSON),
    ],
)
def test_a_machine_says_so_in_the_header(fields: list[str], kind: Kind) -> None:
    read = parse(mail(*fields, body="Thank you for your mail."), own_hosts=["mail.acme.example"])

    assert read.kind is kind
    assert read.automatic is (kind is not Kind.PERSON)


def test_a_complaint_and_a_receipt_are_no_letters() -> None:
    complaint = multipart(
        "Content-Type: text/plain\n\nThis is an abuse report.",
        "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n",
        kind='report; report-type="feedback-report"',
    )
    receipt = multipart(
        "Content-Type: text/plain\n\nYour message was displayed.",
        "Content-Type: message/disposition-notification\n\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n",
        kind="report; report-type=disposition-notification",
    )

    assert [parse(each).kind for each in (complaint, receipt)] == [Kind.COMPLAINT, Kind.RECEIPT]
    assert all(parse(each).automatic for each in (complaint, receipt))


@pytest.mark.parametrize(
    "part",
    [
        "Content-Type: text/plain; charset=utf-8\nContent-Disposition: reaction\n\n👍🏽",
        'Content-Type: text/vnd.google.email-reaction+json\n\n{"emoji":"👍🏽","version":1}',
    ],
)
def test_an_emoji_for_an_earlier_mail_is_a_reaction(part: str) -> None:
    read = parse(multipart("Content-Type: text/plain\n\nAda reacted", part, kind="alternative"))

    assert (read.kind, read.reaction, read.automatic) == (Kind.REACTION, "👍🏽", False)


@pytest.mark.parametrize("said", ['{"emoji":5}', "[" * 900, "{}", '{"emoji":"' + "x" * 99 + '"}'])
def test_what_is_no_emoji_is_no_reaction(said: str) -> None:
    part = f"Content-Type: text/vnd.google.email-reaction+json\n\n{said}"

    assert parse(multipart("Content-Type: text/plain\n\nHello", part)).kind is Kind.PERSON


@pytest.mark.parametrize(
    ("results", "verified"),
    [
        ("mx.acme.example; dmarc=pass header.from=example.com", True),
        ("MX.acme.example 1; spf=pass; dmarc=pass (p=reject; sp=none) header.from=example.com", True),
        ("mx.acme.example; dkim=pass header.d=example.com header.s=x", True),
        ("mx.acme.example; dkim=pass header.i=@example.com", True),
        ("mx.acme.example; dkim=pass header.d=evil.example", False),
        ("mx.acme.example; dkim=fail header.d=example.com", False),
        ("mx.acme.example; dkim=pass header.d=example.com; dmarc=fail header.from=example.com", False),
        ("mx.acme.example; dmarc=pass header.from=evil.example", False),
        ("mx.acme.example; spf=pass smtp.mailfrom=example.com", False),
        ("mx.acme.example (dmarc=pass); none", False),
        ("mx.acme.example; x=y; ; dmarc", False),
        ("mx.evil.example; dmarc=pass header.from=example.com", False),
        ("mx.acme.example.evil.example; dmarc=pass header.from=example.com", False),
        ("; dmarc=pass", False),
        ('(here) "mx.acme.example"; dkim/1=pass reason="2048-bit key; good" header.d="example.com"', True),
        ("mx.acme.example; dmarc=pass (p=none (sp=none)) header.from=example.com", True),
    ],
)
def test_only_our_own_server_vouches_for_a_sender(results: str, verified: bool) -> None:
    sent = text("x", f"Authentication-Results: {results}")

    assert parse(sent, authserv_id="mx.acme.example").verified is verified
    assert not parse(sent).verified


@pytest.mark.parametrize(
    "words",
    [
        'spf=pass smtp.mailfrom="a; dkim=pass header.d=example.com; "@evil.example',
        'dkim=none reason="so; dkim=pass header.d=example.com"',
        'dkim=pass header.d=evil.example header.i="a header.d=example.com b"@evil.example',
        'dkim=pass header.d=evil.example header.i="a\\" header.d=example.com b"@evil.example',
        'spf=pass (of "a); dkim=pass header.d=example.com (" b)',
        "spf=pass smtp.helo=a(\\); dkim=pass header.d=example.com",
        "spf=pass (of a\\) ; dkim=pass header.d=example.com ; \\( b)",
        "spf=pass (of a)) ; dkim=pass header.d=example.com",
        'spf=pass smtp.helo="a ; dkim=pass header.d=example.com',
        "dkim=pass header.d=example.com (never closed",
    ],
)
def test_what_strangers_bring_into_our_servers_words_vouches_for_nobody(words: str) -> None:
    forged = "Authentication-Results: mx.acme.example; dmarc=pass header.from=example.com"
    sent = text("x", f"Authentication-Results: mx.acme.example; {words}", forged)

    assert not parse(sent, authserv_id="mx.acme.example").verified


def test_the_newest_result_of_our_server_counts() -> None:
    forged = "Authentication-Results: mx.acme.example; dmarc=pass header.from=example.com"
    newest = "Authentication-Results: mx.acme.example; dmarc=fail header.from=example.com"

    assert not parse(text("x", newest, forged), authserv_id="mx.acme.example").verified


def test_a_picture_in_a_mail_of_a_person_changes_nothing() -> None:
    assert parse(multipart("Content-Type: text/plain\n\nHello", file("image/png", b"x"))).kind is Kind.PERSON
