"""Where a text may be cut: a reader takes several characters for one sign, and half of it for another."""

import unicodedata
from collections.abc import Iterator

LONGEST = 64
"""Characters of a sign that are kept together. Four people of an emoji are 11; what piles up more is cut."""

_JOINER = "\u200d"
_SKINS = "\U0001f3fb\U0001f3ff"
_TAGS = "\U000e0020\U000e007f"
_FLAGS = "\U0001f1e6\U0001f1ff"
_INITIALS = "\u1100\u115f"
_JAMO = (_INITIALS, "\u1160\u11ff", "\ud7b0\ud7fb", "\uac00\ud7a3")
_VOWELS = "\u0e33\u0eb3"
"""Of Thai and Lao: letters by their kind, but a part of the letter before."""
_VIRAMA = 9


def cut(text: str, limit: int) -> str:
    """The first `limit` characters, or a few less where the last sign would be halved."""
    if len(text) <= limit:
        return text
    return text[: border(text, limit)]


def pieces(text: str, limit: int) -> Iterator[str]:
    """All of it, in parts of at most so many characters; of an empty text one empty part."""
    piece = cut(text, limit)
    yield piece
    while text := text[len(piece) :]:
        piece = cut(text, limit)
        yield piece


def border(text: str, at: int) -> int:
    """The last place up to `at` where a sign ends; `at` itself where none does that is near."""
    if not 0 < at < len(text):
        return at
    for place in range(at, max(at - LONGEST, 0), -1):
        if not _goes_on(text, place):
            return place
    return at


def _goes_on(text: str, at: int) -> bool:
    """Whether what stands there belongs to the sign before (the rules GB6 to GB13 of Unicode's UAX 29, and
    nothing that matters to nobody).
    """
    before, after = text[at - 1], text[at]
    if after < "\u0300":
        return False
    if before == _JOINER or after in _JOINER + _VOWELS + "\u200c" or unicodedata.category(after)[0] == "M":
        return True
    if _within(after, _SKINS) or _within(after, _TAGS):
        return True
    if _within(after, _FLAGS) and _within(before, _FLAGS):
        return _flags_before(text, at) % 2 == 1
    if any(_within(after, part) for part in _JAMO):
        return _within(before, _INITIALS) or (
            not _within(after, _INITIALS)
            and not _within(after, _JAMO[-1])
            and any(_within(before, part) for part in _JAMO)
        )
    return unicodedata.combining(before) == _VIRAMA and after.isalpha()


def _within(letter: str, span: str) -> bool:
    return span[0] <= letter <= span[1]


def _flags_before(text: str, at: int) -> int:
    start = at
    while start and _within(text[start - 1], _FLAGS):
        start -= 1
    return at - start
