"""By which mail server the answers of a mailbox leave: set and taken away by those who manage a workspace."""

import asyncio

import aiosmtplib
from starlette.requests import Request
from starlette.responses import Response

from parlour.db.outbox import Postponed
from parlour.features.desk.agent import desk_in
from parlour.features.desk.settings.mail_tries import PATIENCE, own_servers, reach
from parlour.features.desk.settings.mailboxes import NotReached, page_of, place_of
from parlour.features.mailroom import accounts
from parlour.features.mailroom.leaving import service as leaving
from parlour.features.mailroom.leaving.models import OwnServer
from parlour.kernel.graphemes import cut
from parlour.kernel.text import one_line
from parlour.mail.imap import of_the_line
from parlour.mail.send import SmtpMailer
from parlour.web.counting import count
from parlour.web.forms import REFUSALS, read_form, read_form_leniently
from parlour.web.ids import id_in
from parlour.web.limits import Limit
from parlour.web.pages import redirect
from parlour.web.site import db, site

_FIELD_OF = {"tls": "out_encryption"}
_WORDS_LIMIT = 300


async def save(request: Request) -> Response:
    """It is signed in there before anything is kept."""
    desk, mailbox_id = await desk_in(request), id_in(request, "mailbox_id")
    typed, stale = await read_form_leniently(request)
    actor, keys = desk.actor, leaving.keyring(site(request).settings.secret_keys)
    mailbox, fetched = await db(request).read(actor, accounts.one, mailbox_id)
    kept = await db(request).read(actor, leaving.this, mailbox_id)
    try:
        if stale:
            raise stale
        if fetched and fetched.provider and typed.get("out_provider") == fetched.provider:
            server = leaving.granted(fetched.provider, mailbox, keys)
        else:
            server = leaving.server_in(typed, mailbox_id, kept, keys, plain=reach(request).is_wide)
        await count(request, Limit.TRY_MAILBOX, str(desk.workspace_id))
        await _look_in(own_servers(request).mailer(desk.workspace_id, server, mailbox.address), server)
        await db(request).write(actor, leaving.put, server)
    except REFUSALS as error:
        return await page_of(request, desk, mailbox_id, typed=typed, refused=error)
    return redirect(f"{place_of(desk, mailbox_id)}?saved=sends")


async def _look_in(mailer: SmtpMailer, server: OwnServer) -> None:
    """Raises NotReached: where nothing was typed, at the button."""
    try:
        await _reached(mailer, server)
    except NotReached as refusal:
        raise NotReached("out_grant", refusal.words) if server.provider else refusal from None


async def _reached(mailer: SmtpMailer, server: OwnServer) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await mailer.look_in()
    except TimeoutError:
        raise NotReached("out_host", f"No answer came from {server.host}, port {server.port}.") from None
    except Postponed as error:
        raise NotReached("out_host", str(error)) from None
    except aiosmtplib.SMTPAuthenticationError as error:
        said = cut(one_line(f"{error.code} {error.message}"), _WORDS_LIMIT)
        if server.provider:
            words = f"{server.host} does not let us send for {server.user}: {said}"
            raise NotReached("out_host", words) from None
        raise NotReached(
            "out_password", f"{server.host} refuses the user {server.user} or the password: {said}"
        ) from None
    except OSError as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        trouble = of_the_line(server.host, server.port, cause)
        raise NotReached(_FIELD_OF.get(trouble.about, "out_host"), str(trouble)) from None
    except aiosmtplib.SMTPException as error:
        said = cut(one_line(str(error)), _WORDS_LIMIT)
        field = "out_encryption" if "STARTTLS" in said else "out_host"
        raise NotReached(field, f"{server.host} does not let us send: {said}") from None


async def drop(request: Request) -> Response:
    desk, mailbox_id = await desk_in(request), id_in(request, "mailbox_id")
    await read_form(request)
    await db(request).write(desk.actor, leaving.drop, mailbox_id)
    return redirect(f"{place_of(desk, mailbox_id)}?saved=houses")
