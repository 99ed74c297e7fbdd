"""What hangs on a mail."""

import binascii
import struct
from base64 import b64encode

import pytest

from parlour.mail.receive.parse import parse
from parlour.mail.receive.parts import PARTS
from tests.mail.receive.mails import file, mail, multipart, text

pytestmark = pytest.mark.sqlite  # before any database

WORDS = "Content-Type: text/plain; charset=utf-8\n\nSee below."


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ('filename="bill.pdf"', "bill.pdf"),
        ("filename=a b.pdf", "a b.pdf"),
        ("filename*=UTF-8''na%C3%AFve%20bill.pdf", "naïve bill.pdf"),
        ("filename*0*=iso-8859-1''na%EF; filename*1=ve; filename*2*=%20bill.pdf", "naïve bill.pdf"),
        ('filename="=?utf-8?q?na=C3=AFve?= =?utf-8?q?_bill=2Epdf?="', "naïve bill.pdf"),
        ('filename="../../etc/passwd"', "passwd"),
        (r'filename="C:\\windows\\bill.pdf"', "bill.pdf"),
        ('filename="a\u202efdp.exe"', "afdp.exe"),
        ('filename="a\\"b.pdf"', "a_b.pdf"),
        ('filename=""', "attachment-1.pdf"),
        ('filename=".."', "attachment-1.pdf"),
        ("", "attachment-1.pdf"),
        (f'filename="{"x" * 500}.pdf"', "x" * 111 + ".pdf"),
    ],
)
def test_a_file_has_a_name_that_harms_nobody(said: str, name: str) -> None:
    sent = multipart(
        WORDS,
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment; "
        + said.encode()
        + b"\r\n\r\n%PDF",
    )

    (attached,) = parse(sent).attachments

    assert (attached.name, attached.media_type, attached.content) == (name, "application/pdf", b"%PDF")


def test_a_mail_that_is_attached_stays_as_it_is_under_its_subject() -> None:
    inner = text("Words of the inner mail", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_1/2?=")
    read = parse(multipart(WORDS, b"Content-Type: message/rfc822\r\n\r\n" + inner))

    assert [(each.name, each.content) for each in read.attachments] == [("Grüße 1-2.eml", inner)]
    assert read.text == "See below."


def test_pictures_that_the_html_asks_for_are_inline_and_none_is_lost() -> None:
    page = (
        "Content-Type: text/html; charset=utf-8\n\n"
        '<img src="cid:a%40b"><img src="CID:plain"><img src="named.png">'
        '<img src="https://far.example/x.png">'
    )
    read = parse(
        multipart(
            page,
            file(
                "image/png", b"1", "Content-ID: <a@b>", 'Content-Disposition: attachment; filename="one.png"'
            ),
            file("image/png", b"2", "Content-ID: plain", "Content-Disposition: inline"),
            file("image/png", b"3", 'Content-Disposition: inline; filename="named.png"'),
            file("image/png", b"4", "Content-ID: <other@b>", "Content-Disposition: inline"),
            kind="related",
        )
    )

    assert [(each.content, each.inline) for each in read.attachments] == [
        (b"1", True),
        (b"2", True),
        (b"3", True),
        (b"4", False),
    ]
    assert read.attachments[3].name == "picture-4.png"


def der(tag: int, content: bytes) -> bytes:
    length = struct.pack(">I", len(content))
    return bytes([tag, 0x84]) + length + content


def pieces(tag: int, *contents: bytes) -> bytes:
    return bytes([tag, 0x80]) + b"".join(contents) + b"\0\0"


@pytest.mark.parametrize("wrapped", [der, pieces], ids=["in one", "in pieces"])
@pytest.mark.parametrize(
    "said", ["application/pkcs7-mime; smime-type=signed-data", 'application/octet-stream; name="smime.p7m"']
)
def test_what_is_inside_a_signature_is_read(wrapped: object, said: str) -> None:
    assert callable(wrapped)
    inner = multipart(
        WORDS, file("application/pdf", b"%PDF", 'Content-Disposition: attachment; filename="a.pdf"')
    )
    content = (
        der(0x04, inner) if wrapped is der else pieces(0x24, der(0x04, inner[:99]), der(0x04, inner[99:]))
    )
    data = wrapped(0x30, der(0x06, bytes.fromhex("2a864886f70d010701")) + wrapped(0xA0, content))
    signed = wrapped(0x30, der(0x02, b"\1") + wrapped(0x31, b"") + data)
    whole = wrapped(0x30, der(0x06, bytes.fromhex("2a864886f70d010702")) + wrapped(0xA0, signed))

    read = parse(mail(f"Content-Type: {said}", body=whole))

    assert (read.subject, read.text, read.verified) == ("The engine stops", "See below.", False)
    assert [each.name for each in read.attachments] == ["a.pdf"]


def test_what_is_encrypted_is_kept_as_a_file() -> None:
    sealed = der(0x30, der(0x06, bytes.fromhex("2a864886f70d010703")) + der(0xA0, b"secret"))

    read = parse(mail("Content-Type: application/pkcs7-mime; name=smime.p7m", body=sealed))

    assert [(each.name, each.content) for each in read.attachments] == [("smime.p7m", sealed)]
    assert read.text.startswith("This mail is encrypted (S/MIME)")


@pytest.mark.parametrize("kind", ['encrypted; protocol="application/pgp-encrypted"', "mixed"])
def test_a_mail_that_only_its_key_opens_says_so(kind: str) -> None:
    """Some servers make another kind of it on its way (RFC 3156)."""
    version = "Content-Type: application/pgp-encrypted\n\nVersion: 1"
    sealed = 'Content-Type: application/octet-stream; name="encrypted.asc"\n\n-----BEGIN PGP MESSAGE-----'

    read = parse(multipart(version, sealed, kind=kind))

    assert read.reply == read.text
    assert read.text.startswith("This mail is encrypted (PGP)")
    assert read.attachments[-1].name == "encrypted.asc"
    assert parse(multipart(WORDS, version, sealed, kind=kind)).text == "See below."


def uuencoded(content: bytes, name: str) -> str:
    lines = [binascii.b2a_uu(content[at : at + 45]).decode() for at in range(0, len(content), 45)]
    return f"begin 644 {name}\n{''.join(lines)}`\nend\n"


def test_files_that_stand_among_the_lines_of_a_text_are_files() -> None:
    """As programs enclosed them before MIME."""
    picture = bytes(range(256))
    first, second = uuencoded(picture, "../tent.jpg"), uuencoded(b"Paid.", "receipt.txt")

    read = parse(text(f"My tent leaks.\n{first}\nSee above.\n{second}"))

    assert read.text == "My tent leaks.\n\nSee above."
    assert [(each.name, each.content) for each in read.attachments] == [
        ("tent.jpg", picture),
        ("receipt.txt", b"Paid."),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "begin 644 the story\nwith a line of words\nend",
        uuencoded(b"x" * 100, "cut.bin").rpartition("`")[0].strip(),
        "Please\nbegin 644 times.",
        "begin 644 notes\nend",
    ],
    ids=["words", "without an end", "no name", "nothing in it"],
)
def test_what_only_begins_like_such_a_file_is_text(words: str) -> None:
    read = parse(text(words))

    assert (read.text, read.attachments) == (words, ())


def test_base64_that_is_written_in_groups_loses_nothing_at_its_end() -> None:
    content = bytes(range(256)) * 4
    coded = b64encode(content).decode()
    groups = [coded[at : at + 10] for at in range(70, len(coded), 10)]
    rows = [" ".join(groups[at : at + 5]) for at in range(0, len(groups), 5)]
    head = "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    read = parse(multipart(WORDS, (head + "\r\n".join([coded[:70], *rows])).encode()))

    assert [each.content for each in read.attachments] == [content]


def attribute(number: int, value: bytes) -> bytes:
    return struct.pack("<BII", 2, number, len(value)) + value + b"\0\0"


def winmail(*attributes: bytes) -> bytes:
    return file("application/ms-tnef", b"\x78\x9f\x3e\x22\1\0" + b"".join(attributes))


def test_a_winmail_dat_gives_what_is_in_it() -> None:
    name = "Größe.pdf".encode("utf-16-le") + b"\0\0"
    properties = struct.pack("<I", 2) + struct.pack("<HHI", 0x0003, 0x3705, 1)
    properties += struct.pack("<HHII", 0x001F, 0x3707, 1, len(name)) + name + b"\0" * (-len(name) % 4)
    packed = winmail(
        attribute(0x00069007, struct.pack("<II", 1252, 0)),
        attribute(0x0002800C, b"Words of Outlook\0"),
        attribute(0x00069002, b"\0" * 14),
        attribute(0x00018010, b"GRE~1.PDF\0"),
        attribute(0x0006800F, b"%PDF"),
        attribute(0x00069005, properties),
        attribute(0x00069002, b"\0" * 14),
        attribute(0x0006800F, b"second"),
    )

    read = parse(multipart("Content-Type: text/plain\n\n", packed))

    assert read.text == "Words of Outlook"
    assert [(each.name, each.content) for each in read.attachments] == [
        ("Größe.pdf", b"%PDF"),
        ("attachment-2.bin", b"second"),
    ]


@pytest.mark.parametrize("broken", [b"no tnef", b"\x78\x9f\x3e\x22", b"\x78\x9f\x3e\x22\1\0" + b"\xff" * 99])
def test_a_winmail_dat_that_cannot_be_read_stays_a_file(broken: bytes) -> None:
    read = parse(multipart(WORDS, file('application/ms-tnef; name="winmail.dat"', broken)))

    assert [(each.name, each.content) for each in read.attachments] == [("winmail.dat", broken)]


def test_an_appointment_is_told_in_words_where_there_are_no_others() -> None:
    calendar = (
        "Content-Type: text/calendar; method=REQUEST; charset=utf-8\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\n"
        "BEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nEND:VTIMEZONE\nBEGIN:VEVENT\n"
        "SUMMARY:Tea\\, and\n  cake\n"
        'DTSTART;TZID="W. Europe Standard Time":20261201T100000\n'
        'DTEND;TZID="W. Europe Standard Time":20261201T113000\n'
        "LOCATION:Room 4\nEND:VEVENT\nEND:VCALENDAR\n"
    )

    read = parse(multipart(calendar))

    assert (
        read.text == "Invitation: Tea, and cake, 2026-12-01 10:00 – 11:30 (W. Europe Standard Time), Room 4"
    )
    assert [each.name for each in read.attachments] == ["attachment-1.ics"]


def test_too_many_parts_are_said_to_be() -> None:
    read = parse(multipart(*["Content-Type: image/png\n\nx"] * (PARTS + 50)))

    assert len(read.attachments) <= PARTS + 1
    assert "The mail has more parts, or deeper ones, than are read." in read.defects


def test_a_mail_whose_boundary_never_comes_is_read_as_it_stands() -> None:
    read = parse(mail("Content-Type: multipart/mixed; boundary=lost", body="Somebody can read this."))

    assert read.text == "Somebody can read this."
