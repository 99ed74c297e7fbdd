"""How mail leaves and comes, for those who manage a workspace, and a mail to oneself as a try."""

from urllib.parse import urlsplit

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.models import Desk
from parlour.features.desk import units
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.desk.settings.mail_tries import PATIENCE, Tried, post, send
from parlour.features.mailroom.fetching.models import Standing
from parlour.features.workspaces.models import Mailbox
from parlour.kernel.errors import DomainError
from parlour.mail.imap import Server
from parlour.settings import Settings
from parlour.web.counting import count
from parlour.web.forms import REFUSALS, read_form_leniently
from parlour.web.limits import Limit
from parlour.web.site import db, site


class Way(Struct, frozen=True):
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


async def page(request: Request) -> Response:
    return await _page(request, await desk_in(request))


async def _page(
    request: Request, desk: Desk, *, tried: Tried | None = None, refused: DomainError | None = None
) -> Response:
    ways_in = await db(request).read(desk.actor, units.ways_in)
    return await render_at(
        request,
        desk,
        "desk/settings_mail.html",
        refused=refused,
        way=way_of(site(request).settings),
        refusing=post(request).refusing,
        tried=tried,
        removed="removed" in request.query_params and not refused,
        ways_in=[way_in(*each) for each in ways_in],
        patience=round(PATIENCE),
    )


def way_in(mailbox: Mailbox, fetched: Standing | None) -> dict[str, object]:
    """As the pages show it, without a secret."""
    server = Server.at(fetched.url) if fetched else None
    return {
        "mailbox_id": mailbox.mailbox_id,
        "address": mailbox.address,
        "way": "imap" if fetched else "server" if mailbox.handed else "api",
        "fetched": fetched,
        "called": mailbox.called,
        "signature": mailbox.signature,
        "host": server and server.host,
        "user": server and server.user,
        "folder": server and server.folder,
    }


async def try_out(request: Request) -> Response:
    """Send a mail to whoever asks, and say what came of it."""
    desk = await desk_in(request)
    _, stale = await read_form_leniently(request)
    workspace = await db(request).read(desk.actor, units.managed)
    try:
        if stale:
            raise stale
        await count(request, Limit.TEST_MAIL, str(desk.person.user_id))
    except REFUSALS as error:
        return await _page(request, desk, refused=error)
    return await _page(request, desk, tried=await send(request, workspace, desk.person.email))
