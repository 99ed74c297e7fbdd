"""What clients of Zendesk's API get: objects with its names, and nothing in them that is not so."""

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from parlour.features.accounts.api_keys.models import Program
from parlour.features.api.v2.numbers import number_of
from parlour.features.api.v2.taking import PRIORITY_WORDS, STATUS_WORDS
from parlour.features.contacts.models import Contact
from parlour.features.tickets.models import Tag, WholeTicket
from parlour.features.workspaces.models import Member
from parlour.files.scan import Scan
from parlour.kernel.access import PROGRAM, Role
from parlour.kernel.messages import Attachment, Message

_SCANS = {
    Scan.CLEAN.value: "malware_not_found",
    Scan.INFECTED.value: "malware_found",
    Scan.UNSCANNABLE.value: "failed_to_scan",
}
Json = dict[str, Any]


def moment(at: datetime) -> str:
    """To the second, as Zendesk has it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def ticket(home: str, this: WholeTicket) -> Json:
    """`home`: what the API's addresses begin with."""
    return {
        "id": this.number,
        "url": f"{home}/tickets/{this.number}.json",
        "created_at": moment(this.created_at),
        "updated_at": moment(this.updated_at),
        "subject": this.subject,
        "raw_subject": this.subject,
        "description": this.description,
        "status": STATUS_WORDS[this.status],
        "priority": PRIORITY_WORDS[this.priority],
        "type": None,
        "requester_id": number_of(this.contact_id),
        "submitter_id": number_of(this.contact_id),
        "assignee_id": number_of(this.assignee_id),
        "organization_id": None,
        "group_id": None,
        "external_id": None,
        "tags": [tag.name for tag in this.tags],
        "custom_fields": [],
        "is_public": True,
    }


def audit(this: WholeTicket, comment: Json | None) -> Json:
    """What an act on a ticket came to; of its history as a whole `/api/v1/changes` tells."""
    return {
        "id": this.version,
        "ticket_id": this.number,
        "created_at": moment(this.updated_at),
        "events": [comment] if comment else [],
    }


def contact(home: str, this: Contact) -> Json:
    return _user(home, this.contact_id, this.name, this.email, "end-user") | {
        "created_at": moment(this.created_at),
        "notes": this.note,
        "suspended": this.blocked_at is not None,
    }


def member(home: str, this: Member) -> Json:
    """Owners are admins over there, and viewers agents who may do less."""
    role = "admin" if this.role in (Role.OWNER, Role.ADMIN) else "agent"
    return _user(home, this.user_id, this.name, this.email, role) | {"suspended": this.disabled}


def key(home: str, this: Program) -> Json:
    """A key is a user of its own, who has no address."""
    role = "admin" if this.actor.role is Role.ADMIN else "agent"
    return _user(home, this.key_id, this.actor.name, None, role)


def _user(home: str, this: UUID, name: str, email: str | None, role: str) -> Json:
    return {
        "id": number_of(this),
        "url": f"{home}/users/{number_of(this)}.json",
        "name": name or email,
        "email": email,
        "role": role,
        "active": True,
        "suspended": False,
        "created_at": None,
        "notes": "",
    }


def comment(home: str, this: Message, *, public: bool, customers: Mapping[str, UUID]) -> Json:
    """`customers`: by their addresses."""
    words = html.escape(this.content, quote=False).replace("\n", "<br>")
    return {
        "id": number_of(this.message_id),
        "type": "Comment",
        "author_id": number_of(_author(this, customers)),
        "body": this.content,
        "plain_body": this.content,
        "html_body": f"<p>{words}</p>",
        "public": public,
        "attachments": [attachment(home, each) for each in this.files],
        "created_at": moment(this.created_at),
    }


def _author(this: Message, customers: Mapping[str, UUID]) -> UUID | None:
    if this.sender_type == "customer":
        return customers.get(this.sender_id)
    return UUID(this.sender_id.removeprefix(PROGRAM))


def attachment(home: str, this: Attachment) -> Json:
    return {
        "id": number_of(this.file_id),
        "url": f"{home}/attachments/{number_of(this.file_id)}.json",
        "content_url": f"{home}/attachments/{number_of(this.file_id)}/content/{quote(this.name, safe='')}",
        "file_name": this.name,
        "content_type": this.media_type,
        "size": this.size,
        "width": this.width or None,
        "height": this.height or None,
        "inline": False,
        "thumbnails": [],
        "malware_scan_result": _SCANS.get(this.scan, "not_scanned"),
    }


def tag(this: Tag) -> Json:
    return {"name": this.name}
