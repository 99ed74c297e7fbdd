"""An appointment in a mail (RFC 5545), in a sentence. No address in it is ever followed."""

import re
from typing import NamedTuple

from parlour.kernel.text import one_line

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z-]{1,40})((?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?):(.*)")
_ESCAPE = re.compile(r"\\([\\;,nN])")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_ZONE = re.compile(r";TZID=\"?([^\";:]{1,80})", re.IGNORECASE)
LIMIT = 64 * 1024
_METHODS = {"REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Answer to an invitation"}


class _Property(NamedTuple):
    parameters: str
    value: str


def in_words(calendar: str) -> str:
    """The first appointment of it, or nothing: `Invitation: Tea, 2026-12-01 10:00 (UTC), Room 4`."""
    event, method = _event(_FOLD.sub("", calendar[:LIMIT]))
    if event is None:
        return ""
    what = _METHODS.get(method, "Appointment")
    facts = [_words(event, "SUMMARY"), _when(event), _words(event, "LOCATION")]
    said = ", ".join(fact for fact in facts if fact)
    return f"{what}: {said}" if said else what


def _event(lines: str) -> tuple[dict[str, _Property] | None, str]:
    event: dict[str, _Property] | None = None
    method = ""
    for line in lines.splitlines():
        found = _LINE.fullmatch(line.strip())
        if found is None:
            continue
        name, value = found[1].upper(), found[3]
        if name == "METHOD":
            method = value.strip().upper()
        elif name == "BEGIN" and value.strip().upper() == "VEVENT":
            event = {}
        elif name == "END" and event is not None and value.strip().upper() == "VEVENT":
            break
        elif event is not None:
            event.setdefault(name, _Property(found[2], value))
    return event, method


def _words(event: dict[str, _Property], name: str) -> str:
    held = event.get(name)
    return (
        one_line(_ESCAPE.sub(lambda each: each[1] if each[1] in "\\;," else " ", held.value)) if held else ""
    )


def _when(event: dict[str, _Property]) -> str:
    """As it is written: in its own zone, whose name stands behind it."""
    start, end = event.get("DTSTART"), event.get("DTEND")
    begins = _MOMENT.match(start.value.strip()) if start else None
    if start is None or begins is None:
        return ""
    said = _moment(begins)
    if end and begins[4] and (until := _MOMENT.match(end.value.strip())) and until[4]:
        same_day = until.group(1, 2, 3) == begins.group(1, 2, 3)
        said += f" – {until[4]}:{until[5]}" if same_day else f" – {_moment(until)}"
    zone = _ZONE.search(start.parameters)
    name = "UTC" if begins[6] else one_line(zone[1]) if zone else ""
    return f"{said} ({name})" if name else said


def _moment(found: re.Match[str]) -> str:
    day = f"{found[1]}-{found[2]}-{found[3]}"
    return f"{day} {found[4]}:{found[5]}" if found[4] else day
