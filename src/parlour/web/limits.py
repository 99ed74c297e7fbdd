"""How often one may do a thing. A refused call says how long to wait."""

import time
from enum import Enum
from ipaddress import ip_address

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from parlour.kernel.errors import TooMany


class Limit(Enum):
    """Numbers are a person's generous use; a shared office counts as one network address."""

    OPEN_BY_NETWORK = parse("30/10 minutes")
    OPEN_BY_EMAIL = parse("10/hour")
    SEND = parse("20/10 seconds")
    EXCHANGE = parse("30/10 minutes")
    FRESH_LINK_BY_NETWORK = parse("10/10 minutes")
    FRESH_LINK_BY_EMAIL = parse("1/10 minutes")
    SIGN_IN_BY_NETWORK = parse("30/15 minutes")
    SIGN_IN_BY_ACCOUNT = parse("10/15 minutes")


class Limits:
    """Moving windows, kept by this process."""

    def __init__(self) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    def count(self, limit: Limit, *who: str) -> None:
        """Count one use. Raises TooMany, and counts nothing, when there were enough."""
        item: RateLimitItem = limit.value
        if not self._windows.hit(item, limit.name, *who):
            raise TooMany(self._wait(item, limit.name, *who))

    def spent(self, limit: Limit, *who: str) -> bool:
        """True when the next `count` would be refused."""
        return not self._windows.test(limit.value, limit.name, *who)

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
