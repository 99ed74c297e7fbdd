"""Links in what people typed. The browser follows the same rules; tests/vectors/linkify.json binds both."""

import re
from collections.abc import Iterator

# What ends an address: spaces, quotes, angle brackets, a backslash, CJK and Arabic punctuation, and
# every invisible character that could make it look like another one.
_END = (
    r"\s<>\"`\\«»“”„‹›、。，；：！？（）「」『』【】،؛؟"
    r"\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
)
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_HOST_LABEL = r"[^\W](?:[\w-]*[^\W])?"
_HOST = rf"{_HOST_LABEL}(?:\.{_HOST_LABEL})*"
_REST = rf"(?::\d{{1,5}}(?![^{_END}/?#.,;:!?)\]}}'*]))?(?:[/?#][^{_END}]*)?"
_PATTERN = re.compile(
    # An address with a name before its host only looks like the place it leads to: it stays text.
    rf"(?P<deceit>(?<![A-Za-z0-9_])https?://[^{_END}/?#]*@[^{_END}]*)"
    rf"|(?P<url>(?<![A-Za-z0-9_])https?://{_HOST}{_REST})"
    rf"|(?P<www>(?<![A-Za-z0-9_.@/-])www\.(?![^{_END}/?#]*@){_HOST_LABEL}(?:\.{_HOST_LABEL})+{_REST})"
    rf"|(?P<mail>(?<![\w.%+/@-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]*[A-Za-z0-9_%+-])?"
    rf"@(?:{_LABEL}\.)+[^\W\d_]{{2,}}(?![\w@-]))",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'*…~"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_SCHEME = {"url": "", "www": "https://", "mail": "mailto:"}


def may_hold_links(text: str) -> bool:
    """Without one of these there is none, which is soon said of what most people write."""
    return "://" in text or "@" in text or "www." in text.lower()


def split_links(text: str) -> Iterator[tuple[str, str | None]]:
    """The text in pieces, each with the address that it leads to, or None."""
    done = 0
    for match in _PATTERN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "deceit":
            continue
        shown = _without_trailing(match[0])
        if match.start() > done:
            yield text[done : match.start()], None
        yield shown, _SCHEME[kind] + shown
        done = match.start() + len(shown)
    if done < len(text):
        yield text[done:], None


def _without_trailing(link: str) -> str:
    """The link without the punctuation of the sentence around it."""
    while link:
        last = link[-1]
        opener = _PAIRS.get(last)
        if last not in _TRAILING and not (opener and link.count(last) > link.count(opener)):
            break
        link = link[:-1]
    return link
