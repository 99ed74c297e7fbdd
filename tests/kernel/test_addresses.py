"""Which addresses are taken, and in which form they are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.kernel.addresses import clean_email


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("maria@example.com", "maria@example.com"),
        ("  Maria@Example.COM\n", "maria@example.com"),
        ("maria+parcels@example.co.uk", "maria+parcels@example.co.uk"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("maria@bücher.example", "maria@bücher.example"),
        ("用户@例子.公司", "用户@例子.公司"),
        (f"{'m' * 64}@example.com", f"{'m' * 64}@example.com"),
    ],
)
def test_an_address_is_kept_trimmed_and_in_lower_case(typed: str, kept: str) -> None:
    assert clean_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "maria",
        "maria@example",
        "@example.com",
        "maria@",
        "maria@@example.com",
        "maria@example..com",
        "maria..b@example.com",
        "maria@-example.com",
        "maria@example-.com",
        "maria@example.com.",
        "maria @example.com",
        "maria@exam ple.com",
        "maria@example.com\nbcc: all@example.com",
        "maria@example.com\x00",
        "maria@example.com, noor@example.com",
        "Maria <maria@example.com>",
        '"maria"@example.com',
        "maria@[127.0.0.1]",
        f"{'m' * 65}@example.com",
        f"maria@{'e' * 64}.com",
        f"maria@{'example.' * 40}com",
    ],
)
def test_what_mail_could_not_reach_is_no_address(typed: str) -> None:
    assert clean_email(typed) is None


@given(st.text(max_size=300))
def test_whatever_is_typed_the_answer_is_an_address_or_none(typed: str) -> None:
    kept = clean_email(typed)

    assert kept is None or (clean_email(kept) == kept and not any(char.isspace() for char in kept))
