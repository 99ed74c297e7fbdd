"""What JSON names by escapes, as whole characters."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.kernel.escapes import whole


@pytest.mark.parametrize(
    ("said", "is_read"),
    [
        (r'"a\ud800b"', "a\ufffdb"),
        (r'"\uDFFF\uD83D"', "\ufffd\ufffd"),
        (r'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\\ud800"', r"\ud800"),
        (r'"\\\ud800"', "\\\ufffd"),
    ],
)
def test_half_a_character_is_read_as_none_and_the_rest_as_it_is(said: str, is_read: str) -> None:
    assert json.loads(whole(said)) == is_read


@given(st.text())
def test_whole_characters_stay_as_they_are(words: str) -> None:
    assert json.loads(whole(json.dumps(words))) == words
