"""Links in what people typed, by the rules of tests/vectors/linkify.json.

The browser's half is frontend/src/linkify.ts: the same expressions, in the same ranges of characters instead
of an engine's own classes, so that a message has the same links before and after a reload.
"""

import re
from collections.abc import Iterator
from functools import cache

# Letters and digits of a host name, in any script.
_HOST = (
    r"0-9A-Za-z_\u00c0-\u060b\u060d-\u061a\u0620-\u0963\u0966-\u167f\u1681-\u1fff\u2c00-\u2dff\u2e80-\u2fff"
    r"\u3005-\u3007\u3021-\ud7ff\uf900-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
    r"\uff66-\uffdc"
)
# What no link goes across: spaces, invisible and direction marks, quotes, angle brackets, full-width marks.
_STOP = (
    r"\u0000-\u0020\u007f-\u00a0\u00ab\u00bb\u060c\u061b-\u061f\u0964\u0965\u1680\u2000-\u200f\u2018-\u201f"
    r"\u2026\u2028-\u202f\u2039\u203a\u205f-\u206f\u3000-\u3003\u3008-\u3011\u3014-\u301b\ufeff\uff01\uff08\uff09"
    r"\uff0c\uff0e\uff1a\uff1b\uff1f\uff3b\uff3d\uff5b\uff5d-\uff65<>\"`\\"
)
_LATIN = r"0-9A-Za-z\u00c0-\u024f"
_LABEL = rf"[{_HOST}](?:[{_HOST}-]*[{_HOST}])?"
_SHORT_LABEL = rf"[{_HOST}](?:[{_HOST}-]{{0,61}}[{_HOST}])?"
_TOP_LABEL = rf"(?![0-9])[{_HOST}](?:[{_HOST}-]{{0,61}}[{_HOST}])"
_REST = rf"(?::[0-9]{{1,5}}(?![0-9]))?(?:[/?#][^{_STOP}]*)?"
# A name before an @ makes another host look like this one: such an address stays text. The look ahead is
# bounded, or a text made for it would take as long as its length squared.
_NO_USER = rf"(?![^{_STOP}/?#]{{0,255}}@)"
_SCHEME = "[Hh][Tt][Tt][Pp][Ss]?://"
_LINK = (
    rf"(?P<url>(?<![{_LATIN}]){_SCHEME}{_NO_USER}{_LABEL}(?:\.{_LABEL})*{_REST})"
    rf"|(?P<skip>{_SCHEME}[^{_STOP}]*)"
    rf"|(?P<www>(?<![{_LATIN}_.@/-])[Ww]{{3}}\.{_NO_USER}{_LABEL}(?:\.{_LABEL})+{_REST})"
    rf"|(?P<mail>(?<![{_LATIN}_.+%@/-])[0-9A-Za-z][0-9A-Za-z._+-]{{0,63}}"
    rf"@(?:{_SHORT_LABEL}\.)+{_TOP_LABEL}(?![{_HOST}@]))"
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_PREFIX = {"url": "", "www": "https://", "mail": "mailto:"}


@cache
def _link() -> re.Pattern[str]:
    """Made for the first text that needs it: it takes a twentieth of a server's start."""
    return re.compile(_LINK)


def may_hold_links(text: str) -> bool:
    """Without one of these there is none, which is soon said of what most people write."""
    return "://" in text or "@" in text or "www." in text.lower()


def split_links(text: str) -> Iterator[tuple[str, str | None]]:
    """The text in pieces, each with the address that it leads to, or None."""
    done = 0
    for match in _link().finditer(text):
        kind = match.lastgroup or ""
        if kind == "skip":
            continue
        shown = match[0] if kind == "mail" else _trimmed(match[0])
        if match.start() > done:
            yield text[done : match.start()], None
        yield shown, _PREFIX[kind] + shown
        done = match.start() + len(shown)
    if done < len(text):
        yield text[done:], None


def _trimmed(link: str) -> str:
    """The link without the sentence's punctuation, and without brackets that were opened before it."""
    surplus = {close: link.count(close) - link.count(opener) for close, opener in _PAIRS.items()}
    end = len(link)
    while end:
        last = link[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in ".,:;!?'*":
            break
        end -= 1
    return link[:end]
