"""How mail leaves and comes, for those who manage a workspace, and a try of either to see whether it does."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.db.outbox import Postponed, Undeliverable
from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import actor_at, desk_in, render_at
from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.looking import tried as looked_into
from parlour.features.mailroom.fetching.models import Standing
from parlour.features.workspaces.models import Mailbox, Workspace
from parlour.kernel.errors import DomainError
from parlour.kernel.keyring import Unreadable
from parlour.mail.imap import Server, ServerTrouble
from parlour.mail.post import Post
from parlour.settings import Settings
from parlour.web.counting import count
from parlour.web.forms import REFUSALS, read_form_leniently
from parlour.web.limits import Limit
from parlour.web.site import db, site

PATIENCE = 15.0
"""Seconds for which somebody waits in front of the page."""
_WORDS_LIMIT = 300


class Outcome(StrEnum):
    TAKEN = "taken"
    REFUSED = "refused"
    NOT_TAKEN = "not_taken"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class Tried:
    """`words` are the mail server's own, or the system's."""

    outcome: Outcome
    words: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """How mail leaves, without what signs in there. No `host`: mails become files."""

    sender: str
    host: str = ""
    port: int | None = None
    scheme: str = ""
    signs_in: bool = False


def way_of(settings: Settings) -> Way:
    if settings.smtp_url is None:
        return Way(settings.mail_from)
    parts = urlsplit(settings.smtp_url)
    return Way(
        settings.mail_from, parts.hostname or "localhost", parts.port, parts.scheme, bool(parts.username)
    )


@dataclass(frozen=True, slots=True)
class Looked:
    """Into which mailbox. `words` say why not; else so many mails lie there."""

    mailbox_id: UUID
    count: int = 0
    words: str = ""


async def page(request: Request) -> Response:
    return await _page(request, await desk_in(request))


async def _page(
    request: Request,
    desk: Desk,
    *,
    tried: Tried | None = None,
    looked: Looked | None = None,
    refused: DomainError | None = None,
) -> Response:
    ways_in = await db(request).read(actor_at(desk), units.ways_in)
    return await render_at(
        request,
        desk,
        "desk/settings_mail.html",
        refused=refused,
        way=way_of(site(request).settings),
        refusing=_post(request).refusing,
        tried=tried,
        looked=looked,
        ways_in=[_way_in(*each) for each in ways_in],
        patience=round(PATIENCE),
    )


def _way_in(mailbox: Mailbox, fetched: Standing | None) -> dict[str, object]:
    server = Server.at(fetched.url) if fetched else None
    return {
        "mailbox_id": mailbox.mailbox_id,
        "address": mailbox.address,
        "fetched": fetched,
        "host": server and server.host,
        "user": server and server.user,
        "folder": server and server.folder,
    }


async def try_out(request: Request) -> Response:
    """Send a mail to whoever asks, or look into a mailbox that is named, and say what came of it."""
    desk = await desk_in(request)
    form, stale = await read_form_leniently(request)
    workspace = await db(request).read(actor_at(desk), units.managed)
    try:
        if stale:
            raise stale
        await count(request, Limit.TEST_MAIL, str(desk.person.user_id))
    except REFUSALS as error:
        return await _page(request, desk, refused=error)
    if named := form.get("mailbox_id", ""):
        return await _page(request, desk, looked=await _look(request, desk, named))
    return await _page(request, desk, tried=await _send(request, workspace, desk.person.email))


async def _look(request: Request, desk: Desk, named: str) -> Looked:
    """Raises NotFetched for what is none of the workspace's, and for one that is not fetched."""
    every = await db(request).read(actor_at(desk), units.ways_in)
    mailbox = next((each for each, _ in every if str(each.mailbox_id) == named), None)
    if mailbox is None:
        raise fetching.NotFetched
    keys = fetching.keyring(site(request).settings.secret_keys)
    try:
        _, lie_there = await looked_into(db(request), mailbox, keys, patience=PATIENCE)
    except Unreadable:
        return Looked(mailbox.mailbox_id, words=fetching.NO_KEY)
    except ServerTrouble as trouble:
        return Looked(mailbox.mailbox_id, words=str(trouble)[:_WORDS_LIMIT])
    return Looked(mailbox.mailbox_id, lie_there)


async def _send(request: Request, workspace: Workspace, to: str) -> Tried:
    try:
        async with asyncio.timeout(PATIENCE):
            await _post(request).try_out("test", to, workspace=workspace)
    except TimeoutError:
        return Tried(Outcome.NO_ANSWER)
    except Undeliverable as error:
        return Tried(Outcome.REFUSED, str(error)[:_WORDS_LIMIT])
    except (Postponed, OSError) as error:
        return Tried(Outcome.NOT_TAKEN, str(error)[:_WORDS_LIMIT])
    return Tried(Outcome.TAKEN)


def _post(request: Request) -> Post:
    return cast(Post, request.app.state.post)
