"""Mail that a program brings, as a mail server does."""

import asyncio

from starlette.requests import Request

from parlour.features.api import shapes
from parlour.features.api.answers import Answer, answer
from parlour.features.api.door import program_of
from parlour.features.api.operations import Call, Operation
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.arrivals import SIZE_LIMIT, Arrivals
from parlour.files.errors import FilesAway
from parlour.kernel.access import permitted
from parlour.kernel.errors import DomainError, Overloaded
from parlour.web.errors import TooLarge
from parlour.web.site import db

AT_ONCE = 4
"""Each mail is in memory as a whole."""
SECONDS = 60.0
"""In which all of it has to be here."""
_MAIL = "message/rfc822"

_coming = asyncio.Semaphore(AT_ONCE)


class NotMail(DomainError):
    status = 415
    code = "not_mail"
    message = f"Send the mail as it came, with Content-Type: {_MAIL}."


class NobodyHere(DomainError):
    status = 422
    code = "no_mailbox"
    message = "The mail is for none of the addresses of this workspace."


class MailTooLarge(TooLarge):
    code = "mail_too_large"
    message = f"A mail may have {SIZE_LIMIT // 2**20} MiB."


class MailTooSlow(DomainError):
    status = 408
    code = "mail_too_slow"
    message = f"The mail did not come within {SECONDS:.0f} seconds."


async def bring_mail(call: Call) -> Answer:
    """Bring a mail that came for the workspace.

    The body is the mail as it came, with all of its headers. It has to be for one of the addresses of the
    workspace. When you are answered, it is stored; it is then read like any other: it becomes a ticket, or an
    answer in the ticket that it belongs to, once however often it is brought. What became of it stands on the
    page *Mail* of the settings. Whoever holds the key vouches for the mail's `Authentication-Results`.
    """
    permitted(call.program.actor, mailroom.receive_from)
    request, asked = call.request, call.query
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _MAIL:
        raise NotMail
    if _coming.locked():
        raise Overloaded
    async with _coming:
        raw = await _whole(request)
        await program_of(request)  # a minute may have passed
        arrivals = Arrivals(db(request), request.app.state.files.store)
        kept = await arrivals.bring(call.program.actor, raw, [asked.to] if asked.to else [])
    if kept is None:
        raise NobodyHere
    mail_id, mailbox = kept
    return answer(shapes.Mail(mail_id, mailbox.address), 202)


async def _whole(request: Request) -> bytes:
    """Raises MailTooLarge as soon as it is, MailTooSlow."""
    raw = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                raw += part
                if len(raw) > SIZE_LIMIT:
                    raise MailTooLarge
    except TimeoutError:
        raise MailTooSlow from None
    return bytes(raw)


OPERATIONS = [
    Operation(
        "POST",
        "/mail",
        bring_mail,
        shapes.Mail,
        role="admin",
        query=shapes.MailQuery,
        status=202,
        raw=_MAIL,
        refusals=(MailTooSlow, MailTooLarge, NobodyHere, NotMail, FilesAway),
        example={
            "query": {"to": "support@example.com"},
            "body": "From: maria@example.com\nSubject: The parcel\n\nWhere is it?\n",
        },
    ),
]
