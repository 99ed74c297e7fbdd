"""Words as a search compares them, alike on every database.

Small letters without accents, `ß` as `ss`, full-width signs as plain ones. Scripts that put no spaces
between words (Chinese, Japanese, Thai and their like), and Korean, which joins particles to them, are taken
in pairs of characters, so that any part of what was written is found.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import islice, starmap
from typing import NamedTuple

from parlour.kernel.graphemes import border

WORDS_LIMIT = 32
"""So many terms of what was typed are looked for."""
TERM_LIMIT = 200
"""Characters of a word that count. PostgreSQL's index takes no longer ones than 2 kB."""
TEXT_LIMIT = 20_000
"""Characters of a text that count, as plain signs: one that was written may stand for eighteen of them."""
MATCH_BEGINS, MATCH_ENDS = "\x02", "\x03"
EXCERPT = 100
"""Characters around the first match."""
_BEFORE = 30

_PLACES_OF_MARKS = (
    *range(0x300, 0x2100),
    *range(0x2CEF, 0x2E00),
    *range(0x302A, 0x309B),
    *range(0xA66F, 0xAC00),
)
_MARKS = "".join(c for c in map(chr, _PLACES_OF_MARKS) if unicodedata.category(c)[0] == "M")
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}\u200c\u200d])*")
_PLAIN = re.compile(r"[0-9a-z]+")
_PAIRED = (
    "\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3005-\u3007\u302a-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_PIECE = re.compile(rf"(?P<paired>[{_PAIRED}]+)|[^{_PAIRED}]+")
_ACCENTS = [
    c
    for c in (*range(0x900), *range(0x1AB0, 0x1B00), *range(0x1DC0, 0x2100))
    if unicodedata.combining(chr(c))
]
"""Marks that people leave out when they search: those of India's scripts are vowels, and stay."""
_UNCOUNTED = (0x0640, 0x200C, 0x200D)
"""Arabic's stretcher, and joiners: they change how a word looks."""
_INSTEAD: dict[str, str | None] = {
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "ħ": "h",
    "ı": "i",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    **dict.fromkeys(map(chr, (*_ACCENTS, *_UNCOUNTED))),
}
_LETTERS = str.maketrans(_INSTEAD)


class Wanted(NamedTuple):
    """What was typed: terms that a text has to hold, and whether a longer word that begins so will do."""

    term: str
    begins: bool


class _Place(NamedTuple):
    start: int
    end: int
    term: str
    paired: bool


def terms(text: str) -> Iterator[str]:
    """Everything that the text is found by. The last of a run of pairs stands alone, too."""
    if text.isascii():
        return (word[:TERM_LIMIT] for word in _PLAIN.findall(text.lower()))
    return (place.term for place in _places(_plain(text)))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)[:TEXT_LIMIT]


@lru_cache(maxsize=64)
def wanted(typed: str) -> Sequence[Wanted]:
    """The last word as a beginning, for it may still be being typed; so is a character that stands alone."""
    places = list(_places(_plain(typed)))
    found: dict[str, bool] = {}
    for at, place in enumerate(places):
        alone = place.paired and place.end - place.start == 1
        if alone and at and places[at - 1].paired and places[at - 1].end == place.end:
            continue  # the end of a run, which its last pair holds
        found[place.term] = found.get(place.term, True) and (
            alone or (at == len(places) - 1 and not place.paired)
        )
    return tuple(starmap(Wanted, islice(found.items(), WORDS_LIMIT)))


def holds(text: str, asked: Collection[Wanted]) -> bool:
    """Whether the text is found by all of these. Text without a plain one of them is not taken apart."""
    folded = text.lower() if text.isascii() else _bare(_plain(text))
    if not all(each.term in folded for each in asked if each.term.isascii()):
        return False
    there = set(terms(text))
    return all(
        each.term in there or (each.begins and any(term.startswith(each.term) for term in there))
        for each in asked
    )


def excerpt(text: str, typed: str) -> str:
    """The part around the first match, each match between MATCH_BEGINS and MATCH_ENDS."""
    plain = _plain(text)
    if len(plain) != len(text):
        text = plain
    hits = _fitting(plain, typed)
    first = hits[0][0] if hits else 0
    start, end = _around(text, first)
    hits = [hit for hit in hits if hit[0] < end]
    start, end = border(text, start), border(text, end)
    shown, at = ["…" if start else ""], start
    for begin, until in _joined(hits):
        shown += [text[at:begin], MATCH_BEGINS, text[begin:until], MATCH_ENDS]
        at = until
    end = max(at, end)
    return "".join([*shown, text[at:end].rstrip(), "…" if end < len(text) else ""])


def _around(text: str, first: int) -> tuple[int, int]:
    """From where to where a text is shown that is found at `first`: between words, if some stand near."""
    start = text.rfind(" ", 0, max(0, first - _BEFORE)) + 1 if first > _BEFORE else 0
    start = start if first - start <= 2 * _BEFORE else first - _BEFORE
    if len(text) - start <= EXCERPT:
        return start, len(text)
    return start, max(text.rfind(" ", start, start + EXCERPT), first + _BEFORE)


def _fitting(plain: str, typed: str) -> list[tuple[int, int]]:
    """From where to where the words stand that were typed, in their order: the first, and all near it."""
    asked = wanted(typed)
    if plain.isascii():
        small = plain.lower()
        return sorted([hit for each in asked for hit in _standing(small, each)])
    whole = {each.term for each in asked}
    beginnings = tuple(each.term for each in asked if each.begins)
    found: list[tuple[int, int]] = []
    for start, end, term, _ in _places(plain):
        if found and start - found[0][0] > EXCERPT:
            break
        if term in whole or term.startswith(beginnings):
            found.append((start, end))
    return found


def _standing(small: str, asked: Wanted) -> list[tuple[int, int]]:
    """Where a word first stands in plain text of small letters, and all near that: a pattern, made for each
    search, takes longer.
    """
    found: list[tuple[int, int]] = []
    term = asked.term
    goes_on = asked.begins or len(term) == TERM_LIMIT  # what follows in a word makes no difference
    at = small.find(term)
    while at >= 0 and not (found and at - found[0][0] > EXCERPT):
        until = at + len(term)
        rest = _PLAIN.match(small, until) if small[until : until + 1].isalnum() else None
        if rest:
            until = rest.end()
        if (goes_on or not rest) and not (at and small[at - 1].isalnum()):
            found.append((at, until))
        at = small.find(term, until)
    return found


def _joined(hits: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, until in hits:
        if joined and begin < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((begin, until))
    return joined


def _places(plain: str) -> Iterator[_Place]:
    """The terms of a text in NFKC, and where they stand."""
    for word in _WORD.finditer(plain):
        for piece in _PIECE.finditer(word[0]):
            start = word.start() + piece.start()
            if not piece["paired"]:
                if term := _folded(piece[0]):
                    yield _Place(start, start + len(piece[0]), term, paired=False)
                continue
            for at in range(len(piece[0])):
                pair = piece[0][at : at + 2]
                yield _Place(start + at, start + at + len(pair), pair, paired=True)


def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()[:TERM_LIMIT]
    return _bare(word)[:TERM_LIMIT]


def _bare(plain: str) -> str:
    return unicodedata.normalize("NFD", plain.casefold()).translate(_LETTERS)
