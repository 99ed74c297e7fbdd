"""One try: signed now, posted, and judged by what came back."""

import ssl
import time
from collections.abc import Sequence
from functools import cached_property

from parlour.features.webhooks.models import Outcome, Parcel
from parlour.features.webhooks.signing import signed
from parlour.kernel import clock
from parlour.outbound.addresses import Reach
from parlour.outbound.receiver import AGAIN, Answered, NoAnswer, Receiver

LONGEST_RETRY_AFTER = 24 * 3600
"""Seconds that a receiver may ask us to wait."""
REDIRECT = "redirect"
HEADERS = {"User-Agent": "Parlour-Webhooks/1", "Content-Type": "application/json", "Accept": "*/*"}


class Sender:
    """Posts for one process."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The machine's own certificates. Read when something is posted: they are large."""
        return ssl.create_default_context()

    def to(self, url: str) -> Receiver:
        return Receiver(url, self.reach, lambda: self._trust)


async def post(receiver: Receiver, parcel: Parcel, keys: Sequence[str]) -> Outcome:
    """`keys`: the secrets that are valid now."""
    started = time.monotonic()
    body = parcel.body.encode()
    headers = signed(parcel.event_id, int(clock.now().timestamp()), body, keys)
    try:
        answer = await receiver.post(body, {**HEADERS, **headers})
    except NoAnswer as error:
        return Outcome(parcel, None, str(error), error.failure, _since(started), error.failure in AGAIN)
    return _judged(parcel, answer, _since(started))


def _judged(parcel: Parcel, answer: Answered, milliseconds: int) -> Outcome:
    said = answer.body.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    redirects = REDIRECT if 300 <= answer.status < 400 else ""
    again = answer.status == 429 or answer.status >= 500
    wait = _seconds(answer.retry_after) if again else 0
    return Outcome(parcel, answer.status, said, redirects, milliseconds, again, wait)


def _seconds(said: str) -> int:
    """Of a Retry-After, a number or a date (RFC 9110, 10.2.3); 0 for what is neither."""
    if said.isascii() and said.isdecimal():
        return min(int(said[:9]), LONGEST_RETRY_AFTER)
    moment = clock.moment_said(said)
    seconds = (moment - clock.now()).total_seconds() if moment else 0
    return max(0, min(int(seconds), LONGEST_RETRY_AFTER))


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1_000)
