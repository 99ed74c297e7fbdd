"""How often one may do a thing, counted by all nodes together. A refused call says how long to wait."""

import asyncio
import time
from collections.abc import Coroutine
from enum import Enum
from hashlib import blake2b
from typing import Any

import structlog

from parlour.kernel.errors import TooMany
from parlour.web.limit_units import Counting
from parlour.web.windows import OwnWindows, Rate, Windows

ANSWER_SECONDS = 1.0
ASK_AGAIN_SECONDS = 1.0
"""After the shared windows did not answer, for so long nobody waits for them."""
SAY_AGAIN_SECONDS = 60.0

log = structlog.get_logger(__name__)


class Limit(Enum):
    """Numbers are a person's generous use; a shared office counts as one network address. An email address is
    counted across all workspaces, before the mail, and as the mailbox that gets it.
    """

    OPEN_BY_NETWORK = ("open by network", "30/10 minutes")
    OPEN_BY_EMAIL = ("open by email", "10/hour")
    OPEN_BY_AGENT = ("open by agent", "60/hour")
    OPEN_BY_PROGRAM = ("open by program", "600/hour")
    SEND = ("send", "20/10 seconds")
    UPLOAD = ("upload", "100/10 minutes")
    UPLOAD_BY_NETWORK = ("upload by network", "200/10 minutes")
    UPLOAD_BY_VISITOR = ("upload by visitor", "60/hour")
    EXCHANGE = ("exchange", "30/10 minutes")
    FRESH_LINK_BY_NETWORK = ("fresh link by network", "10/10 minutes")
    FRESH_LINK_BY_EMAIL = ("fresh link by email", "1/10 minutes")
    FRESH_LINKS_OF_ALL = ("fresh links of all workspaces", "6/hour")
    SIGN_IN_BY_NETWORK = ("sign in by network", "30/15 minutes")
    SIGN_IN_BY_ACCOUNT = ("sign in by account", "100/hour")
    SIGN_IN_BY_ACCOUNT_AND_NETWORK = ("sign in by account and network", "10/15 minutes")
    SIGN_IN_BY_BROWSER = ("sign in by browser", "10/15 minutes")
    CODE_BY_SIGN_IN = ("code by sign-in", "5/hour")
    CODE_BY_ACCOUNT = ("code by account", "30/hour")
    CODE_BY_ACCOUNT_AND_NETWORK = ("code by account and network", "10/15 minutes")
    CODE_BY_BROWSER = ("code by browser", "20/15 minutes")
    FORGOT_BY_NETWORK = ("forgot by network", "20/hour")
    FORGOT_BY_EMAIL = ("forgot by email", "3/hour")
    INVITE = ("invite", "30/hour")
    INVITE_BY_PERSON = ("invite by person", "40/hour")
    INVITE_BY_EMAIL = ("invite by email", "5/hour")
    RESET = ("reset", "30/15 minutes")
    PROVE_PASSWORD = ("prove password", "10/15 minutes")
    TEST_MAIL = ("test mail", "10/hour")
    TRY_MAILBOX = ("try mailbox", "30/10 minutes")
    TEST_WEBHOOK = ("test webhook", "30/10 minutes")
    API = ("api", "100/10 seconds")

    def __init__(self, key: str, rate: str) -> None:
        self.key = key
        self.rate = Rate.of(rate)


class Limits:
    """Counts here, and in the windows that the nodes share, if there are any.

    While those do not answer, each node goes by what it has counted itself: nobody is locked out by an
    outage, and nobody gets more tries by one than there are nodes.
    """

    def __init__(self, shared: Windows | None = None) -> None:
        self._own = OwnWindows()
        self._shared = shared
        self._ask_at = 0.0
        self._say_at = 0.0

    async def count(self, limit: Limit, *who: str) -> None:
        """Count one use. Raises TooMany, and counts nothing, when there were enough."""
        if wait := await self._take(limit, *who):
            raise TooMany(max(1, round(wait)))

    def counting(self, limit: Limit) -> Counting:
        """One use, to be counted by the unit that does what is limited."""
        return Counting(lambda *who: _key(limit, who), limit.rate, self._own)

    def left(self, limit: Limit, *who: str) -> tuple[int, float]:
        """How many more uses there are now, as far as this node knows, and in how many seconds all are."""
        return self._own.left(_key(limit, who), limit.rate)

    async def forget(self, limit: Limit, *who: str) -> None:
        """Begin again from none."""
        key = _key(limit, who)
        self._own.forget(key)
        if self._shared is not None:
            await self._ask(self._shared.forget(key, limit.rate))

    async def give_back(self, limit: Limit, *who: str) -> None:
        """Uncount one use."""
        key = _key(limit, who)
        self._own.give_back(key)
        if self._shared is not None:
            await self._ask(self._shared.give_back(key, limit.rate))

    async def takes(self, limit: Limit, *who: str) -> bool:
        """Count one use. False, and nothing counted, when there were enough: for what is told to nobody."""
        return not await self._take(limit, *who)

    async def close(self) -> None:
        if self._shared is not None:
            await self._shared.close()

    async def _take(self, limit: Limit, *who: str) -> float:
        key = _key(limit, who)
        if self._shared is None:
            return self._own.take(key, limit.rate)
        if wait := self._own.look(key, limit.rate):  # what is too much here alone is too much
            return wait
        if wait := await self._ask(self._shared.take(key, limit.rate)):
            return wait
        return self._own.take(key, limit.rate)

    async def _ask(self, question: Coroutine[Any, Any, float]) -> float:
        """0 without an answer."""
        now = time.monotonic()
        if now < self._ask_at:
            question.close()
            return 0.0
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await question
        except Exception as error:
            self._ask_at = time.monotonic() + ASK_AGAIN_SECONDS
            if now >= self._say_at:
                self._say_at = now + SAY_AGAIN_SECONDS
                log.warning("limits.away", why=type(error).__name__, meanwhile="each node counts for itself")
            return 0.0


def _key(limit: Limit, who: tuple[str, ...]) -> str:
    """Addresses and names stay out of whatever keeps the windows."""
    return blake2b("\0".join((limit.key, *who)).encode(), digest_size=16).hexdigest()
