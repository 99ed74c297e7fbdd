"""Freshdesk's export: `tickets*.json` with their notes, and `users*`, `contacts*` and `agents*`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parlour.features.importing.models import OldMessage, OldTicket, Problem
from parlour.features.importing.reading import (
    NAMELESS,
    Json,
    NoExport,
    attached,
    files_of,
    key_of,
    moment,
    objects,
    person,
    tags_of,
    timed,
    unnamed,
    words,
)
from parlour.features.tickets.models import Priority, Status

_STATUSES = {2: Status.OPEN, 3: Status.PENDING, 4: Status.RESOLVED, 5: Status.CLOSED}
_PRIORITIES = {1: Priority.LOW, 2: Priority.MEDIUM, 3: Priority.HIGH, 4: Priority.URGENT}
_NOTES = ("conversations", "notes", "helpdesk_notes")
_ONE_OF = ("helpdesk_note", "note", "conversation")
_META = 4
"""The `source` of a note that nobody wrote: of which browser a ticket came, for programs."""
_OUTBOUND = 10
"""The `source` of a ticket with which the team wrote first."""


def read(folder: Path) -> Iterator[OldTicket | Problem]:
    """Raises NoExport."""
    tickets = files_of(folder, "tickets")
    if not tickets:
        raise NoExport(f"{folder} holds no Tickets.json, as Freshdesk's export has it.")
    people: dict[str, Json] = {}
    for path in files_of(folder, "users", "contacts", "agents"):
        for one in objects(path, "users", "contacts", "agents", "user", "contact", "agent"):
            if isinstance(one, Problem):
                yield one
            else:
                inner = one.get("contact") or one.get("user")
                # an agent's own id names nobody in the old export
                this = key_of(one, "user_id") or key_of(one)
                people[this] = {**one, **(inner if isinstance(inner, dict) else {})}
    yield from unnamed(people)
    for path in tickets:
        for one in objects(path, "tickets", "helpdesk_tickets", "helpdesk_ticket", "ticket"):
            yield one if isinstance(one, Problem) else _ticket(folder, one, people)


def _ticket(folder: Path, one: Json, people: dict[str, Json]) -> OldTicket | Problem:
    key = key_of(one, "display_id") or key_of(one)
    created = moment(one.get("created_at"))
    if not key:
        return NAMELESS
    if created is None:
        return Problem(f"ticket {key}", "has no time at which it was made")
    if one.get("deleted") is True or one.get("spam") is True:
        return Problem(f"ticket {key}", "was deleted, or spam, over there")
    told = one.get("requester")
    requester = told if isinstance(told, dict) else person(people, one, "requester_id")
    responder = person(people, one, "responder_id")
    outbound = _number(one.get("source")) == _OUTBOUND
    opener = responder if outbound else requester
    first = OldMessage(
        key="description",
        at=created,
        by_customer=not outbound,
        internal=False,
        email=str(opener.get("email") or ""),
        name=str(opener.get("name") or ""),
        text=words(one.get("description_text"), one.get("description_html") or one.get("description")),
        files=attached(folder, one.get("attachments"), _name_in(one.get("attachments"))),
    )
    said = [_message(folder, timed(each, created), requester, people) for each in _notes(one)]
    return OldTicket(
        key=key,
        subject=str(one.get("subject") or ""),
        status=_STATUSES.get(_number(one.get("status")), Status.PENDING),
        priority=_PRIORITIES.get(_number(one.get("priority")), Priority.MEDIUM),
        email=str(requester.get("email") or one.get("email") or ""),
        name=str(requester.get("name") or one.get("requester_name") or ""),
        assignee=str(responder.get("email") or ""),
        created_at=created,
        messages=(first, *sorted((each for each in said if each), key=lambda each: each.at)),
        tags=tags_of(one.get("tags")),
    )


def _number(told: Any) -> int:
    said = str(told)[:4]
    return int(said) if said.isascii() and said.isdecimal() else 0


def _notes(one: Json) -> Iterator[Json]:
    told: list[Any] = next((one[name] for name in _NOTES if isinstance(one.get(name), list)), [])
    for each in told:
        if isinstance(each, dict):
            inner = next((each[name] for name in _ONE_OF if isinstance(each.get(name), dict)), each)
            yield inner


def _message(folder: Path, one: Json, requester: Json, people: dict[str, Json]) -> OldMessage | None:
    at = moment(one.get("created_at"))
    if at is None or one.get("deleted") is True or _number(one.get("source")) == _META:
        return None
    author = person(people, one, "user_id")
    by_customer = one.get("incoming") is True
    if by_customer and not author:
        author = requester
    return OldMessage(
        key=key_of(one),
        at=at,
        by_customer=by_customer,
        internal=one.get("private") is True,
        email=str(author.get("email") or ""),
        name=str(author.get("name") or ""),
        text=words(one.get("body_text"), one.get("body_html") or one.get("body")),
        files=attached(folder, one.get("attachments"), _name_in(one.get("attachments"))),
    )


def _name_in(told: Any) -> str:
    """The export and the API call it differently."""
    return "content_file_name" if "content_file_name" in str(told) else "name"
