"""The bodies of a mail come back as they were written, whatever stands in them, in lines that every server
takes.
"""

from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest

from parlour.mail import bodies

TEXTS = {
    "7bit": ("Hello\n", "From here\n.\n..\n\n.hidden\n", "\n", "--=_ab\n\n--=_ab--\n", f"{'x' * 78}\n"),
    "quoted-printable": (
        f"{'x' * 79}\n",
        "A space at the end \nand a tab\t\n" + "y" * 100 + " \n",
        "Die Größe passt nicht, und der Stiefel ist zu eng: a=b, =3D\n",
        "Mit den besten Grüßen aus dem Süden\n.\nFrom here on\n" + "-" * 80 + "\n",
        f"https://parlour.test/access#{'abc-_1' * 30}\n",
    ),
    "base64": ("Мы получили ваш вопрос.\n", "نعم\n", "🙂\n", f"{'長' * 200}\n"),
}


def parsed(text: str, html: str) -> EmailMessage:
    wire = EmailMessage(policy=SMTP)
    bodies.put(wire, text, html)
    found = message_from_bytes(wire.as_bytes(), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def body(mail: EmailMessage, kind: str) -> EmailMessage:
    found = mail.get_body((kind,))
    assert isinstance(found, EmailMessage)
    return found


def on_the_wire(text: str) -> str:
    return "\r\n".join([*text.splitlines(), ""])


@pytest.mark.parametrize(
    ("encoding", "text"), [(encoding, text) for encoding, texts in TEXTS.items() for text in texts]
)
def test_a_body_comes_back_as_it_was_written_in_the_encoding_that_fits_it(encoding: str, text: str) -> None:
    mail = parsed(text, f"<p>{text}</p>\n")
    part = body(mail, "plain")
    assert part["Content-Transfer-Encoding"] == encoding
    assert part.get_content() == on_the_wire(text)
    assert body(mail, "html").get_content() == on_the_wire(f"<p>{text}</p>\n")
    assert [each.get_content_type() for each in mail.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("text", [text for texts in TEXTS.values() for text in texts])
@pytest.mark.parametrize("to", ["mary@example.test", "märy@example.test"])
@pytest.mark.parametrize("with_a_file", [False, True])
def test_what_goes_over_the_wire_is_what_the_library_would_write(
    text: str, to: str, with_a_file: bool
) -> None:
    wire = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    wire["To"] = Address(username=to.partition("@")[0], domain="example.test")
    wire["Subject"] = "Größe " * 30
    bodies.put(wire, text, f"<p>{text}</p>\n")
    if with_a_file:
        wire.add_attachment(b"123" * 40, "image", "png", filename="a.png")
        wire.set_boundary("between")

    assert bodies.on_the_wire(wire) == wire.as_bytes()


@pytest.mark.parametrize("text", [*TEXTS["quoted-printable"], *TEXTS["base64"]])
def test_no_line_of_what_is_encoded_is_longer_than_mail_allows(text: str) -> None:
    part = body(parsed(text * 20, ""), "plain")
    assert max(map(len, str(part.get_payload()).splitlines())) <= 76


def test_lines_end_alike_whatever_ended_them() -> None:
    lines = "one\r\ntwo\r\nthree\r\nfour\r\n"
    assert body(parsed("one\r\ntwo\rthree\nfour", ""), "plain").get_content() == lines


def test_no_two_mails_part_their_bodies_by_the_same_line() -> None:
    assert len({parsed("a", "b").get_boundary() for _ in range(3)}) == 3
