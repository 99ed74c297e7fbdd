"""Zendesk's JSON exports: `tickets*.json` with their comments, and `users*.json`, an object a line. Under the
names with which they are downloaded, `export-…`, they are told apart by what they hold.
"""

from collections.abc import Iterator
from pathlib import Path

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
    several,
    tags_of,
    timed,
    unnamed,
    words,
)
from parlour.features.tickets.models import Priority, Status

_STATUSES = {
    "new": Status.NEW,
    "open": Status.OPEN,
    "pending": Status.PENDING,
    "hold": Status.PENDING,
    "solved": Status.RESOLVED,
    "closed": Status.CLOSED,
}
_PRIORITIES = {"low": Priority.LOW, "high": Priority.HIGH, "urgent": Priority.URGENT}


def read(folder: Path) -> Iterator[OldTicket | Problem]:
    """Raises NoExport."""
    tickets, mixed = files_of(folder, "tickets"), files_of(folder, "export")
    if not tickets and not mixed:
        raise NoExport(f"{folder} holds no tickets.json or export-….json, as Zendesk's JSON export has it.")
    people: dict[str, Json] = {}
    for path in (*files_of(folder, "users"), *mixed):
        for one in objects(path, "users", "user"):
            if isinstance(one, Problem):
                yield one
            elif path not in mixed or "role" in one:
                people[key_of(one)] = one
    yield from unnamed(people)
    for path in (*tickets, *mixed):
        for one in objects(path, "tickets", "ticket"):
            if path not in mixed:
                yield one if isinstance(one, Problem) else _ticket(folder, one, people)
            elif not isinstance(one, Problem) and _is_ticket(one):  # what is no JSON was named above
                yield _ticket(folder, one, people)


def _is_ticket(one: Json) -> bool:
    return "subject" in one or "raw_subject" in one


def _person(one: Json, name: str, people: dict[str, Json]) -> Json:
    """Whom an export writes out in place, or names by an id."""
    told = one.get(name)
    return told if isinstance(told, dict) else person(people, one, f"{name}_id")


def _ticket(folder: Path, one: Json, people: dict[str, Json]) -> OldTicket | Problem:
    key = key_of(one)
    about, created = f"ticket {key}", moment(one.get("created_at"))
    if not key:
        return NAMELESS
    if one.get("status") == "deleted":
        return Problem(about, "was deleted over there")
    requester = _person(one, "requester", people)
    assignee = _person(one, "assignee", people)
    if created is None:
        return Problem(about, "has no time at which it was made")
    comments = [each for each in several(one.get("comments")) if isinstance(each, dict)]
    if not comments:
        author = requester.get("id") or one.get("requester_id")
        first = {"id": "description", "author_id": author, "body": one.get("description")}
        comments = [{**first, "public": True, "created_at": one.get("created_at")}]
    whose = {**requester, "id": key_of(requester) or key_of(one, "requester_id")}
    said = [_message(folder, timed(each, created), whose, people) for each in comments]
    return OldTicket(
        key=key,
        subject=str(one.get("subject") or one.get("raw_subject") or ""),
        status=_STATUSES.get(str(one.get("status")), Status.CLOSED),
        priority=_PRIORITIES.get(str(one.get("priority")), Priority.MEDIUM),
        email=str(requester.get("email") or ""),
        name=str(requester.get("name") or ""),
        assignee=str(assignee.get("email") or ""),
        created_at=created,
        messages=tuple(sorted((each for each in said if each), key=lambda each: each.at)),
        tags=tags_of(one.get("tags")),
    )


def _message(folder: Path, one: Json, requester: Json, people: dict[str, Json]) -> OldMessage | None:
    at = moment(one.get("created_at"))
    if at is None:
        return None
    author = _person(one, "author", people)
    this = key_of(author) or key_of(one, "author_id")
    is_requester = bool(this) and this == key_of(requester)
    author = author or (requester if is_requester else {})
    return OldMessage(
        key=key_of(one),
        at=at,
        by_customer=is_requester or author.get("role") == "end-user",
        internal=one.get("public") is False,
        email=str(author.get("email") or ""),
        name=str(author.get("name") or ""),
        text=words(one.get("plain_body") or one.get("body"), one.get("html_body")),
        files=attached(folder, one.get("attachments"), "file_name"),
    )
