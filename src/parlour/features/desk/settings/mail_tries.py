"""A try of either way that mail goes, for whoever waits in front of a page of the settings."""

import asyncio
from enum import StrEnum
from typing import cast

from msgspec import Struct
from starlette.requests import Request

from parlour.db.outbox import Postponed, Undeliverable
from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.looking import tried as looked_into
from parlour.features.mailroom.fetching.opening import Opener
from parlour.features.mailroom.leaving.service import OwnServers
from parlour.features.workspaces.models import Mailbox, Workspace
from parlour.kernel.graphemes import cut
from parlour.kernel.keyring import Keyring, Unreadable
from parlour.mail.imap import ServerTrouble
from parlour.mail.post import Post
from parlour.outbound.addresses import Reach
from parlour.web.site import db, site

PATIENCE = 15.0
"""Seconds for which somebody waits in front of the page."""
_WORDS_LIMIT = 300


class Outcome(StrEnum):
    TAKEN = "taken"
    REFUSED = "refused"
    NOT_TAKEN = "not_taken"
    NO_ANSWER = "no_answer"


class Tried(Struct, frozen=True):
    """`words` are the mail server's own, or the system's."""

    outcome: Outcome
    words: str = ""


class Looked(Struct, frozen=True):
    """Into a mailbox. `words` say why not; else so many mails lie there."""

    count: int = 0
    words: str = ""


def post(request: Request) -> Post:
    return cast(Post, request.app.state.post)


def keys(request: Request) -> Keyring:
    return fetching.keyring(site(request).settings.secret_keys)


def opener(request: Request) -> Opener:
    return cast(Opener, request.app.state.parlour.fetcher.opener)


def reach(request: Request) -> Reach:
    return own_servers(request).reach


def own_servers(request: Request) -> OwnServers:
    return cast(OwnServers, request.app.state.own_servers)


async def look(request: Request, mailbox: Mailbox) -> Looked:
    """Raises NotFetched."""
    try:
        _, count = await looked_into(db(request), mailbox, opener(request), reach(request), patience=PATIENCE)
    except Unreadable:
        return Looked(words=fetching.NO_KEY)
    except ServerTrouble as trouble:
        return Looked(words=cut(str(trouble), _WORDS_LIMIT))
    return Looked(count)


async def send(request: Request, workspace: Workspace, to: str, at: str = "") -> Tried:
    """To whoever asks, as the answers leave that are asked back to `at`."""
    try:
        async with asyncio.timeout(PATIENCE):
            await post(request).try_out("test", to, at=at, workspace=workspace)
    except TimeoutError:
        return Tried(Outcome.NO_ANSWER)
    except Undeliverable as error:
        return Tried(Outcome.REFUSED, cut(str(error), _WORDS_LIMIT))
    except (Postponed, OSError) as error:
        return Tried(Outcome.NOT_TAKEN, cut(str(error), _WORDS_LIMIT))
    return Tried(Outcome.TAKEN)
