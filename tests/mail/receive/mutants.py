"""Mails that were damaged on purpose, the same ones for the same number."""

import random
from collections.abc import Sequence

_PIECES = [
    *(b"\r\n", b"\n", b"\r", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1b$B", b"\x80" * 40),
    *(
        b"--edge",
        b"--edge--",
        b"\r\n--edge\r\n",
        b"\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=\r\n",
    ),
    *(
        b"=?utf-8?b?",
        b"=?x?q?=?=",
        b"=?idna?q?a?=",
        b"?=",
        b"=?utf-7?q?+2AA-?=",
        b"=\r\n",
        b"====",
        b"%ff%",
        b"*0*=''",
    ),
    *(
        b"From: ",
        b"From: a@b <c@d>, e\r\n",
        b"To: <>\r\n",
        b"Date: -1\r\n",
        b"<" * 99,
        b"(" * 999,
        b'"' * 99,
        b"," * 999,
    ),
    *(
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n",
        b"begin 644 x\r\n",
    ),
    *(
        b"Content-Type: message/delivery-status\r\n\r\n",
        b"Content-Type: text/html\r\n\r\n",
        b"format=flowed; delsp=yes",
    ),
    *(
        b"Content-Type: application/pkcs7-mime\r\n\r\n\x30\x80",
        b"\x78\x9f\x3e\x22",
        b"BEGIN:VEVENT\r\nDTSTART:",
    ),
    *(
        b"<div>" * 300,
        b"<font color=1>" * 200,
        b"<p>x" * 400,
        b"<table><tr><td>" * 99,
        b"<!--",
        b"<a b='",
        b"<![CDATA[",
        b"&" * 500,
    ),
    *(
        b"> " * 300,
        b">" * 999,
        b"> a\n" * 500,
        b"On 3 Nov 2026 a@b.example wrote:\r\n",
        b"From: x\r\nTo: y\r\n",
        b"-- \r\n",
        b"_" * 99,
    ),
    *(
        b"charset=unicode_escape",
        b"charset=utf-16",
        b"charset=gb2312",
        b"charset=punycode",
        b"a@" * 999,
        b":" * 999,
    ),
]


def mutant(mails: Sequence[bytes], number: int) -> bytes:
    """The mail with this number: one of these, damaged in one to six places."""
    chance = random.Random(number)
    mail = bytearray(chance.choice(mails))
    for _ in range(chance.randint(1, 6)):
        _damage(mail, mails, chance)
    return bytes(mail)


def _damage(mail: bytearray, mails: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(mail) + 1)
    at = min(at, chance.randrange(2_000)) if chance.random() < 0.5 else at  # the header is where it hurts
    length = chance.randint(1, chance.choice([4, 40, 4_000]))
    match chance.randrange(8):
        case 0:
            mail[at : at + length] = b""
        case 1:
            mail[at : at + length] = chance.randbytes(min(length, 200))
        case 2:
            mail[at:at] = chance.choice(_PIECES)
        case 3:
            mail[at:at] = chance.choice(_PIECES) * chance.randint(2, 50)
        case 4:
            mail[at:at] = mail[at : at + min(length, 400)] * chance.randint(2, 30)
        case 5:
            other = chance.choice(mails)
            start = chance.randrange(len(other) + 1)
            mail[at : at + length] = other[start : start + length]
        case 6:
            del mail[at:]
        case _:
            for _ in range(chance.randint(1, 30)):
                if mail:
                    mail[chance.randrange(len(mail))] = chance.randrange(256)
