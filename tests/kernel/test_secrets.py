"""A mailed code is found among whatever was pasted with it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.kernel.secrets import new_secret, secret_in

CODE = "-_Ab3" * 8 + "-9_"
WITH_PLACE = "0192f00000007000800000000000000a." + CODE
PASTED = [
    "{}",
    " {}\n",
    "https://desk.example/support/acme/access#{}",
    "<https://desk.example/invite#{}>.",
    "https://desk.example/support/acme/access%23{}",
    "https://desk.example/auth/reset#token={}",
    "Code: {}",
    "Paste this code {} here, please",
    "the code is\n\n{}\n\nThere you can read the answers",
    "“{}”.",
    "'{}'",
    "`{}`,",
    "\u200b{}\u200b",
    "If the link does not work, paste this code:{}Enter the code",
    "Open the ticket:https://desk.example/support/acme/access#{}There you can",
]


@pytest.mark.parametrize("secret", [CODE, WITH_PLACE], ids=["mailed", "invitation"])
@pytest.mark.parametrize("pasted", PASTED)
def test_a_secret_is_found_in_what_stood_around_it(pasted: str, secret: str) -> None:
    broken = f"{secret[:20]}\r\n{secret[20:50]}=\n {secret[50:]}"

    assert secret_in(pasted.format(secret)) == secret
    if not pasted.endswith("}Enter the code"):
        assert secret_in(pasted.format(broken)) == secret


@given(st.builds(new_secret), st.integers(0, 42))
def test_any_secret_is_found_wherever_a_line_was_broken(secret: str, at: int) -> None:
    assert secret_in(f'Code:\n"{secret[:at]}\n{secret[at:]}".') == secret


@pytest.mark.parametrize("typed", ["", "nothing", "a-rather-long-word-of-somebody-else", "\u202e"])
def test_what_holds_no_secret_comes_back_as_it_is(typed: str) -> None:
    assert secret_in(f" {typed}\n") == typed


def test_a_paste_made_to_be_slow_is_not() -> None:
    began = time.process_time()
    for unkind in ("a " * 30_000, "a" + " " * 60_000 + "a", "a" * 60_000, "=\n" * 30_000, "aa " * 170_000):
        secret_in(unkind)

    assert time.process_time() - began < 10
