"""What every page of the application would post: one ready form for each address that takes one."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pyotp

from parlour.db.database import Tx
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.password_reset import service as password_reset
from parlour.features.tickets import life
from parlour.features.tickets import service as tickets
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Draft, Status, Tag
from parlour.features.tickets.tags import service as tags
from parlour.kernel.access import Actor, Role
from parlour.kernel.secrets import new_secret
from tests.house import PASSWORD
from tests.mailbox import mails, text_of

if TYPE_CHECKING:
    from tests.people import Town

Form = dict[str, str]


def _address() -> str:
    return f"{uuid4().hex}@example.com"


async def _invitation(town: "Town") -> str:
    """The secret in the mail of a fresh invitation."""
    address = _address()
    await town.house.db.write(town.owner, invitations.invite, address, Role.AGENT)
    [mail] = await mails(town.house, address)
    secret: str = re.findall(r"^[0-9a-f]{32}\.[\w-]{43}$", text_of(mail), re.MULTILINE)[0]
    return secret


async def _reset(town: "Town") -> str:
    """The secret of a fresh link for a forgotten password."""
    mail = await town.house.db.write(Actor.system(), password_reset.issue, "login@acme.example", new_secret())
    assert mail
    return mail.token


async def _changed(town: "Town", field: str) -> Form:
    """A change of the ticket that is one, by somebody who has seen it as it is."""
    now = await town.house.as_system(tickets.ticket, town.ticket.ticket_id)
    values = {
        "status": "pending" if now.status != "pending" else "open",
        "priority": "high" if now.priority != "high" else "low",
        "assignee": "" if now.assignee_id else str(town.house.ada),
    }
    return {field: values[field], "version": str(now.version)}


async def _put_aside(town: "Town") -> Form:
    now = await town.house.as_system(tickets.ticket, town.ticket.ticket_id)
    if now.status in life.FINISHED:
        again = {"seen_version": now.version}
        now = await town.house.db.write(
            town.owner, tickets.update_ticket_status, now.ticket_id, Status.OPEN, **again
        )
    until = "next-week" if now.aside_until else "tomorrow"
    return {"until": until, "version": str(now.version)}


async def _another(town: "Town") -> UUID:
    """A ticket of the same customer."""
    draft = Draft("The parcel is late", "Still.", town.ticket.email, uuid4())
    visitor = Actor.visitor(town.ticket.workspace_id)
    opened = await town.house.db.write(visitor, tickets.open_ticket, draft)
    another: UUID = opened.ticket.ticket_id
    return another


async def _to_merge(town: "Town") -> Form:
    return {"into": str(await _another(town))}


async def _merged(town: "Town") -> Form:
    await town.house.db.write(town.owner, merging.merge, town.ticket.ticket_id, await _another(town))
    return {"merged": "now"}


async def _new_tag(_: "Town") -> Form:
    return {"name": f"tag {uuid4().hex[:20]}", "colour": "teal"}


async def _new_key(_: "Town") -> Form:
    return {"name": f"Program {uuid4().hex[:20]}", "role": "viewer", "key_id": str(uuid4())}


async def _new_webhook(_: "Town") -> Form:
    """It leads where nothing is posted: to an address that is not public."""
    return {"url": "https://127.0.0.1/hook", "events": "contact.updated", "webhook_id": str(uuid4())}


async def _tagged(town: "Town") -> Form:
    """One tag more, or one less once there are enough."""

    def tagged(tx: Tx) -> tuple[Sequence[Tag], Sequence[Tag]]:
        return tags.every(tx), tags.of_tickets(tx, [town.ticket.ticket_id]).get(town.ticket.ticket_id, ())

    known, on = await town.house.as_system(tagged)
    off = [tag for tag in known if tag not in on]
    return {"tag": off[0].name} if off and len(on) < tags.TICKET_LIMIT else {"remove": str(on[0].tag_id)}


async def _said(_: "Town") -> Form:
    return {"content": "Hello?", "client_id": str(uuid4())}


async def _opened(_: "Town") -> Form:
    subject, text = "The parcel is late", "Since Monday."
    return {"subject": subject, "description": text, "email": _address(), "client_id": str(uuid4())}


async def _founded(_: "Town") -> Form:
    return {"name": "Second Home", "slug": f"s-{uuid4().hex[:16]}"}


async def _accepted(town: "Town") -> Form:
    return {"token": await _invitation(town), "name": "Nia", "password": PASSWORD}


def _fixed(**fields: str) -> Callable[["Town"], Awaitable[Form]]:
    async def form(_: "Town") -> Form:
        return dict(fields)

    return form


def _token_of(make: Callable[["Town"], Awaitable[str]], **fields: str) -> Callable[["Town"], Awaitable[Form]]:
    async def form(town: "Town") -> Form:
        return {"token": await make(town), **fields}

    return form


def _change_of(field: str) -> Callable[["Town"], Awaitable[Form]]:
    async def form(town: "Town") -> Form:
        return await _changed(town, field)

    return form


async def _asked(_: "Town") -> Form:
    return {"email": _address()}


async def _invited(_: "Town") -> Form:
    return {"email": _address(), "role": "viewer"}


async def _new_address(town: "Town") -> Form:
    return {"address": _address(), "way": "api"}


async def _many(town: "Town") -> Form:
    return {"ids": str(town.ticket.ticket_id), "field": "priority", "value": "urgent"}


_WORKSPACE = "/workspace/{workspace_id}"
_TICKET = f"{_WORKSPACE}/tickets/{{ticket_id}}"
_WEBHOOK = f"{_WORKSPACE}/settings/webhooks/{{webhook_id}}"
_MAILBOX = f"{_WORKSPACE}/settings/mail/{{mailbox_id}}"
_REPLY = {"name": "Thanks", "content": "Thank you, {customer_email}."}

FORMS: dict[str, Callable[["Town"], Awaitable[Form]]] = {
    "/auth/login": _fixed(email="login@acme.example", password=PASSWORD, next="/"),
    "/auth/logout": _fixed(leave="now"),
    "/auth/second-factor": _fixed(code=pyotp.TOTP("A" * 32).now()),
    "/auth/forgot": _asked,
    "/auth/reset": _token_of(_reset, new_password=PASSWORD),
    "/profile": _fixed(name="Sam Reed"),
    "/profile/password": _fixed(password=PASSWORD, new_password=f"{PASSWORD}!"),
    "/profile/preferences": _fixed(keys="1"),
    "/profile/sessions/end": _fixed(session="0" * 16),
    "/profile/sessions/end-all": _fixed(end="all"),
    "/profile/second-factor": _fixed(action="codes", password=PASSWORD),
    "/invite": _token_of(_invitation),
    "/invite/accept": _accepted,
    "/support/{slug}/ticket/new": _opened,
    "/support/{slug}/ticket/{ticket_id}/merged": _merged,
    "/support/{slug}/ticket/{ticket_id}/chat": _said,
    "/support/{slug}/ticket/{ticket_id}/files": _fixed(files="Paid."),
    "/support/{slug}/ticket/{ticket_id}/files/{file_id}/remove": _fixed(remove="now"),
    "/support/{slug}/files": _fixed(files="Paid."),
    "/support/{slug}/files/{file_id}/remove": _fixed(remove="now"),
    "/support/{slug}/access": _asked,
    "/support/{slug}/forget": _fixed(),
    "/workspace/new": _founded,
    f"{_WORKSPACE}/first-steps": _fixed(dismiss="now"),
    f"{_WORKSPACE}/settings": _fixed(name="Acme Outdoor and Sons", reply_time="day", accent="#1d4e89"),
    f"{_WORKSPACE}/settings/logo": _fixed(remove="now"),
    f"{_WORKSPACE}/settings/mail": _fixed(send="now"),
    f"{_WORKSPACE}/settings/mail/new": _new_address,
    f"{_MAILBOX}": _fixed(host="127.0.0.1", encryption="imaps", password="let-me-in"),
    f"{_MAILBOX}/test": _fixed(test="now"),
    f"{_MAILBOX}/signature": _fixed(called="Acme", signature="Yours, {agent}"),
    f"{_MAILBOX}/server": _fixed(out_host="127.0.0.1", out_encryption="smtps", out_user="", out_password=""),
    f"{_MAILBOX}/server/drop": _fixed(drop="now"),
    f"{_MAILBOX}/stop": _fixed(stop="now"),
    f"{_MAILBOX}/remove": _fixed(remove="now"),
    f"{_WORKSPACE}/settings/auto-reply": _fixed(
        on="yes", within="Thank you.", zone="UTC", day0="yes", opens="09:00", closes="17:00"
    ),
    f"{_WORKSPACE}/settings/api-keys": _new_key,
    f"{_WORKSPACE}/settings/api-keys/{{key_id}}/revoke": _fixed(revoke="now"),
    f"{_WORKSPACE}/settings/webhooks": _new_webhook,
    f"{_WEBHOOK}": _fixed(url="https://127.0.0.1/other", events="note.created"),
    f"{_WEBHOOK}/on": _fixed(turn="on"),
    f"{_WEBHOOK}/off": _fixed(turn="off"),
    f"{_WEBHOOK}/secret": _fixed(renew="now"),
    f"{_WEBHOOK}/test": _fixed(test="now"),
    f"{_WEBHOOK}/replay": _fixed(after="2026-01-01T00:00", before="2026-01-02T00:00", all="yes"),
    f"{_WEBHOOK}/delete": _fixed(delete="now"),
    f"{_WEBHOOK}/deliveries/{{delivery_id}}/retry": _fixed(retry="now"),
    f"{_WORKSPACE}/settings/security": _fixed(required="no"),
    f"{_WORKSPACE}/settings/retention": _fixed(close_after="3650", delete_after="3650", sure="yes"),
    f"{_WORKSPACE}/mail/{{mail_id}}/release": _fixed(release="now"),
    f"{_WORKSPACE}/mail/{{mail_id}}/note": _fixed(note="now"),
    f"{_WORKSPACE}/mail/{{mail_id}}/read": _fixed(read="again"),
    f"{_WORKSPACE}/mail/{{letter_id}}/send": _fixed(send="now"),
    f"{_WORKSPACE}/notifications": _fixed(upto="2026-01-01T00:00:00+00:00"),
    f"{_WORKSPACE}/notifications/choices": _fixed(mentioned_browser="on"),
    f"{_WORKSPACE}/people/invite": _invited,
    f"{_WORKSPACE}/people/{{user_id}}/role": _fixed(role="viewer"),
    f"{_WORKSPACE}/people/{{user_id}}/remove": _fixed(remove="now"),
    f"{_WORKSPACE}/people/invitations/{{invitation_id}}/withdraw": _fixed(withdraw="now"),
    f"{_WORKSPACE}/tickets/new": _opened,
    f"{_WORKSPACE}/tickets/views": _fixed(name="Late ones", query="status=open", for_everyone="yes"),
    f"{_WORKSPACE}/tickets/views/{{view_id}}": _fixed(name="Late indeed"),
    f"{_WORKSPACE}/tickets/views/{{view_id}}/move": _fixed(to="up"),
    f"{_WORKSPACE}/tickets/views/{{view_id}}/delete": _fixed(delete="now"),
    f"{_WORKSPACE}/tickets/bulk": _many,
    f"{_WORKSPACE}/tickets/bulk/{{bulk_id}}/undo": _fixed(undo="now"),
    f"{_WORKSPACE}/replies/new": _fixed(**_REPLY, shared="1"),
    f"{_WORKSPACE}/replies/{{reply_id}}": _fixed(**_REPLY, shared="1"),
    f"{_WORKSPACE}/replies/{{reply_id}}/delete": _fixed(delete="now"),
    f"{_TICKET}/chat": _said,
    f"{_TICKET}/notes": _said,
    f"{_TICKET}/files": _fixed(files="Paid."),
    f"{_TICKET}/unscannable/{{file_id}}": _fixed(release="yes"),
    f"{_TICKET}/files/{{file_id}}/remove": _fixed(remove="now"),
    f"{_WORKSPACE}/tickets/files": _fixed(files="Paid."),
    f"{_WORKSPACE}/tickets/files/{{file_id}}/remove": _fixed(remove="now"),
    f"{_TICKET}/status": _change_of("status"),
    f"{_TICKET}/priority": _change_of("priority"),
    f"{_TICKET}/assignee": _change_of("assignee"),
    f"{_WORKSPACE}/contacts/{{contact_id}}": _fixed(name="Maria Lopez", note="Writes on Mondays."),
    f"{_WORKSPACE}/contacts/{{contact_id}}/block": _fixed(block="now"),
    f"{_WORKSPACE}/contacts/{{contact_id}}/unblock": _fixed(unblock="now"),
    f"{_WORKSPACE}/settings/tags": _new_tag,
    f"{_WORKSPACE}/settings/tags/{{tag_id}}": _new_tag,
    f"{_WORKSPACE}/settings/tags/{{tag_id}}/delete": _fixed(delete="now"),
    f"{_TICKET}/tags": _tagged,
    f"{_TICKET}/participants": _fixed(participant="boss@example.com"),
    f"{_TICKET}/snooze": _put_aside,
    f"{_TICKET}/merge": _to_merge,
    f"{_TICKET}/merge/undo": _merged,
    f"{_TICKET}/access/revoke": _fixed(end="now"),
}
