"""The JSON of exports, whichever of the usual ways it is laid out in."""

import codecs
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TextIO

from parlour.features.importing.models import OldFile, Problem
from parlour.kernel import clock
from parlour.kernel.escapes import whole
from parlour.mail.receive.html import as_text
from parlour.mail.receive.tame import tamed

Json = dict[str, Any]
_NUMBER = re.compile(r"[0-9]{9,13}(\.[0-9]{1,9})?")
_AS_IN_MAILS = re.compile(r"([A-Za-z]{3}, )?[0-9]{1,2} [A-Za-z]{3} [0-9]{4} ")
_ZONE = re.compile(r"\s+(UTC|GMT|Z|[+-][0-9]{2}:?[0-9]{2})$")
_MILLISECONDS = 10**11
"""Seconds beyond the year 5000."""
_FIRST_YEAR, _LAST_YEAR = 1970, 2100


NAMELESS = Problem("a ticket", "has no number, by which it could be known again")
_UNNAMED = Problem("people without a number", "were passed over: no ticket could name them")


class NoExport(Exception):
    """A sentence for the person at the keyboard."""


def files_of(folder: Path, *names: str) -> list[Path]:
    """Those JSON files in the folder whose names begin so, in whatever letters."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in (".json", ".jsonl", ".ndjson")]
    return sorted(path for path in found if path.stem.lower().startswith(names))


def objects(path: Path, *wrapped_in: str) -> Iterator[Json | Problem]:
    """An object a line, or one array, or an object that holds the array under one of these names; each may
    itself be wrapped in an object of one name.
    """
    try:
        yield from _objects(path, wrapped_in)
    except OSError as error:
        yield Problem(path.name, f"cannot be read: {error.strerror}")


def _objects(path: Path, wrapped_in: tuple[str, ...]) -> Iterator[Json | Problem]:
    """Raises OSError."""
    with _opened(path) as file:
        if _is_lines(path):
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield from _object(line, f"{path.name}, line {number}", wrapped_in)
            return
        yield from _object(file.read(), path.name, wrapped_in)


def _opened(path: Path) -> TextIO:
    """In UTF-8, or in UTF-16, as Windows PowerShell writes what it asked an API for. Raises OSError."""
    with path.open("rb") as file:
        is_wide = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return path.open(encoding="utf-16" if is_wide else "utf-8-sig", errors="replace")


def _is_lines(path: Path) -> bool:
    """Whether the first line alone is an object: then each is. A broken one tells nothing; where the name
    says that there are lines, the second does.
    """
    with _opened(path) as file:
        first, second = file.readline(), file.readline()
    if path.suffix.lower() == ".json":
        return _is_object(first) and bool(second.strip())
    return _is_object(first) or _is_object(second)


def _is_object(said: str) -> bool:
    try:
        return isinstance(json.loads(said), dict)
    except (ValueError, RecursionError):
        return False


def _object(said: str, where: str, wrapped_in: tuple[str, ...]) -> Iterator[Json | Problem]:
    try:
        told = json.loads(whole(said))
    except (ValueError, RecursionError) as error:
        yield Problem(where, f"is no JSON: {error}")
        return
    for one in _listed(told, wrapped_in):
        if isinstance(one, dict):
            yield _unwrapped(one, wrapped_in)
        else:
            yield Problem(where, "holds something that is no object")


def _listed(told: Any, names: tuple[str, ...]) -> list[Any]:
    while isinstance(told, dict):
        inner = next((told[name] for name in names if isinstance(told.get(name), list | dict)), None)
        if inner is None or (isinstance(inner, dict) and "id" in inner):
            return [told]
        told = inner
    return told if isinstance(told, list) else [told]


def _unwrapped(one: Json, names: tuple[str, ...]) -> Json:
    if len(one) == 1:
        name, inner = next(iter(one.items()))
        if name in names and isinstance(inner, dict):
            return inner
    return one


def moment(told: Any) -> datetime | None:
    """ISO 8601, or as Ruby and mails write it, or seconds or milliseconds since 1970; None for what is none
    of these, such as 01/02/2024, and for times in which there was no desk. By what a wrong clock has put into
    the future nothing would stand below it for years: that is now.
    """
    try:
        found = _counted(told) if isinstance(told, int | float) else _written(str(told).strip())
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return min(found, clock.now()) if _FIRST_YEAR <= found.year < _LAST_YEAR else None


def _counted(told: float) -> datetime:
    """Raises ValueError, OverflowError, OSError."""
    if isinstance(told, bool):
        raise ValueError
    return datetime.fromtimestamp(told / 1000 if told >= _MILLISECONDS else told, UTC)


def _written(told: str) -> datetime:
    """Raises ValueError, OverflowError, OSError."""
    if _NUMBER.fullmatch(told):
        return _counted(float(told))
    if _AS_IN_MAILS.match(told):
        return parsedate_to_datetime(told)
    date, time = told[:10].replace("/", "-"), _ZONE.sub(_plain_zone, told[10:])
    return datetime.fromisoformat(date + time)


def _plain_zone(found: re.Match[str]) -> str:
    return "Z" if found[1].isalpha() else found[1]


def key_of(one: Json, name: str = "id") -> str:
    """What it is called over there, by which it is known when it is read again; empty for what has none."""
    told = one.get(name)
    if isinstance(told, bool) or not isinstance(told, str | int | float):
        return ""
    return str(told).replace("\0", "").strip()


def unnamed(people: dict[str, Json]) -> Iterator[Problem]:
    """Takes out whoever has no number: else what nobody is named for would be theirs."""
    if people.pop("", None):
        yield _UNNAMED


def person(people: dict[str, Json], one: Json, name: str) -> Json:
    """Whom `one` names under `name`; empty where it names nobody, or somebody who is not in the export."""
    return people.get(key_of(one, name), {})


def timed(one: Json, otherwise: datetime) -> Json:
    """A message; at its ticket's time where its own cannot be read, rather than without a place."""
    return one if moment(one.get("created_at")) else {**one, "created_at": otherwise.isoformat()}


def words(plain: Any, html: Any = None) -> str:
    """What was said, as text: the plain words when there are some, else what a reader sees of the HTML."""
    if isinstance(plain, str) and plain.strip():
        return plain
    if isinstance(html, str) and html.strip():
        return as_text(tamed(html)[0]).text
    return ""


def several(told: Any) -> list[Any]:
    """What an export holds where a list belongs; nothing when it is none."""
    return told if isinstance(told, list) else []


def tags_of(told: Any) -> tuple[str, ...]:
    """Their names, told as words or as objects that have one."""
    named = (one.get("name") if isinstance(one, dict) else one for one in several(told))
    return tuple(str(name) for name in named if name)


def attached(folder: Path, told: Any, name_of: str, id_of: str = "id") -> tuple[OldFile, ...]:
    """What a message names, and where its bytes lie: `attachments/ID/NAME`, `attachments/ID-NAME` or
    `attachments/NAME`, whichever there is.
    """
    found = []
    for one in several(told):
        if not isinstance(one, dict):
            continue
        name = Path(str(one.get(name_of) or "file")).name or "file"
        this, base = key_of(one, id_of), folder / "attachments"
        places = (base / this / name, base / f"{this}-{name}", base / name)
        found.append(OldFile(name, next((place for place in places if _lies(place, base)), None)))
    return tuple(found)


def _lies(place: Path, base: Path) -> bool:
    """Whether the file is there, and inside; a name may be none that a disk can have."""
    try:
        return place.is_file() and place.resolve().is_relative_to(base.resolve())
    except OSError:
        return False
