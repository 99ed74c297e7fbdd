"""What a search compares: the same words on every database, as people expect them."""

import re
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.kernel.words import MATCH_BEGINS, MATCH_ENDS, TEXT_LIMIT, excerpt, holds, terms, wanted


def finds(typed: str, text: str) -> bool:
    held = set(terms(text))
    return all(
        term in held or (begins and any(each.startswith(term) for each in held))
        for term, begins in wanted(typed)
    )


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("strasse", "Die Straße 5"),
        ("straße", "DIE STRASSE 5"),
        ("zurich", "Zu\u0308rich"),
        ("lodz", "Łódź"),
        ("oresund", "Øresund"),
        ("istanbul", "İSTANBUL"),
        ("οδος", "Ὁδός"),
        ("ёлка", "елка"),
        ("商品", "新しい商品表示の件"),
        ("表示", "新しい商品表示の件"),
        ("件", "新しい商品表示の件"),
        ("商", "新しい商品表示の件"),
        ("カード", "ｶｰﾄﾞが使えない"),
        ("注文 123", "注文１２３です"),
        ("order 12", "Ｏｒｄｅｒ　１２"),
        ("서울", "저는 서울에서 삽니다"),
        ("서울", "서울에서"),
        ("울", "서울"),
        ("สินค้า", "ขอคืนสินค้าค่ะ"),
        ("หน", "หนังสือ"),
        ("हिन्दी", "मुझे हिन्दी में लिखें"),
        ("كتاب", "كِتَابـــي"),
        ("שלום", "שָׁלוֹם"),
        ("tanaka", "The parcel is late\ntanaka@shop.example"),
        ("shop.example", "The parcel is late\ntanaka@shop.example"),
        ("TANAKA@shop.exa", "The parcel is late\ntanaka@shop.example"),
        ("1", "order 1"),
        ("par lat", "late parcel, par"),
    ],
)
def test_what_people_type_finds_what_people_wrote(typed: str, text: str) -> None:
    assert finds(typed, text)
    assert holds(text, wanted(typed))
    assert MATCH_BEGINS in excerpt(text, typed)


@pytest.mark.parametrize(
    ("typed", "text"),
    [("が", "か"), ("品商", "商品"), ("par late", "parcel late"), ("हन", "हिन्दी"), ("tent", "content")],
)
def test_what_is_something_else_is_not_found(typed: str, text: str) -> None:
    assert not finds(typed, text)
    assert not holds(text, wanted(typed))


@given(st.text(max_size=300), st.text(max_size=20))
def test_terms_are_safe_in_both_indexes_and_an_excerpt_is_a_part_of_the_text(text: str, typed: str) -> None:
    for term in [*terms(text), *(each.term for each in wanted(typed))]:
        assert term
        assert not set(term) & set(" \"'\\:&|!()*\t\n\0")
    shown = excerpt(text, typed)
    assert len(shown.replace(MATCH_BEGINS, "").replace(MATCH_ENDS, "")) <= 400


@given(st.text(alphabet="abü 商品表示서울สิน1-", min_size=1, max_size=60), st.data())
def test_any_part_of_a_text_between_its_words_finds_it(text: str, data: st.DataObject) -> None:
    words = text.split()
    if words:
        start = data.draw(st.integers(0, len(words) - 1))
        assert finds(" ".join(words[start:]), text)


@pytest.mark.parametrize("text", ["word " * 200, "商品表示" * 200, "x" * 900])
def test_an_excerpt_is_short_and_shows_the_match(text: str) -> None:
    typed = "表示" if "表" in text else text.split(maxsplit=1)[0]
    shown = excerpt(f"{text} tail {text}", typed)

    assert MATCH_BEGINS in shown
    assert shown.endswith("…")
    assert len(shown) <= 1_100


def test_what_a_text_is_made_of_is_bounded_whatever_signs_it_is_written_in() -> None:
    """A ligature of eighteen letters costs whoever writes it one."""
    unkind = "\ufdfa" * TEXT_LIMIT

    assert sum(1 for _ in terms(unkind)) < TEXT_LIMIT / 2
    assert len(excerpt(f"{unkind} x", "صلى")) < 200


@given(*[st.text(f"{ascii_letters}0_- .", max_size=40)] * 2)
def test_plain_text_shows_each_of_its_words_that_was_typed(typed: str, text: str) -> None:
    shown = re.findall(f"{MATCH_BEGINS}(.*?){MATCH_ENDS}", excerpt(text, typed))

    assert [word.lower() for word in shown] == [word for word in terms(text) if fits(word, typed)]


def fits(word: str, typed: str) -> bool:
    return any(word == term or (begins and word.startswith(term)) for term, begins in wanted(typed))
