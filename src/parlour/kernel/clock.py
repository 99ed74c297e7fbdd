"""Time and identity, in one place so that a test can set both."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID
from zoneinfo import ZoneInfo


def _real_now() -> datetime:
    return datetime.now(UTC)


class _Steady:
    """Follows the machine's clock, but not backwards: then it goes on by the seconds that really pass."""

    def __init__(self) -> None:
        self._seen = _real_now(), time.monotonic()

    def __call__(self) -> datetime:
        latest, at = self._seen
        now = time.monotonic()
        moment = max(_real_now(), latest + timedelta(seconds=now - at))
        self._seen = moment, now
        return moment


class Setting:
    """Whether somebody, or a wrong server of time, sets the machine's clock while this process lives."""

    def __init__(self) -> None:
        self._ahead = self._ahead_now()

    def changed(self) -> timedelta:
        """By how much it was set since this was last asked; ahead is more than nothing."""
        before, self._ahead = self._ahead, self._ahead_now()
        return timedelta(seconds=self._ahead - before)

    def _ahead_now(self) -> float:
        return time.time() - time.monotonic()


_now: Callable[[], datetime] = _real_now
_steady: Callable[[], datetime] = _Steady()


def now() -> datetime:
    """The current time, always in UTC: for what people read, and for what ends on a date."""
    return _now()


def steady() -> datetime:
    """The current time, but never an earlier one than before: for what waits, or is held, for a while."""
    return _steady()


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def id_at(moment: datetime) -> UUID:
    """What sorts before every UUIDv7 that is made from that moment on, and behind those made before: the
    first of all for moments before 1970, to which such ids do not go.
    """
    milliseconds = int(moment.timestamp() * 1_000)
    return UUID(int=max(0, min(milliseconds, (1 << 48) - 1)) << 80)


def moment_of(made: UUID) -> datetime:
    """When an id of `new_id` was made, by the clock of the machine that did."""
    return datetime.fromtimestamp((made.int >> 80) / 1_000, UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let time stand still at `moment` for the block."""
    global _now, _steady
    before = _now, _steady
    _now = _steady = lambda: moment
    try:
        yield
    finally:
        _now, _steady = before


def moment_said(words: str) -> datetime | None:
    """A date as headers of mails and of HTTP give it; None for what is none, whatever numbers it holds.

    One without a zone is in UTC.
    """
    try:
        said = parsedate_to_datetime(words)
        return said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def zone_named(name: str) -> ZoneInfo | None:
    """A time zone by its name in the IANA database; None for what is none."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, KeyError, OSError):  # the last two: no such file, a folder of them
        return None
