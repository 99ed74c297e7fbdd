"""Damaged mails: none fails, none takes long, and nothing gets out that could not be kept.

Ten thousand where PARLOUR_TEST_FUZZ is set, as in .ci/run, a tenth of them in the everyday run; beside ours,
those in the folder that PARLOUR_TEST_MAILS names.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parlour.kernel.text import storable
from parlour.mail.receive.parse import UNREADABLE, parse
from tests.mail.receive.mutants import mutant
from tests.mail.receive.seeds import SEEDS
from tests.mail.receive.test_bounds import LONGEST

pytestmark = pytest.mark.sqlite  # before any database

TRIES = 2_500 if os.environ.get("PARLOUR_TEST_FUZZ") else 250


def mails() -> list[bytes]:
    folder = os.environ.get("PARLOUR_TEST_MAILS")
    return [*SEEDS, *(path.read_bytes() for path in sorted(Path(folder).rglob("*.eml")))] if folder else SEEDS


def words_in(read: object) -> Iterator[str]:
    """Every text in it, however deep."""
    if isinstance(read, str):
        yield read
    elif isinstance(read, tuple):
        for each in read:
            yield from words_in(each)
    else:
        for name in getattr(read, "__match_args__", ()):
            yield from words_in(getattr(read, name))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(4))
def test_no_damage_makes_a_mail_unreadable(part: int) -> None:
    whole = mails()
    for number in range(part * TRIES, (part + 1) * TRIES):
        mail = mutant(whole, number)
        began = time.process_time()

        read = parse(mail, authserv_id="mx.x.example")

        assert time.process_time() - began < LONGEST, number
        assert UNREADABLE not in read.defects, number
        assert all(words == storable(words) for words in words_in(read)), number
        assert bool(read.text) == bool(read.reply), number


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_a_mail_may_end_anywhere(number: int) -> None:
    mail = SEEDS[number]

    for end in range(0, len(mail), 7):
        assert UNREADABLE not in parse(mail[:end]).defects
