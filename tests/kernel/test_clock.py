"""Time and identity."""

import time
from datetime import UTC, datetime

from parlour.kernel import clock


def test_the_time_is_utc() -> None:
    assert clock.now().tzinfo is UTC


def test_a_test_can_set_the_time_and_it_goes_on_afterwards() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    with clock.at(moment):
        assert clock.now() == clock.now() == moment

    assert clock.now() > moment


def test_the_time_goes_on_after_a_failure_too() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    try:
        with clock.at(moment):
            raise RuntimeError
    except RuntimeError:
        pass

    assert clock.now() != moment


def test_ids_are_uuids_of_version_7_that_begin_with_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = clock.new_id()
    after = time.time_ns() // 1_000_000

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before <= made.int >> 80 <= after


def test_ids_of_one_millisecond_differ() -> None:
    assert len({clock.new_id() for _ in range(10_000)}) == 10_000
