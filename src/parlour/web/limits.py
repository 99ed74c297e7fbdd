"""How often one may do a thing. A refused call says how long to wait."""

import time
from enum import Enum
from ipaddress import ip_address

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from parlour.kernel.errors import TooMany

FORGET_EVERY = 30.0
"""Seconds between two looks for uses that are too old to count."""


class Limit(Enum):
    """Numbers are a person's generous use; a shared office counts as one network address."""

    OPEN_BY_NETWORK = ("open by network", "30/10 minutes")
    OPEN_BY_EMAIL = ("open by email", "10/hour")
    SEND = ("send", "20/10 seconds")
    EXCHANGE = ("exchange", "30/10 minutes")
    FRESH_LINK_BY_NETWORK = ("fresh link by network", "10/10 minutes")
    FRESH_LINK_BY_EMAIL = ("fresh link by email", "1/10 minutes")
    SIGN_IN_BY_NETWORK = ("sign in by network", "30/15 minutes")
    SIGN_IN_BY_ACCOUNT = ("sign in by account", "10/15 minutes")
    SECOND_FACTOR_BY_SIGN_IN = ("second factor by sign-in", "5/hour")
    SECOND_FACTOR_BY_ACCOUNT = ("second factor by account", "20/15 minutes")
    FORGOT_BY_NETWORK = ("forgot by network", "20/hour")
    FORGOT_BY_EMAIL = ("forgot by email", "3/hour")
    INVITE = ("invite", "30/hour")
    RESET = ("reset", "30/15 minutes")
    PROVE_PASSWORD = ("prove password", "10/15 minutes")

    def __init__(self, key: str, rate: str) -> None:
        self.key = key
        self.rate = parse(rate)


class _NoTimer:
    """Stands where the library keeps a timer thread, which it would start anew for nearly every use."""

    def is_alive(self) -> bool:
        return True


class Limits:
    """Moving windows, kept by this process."""

    def __init__(self) -> None:
        storage = MemoryStorage()
        self._forget_old = storage.timer.function
        storage.timer = _NoTimer()  # type: ignore[assignment]
        self._forget_at = 0.0
        self._windows = MovingWindowRateLimiter(storage)

    def _hit(self, limit: Limit, *who: str) -> bool:
        if time.monotonic() > self._forget_at:
            self._forget_at = time.monotonic() + FORGET_EVERY
            self._forget_old()
        return self._windows.hit(limit.rate, limit.key, *who)

    def count(self, limit: Limit, *who: str) -> None:
        """Count one use. Raises TooMany, and counts nothing, when there were enough."""
        if not self._hit(limit, *who):
            raise TooMany(self._wait(limit.rate, limit.key, *who))

    def check(self, limit: Limit, *who: str) -> None:
        """Raises TooMany when the next `count` would."""
        if self.spent(limit, *who):
            raise TooMany(self._wait(limit.rate, limit.key, *who))

    def add(self, limit: Limit, *who: str) -> None:
        """Count a use that has already happened."""
        self._hit(limit, *who)

    def forget(self, limit: Limit, *who: str) -> None:
        """Begin again from none."""
        self._windows.clear(limit.rate, limit.key, *who)

    def spent(self, limit: Limit, *who: str) -> bool:
        return not self._windows.test(limit.rate, limit.key, *who)

    def _wait(self, item: RateLimitItem, *key: str) -> int:
        return max(1, round(self._windows.get_window_stats(item, *key).reset_time - time.time()))


def network_of(request: HTTPConnection) -> str:
    """The visitor's address; of IPv6 the /64 that one household or server gets."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return address.exploded[:19]
    return host
