"""A mail as it came: all its text, and its HTML in a frame that can do nothing."""

import asyncio

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from parlour.features.accounts.models import Desk
from parlour.features.conversation.uploads import intake
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.models import Mail
from parlour.files.errors import Missing
from parlour.mail.receive.parsed import Address, Parsed
from parlour.web.headers import FRAMING, SHOWN_MAIL, SHOWN_MAIL_WITH_PICTURES
from parlour.web.ids import id_in
from parlour.web.pages import redirect
from parlour.web.site import db, site


async def of_message(request: Request) -> Response:
    """On to the mail that a message of the ticket was; back to the ticket where it was none."""
    desk = await desk_in(request)
    ticket_id, client_id = id_in(request, "ticket_id"), id_in(request, "client_id")
    home = f"/workspace/{desk.workspace_id}"
    try:
        mail_id = await db(request).read(desk.actor, mailroom.mail_of, ticket_id, client_id)
    except mailroom.UnknownMail:
        return redirect(f"{home}/tickets/{ticket_id}")
    return redirect(f"{home}/mail/{mail_id}")


async def page(request: Request) -> Response:
    """All of its text, and the frame; `pictures=yes` asks for those that are elsewhere."""
    from parlour.mail.receive.shown import shown  # its libraries are loaded where mail is read

    desk = await desk_in(request)
    mail, parsed = await _read(request, desk)
    framed = await asyncio.to_thread(shown, parsed) if parsed.html else None
    answer = await render_at(
        request,
        desk,
        "desk/mail_original.html",
        mail={
            "mail_id": str(mail.mail_id),
            "subject": mail.subject or parsed.subject,
            "address": mail.address,
            "received_at": mail.received_at,
            "ticket_id": mail.ticket_id and str(mail.ticket_id),
            "number": mail.number,
            "reason": mail.reason,
        },
        sender=_spelled(parsed.sender) if parsed.sender else "",
        to=[_spelled(each) for each in (*parsed.to, *parsed.cc)],
        verified=mail.verified,
        senders_checked=bool(site(request).settings.mail_authserv_id),
        text=parsed.text,
        framed=framed is not None,
        remote=framed is not None and framed.remote,
        pictures=_wants_pictures(request),
    )
    answer.headers["Content-Security-Policy"] = FRAMING
    return answer


async def frame(request: Request) -> Response:
    """The HTML alone, which is empty where the mail has none."""
    from parlour.mail.receive.shown import shown

    desk = await desk_in(request)
    _, parsed = await _read(request, desk)
    policy = SHOWN_MAIL_WITH_PICTURES if _wants_pictures(request) else SHOWN_MAIL
    headers = {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "SAMEORIGIN",
        "Cache-Control": "no-store",
    }
    return HTMLResponse((await asyncio.to_thread(shown, parsed)).page, headers=headers)


def _wants_pictures(request: Request) -> bool:
    return request.query_params.get("pictures") == "yes"


def _spelled(who: Address) -> str:
    return f"{who.name} <{who.mailbox}>" if who.name else who.mailbox


async def _read(request: Request, desk: Desk) -> tuple[Mail, Parsed]:
    """Raises UnknownMail for one that is not there, or whose bytes are not there any more."""
    from parlour.mail.receive.parse import parse

    mail = await db(request).read(desk.actor, mailroom.mail, id_in(request, "mail_id"))
    if not mail.storage_key:
        raise mailroom.UnknownMail
    try:
        raw = b"".join([piece async for piece in intake(request).store.get(mail.storage_key, end=mail.size)])
    except Missing:
        raise mailroom.UnknownMail from None
    return mail, await asyncio.to_thread(parse, raw)
