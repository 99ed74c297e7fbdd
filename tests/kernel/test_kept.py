from typing import Any

from parlour.kernel.kept import LONG, Alike, Kept


def test_rows_that_are_alike_are_one_object() -> None:
    people: Alike[list[Any]] = Alike(list, most=10)

    [first] = people.each([("Ada", 1)])
    again, other = people.each([("Ada", 1), ("Ada", 2)])

    assert first == ["Ada", 1]
    assert again is first
    assert other == ["Ada", 2]


def test_what_was_made_of_an_object_is_kept_by_which_object_it_is() -> None:
    sentences = Kept(lambda words, end: [*words, end], most=10, length=len)
    words, same_words = ["Good", "morning"], ["Good", "morning"]

    first = sentences(words, "!")

    assert sentences(words, "!") is first
    assert sentences(words, "?") == ["Good", "morning", "?"]
    assert sentences(same_words, "!") is not first


def test_an_object_that_is_gone_leaves_nothing_to_the_next_one_in_its_place() -> None:
    doubled = Kept(lambda number: number * 2, most=10_000, length=lambda _: 0)

    assert [doubled(float(number)) for number in range(5_000)] == [number * 2.0 for number in range(5_000)]


def test_no_more_are_kept_than_may_be_and_the_oldest_go_first() -> None:
    kept = Kept(lambda one: [one], most=2, length=len)
    things = [object() for _ in range(3)]

    oldest, middle, newest = map(kept, things)

    assert kept(things[2]) is newest
    assert kept(things[1]) is middle
    assert kept(things[0]) is not oldest


def test_what_is_long_is_not_kept() -> None:
    long = Kept(lambda one: one + "!", most=10, length=len)
    rows: Alike[list[Any]] = Alike(list, most=10)
    text = "x" * LONG

    assert long(text) is not long(text)
    assert rows.each([(text + "x",)])[0] is not rows.each([(text + "x",)])[0]
    assert rows.each([(text,)])[0] is rows.each([(text,)])[0]
