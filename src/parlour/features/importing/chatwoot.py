"""Conversations of Chatwoot, as its API gives them: `conversations*.json`, with all of their messages or with
the last one alone, and the messages of each apart.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from parlour.features.importing.models import OldFile, OldMessage, OldTicket, Problem
from parlour.features.importing.reading import (
    NAMELESS,
    Json,
    NoExport,
    attached,
    files_of,
    key_of,
    moment,
    objects,
    several,
    tags_of,
    timed,
    words,
)
from parlour.features.tickets.models import Priority, Status

_STATUSES = {
    "open": Status.OPEN,
    "pending": Status.PENDING,
    "snoozed": Status.PENDING,
    "resolved": Status.RESOLVED,
}
_PRIORITIES = {each.value: each for each in Priority}
_INCOMING, _ACTIVITY = (0, "incoming"), (2, "activity")


def read(folder: Path) -> Iterator[OldTicket | Problem]:
    """Raises NoExport."""
    conversations = files_of(folder, "conversations", "conversation")
    if not conversations:
        raise NoExport(f"{folder} holds no conversations.json, as Chatwoot's API gives them.")
    for path in conversations:
        for one in objects(path, "data", "payload", "conversations", "conversation"):
            if isinstance(one, Problem):
                yield one
                continue
            apart = list(_apart(folder, key_of(one)))
            yield from (each for each in apart if isinstance(each, Problem))
            yield _ticket(folder, one, [each for each in apart if not isinstance(each, Problem)])


def _inside(one: Json, *names: str) -> Json:
    told: Any = one
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, dict) else {}


def _ticket(folder: Path, one: Json, apart: Sequence[Json]) -> OldTicket | Problem:
    key = key_of(one)
    if not key:
        return NAMELESS
    customer = _inside(one, "meta", "sender") or _inside(one, "contact")
    inside = [each for each in several(one.get("messages")) if isinstance(each, dict)]
    said = {key_of(each) or place: each for place, each in enumerate((*inside, *apart))}
    began = moment(one.get("created_at"))
    messages = sorted(
        (
            told
            for each in said.values()
            if (told := _message(folder, timed(each, began) if began else each, customer))
        ),
        key=lambda each: each.at,
    )
    created = began or (messages[0].at if messages else None)
    if created is None:
        return Problem(f"conversation {key}", "has no time at which it was made")
    subject = _inside(one, "additional_attributes").get("mail_subject")
    assignee = _inside(one, "meta", "assignee") or _inside(one, "assignee")
    return OldTicket(
        key=key,
        subject=str(subject or ""),
        status=_STATUSES.get(str(one.get("status")), Status.CLOSED),
        priority=_PRIORITIES.get(str(one.get("priority")), Priority.MEDIUM),
        email=str(customer.get("email") or ""),
        name=str(customer.get("name") or ""),
        assignee=str(assignee.get("email") or ""),
        created_at=created,
        messages=tuple(messages),
        tags=tags_of(one.get("labels")),
    )


def _apart(folder: Path, key: str) -> Iterator[Json | Problem]:
    """Of one conversation, from `messages-ID.json`, or its pages `messages-ID-1.json` and so on; the same
    without the first word in a folder `messages`.
    """
    if not key.isdigit():
        return
    named = (f"messages{apart}{key}{more}.json" for apart in "-/" for more in ("", "-*"))
    for path in sorted(path for name in named for path in folder.glob(name)):
        yield from objects(path, "payload", "messages")


def _message(folder: Path, one: Json, customer: Json) -> OldMessage | None:
    at = moment(one.get("created_at"))
    deleted = _inside(one, "content_attributes").get("deleted") is True
    if at is None or deleted or one.get("message_type") in _ACTIVITY:
        return None
    sender = _inside(one, "sender")
    by_customer = one.get("message_type") in _INCOMING
    return OldMessage(
        key=key_of(one),
        at=at,
        by_customer=by_customer,
        internal=one.get("private") is True,
        email=str(sender.get("email") or (customer.get("email") if by_customer else "") or ""),
        name=str(sender.get("name") or ""),
        text=words(one.get("content")),
        files=_files(folder, one.get("attachments")),
    )


def _files(folder: Path, told: Any) -> tuple[OldFile, ...]:
    """They are called by the end of the address that they had."""
    named = [
        {**each, "name": str(each.get("data_url") or "").partition("?")[0].rpartition("/")[2]}
        for each in (told if isinstance(told, list) else ())
        if isinstance(each, dict)
    ]
    return attached(folder, named, "name")
