"""Where texts are cut: never within what its reader takes for one sign."""

import json
import subprocess
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.files.names import safe_name
from parlour.kernel.graphemes import LONGEST, border, cut, pieces
from parlour.kernel.text import NAME_LIMIT, name_in_mail
from parlour.kernel.words import MATCH_BEGINS, MATCH_ENDS, excerpt
from parlour.mail.receive.parse import SUBJECT_LIMIT, parse
from tests.servers import NODE

pytestmark = pytest.mark.sqlite  # before any database

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
THUMB = "\U0001f44d\U0001f3fd"
SIGNS = [
    FAMILY,
    THUMB,
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # England
    "\U0001f1e9\U0001f1ea",
    "\u2764\ufe0f\u200d\U0001f525",
    "1\ufe0f\u20e3",
    "a\u0323\u0308",
    "\u0915\u094d\u0937\u093f",  # kshi
    "\u0e01\u0e33",  # kam
    "\u1112\u1161\u11ab",  # han, letter by letter
    "\uac01",
    "\u0639\u064e",
    "\u4e2d",
    "e",
    " ",
]
SEGMENTER = """
const signs = new Intl.Segmenter("en", { granularity: "grapheme" });
const texts = JSON.parse(require("fs").readFileSync(0));
const lengths = (text) => [...signs.segment(text)].map((each) => [...each.segment].length);
console.log(JSON.stringify(texts.map(lengths)));
"""


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_stays_whole_or_goes(sign: str) -> None:
    for at in range(1, len(sign)):
        assert cut(f"abc{sign}", 3 + at) == "abc"
    assert cut(f"abc{sign}d", 3 + len(sign)) == f"abc{sign}"


def test_two_flags_are_not_joined_to_a_third_letter() -> None:
    flags = "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7"
    assert [cut(flags, at) for at in (2, 3, 4)] == [flags[:2], flags[:2], flags]


def test_what_piles_up_without_end_is_cut_all_the_same() -> None:
    assert cut("a" + "\u0301" * 500, 200) == "a" + "\u0301" * 199


@given(st.lists(st.sampled_from(SIGNS)).map("".join), st.integers(1, 30))
def test_pieces_are_the_text_again_and_none_is_too_long(text: str, limit: int) -> None:
    found = list(pieces(text, limit))

    assert "".join(found) == text
    assert all(len(each) <= limit for each in found)


@pytest.mark.node
def test_browsers_end_a_sign_wherever_a_text_is_cut() -> None:
    orders = [(start, step) for start in range(9) for step in (1, 2, 3, 4)]
    texts = ["e" + "".join(SIGNS[start::step]) + "e" for start, step in orders]
    said = subprocess.run(
        [NODE.installed(), "-e", SEGMENTER],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    for text, lengths in zip(texts, json.loads(said.stdout), strict=True):
        ends = {sum(lengths[:many]) for many in range(1, len(lengths) + 1)}
        assert {border(text, at) for at in range(1, min(len(text), LONGEST))} <= ends


def test_whatever_people_read_that_is_cut_ends_with_a_whole_sign() -> None:
    long = "x" * SUBJECT_LIMIT
    mail = EmailMessage()
    mail["Subject"] = long[:-1] + FAMILY
    mail.set_content("Hello")
    assert parse(mail.as_bytes()).subject == long[:-1]
    assert name_in_mail(long[: NAME_LIMIT - 2] + FAMILY) == long[: NAME_LIMIT - 2]
    assert safe_name(f"{long[:145]}{THUMB}.pdf") == f"{long[:145]}.pdf"


def test_what_is_shown_around_a_match_begins_and_ends_with_a_whole_sign() -> None:
    shown = excerpt(f"{FAMILY * 20} parcel {FAMILY * 20}", "parcel")

    before, after = shown.strip("…").split(f" {MATCH_BEGINS}parcel{MATCH_ENDS} ")
    assert (before.replace(FAMILY, ""), after.replace(FAMILY, "")) == ("", "")
