"""Mails of every kind, to be damaged."""

from tests.mail.receive.mails import file, html, mail, multipart, text

_QUOTED = (
    "Yes, please.\n\nOn Tue, 3 Nov 2026 at 10:15, Help <help@acme.example> wrote:\n> Shall we?\n> Help\n"
)
_PAGE = (
    '<html><head><meta charset="utf-8"><style>p{}</style></head><body><p>Hello <b>you</b> &amp; '
    "<i>all</i></p>"
    '<img src="cid:logo@x"><ul><li>one<li>two</ul><table><tr><td>a<td>b</table><div class="gmail_quote">'
    '<div class="gmail_attr">On 3 Nov 2026 Help wrote:</div><blockquote type="cite">Shall '
    "we?</blockquote></div>"
)
_CALENDAR = (
    "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\n"
    "SUMMARY:Tea\n"
    "DTSTART;TZID=Europe/Berlin:20261201T100000\nDTEND:20261201T110000Z\nLOCATION:Room\\, 4\nEND:VEVENT\n"
)
_STATUS = (
    "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n\n"
    "Final-Recipient: rfc822; j@x.example\n"
    "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such\n user\n"
)
_SIGNED = bytes.fromhex("308006092a864886f70d010702a080308002010131003080") + (
    bytes.fromhex("06092a864886f70d010701a08024800430")
    + b"Content-Type: text/plain\r\n\r\nsigned words"
    + b"\0" * 12
)
_TNEF = bytes.fromhex(
    "789f3e220100 02 0c800200 06000000 776f726473000000 02 02900600 04000000 616263640000"
    "02 10800100 06000000 612e706466000000"
)

SEEDS = [
    text(_QUOTED, "References: <a@b> <c@d>", "Cc: Friends: x@y.example, =?utf-8?b?w6Q=?= <z@y.example>;"),
    text("Größe: 5 €\nЗдравствуйте\n退款\n", "Subject: =?iso-8859-1?q?Gr=F6=DFe?= =?utf-8?b?8J+mig==?="),
    text("¡Hola!", charset="cp1252", said="iso-8859-1"),
    mail(
        "Content-Type: text/plain; format=flowed; delsp=yes",
        body="folded \nlines \n> and quoted \n> ones\n-- \nAda",
    ),
    mail("Content-Transfer-Encoding: quoted-printable", body="Gr=C3=BC=C3=9Fe=\n und mehr=20\n"),
    mail("Content-Transfer-Encoding: x-uuencode", body="begin 644 a.txt\n#0V%T\n`\nend\n"),
    html(_PAGE, "List-Id: <x.example>", "Precedence: list"),
    multipart(
        "Content-Type: text/plain\n\n" + _QUOTED,
        "Content-Type: text/html; charset=utf-8\n\n" + _PAGE,
        file(
            "image/png",
            b"\x89PNG" * 20,
            "Content-ID: <logo@x>",
            'Content-Disposition: inline; filename="l.png"',
        ),
        _CALENDAR,
        kind="alternative",
        fields=("Authentication-Results: mx.x.example; dmarc=pass (p=none) header.from=example.com",),
    ),
    multipart(
        "Content-Type: text/plain\n\nSorry",
        _STATUS,
        b"Content-Type: message/rfc822\r\n\r\n" + text("Hello", "Message-ID: <r@x.example>"),
        kind="report; report-type=delivery-status",
        fields=("From: MAILER-DAEMON@x.example", "Return-Path: <>"),
    ),
    text(
        "<j@x.example>:\nRemote host said: 550 5.1.1 no\n\nReceived: x\nFrom: a\nTo: b\n",
        "From: MAILER-DAEMON@x.example",
    ),
    mail("Content-Type: application/pkcs7-mime; name=smime.p7m", body=_SIGNED),
    multipart("Content-Type: text/plain\n\n", file("application/ms-tnef; name=winmail.dat", _TNEF)),
    multipart(
        multipart("Content-Type: text/plain\n\ninner", kind="digest"),
        file(
            "application/pdf",
            b"%PDF",
            "Content-Disposition: attachment; filename*0*=utf-8''%C3%A4; filename*1=b.pdf",
        ),
    ),
]
