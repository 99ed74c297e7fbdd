"""What opens a mailbox: the password that is kept, or access that its provider gives anew every hour."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from parlour.db.database import Database
from parlour.features.mailroom.fetching import service
from parlour.features.mailroom.fetching.models import Claim
from parlour.features.mailroom.fetching.oauth import Exchange, Grant, GrantOver
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.keyring import Keyring, Sealed
from parlour.mail.imap import ServerTrouble, Token
from parlour.outbound.addresses import Reach
from parlour.settings.oauth import OAuthClient

LEASE = timedelta(minutes=1)
"""For which nobody else renews: longer than a provider may take, and then somebody was killed at it."""
WAIT = 30.0
"""Seconds for which somebody waits for another's renewal."""
_LOOK_EVERY = 0.2


class Opener:
    """Of one process. Where a provider gives a new token for the next renewal each time, and takes the one
    before no more, only one process at a time asks, and what it got is stored whatever becomes of the mail.
    """

    def __init__(self, db: Database, keys: Keyring, reach: Reach, clients: Mapping[str, OAuthClient]) -> None:
        self._db = db
        self._keys = keys
        self._reach = reach
        self._clients = clients
        self._renewals: set[asyncio.Task[Grant]] = set()

    async def secret_of(self, claimed: Claim) -> str | Token:
        """Raises Unreadable, NotFetched, ServerTrouble; GrantOver where somebody has to connect it again."""
        if not claimed.provider:
            return service.password_of(claimed, self._keys)
        return Token((await self._grant(claimed)).access)

    async def access(self, workspace_id: UUID, mailbox_id: UUID, provider: str) -> str:
        """What that provider takes in place of a password, to send. Raises what `secret_of` does."""
        kept = await self._db.read(Actor.system(workspace_id), service.account, mailbox_id)
        if kept.provider != provider:
            raise GrantOver(provider)
        return (await self._grant(kept)).access

    async def refused(self, claimed: Claim) -> None:
        """The mail server does not take the access token: the next try gets another. Raises Unreadable."""
        system = Actor.system(claimed.workspace_id)
        kept = await self._db.read(system, service.account, claimed.mailbox_id)
        grant = self._of(kept) if kept.provider else None
        if grant and grant.access:
            sealed = self._sealed(Grant(grant.refresh, "", 0), kept)
            await self._db.write(system, service.reseal, kept, sealed)

    async def settled(self) -> None:
        """What was asked for is stored."""
        if self._renewals:
            await asyncio.wait(self._renewals)

    def _of(self, claimed: Claim) -> Grant:
        return Grant.of(service.password_of(claimed, self._keys))

    def _sealed(self, grant: Grant, claimed: Claim) -> Sealed:
        return service.seal(grant.text, claimed.mailbox_id, claimed.provider, self._keys)

    async def _grant(self, claimed: Claim) -> Grant:
        system = Actor.system(claimed.workspace_id)
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            grant = self._of(claimed)
            if grant.opens:
                return grant
            if not grant.refresh:
                raise GrantOver(claimed.provider)
            renewal = clock.new_id()
            if await self._db.write(system, service.begin_renewal, claimed, renewal, lease=LEASE):
                return await self._renewed(claimed, grant, renewal)
            await asyncio.sleep(_LOOK_EVERY)
            claimed = await self._db.read(system, service.account, claimed.mailbox_id)
        raise ServerTrouble("silence", "Its access is being renewed, and that takes long.")

    async def _renewed(self, claimed: Claim, grant: Grant, renewal: UUID) -> Grant:
        """Whoever asked may be gone meanwhile: the answer is stored all the same."""
        task = asyncio.create_task(self._renew(claimed, grant, renewal))
        self._renewals.add(task)
        task.add_done_callback(self._renewals.discard)
        return await asyncio.shield(task)

    async def _renew(self, claimed: Claim, grant: Grant, renewal: UUID) -> Grant:
        system, over = Actor.system(claimed.workspace_id), None
        try:
            new = await self._exchange(claimed.provider).renewed(grant.refresh)
        except GrantOver as error:
            new, over = Grant("", "", 0), error
        except ServerTrouble:
            await self._db.write(system, service.end_renewal, claimed.mailbox_id, renewal)
            raise
        sealed = self._sealed(new, claimed)
        await self._db.write(system, service.end_renewal, claimed.mailbox_id, renewal, sealed)
        if over:
            raise over
        return new

    def _exchange(self, provider: str) -> Exchange:
        client = self._clients.get(provider)
        if client is None:
            raise ServerTrouble("server", f"This Parlour is no client of the provider any more: {provider}.")
        return Exchange(provider, client, self._reach)
