from collections.abc import Sequence
from typing import Any

from parlour.kernel.kept import LONG, Alike, Kept


def lists(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return list(map(list, rows))


def ended(pairs: Sequence[tuple[list[str], str]]) -> list[list[str]]:
    return [[*words, end] for words, end in pairs]


def test_rows_that_are_alike_are_one_object() -> None:
    people = Alike(lists, most=10)

    [first] = people.each([("Ada", 1)])
    again, other = people.each([("Ada", 1), ("Ada", 2)])

    assert first == ["Ada", 1]
    assert again is first
    assert other == ["Ada", 2]


def test_what_was_made_of_an_object_is_kept_by_which_object_it_is() -> None:
    sentences = Kept(ended, most=10, length=len)
    words, same_words = ["Good", "morning"], ["Good", "morning"]

    first = sentences.one(words, "!")

    assert sentences.one(words, "!") is first
    assert sentences.one(words, "?") == ["Good", "morning", "?"]
    assert sentences.one(same_words, "!") is not first


def test_only_what_is_new_is_made_and_all_of_it_together() -> None:
    asked: list[list[tuple[list[str], str]]] = []

    def noted(pairs: list[tuple[list[str], str]]) -> list[list[str]]:
        asked.append(pairs)
        return ended(pairs)

    sentences = Kept(noted, most=10, length=len)
    good, well, bad = ["Good"], ["Well"], ["Bad"]
    sentences.each([good], "!")

    assert sentences.each([well, good, bad], "?!.") == [["Well", "?"], ["Good", "!"], ["Bad", "."]]
    assert asked == [[(good, "!")], [(well, "?"), (bad, ".")]]


def test_an_object_that_is_gone_leaves_nothing_to_the_next_one_in_its_place() -> None:
    doubled = Kept(lambda pairs: [number * 2 for number, _ in pairs], most=10_000, length=lambda _: 0)

    assert [doubled.one(float(number)) for number in range(5_000)] == [
        2.0 * number for number in range(5_000)
    ]


def test_no_more_are_kept_than_may_be_and_the_oldest_go_first() -> None:
    kept = Kept(lambda pairs: [[one] for one, _ in pairs], most=2, length=len)
    things = [object() for _ in range(3)]

    oldest, middle, newest = map(kept.one, things)

    assert kept.one(things[2]) is newest
    assert kept.one(things[1]) is middle
    assert kept.one(things[0]) is not oldest


def test_what_is_long_is_not_kept() -> None:
    long = Kept(lambda pairs: [one + "!" for one, _ in pairs], most=10, length=len)
    rows = Alike(lists, most=10)
    text = "x" * LONG

    assert long.one(text) is not long.one(text)
    assert rows.each([(text + "x",)])[0] is not rows.each([(text + "x",)])[0]
    assert rows.each([(text,)])[0] is rows.each([(text,)])[0]
