"""Words in headers arrive as they were written, wherever they are folded."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr
from html import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parlour.kernel.text import one_line
from parlour.mail.send import Enclosed, Mail, message

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


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("hilfe@b\u00fccher.example", "hilfe@xn--bcher-kva.example"),
        (
            f"{'first.last+' + 'x' * 50}@support.acme.example",
            f"{'first.last+' + 'x' * 50}@support.acme.example",
        ),
        ("o'brien/a=b&c@acme.example", "o'brien/a=b&c@acme.example"),
    ],
)
def test_an_address_of_ours_is_written_so_that_everybody_can_answer_it(address: str, written: str) -> None:
    mail = Mail("m@example.test", "Hi", "", "<p></p>", "<a@desk.example>", headers={"Reply-To": address})
    raw = message_from_bytes(message(replace(mail, sender=address), SENDER).as_bytes())

    assert (raw["Reply-To"], parseaddr(unfolded(raw["From"]))[1]) == (written, written)


def test_from_an_address_in_another_script_nothing_is_sent_that_some_servers_refuse() -> None:
    mail = Mail("m@example.test", "Hi", "", "<p></p>", "<a@desk.example>", sender="\u7528\u6237@desk.example")

    assert message_from_bytes(message(mail, SENDER).as_bytes())["From"] == SENDER


@settings(max_examples=40)
@given(
    text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=2500),
    name=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=200).map(
        one_line
    ),
    long=st.integers(0, 5000),
)
def test_no_line_is_longer_than_mail_servers_take(text: str, name: str, long: int) -> None:
    """998 octets, RFC 5321, section 4.5.3.1.6; and all of it ASCII, whatever the mail server can take."""
    body = f"{text}{'x' * long}\n"
    file = Enclosed(name or "a", "message/rfc822", bytes(long))
    headers = {
        "References": " ".join(["<" + "i" * 390 + "@example.com>"] * 3),
        "Reply-To": "a@b\u00fccher.example",
    }
    mail = Mail(
        "m@example.test",
        one_line(text)[:500],
        body,
        f"<p>{escape(body)}</p>",
        "<a@desk.example>",
        sender_name=name,
        headers=headers,
        enclosed=[file],
    )
    wire = message(mail, SENDER).as_bytes()
    plain = message_from_bytes(wire, policy=policy.default).get_body(("plain",))

    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert wire.isascii()
    assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n")
    assert plain
    assert plain.get_content().replace("\r\n", "\n") == body
