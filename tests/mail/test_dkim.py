"""Signatures on our mails, as the library of those who check them sees them."""

from collections.abc import Callable
from dataclasses import replace

import dkim as checker
import pytest
from aiosmtplib.email import flatten_message

from parlour.mail import dkim
from parlour.mail.send import Enclosed, Mail, message
from tests.post_office import parse

SENDER = "support@desk.example"
SELECTOR = "parlour-1"


@pytest.fixture(scope="module")
def key() -> str:
    return dkim.new_key()


def stands(raw: bytes, key: str) -> bool:
    """Whether somebody who looks up the domain's record finds the signature right."""
    records = {b"parlour-1._domainkey.desk.example.": dkim.record_of(key).encode()}
    return bool(checker.verify(raw, dnsfunc=lambda name, **_: records.get(name)))


def sent(mail: Mail, key: str, *, utf8: bool = False, eight_bit: bool = True) -> bytes:
    """What the mailer's library writes on the wire."""
    wire = message(mail, SENDER)
    dkim.sign(wire, "desk.example", SELECTOR, key)
    return flatten_message(wire, utf8=utf8, cte_type="8bit" if eight_bit else "7bit")


def every_header(mail: Mail) -> Mail:
    ids = [f"<{'x' * 60}.{number}@mail.example.org>" for number in range(20)]
    headers = {"Reply-To": "acme@desk.example", "In-Reply-To": ids[-1], "References": " ".join(ids)}
    return replace(mail, headers=headers)


CASES: dict[str, Callable[[Mail], Mail]] = {
    "plain": lambda mail: mail,
    "with every header": every_header,
    "with a long subject of other letters": lambda mail: replace(
        mail, subject="Größe des Zelts, " * 12 + "bitte"
    ),
    "in a name of other letters": lambda mail: replace(mail, sender_name="Ærøskøbing, " * 9 + "Støtte"),
    "with a file": lambda mail: replace(
        mail, enclosed=[Enclosed("Größe.pdf", "application/pdf", b"%PDF" * 99)]
    ),
    "with lines of dots, blanks and letters": lambda mail: replace(mail, text=".\n..\n \t\nÄ  b \n\n\n\n"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("eight_bit", [True, False])
def test_a_signature_stands_whatever_the_mail_holds(mail: Mail, key: str, case: str, eight_bit: bool) -> None:
    assert stands(sent(CASES[case](mail), key, eight_bit=eight_bit), key)


def test_it_stands_to_an_address_of_other_letters(mail: Mail, key: str) -> None:
    assert stands(sent(replace(mail, to="märy@example.test"), key, utf8=True), key)


def test_it_is_of_2048_bits_and_leaves_blanks_to_those_who_carry_it(mail: Mail, key: str) -> None:
    raw = sent(mail, key)

    [signature] = parse(raw).get_all("DKIM-Signature", [])
    tags = dict(tag.strip().split("=", 1) for tag in signature.split(";"))
    assert (tags["a"], tags["c"], tags["d"], tags["s"]) == (
        "rsa-sha256",
        "relaxed/relaxed",
        "desk.example",
        SELECTOR,
    )
    assert len("".join(tags["b"].split())) == 344
    assert stands(raw.replace(b"Subject: Ticket", b"Subject:  Ticket"), key)


@pytest.mark.parametrize("where", ["above", "below"])
def test_nobody_adds_a_header_of_those_that_are_signed(mail: Mail, key: str, where: str) -> None:
    raw = sent(mail, key)
    head, gap, body = raw.partition(b"\r\n\r\n")

    assert stands(raw, key)
    for name in dkim.SIGNED:
        added = f"{name}: another@elsewhere.example".encode()
        below = b"\r\n".join((head, added)) + gap + body
        assert not stands(added + b"\r\n" + raw if where == "above" else below, key), name


def test_what_is_said_cannot_be_changed(mail: Mail, key: str) -> None:
    raw = sent(mail, key)

    assert not stands(raw.replace(b"Open the ticket", b"Open the window"), key)
    assert not stands(raw.replace(b"Ticket #7", b"Ticket #8"), key)


def test_a_record_is_right_when_others_can_check_by_it(key: str) -> None:
    record = dkim.record_of(key)
    short = record.replace("v=DKIM1; k=rsa; ", "")
    right = [record, record.replace("; ", ";"), short, f"{record};", f"{record[:200]} {record[200:]}"]
    wrong = [record[:-8], record.replace("k=rsa", "k=ed25519"), "v=DKIM1; p=", "v=spf1 -all", ""]

    assert [dkim.says(each, key) for each in right + wrong] == [True] * 5 + [False] * 5


def test_a_zone_file_gets_strings_that_dns_can_carry(key: str) -> None:
    record = dkim.record_of(key)
    line = dkim.zone_line("parlour-1._domainkey.desk.example", record)
    strings = line.split('"')[1::2]

    assert "".join(strings) == record
    assert max(map(len, strings)) <= 255
