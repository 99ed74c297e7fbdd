"""What words from outside are when they are kept: storable, in one form, harmless to their neighbours."""

import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parlour.kernel import text

ODD = (
    "\0\t\n\v\f\r\x1b\x1f\x7f\x85\xa0\xad\u0301\u0308\u034f\u061c\u1160\u180e\u200b\u200c\u200d\u200e\u200f"
    "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\u206a\u2800\u3000\u3164\ud83d\ude00"
    "\udfff\ufdd0\ufe0f\ufeff\uffa0\uffff\U000e0001\U000e0067\U000e007f\U0001f3f4\U000e0100"
    " aZ1é\u0915\u094dسب家"
)
Clean = Callable[[str], str]
anything = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from(ODD)), max_size=40)
cleaned = pytest.mark.parametrize("clean", [text.many_lines, text.one_line, text.name])
openers = {"\u202a": "\u202c", "\u202b": "\u202c", "\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}


@cleaned
@given(typed=anything)
@example(typed="e\u202e\u0301")
@example(typed="\U0001f3f4\U000e0001\U000e0067\U000e007f")
def test_whatever_comes_in_what_is_kept_is_harmless(clean: Clean, typed: str) -> None:
    kept = clean(typed)

    assert clean(kept) == kept
    assert not kept or text.is_visible(kept)
    assert kept.encode().decode() == kept
    assert unicodedata.is_normalized("NFC", kept)
    assert all(unicodedata.category(c) not in {"Cc", "Cs", "Zl", "Zp"} or c in "\n\t" for c in kept)
    assert len(kept) <= 3 * len(typed)  # what NFC may need at most, which is more than closing directions
    for line in kept.split("\n"):
        begun = []
        for c in line:
            if c in openers:
                begun.append(openers[c])
            elif c in openers.values():
                assert begun.pop() == c
        assert not begun


@pytest.mark.parametrize("clean", [text.one_line, text.name])
@given(typed=anything)
def test_one_line_is_one_line(clean: Clean, typed: str) -> None:
    kept = clean(typed)

    assert kept == " ".join(kept.split())


@pytest.mark.parametrize("clean", [text.one_line, text.name])
@given(typed=st.text(st.characters(codec="ascii")))
def test_ascii_is_cleaned_as_what_stands_beside_other_letters(clean: Clean, typed: str) -> None:
    assert clean(f"é {typed}") == f"é {clean(typed)}".rstrip()


@given(
    st.text(
        st.characters(
            categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u2800\u3164\uffa0\u115f\u1160"
        )
    )
)
def test_letters_digits_and_signs_all_stay(typed: str) -> None:
    kept = text.many_lines(f"({typed})")

    assert kept == unicodedata.normalize("NFC", f"({typed})")


@pytest.mark.parametrize(
    "meant",
    [
        "👩‍👩‍👧‍👦 and ❤️",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "🇫🇷 1️⃣ #️⃣ 👍🏽",
        "می‌خواهم",
        "क्‍ष and ക്‍",
        "ภาษา\u200bไทย",
        "ab \u2067שלום\u2069 cd",
        "מחיר: 5\u200f",
        "\u2803\u2800\u2803",
        "ᠮᠣᠩᠭᠣᠯ\u180bᠠ",
        "葛\U000e0100城",
        "\U0001fae8\U0001fadf",  # younger than this Python's tables
    ],
)
@cleaned
def test_what_scripts_and_emoji_are_made_of_stays(clean: Clean, meant: str) -> None:
    assert clean(f"x {meant} y") == f"x {meant} y"
    if clean is not text.name:
        assert clean(meant) == meant


@pytest.mark.parametrize(
    "nothing",
    [
        "",
        " \t\n",
        "\u2800",
        "\u200b\u200b",
        "\u3164",
        "\u115f\u1160\uffa0",
        "\u0301\u0308",
        "\ufe0f",
        "\u200d\u200c",
        "\u202e",
        "\u2067 \u2069",
        "\u200e\n\u200f",
        "\U000e0041\U000e0042",
        "\0\x1b\x7f",
        "\ufeff",
        "\u00ad",
        "\u3000\u2003",
        "\U0001d159",
    ],
)
@cleaned
def test_what_nobody_sees_is_nothing(clean: Clean, nothing: str) -> None:
    assert clean(nothing) == ""
    assert not text.is_visible(nothing)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ac\0me", "Acme"),
        ("Acme\r\n\r\nVisit http://evil.example", "Acme Visit http://evil.example"),
        ("Acme\u2028Visit\u2029us\x85now\vand\fthen", "Acme Visit us now and then"),
        ("Acme\x1b[31m", "Acme[31m"),
        ("\u200b\u200f\u3164 Anna\u00a0\u200b\u200d\u2800\u200f", "Anna"),
        ("ann\u202egpj.exe", "anngpj.exe"),
        ("\u2067ann", "\u2067ann\u2069"),
        ("ann\u2069\u202c", "ann"),
        ("\u202b\u2067ann\u202c", "\u202b\u2067ann\u2069\u202c"),
        ("Ju\u0308rgen", "Jürgen"),
        ("hidden\U000e0069\U000e0067\U000e006e", "hidden"),
        ("\ud83d\ude00 \ud83d", "😀 \ufffd"),
        ("نامه\u200c", "نامه\u200c"),
    ],
)
def test_a_name_is_one_line_that_keeps_to_itself(typed: str, kept: str) -> None:
    assert text.name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\r\n \u200b\n    first\r\n    second\r\n\n", "    first\n    second"),
        ("\tone\rtwo\u2028three\x85four  ", "\tone\ntwo\nthree\nfour"),
        ("\u2067one\ntwo\u2069", "\u2067one\u2069\ntwo"),
        ("a\0b\x1b[0m\ufeffc", "ab[0mc"),
    ],
)
def test_a_text_keeps_its_lines_and_their_indentation(typed: str, kept: str) -> None:
    assert text.many_lines(typed) == kept


def test_every_keyboard_types_the_same_password() -> None:
    assert text.password("Schlu\u0308ssel\u00a0und\u3000Schloss") == "Schlüssel und Schloss"
    assert text.password("  ＡＢ Ⅸ ") == "  ＡＢ Ⅸ "


@pytest.mark.parametrize(
    "much",
    [
        "\u202a" * 50_000 + "\u2069" * 50_000,
        "\u200d" * 100_000,
        "\u200f " * 50_000,
        " \n" * 50_000,
        " " * 100_000,
    ],
)
@cleaned
def test_a_text_made_to_take_long_takes_no_longer_than_another(clean: Clean, much: str) -> None:
    began = time.process_time()

    clean(much)

    assert time.process_time() - began < 2  # squares of such lengths take minutes
