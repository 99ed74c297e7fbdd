"""The ledger of mails: what came and went, what became of it, and what somebody can still do about it."""

from uuid import UUID

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from parlour.db.database import Unit
from parlour.features.accounts.models import Desk
from parlour.features.conversation.downloads import handed
from parlour.features.conversation.uploads import intake
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.models import HELD, Mail, Outcome
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.outgoing.models import FAILED
from parlour.features.tickets.outgoing.models import Outcome as Gone
from parlour.files.names import content_disposition, safe_name
from parlour.kernel.access import Permission
from parlour.web.forms import read_form
from parlour.web.headers import SANDBOX
from parlour.web.ids import id_in, id_of
from parlour.web.pages import redirect
from parlour.web.site import db, site


async def ledger(request: Request) -> Response:
    """The newest first; `direction` and `outcome` say which, `before` where the page begins."""
    desk = await desk_in(request)
    asked = request.query_params.get("outcome", "")
    before = id_of(request.query_params["before"]) if "before" in request.query_params else None
    if request.query_params.get("direction") == "out":
        return await _outgoing(request, desk, asked, before)
    outcome = Outcome(asked) if asked in {*Outcome} else None
    actor = desk.actor
    page, silent = await db(request).read(actor, units.incoming_mails, outcome, before)
    return await render_at(
        request,
        desk,
        "desk/mails.html",
        silent=silent,
        mails=[{**_shown(each), "held": each.outcome in HELD} for each in page.mails],
        before=page.before,
        outcome=asked if outcome else "",
        address=page.address,
        senders_checked=bool(site(request).settings.mail_authserv_id),
        may_release=actor.may(Permission.TICKET_UPDATE),
        may_note=actor.may(Permission.NOTE_WRITE),
        may_manage=actor.may(Permission.MAILBOX_MANAGE),
    )


async def _outgoing(request: Request, desk: Desk, asked: str, before: UUID | None) -> Response:
    outcome = Gone(asked) if asked in {*Gone} else None
    actor = desk.actor
    page = await db(request).read(actor, outgoing.page, outcome=outcome, before=before)
    return await render_at(
        request,
        desk,
        "desk/mails_out.html",
        mails=[{**asdict(each), "failed": each.outcome in FAILED} for each in page.mails],
        before=page.before,
        outcome=asked if outcome else "",
        may_send=actor.may(Permission.TICKET_UPDATE),
    )


def _shown(mail: Mail) -> dict[str, object]:
    return {
        "mail_id": str(mail.mail_id),
        "address": mail.address,
        "sender": mail.sender,
        "subject": mail.subject,
        "outcome": mail.outcome.value,
        "reason": mail.reason,
        "verified": mail.verified,
        "ticket_id": mail.ticket_id and str(mail.ticket_id),
        "number": mail.number,
        "size": mail.size,
        "is_kept": bool(mail.storage_key),
        "received_at": mail.received_at,
    }


async def original(request: Request) -> Response:
    """The mail as it came, to keep or to open in a mail program."""
    desk = await desk_in(request)
    mail = await db(request).read(desk.actor, mailroom.mail, id_in(request, "mail_id"))
    if not mail.storage_key:  # it was erased
        raise mailroom.UnknownMail
    name = safe_name(f"{mail.subject or 'mail'}.eml")
    headers = {
        "Content-Disposition": content_disposition(name, inline=False),
        "Content-Security-Policy": SANDBOX,
        "Content-Length": str(mail.size),
        "Cache-Control": "private, no-store",
    }
    content = intake(request).store.get(mail.storage_key, end=mail.size)
    return await handed(content, 200, headers, "message/rfc822")


async def _decided(request: Request, act: Unit[[UUID], None]) -> Response:
    desk = await desk_in(request)
    await read_form(request)
    await db(request).write(desk.actor, act, id_in(request, "mail_id"))
    return redirect(f"/workspace/{desk.workspace_id}/mail")


async def release(request: Request) -> Response:
    """A mail that was held back goes its way as one of a person."""
    return await _decided(request, mailroom.release)


async def into_note(request: Request) -> Response:
    """A mail that was held back is shown in its ticket to colleagues alone."""
    return await _decided(request, mailroom.into_note)


async def read_again(request: Request) -> Response:
    """A mail that was held back is read and judged once more."""
    return await _decided(request, mailroom.read_again)


async def send_again(request: Request) -> Response:
    """A mail of ours that did not arrive is tried once more."""
    desk = await desk_in(request)
    await read_form(request)
    await db(request).write(desk.actor, outgoing.send_again, id_in(request, "letter_id"))
    return redirect(f"/workspace/{desk.workspace_id}/mail?direction=out")
