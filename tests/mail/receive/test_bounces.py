"""Reports of mails that did not arrive."""

import pytest

from parlour.mail.receive.parse import parse
from parlour.mail.receive.parsed import Bounce, Kind
from tests.mail.receive.mails import mail, multipart, text

pytestmark = pytest.mark.sqlite  # before any database

DAEMON = "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>"
ORIGINAL = (
    "Content-Type: message/rfc822\n\nFrom: help@acme.example\nTo: jane@example.org\nSubject: Re: Lamp\n"
    "Message-ID: <reply-7@acme.example>\n\nHello Jane"
)


def report(*groups: str, fields: tuple[str, ...] = (DAEMON,)) -> bytes:
    """As RFC 3464 has it."""
    status = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n" + "\n\n".join(
        groups
    )
    return multipart(
        "Content-Type: text/plain\n\nSorry.",
        status,
        ORIGINAL,
        kind="report; report-type=delivery-status",
        fields=fields,
    )


@pytest.mark.parametrize(
    ("group", "bounce"),
    [
        (
            (
                "Final-Recipient: rfc822; jane@example.org\nAction: failed\nStatus: 5.1.1\n"
                "Diagnostic-Code: smtp; 550 5.1.1 no such\n user"
            ),
            ("jane@example.org", "5.1.1", True, "550 5.1.1 no such user"),
        ),
        (
            'Final-Recipient: rfc822; "jane..r."@docomo.ne.jp\nAction: failed\nStatus: 5.1.1',
            ('"jane..r."@docomo.ne.jp', "5.1.1", True, ""),
        ),
        (
            (
                "Original-Recipient: rfc822;jane@example.org\nFinal-Recipient: rfc822;jane.roe@example.net\n"
                "Action: failed\nStatus: 5.2.2 (mailbox full)"
            ),
            ("jane@example.org", "5.2.2", True, ""),
        ),
        (
            (
                "Final-Recipient: rfc822; jane@example.org\nAction: delayed\nStatus: 4.4.1\n"
                "Will-Retry-Until: later"
            ),
            ("jane@example.org", "4.4.1", False, ""),
        ),
        (
            (
                "Final-Recipient: RFC822; <jane@example.org>\nAction: Failed\nStatus: 5.0.0\n"
                "Diagnostic-Code: SMTP; 550 5.7.26 not authenticated"
            ),
            ("jane@example.org", "5.7.26", True, "550 5.7.26 not authenticated"),
        ),
        (
            (
                "Final-Recipient: rfc822; jane@example.org\nAction: failed\nStatus: 4.0.0\n"
                "Diagnostic-Code: smtp; 554 blocked"
            ),
            ("jane@example.org", "5.0.0", True, "554 blocked"),
        ),
        (
            "Final-Recipient: rfc822; jane@example.org\nAction: failed\nStatus: 4.4.7",
            ("jane@example.org", "4.4.7", False, ""),
        ),
        (
            "Final-Recipient: unknown; jane@example.org\nAction: failed\nStatus: 5.1.1",
            ("jane@example.org", "5.1.1", True, ""),
        ),
        ("Final-Recipient: rfc822; jane@example.org", ("jane@example.org", "5.0.0", True, "")),
    ],
)
def test_a_report_in_fields_says_for_whom_and_why(group: str, bounce: tuple[str, str, bool, str]) -> None:
    read = parse(report(group))

    assert read.bounce == Bounce(*bounce, message_id="<reply-7@acme.example>")
    assert (read.kind, read.automatic) == (Kind.BOUNCE, True)


def test_of_several_recipients_the_first_lost_one_is_told() -> None:
    read = parse(
        report(
            "Final-Recipient: rfc822; a@example.org\nAction: relayed\nStatus: 2.0.0",
            "Final-Recipient: rfc822; b@example.org\nAction: delayed\nStatus: 4.4.1",
            "Final-Recipient: rfc822; c@example.org\nAction: failed\nStatus: 5.1.1",
        )
    )

    assert read.bounce is not None
    assert read.bounce.recipient == "c@example.org"


def test_a_report_that_it_did_arrive_is_no_bounce() -> None:
    read = parse(report("Final-Recipient: rfc822; jane@example.org\nAction: delivered\nStatus: 2.1.5"))

    assert (read.kind, read.bounce) == (Kind.AUTOMATIC, None)


@pytest.mark.parametrize(
    ("words", "fields", "bounce"),
    [
        (
            (
                "Hi. This is the qmail-send program.\n\n<jane@example.org>:\nIt does not like recipient.\n"
                "Remote host said: 550 5.1.1 no such user\nGiving up on 192.0.2.7."
            ),
            [],
            ("jane@example.org", "5.1.1", True),
        ),
        (
            (
                "The following address(es) failed:\n\n  jane@example.org\n    SMTP error from remote server: "
                "host mx.example.org [192.0.2.7]:\n    552 mailbox full"
            ),
            ["X-Failed-Recipients: jane@example.org"],
            ("jane@example.org", "5.0.0", True),
        ),
        (
            (
                "THIS IS A WARNING MESSAGE ONLY.\n\nDelivery to the following recipient has been delayed:\n\n"
                "     jane@example.org\n\nIt will be retried for 2 days."
            ),
            ["Subject: Delivery Status Notification (Delay)"],
            ("jane@example.org", "4.0.0", False),
        ),
        (
            "Could not deliver for the last 432000 seconds to <jane@example.org>. Giving up.",
            [],
            ("jane@example.org", "4.4.7", False),
        ),
        (
            (
                "For help write to <support@mx.example.org>.\n\n"
                "<jane@example.org>: host mx.example.org said: 550\n"
                "    User unknown"
            ),
            [],
            ("jane@example.org", "5.0.0", True),
        ),
        (
            "   * jane@example.org\n\nDelivery failed.",
            ["From: Mail Delivery System <>"],
            ("jane@example.org", "5.0.0", True),
        ),
        (
            (
                "550 - no such user here\n\nMAIL FROM: help@acme.example\nRCPT TO: jane@example.org\n"
                "From: help@acme.example"
            ),
            ["From: post_master@mx.example.org"],
            ("jane@example.org", "5.0.0", True),
        ),
        (
            (
                "Message wrapped:\n"
                '{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecip\n'
                'ients":[{"emailAddress":"jane@example.org","status":"5.1.1"}]}}'
            ),
            ["From: no-reply@sns.example"],
            ("jane@example.org", "5.1.1", True),
        ),
    ],
)
def test_a_report_in_words_says_it_too(words: str, fields: list[str], bounce: tuple[str, str, bool]) -> None:
    returned = "\n\n--- Here is a copy\n\nReceived: x\nFrom: help@acme.example\nTo: other@example.org\n"
    from_daemon = [] if any(each.startswith("From") for each in fields) else [DAEMON]
    read = parse(
        text(words + returned + "Message-ID: <reply-7@acme.example>\n\n5.9.9 Hello", *from_daemon, *fields)
    )

    assert read.bounce is not None
    assert (read.bounce.recipient, read.bounce.status, read.bounce.permanent) == bounce


def test_where_the_report_names_nobody_the_mail_that_came_back_does() -> None:
    read = parse(multipart("Content-Type: text/plain\n\nDelivery failed.", ORIGINAL, fields=(DAEMON,)))

    assert read.bounce == Bounce(
        "jane@example.org", "5.0.0", permanent=True, message_id="<reply-7@acme.example>"
    )


@pytest.mark.parametrize(
    "other",
    [
        mail(
            "Return-Path: <>",
            "Auto-Submitted: auto-replied",
            body="I am away. Write to jane@example.org: 550 x",
        ),
        mail("From: postmaster@example.org", body="Can you call me?"),
        mail("Subject: Delivery failed", body="<jane@example.org>: 550 5.1.1 what does this mean?"),
        multipart(
            "Content-Type: text/plain\n\nMy parcel never came. I am jane@example.org.",
            ORIGINAL,
            fields=("Subject: Delivery problem with order 4711",),
        ),
        mail(
            "Subject: Delivery problem with order 4711",
            body="It never came.\n\njane@example.org\n\nFrom: help@acme.example\nTo: Jane\nSubject: Order",
        ),
        mail(
            "From: System Administrator <it@example.org>",
            body="The printer fails with an unknown error.\n\nit@example.org",
        ),
    ],
)
def test_what_nobody_returned_is_no_bounce(other: bytes) -> None:
    assert parse(other).bounce is None


@pytest.mark.parametrize(
    "fields",
    [
        ["From: System Administrator <admin@mx.example.org>"],
        ["From: no-reply@mx.example.org", "Subject: Mail delivery failed", "Return-Path: <>"],
        ["From: no-reply@mx.example.org", "Subject: Undeliverable: Re: Lamp"],
    ],
)
def test_a_server_under_another_name_is_known_by_its_subject_and_what_it_returns(fields: list[str]) -> None:
    returned = (
        "\n\nReceived: x\nFrom: help@acme.example\nTo: jane@example.org\nMessage-ID: <r@acme.example>\n\nHi"
    )

    read = parse(text("<jane@example.org>: 550 no such user" + returned, *fields))

    assert read.bounce == Bounce("jane@example.org", "5.0.0", True, "550 no such user", "<r@acme.example>")
