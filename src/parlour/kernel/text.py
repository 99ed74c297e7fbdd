"""Words from outside: whatever people and programs hand in goes through here before it is kept.

What comes out of `many_lines`, `one_line` and `name` can be stored in both databases, has one Unicode form
(NFC), holds no control character and no direction that reaches beyond its line, and is either visible or
empty. Cleaning it once more changes nothing. What scripts and emoji are made of stays: joiners, variation
selectors, flags, marks of direction.
"""

import re
import unicodedata

from parlour.kernel.graphemes import cut

NAME_LIMIT = 80
"""Characters in the name of a person, a workspace, a view: one line, wherever it is shown."""

_LINE_END = re.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    chr(plane | 0xFFFE) + chr(plane | 0xFFFF) for plane in range(0, 0x110000, 0x10000)
)
_NEVER = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls
    "\u202d\u202e"  # overrides, which show letters in another order
    f"\u206a-\u206f\ufeff\ufff9-\ufffb{_NONCHARACTERS}]"  # deprecated, byte order marks, annotations
)
_FLAG_OR_TAG = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)|[\U000e0000-\U000e007f]")
"""Tags spell the flags of England and Texas; anywhere else they are writing that nobody sees."""

_MARKS = "\u061c\u200e\u200f"
_JOINERS = "\u200c\u200d"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_BLANK = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u2800\u3164\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
)
"""What shows nothing and changes nothing: Unicode's Default_Ignorable, and blanks that count as letters."""

_LEADING = re.compile(rf"[\s{_BLANK}{_JOINERS}{_SELECTORS}]")
_TRAILING = re.compile(rf"[\s{_BLANK}]")
_BLANK_LINES = re.compile(rf"(?:(?:[^\S\n]|[{_BLANK}])*\n)*")
_UNSEEN = re.compile(
    rf"[{_BLANK}{_MARKS}{_JOINERS}{_SELECTORS}\u202a-\u202e\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)

_PARTS_ADDRESS = re.compile(r"(?<=\S)[.:/@\u3002\uff0e\uff61](?=\S)")
"""Where a word joiner, which nobody sees, keeps `evil.example/login` from being an address."""

_EMBEDDINGS, _END_OF_EMBEDDING = "\u202a\u202b", "\u202c"
_ISOLATES, _END_OF_ISOLATE = "\u2066\u2067\u2068", "\u2069"
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_DIRECTION = re.compile(f"[{_EMBEDDINGS}{_END_OF_EMBEDDING}{_ISOLATES}{_END_OF_ISOLATE}]")


def storable(text: str) -> str:
    """`text` as any database and encoder takes it: NUL goes, half a surrogate pair becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "")


def many_lines(text: str) -> str:
    r"""What people wrote, in lines that end with \n. Blank lines around it go, its indentation stays."""
    if _is_clean(text):
        return text
    text = _plain(text)
    text = text[_BLANK_LINES.match(text).end() :]  # type: ignore[union-attr]  # it matches anything
    return _visible(text[: _end(text)])


def one_line(text: str) -> str:
    """The same where one line is meant, as a subject: any white space is one space, none at the edges."""
    return _line(text, "")


def name(text: str) -> str:
    """`one_line` of what somebody or something is called: marks of direction at its edges go too."""
    return _line(text, _MARKS)


def name_in_mail(text: str) -> str:
    """A name that a stranger may have chosen, in somebody's mail: no mail program makes a link of it.

    Cut to NAME_LIMIT: some were stored before there was one.
    """
    return _no_link(cut(name(text), NAME_LIMIT))


def file_name_in_mail(text: str) -> str:
    """`name_in_mail` of a file, whose name says at its end what it is: it has a bound of its own."""
    return _no_link(name(text))


def _no_link(name: str) -> str:
    return _PARTS_ADDRESS.sub(lambda found: f"{found[0]}\u2060", name)


def set_apart(text: str) -> str:
    """What is read from right to left, so that it may stand in a sentence: it stays in one piece, and moves
    no number or name that is next to it.
    """
    return text if text.isascii() or not _RIGHT_TO_LEFT.search(text) else f"\u2068{text}\u2069"


def is_visible(text: str) -> bool:
    """Whether a reader sees anything of it: spaces, fillers, joiners and marks on nothing do not count."""
    if _is_clean(text):
        return text != ""
    return any(
        not each.isspace() and unicodedata.category(each) not in {"Cc", "Mn", "Mc", "Me"}
        for each in _UNSEEN.sub("", text)
    )


def without_invisible(text: str) -> str:
    """For what is compared letter by letter: of all that nobody sees only joiners stay, where they join."""
    if _is_clean(text):
        return text
    kept = [""]
    for c in unicodedata.normalize("NFC", text):  # an accent of its own would seem to join
        if not (_UNSEEN.match(c) or _NEVER.match(c)) or (c in _JOINERS and _joins(kept[-1])):
            kept.append(c)
    return "".join(kept)


def order_of(name: str) -> tuple[str, str]:
    """What lists of names are sorted by, as people do it: neither capitals nor accents come first or last."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return bare.casefold(), name


def password(text: str) -> str:
    """One form and one kind of space, so that every keyboard types the same (RFC 8265, OpaqueString)."""
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in storable(text))
    return unicodedata.normalize("NFC", spaced)


def _is_clean(text: str) -> bool:
    """Whether it is one line of ASCII that begins and ends with a letter or sign, or nothing: as most is."""
    return text.isascii() and text.isprintable() and text[:1] != " " and text[-1:] != " "


def _plain(text: str) -> str:
    text = _NEVER.sub("", _LINE_END.sub("\n", storable(text)))
    text = _FLAG_OR_TAG.sub(lambda found: found[1] or "", text)
    if _DIRECTION.search(text):
        text = "\n".join(map(_closed, text.split("\n")))
    return unicodedata.normalize("NFC", text)


def _line(text: str, edges: str) -> str:
    if _is_clean(text) and "  " not in text:
        return text
    text = " ".join(_plain(text).split())
    start = 0
    while start < len(text) and (_LEADING.match(text[start]) or text[start] in edges):
        start += 1
    text = text[start:]
    return _visible(text[: _end(text, edges)])


def _visible(text: str) -> str:
    return text if is_visible(text) else ""


def _end(text: str, edges: str = "") -> int:
    """Where the text ends without what shows nothing after it."""
    end = len(text)
    while end:
        last, before = text[end - 1], text[end - 2 : end - 1]
        loose = last in edges or (last in _JOINERS and not _joins(before))
        if not (loose or _TRAILING.match(last)):
            break
        end -= 1
    return end


def _joins(before: str) -> bool:
    """Whether a joiner means something after this: a virama, or cursive writing (RFC 5892, appendix A)."""
    return before != "" and (
        unicodedata.combining(before) == 9 or unicodedata.bidirectional(before) in {"AL", "R", "NSM"}
    )


def _closed(line: str) -> str:
    """Every embedding and isolate ends in its line, and nothing ends that has not begun in it."""
    begun: list[str] = []
    kept: list[str] = []
    isolates = 0
    for c in line:
        if c in _EMBEDDINGS or c in _ISOLATES:
            begun.append(_END_OF_EMBEDDING if c in _EMBEDDINGS else _END_OF_ISOLATE)
            isolates += c in _ISOLATES
        elif c == _END_OF_EMBEDDING:
            if begun[-1:] != [c]:
                continue
            begun.pop()
        elif c == _END_OF_ISOLATE:
            if not isolates:
                continue
            isolates -= 1
            while begun.pop() != c:  # it ends the embeddings in it as well
                kept.append(_END_OF_EMBEDDING)
        kept.append(c)
    return "".join(kept + begun[::-1])
