"""Words in headers arrive as they were written, wherever they are folded."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parlour.kernel.text import one_line
from parlour.mail.send import Mail, message

SENDER = "support@desk.example"
LANGUAGES = {
    "French": "L'été où l'on a reçu – à Nîmes – « rien » : n'est-ce pas ? ÇÉŒ çàùë",
    "German": "Größe überprüfen, Straße Nr. 5 (Ärger!) Öl & Maß; für ÄÖÜ ß",
    "Russian": "Служба Поддержки, отдел №1 — где мой заказ? Ёлка объём",
    "Japanese": "お客様の　ご注文（第１２号）は、まだ届いていません。カード 商品 表示",
    "English": 'Where is "my" order, Mr. O\'Neil <12>? =?utf-8?q?no?= \\ (late); re: it',
    "Arabic": "أين طلبي رقم ١٢؟ \u200fORD-12\u200f (متأخر)",
}


def written_in(alphabet: str) -> st.SearchStrategy[str]:
    words = st.lists(
        st.one_of(st.sampled_from(alphabet.split()), st.text(alphabet, max_size=70)), max_size=30
    )
    return words.map(" ".join).map(one_line)


def unfolded(header: str) -> str:
    return header.replace("\r\n", "\n").replace("\n", "")


def decoded(header: str) -> str:
    """By RFC 2047. The standard library's parser of addresses puts spaces between encoded words."""
    return str(make_header(decode_header(unfolded(header))))


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=30)
@given(data=st.data())
@example(data=None)
def test_what_was_written_arrives(language: str, data: st.DataObject | None) -> None:
    written = data.draw(written_in(LANGUAGES[language])) if data else one_line(LANGUAGES[language])
    mail = Mail(
        "mary@example.test", written, "Hello", "<p>Hello</p>", "<a@desk.example>", sender_name=written
    )
    wire = message(mail, SENDER).as_bytes()
    arrived = message_from_bytes(wire, policy=policy.default)
    raw = message_from_bytes(wire)

    assert all(len(line) <= 78 for line in wire.partition(b"\r\n\r\n")[0].split(b"\r\n"))
    assert wire.isascii()
    assert arrived["Subject"] == written
    assert decoded(raw["Subject"]) == written
    display, address = parseaddr(unfolded(raw["From"]))
    assert (decoded(display), address) == (written, SENDER)


def test_a_body_arrives_with_every_space_and_direction_as_written() -> None:
    said = "   indented\n\n  two  spaces \nمرحبا  ORD-12\n"
    mail = replace(Mail("mary@example.test", "Hi", "", "<p></p>", "<a@desk.example>"), text=said)
    arrived = message_from_bytes(message(mail, SENDER).as_bytes(), policy=policy.default)
    plain = arrived.get_body(("plain",))

    assert plain
    assert plain.get_content().replace("\r\n", "\n") == said


def test_message_ids_that_are_longer_than_a_line_stay_as_they_are() -> None:
    long = f"<{'AM0PR04MB' * 30}@eurprd04.prod.outlook.com>"
    named = {"In-Reply-To": long, "References": f"{long} <b@example.com> {long}"}
    wire = message(Mail("m@example.test", "Hi", "", "<p></p>", "<a@desk.example>", headers=named), SENDER)
    raw = message_from_bytes(wire.as_bytes())

    assert {name: " ".join(raw[name].split()) for name in named} == named
