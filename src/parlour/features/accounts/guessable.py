"""What is tried first at an account: the most used passwords, and the words of whoever it belongs to.

`common_passwords.txt` holds one a line, in small letters: the best known, walks over the keyboards, dates,
names, and the phrases that people make of them. They are compared without the digits and signs that a form
asked for: `P@ssw0rd!2026` is `password`.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

PRODUCT = ("parlour",)
_FILLERS = ("password", "passwort", "welcome", "support", "admin", "desk", "login", "pass", "the", "my")
"""Words that make no password of a name: `acme-support-1` is no better than `acme`."""
_SHORTEST_WORD = 3
_LEAST_DIFFERENT = 3
_LONGEST_REPEATED = 9

_LOOKALIKES = str.maketrans("@4310!|$57lß", "aaeioiisstis")
_LETTER = re.compile(r"[^\W\d_]")
_END = re.compile(r"[\W\d_]+$")
_EDGES = re.compile(rf"^[\W\d_]+|{_END.pattern}")
_SIGNS = re.compile(r"[\W_]+")
_REPEATED = re.compile(rf"(.{{1,{_LONGEST_REPEATED}}}?)\1+")


def is_common(password: str) -> bool:
    plain = _folded(password)
    bare = _SIGNS.sub("", plain)
    if len(set(plain)) < _LEAST_DIFFERENT or _REPEATED.fullmatch(bare):
        return True
    words = {_END.sub("", plain), _EDGES.sub("", plain)}
    forms = {plain, plain.strip("!.?*#"), bare, *words, *(_SIGNS.sub("", word) for word in words)}
    return any(_looks(form) in _common() for form in forms)


def is_only(password: str, words: Iterable[str]) -> bool:
    """Whether nothing but some of these words, digits and signs make up the password."""
    known = {part for word in words for part in _parts(word)}
    plain, looks = _folded(password), {_looks(part) for part in known}
    return _nothing_left(plain, known) or any(
        _nothing_left(_looks(edges.sub("", plain)), looks) for edges in (_END, _EDGES)
    )


def _nothing_left(plain: str, known: Iterable[str]) -> bool:
    left = plain
    for word in sorted(known, key=len, reverse=True):
        left = left.replace(word, " ")
    if left == plain:
        return False
    for filler in _FILLERS:
        left = left.replace(filler, " ").replace(_looks(filler), " ")
    return not _LETTER.search(left)


def _parts(word: str) -> set[str]:
    """The words in a name, an address or a slug, alone, as they stand there, and run together."""
    whole = _folded(word).split("@")
    parts = {*whole, *(_SIGNS.sub("", each) for each in whole), *_SIGNS.split(_folded(word))}
    return {part for part in parts if len(part) >= _SHORTEST_WORD and _LETTER.search(part)}


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).strip()


def _looks(plain: str) -> str:
    """The same for all that are read the same, as `p4ssw0rd` and `password`."""
    return plain.translate(_LOOKALIKES)


@cache
def _common() -> frozenset[str]:
    listed = files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(map(_looks, listed.split()))
