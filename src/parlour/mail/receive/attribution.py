"""The sentence with which mail programs begin a quotation: "On 3 April 2012 at 16:19, Bob <bob@…> wrote:"."""

import re
from collections.abc import Sequence

LINES = 4
"""Over so many lines it may be wrapped."""
_LENGTH = 350
_END = 60
"""Characters of a line among which its last word is."""

_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_ADDRESS_LAST = re.compile(r"@[\w.-]+\s*[>)\]\"']*\s*[>)\]]*\s*[:：]$")
_ADDRESS_IN_BRACKETS = re.compile(r"[<(\[][^<>()\[\]\s]{1,64}@[\w.-]{3,250}[>)\]]")
_DECORATION = " \t*_~-–—\xa0\u200b\u200e\u200f\u202a\u202b\u202c\u2068\u2069"
_MARKS_OF_DIRECTION = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_YEAR = re.compile(r"(?<!\d)(?:19|20|25)\d\d(?!\d)")
_NUMERIC_DATE = re.compile(
    r"(?<![\d.])\d{1,4}(?P<mark>[./-])\s?\d{1,2}(?P=mark)\s?\d{1,4}(?![\d.])|\d{1,2}\s?[月월]"
)
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.hHч時时]\s?\d\d(?!\d)")
_NUMBER = re.compile(r"\d+")
_WROTE = (
    "wrote|writes|schrieb|geschrieben|schreef|geschreven|a écrit|écrit|ecrit|escribió|escribio|escribe"
    "|escreveu|ha scritto|scritto|scrisse|skrev|skrifaði|kirjoitti|kirjutas|napisał(?:a|\\(a\\))?|pisze"
    "|napsal(?:a|\\(a\\))?|napísal(?:a|\\(a\\))?|написал(?:а|\\(а\\))?|написао|писал(?:а)?|пишет|написав|написала|пише|написа|напишал"
    "|napisao|napisala|napisal|je pisal(?:a)?|írta|írt|a scris|scris|yazdı|yazmış|έγραψε|rakstīja|rašė"
    "|va escriure|ha escrit|menulis|đã viết|viết|idatzi du|shkroi"
)
"""\"Wrote", as mail programs say it in their languages."""
_WROTE_UNSPACED = (
    "写道|寫道|书写|さんは書きました|のメール|が書きました|님이 작성|작성|เขียน(?:ว่า)?|כתב(?:ה|/ה)?|كتب(?:ت)?"
)
_SAYS = re.compile(rf"(?<!\w)(?:{_WROTE})(?!\w)|{_WROTE_UNSPACED}", re.IGNORECASE)
_ENDS = re.compile(rf"(?:[:：]|(?<!\w)(?:{_WROTE})|{_WROTE_UNSPACED})$", re.IGNORECASE)


def introduction_ending_at(lines: Sequence[str], end: int, *, before_marks: bool) -> int | None:
    """The line where such a sentence begins that ends in the line `end`, or None.

    `before_marks`: a quotation behind `>` follows, so that less will do.
    """
    tail = lines[end][-_END:].rstrip(_DECORATION)
    if not (_ENDS.search(tail) or (before_marks and tail.endswith((">", ")", "]")))):
        return None
    for start in range(end, max(-1, end - LINES), -1):
        if not lines[start].strip():
            return None
        said = " ".join(line.strip(_DECORATION) for line in lines[start : end + 1])
        said = _MARKS_OF_DIRECTION.sub("", said)
        if len(said) > _LENGTH:
            return None
        if _introduces(said, before_marks=before_marks):
            return _with_its_date(lines, start, end, said)
    return None


def _introduces(said: str, *, before_marks: bool) -> bool:
    date, address, says = has_date(said), _ADDRESS.search(said), _SAYS.search(said)
    if says:
        return bool(date or address) or before_marks
    if before_marks:
        return bool((date and (address or _TIME.search(said))) or _ADDRESS_LAST.search(said))
    return bool(date and (_ADDRESS_LAST.search(said) or _ADDRESS_IN_BRACKETS.search(said)))


def _with_its_date(lines: Sequence[str], start: int, end: int, said: str) -> int:
    """The date may stand in a line before."""
    if has_date(said):
        return start
    for earlier in range(start - 1, max(-1, end - LINES), -1):
        line = lines[earlier].strip()
        if not line or line.endswith((".", "!", "?")):
            break
        if has_date(line):
            return earlier
    return start


def has_date(said: str) -> bool:
    """A year beside a day, a date in numbers, or a time beside a day."""
    if _NUMERIC_DATE.search(said):
        return True
    if (year := _YEAR.search(said)) and _NUMBER.search(said[: year.start()] + " " + said[year.end() :]):
        return True
    time = _TIME.search(said)
    return time is not None and _NUMBER.search(said[: time.start()] + " " + said[time.end() :]) is not None


def has_address(said: str) -> bool:
    return _ADDRESS.search(said) is not None
