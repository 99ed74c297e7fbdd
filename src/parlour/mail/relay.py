"""What a mail server's no is about: this recipient, or us. The first is final, the second passes.

A server that refuses everybody for an hour (a block list, an expired contract, a broken rule) must not bury
an hour's mail. RFC 5321, section 4.2, has the codes, RFC 3463 the three numbers behind them.
"""

import re
import time

import structlog

from parlour.db.outbox import Postponed, Undeliverable

ALIKE = 3
"""So many recipients refused with one code, and no mail taken between them: perhaps it is not about them."""
REMEMBERED = 100
"""Refused mails that come back by themselves when the refusal proves to be of everybody."""
SAY_AGAIN_SECONDS = 3600.0

_ENHANCED = re.compile(r"\s*5\.(\d{1,3}\.\d{1,3})\b")
_ABOUT_RECIPIENT = re.compile(r"1\.(?!7$|8$)\d+|2\.\d+|4\.[14]")
"""Addresses and mailboxes, but not the sender's; a domain that has no mail server."""
_ABOUT_MESSAGE = re.compile(r"2\.3|3\.4|6\.\d+")
"""Too large, or in a form that is not taken."""
_PLAIN_ABOUT_RECIPIENT = frozenset({501, 550, 551, 552, 553, 556})
"""Without the three numbers, to RCPT. 554 and the 530s are about who asks."""

log = structlog.get_logger("parlour.mail")


class TooLarge(Undeliverable):
    """More than the mail server takes."""


class RelayRefuses(Postponed):
    """The mail server refuses us, whoever the mail is for. `wronged` are mails that were given up for it."""

    def __init__(self, answer: str, wronged: frozenset[str] = frozenset()) -> None:
        super().__init__(answer)
        self.wronged = wronged


class Relay:
    """What the answers of one mail server say of it, taken together."""

    def __init__(self) -> None:
        self.refusing = False
        self._answer = ""
        self._refused: dict[str, str] = {}
        """Message-IDs and recipients that were refused with `_answer` since a mail was taken."""
        self._doubted = ""
        """The answer that is no longer believed to be about a recipient."""
        self._say_at = 0.0

    def accepted(self) -> None:
        if self.refusing:
            log.info("mail.relay_accepts_again")
        self.refusing, self._doubted = False, ""
        self._refused.clear()

    def casts_doubt(self, code: int, words: str, *, to: str) -> bool:
        """Whether this answer to RCPT, after those before it, may be about us although it says otherwise.

        Three dead addresses in a row look the same. Ask the server for what it must take, tell `accepted`
        if it does, then ask `refused_recipient`.
        """
        if not _is_about_recipient(code, words):
            return False
        answer = f"{code} {_numbers(words)}"
        if answer != self._answer:
            self._answer, self._refused = answer, {}
        return answer == self._doubted or len({*self._refused.values(), to}) >= ALIKE

    def refused_recipient(self, code: int, words: str, *, to: str, message_id: str) -> Exception:
        """What the answer to RCPT means for the mail."""
        if not _is_about_recipient(code, words):
            return self.refused(code, words)
        if self.casts_doubt(code, words, to=to):
            self._doubted = self._answer
            wronged = frozenset(self._refused)
            self._refused.clear()
            return self._refuses(code, words, wronged)
        self._refused[message_id] = to
        if len(self._refused) > REMEMBERED:
            del self._refused[next(iter(self._refused))]
        return Undeliverable(f"{code} {words}")

    def refused_message(self, code: int, words: str) -> Exception:
        """What the answer to DATA means: some servers look at the recipient only now."""
        numbers = _numbers(words)
        about_it = _ABOUT_MESSAGE.fullmatch(numbers) or _ABOUT_RECIPIENT.fullmatch(numbers)
        if _is_about_size(code, words):
            return TooLarge(f"{code} {words}")
        if 500 <= code <= 599 and about_it:
            return Undeliverable(f"{code} {words}")
        return self.refused(code, words)

    def refused(self, code: int, words: str) -> Exception:
        """What any other answer means: to the greeting, to who we are, to the sender and the mail's size."""
        if _is_about_size(code, words):
            return TooLarge(f"{code} {words}")
        if 500 <= code <= 599:
            return self._refuses(code, words, frozenset())
        return Postponed(f"{code} {words}")

    def _refuses(self, code: int, words: str, wronged: frozenset[str]) -> RelayRefuses:
        """Says so once, and again after an hour: each mail has a line of its own."""
        answer = f"{code} {words}"
        if not self.refusing and time.monotonic() >= self._say_at:
            self._say_at = time.monotonic() + SAY_AGAIN_SECONDS
            log.error("mail.relay_refuses", answer=answer, meanwhile="mails are kept and tried again")
        self.refusing = True
        return RelayRefuses(answer, wronged)


def _is_about_recipient(code: int, words: str) -> bool:
    numbers = _numbers(words)
    if not 500 <= code <= 599:
        return False
    return bool(_ABOUT_RECIPIENT.fullmatch(numbers)) if numbers else code in _PLAIN_ABOUT_RECIPIENT


def _is_about_size(code: int, words: str) -> bool:
    """RFC 1870, RFC 3463."""
    numbers = _numbers(words)
    return 500 <= code <= 599 and (numbers in ("2.3", "3.4") or (code == 552 and not numbers))


def _numbers(words: str) -> str:
    found = _ENHANCED.match(words)
    return found[1] if found else ""
