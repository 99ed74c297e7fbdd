"""The one end of all ways in: a mail's bytes and its row are stored, and then it is ours."""

from collections.abc import AsyncIterator, Sequence
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import getaddresses
from uuid import UUID

from parlour.db.database import Database
from parlour.features.mailroom import service
from parlour.features.mailroom.models import Arrival
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import Mailbox
from parlour.files.folder import PIECE
from parlour.files.store import FileStore, new_key
from parlour.kernel import clock
from parlour.kernel.access import Actor

SIZE_LIMIT = 40 * 1024 * 1024
"""Bytes of one mail."""
_HEADER_BYTES = 256 * 1024
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")
"""Where a recipient stands when nobody says one; those that the last server wrote come first."""


class MailTooLarge(Exception):
    pass


class Arrivals:
    def __init__(self, db: Database, files: FileStore) -> None:
        self._db = db
        self._files = files

    async def ours_among(self, addresses: Sequence[str]) -> Sequence[Mailbox]:
        """The mailboxes that have these addresses, with or without what stands behind a `+` in them."""
        asked = [each for address in addresses for each in mailboxes.spellings(address)]
        return await self._db.read(Actor.system(), mailboxes.with_addresses, asked)

    async def handed_among(self, addresses: Sequence[str]) -> Sequence[Mailbox]:
        """Those of them that a mail server may bring mail for."""
        return [each for each in await self.ours_among(addresses) if each.handed]

    async def accept(self, raw: bytes, recipients: Sequence[str] = ()) -> Sequence[Mailbox]:
        """Keep the mail for each workspace that one of its recipients is of; those mailboxes, none if it is
        for nobody here. When this returns, the mail is on the disk.

        Without `recipients` the mail's own headers say who they are. Raises MailTooLarge, FilesAway and
        what the database raises: then it is not kept for all of them and is to be brought again.
        """
        if len(raw) > SIZE_LIMIT:
            raise MailTooLarge
        found = await self.handed_among(recipients or recipients_in(raw))
        first = {each.workspace_id: each for each in reversed(found)}
        for workspace_id, mailbox in first.items():
            arrival = await self._stored(mailbox, raw)
            await self._db.write(Actor.system(workspace_id), service.receive, arrival)
        return list(first.values())

    async def bring(
        self, actor: Actor, raw: bytes, recipients: Sequence[str] = ()
    ) -> tuple[UUID, Mailbox] | None:
        """`accept` for the actor's workspace alone: the line of the ledger, and at which address it came."""
        if len(raw) > SIZE_LIMIT:
            raise MailTooLarge
        found = await self.ours_among(recipients or recipients_in(raw))
        mailbox = next((each for each in found if each.workspace_id == actor.workspace_id), None)
        if mailbox is None:
            return None
        arrival = await self._stored(mailbox, raw)
        await self._db.write(actor, service.receive_from, arrival)
        return arrival.mail_id, mailbox

    async def _stored(self, mailbox: Mailbox, raw: bytes) -> Arrival:
        """The bytes are in the store; what its line of the ledger is to hold."""
        key = new_key(mailbox.workspace_id)
        size = await self._files.put(key, pieces(raw), limit=SIZE_LIMIT)
        return Arrival(clock.new_id(), mailbox.mailbox_id, key, size)


def recipients_in(raw: bytes) -> list[str]:
    """Whom the mail's own headers name, those first that the last server wrote. Never raises."""
    try:
        headers = BytesHeaderParser(policy=compat32).parsebytes(raw[:_HEADER_BYTES])
        values = [str(value) for name in _DELIVERED for value in headers.get_all(name, [])]
        return [address for _, address in getaddresses(values) if address]
    except Exception:
        return []


async def pieces(raw: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(raw), PIECE):
        yield raw[start : start + PIECE]
