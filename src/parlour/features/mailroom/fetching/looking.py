"""A look into a folder before it is fetched, or when somebody asks whether it can be."""

from datetime import datetime

from msgspec import Struct

from parlour.db.database import Database
from parlour.features.mailroom.fetching import service
from parlour.features.mailroom.fetching.models import Place
from parlour.features.mailroom.fetching.opening import Opener
from parlour.features.mailroom.fetching.threads import OneThread
from parlour.features.workspaces.models import Mailbox
from parlour.kernel.access import Actor
from parlour.mail.dialling import May
from parlour.mail.imap import PATIENCE, Inbox, Server, Token
from parlour.outbound.addresses import Reach

ANSWERS = 3
"""So many times the patience for a silent server is what the whole look may take."""


class Found(Struct, frozen=True):
    """How many mails lie there, and the place behind those that are not to be fetched."""

    count: int
    place: Place


async def look_into(
    server: Server,
    password: str | Token,
    *,
    since: datetime | None = None,
    patience: float = PATIENCE,
    may: May | None = None,
) -> Found:
    """What lies there stays nobody's business; or, with `since`, what came before that day.

    Raises ServerTrouble.
    """

    inbox = Inbox(server, password, patience=patience, may=may)
    thread = OneThread(inbox, ANSWERS * patience)

    def look() -> Found:
        inbox.open()
        wanted = inbox.uids_after(0, since) if since else []
        return Found(inbox.count, Place(inbox.validity, min(wanted, default=inbox.next_uid) - 1))

    try:
        return await thread.run(look)
    finally:
        thread.end(inbox.close)


async def tried(
    db: Database, mailbox: Mailbox, opener: Opener, reach: Reach, *, patience: float = PATIENCE
) -> tuple[Server, int]:
    """Look into a mailbox that is fetched: where it lies, and how many mails lie there.

    Raises NotFetched, Unreadable, ServerTrouble.
    """
    account = await db.read(Actor.system(mailbox.workspace_id), service.account, mailbox.mailbox_id)
    server = Server.at(account.url)
    may = reach.may if account.bounded else None
    found = await look_into(server, await opener.secret_of(account), patience=patience, may=may)
    return server, found.count
