"""Fetches mailboxes by IMAP: takes turns at them, many at once, each of which can fail by itself alone.

The processes of a house divide the mailboxes among them by a lease, as they do with jobs.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from parlour.db.database import Database
from parlour.features.mailroom.fetching import service
from parlour.features.mailroom.fetching.models import Claim
from parlour.features.mailroom.fetching.opening import Opener
from parlour.features.mailroom.fetching.service import TakenOver
from parlour.features.mailroom.fetching.turn import Pace, Turn
from parlour.files.store import FileStore
from parlour.kernel.access import Actor
from parlour.kernel.graphemes import cut
from parlour.kernel.keyring import Unreadable
from parlour.logs import Episode
from parlour.mail.imap import Inbox, Server, ServerTrouble
from parlour.outbound.addresses import Reach
from parlour.settings.oauth import OAuthClient

AT_ONCE = 100
"""Mailboxes that one process looks into at the same time. More take turns."""
IN_MEMORY = 4
"""Mails that are fetched at the same moment: each is held whole."""
LEASE = timedelta(seconds=30)
"""How soon another process takes over from one that was killed. Renewed three times in that time."""
LOOK_EVERY = 2.0
"""Seconds between two looks for a mailbox that nobody has."""
FIRST_DELAY = timedelta(seconds=2)
LONGEST_DELAY = timedelta(minutes=5)
REFUSED_DELAY = timedelta(minutes=1)
"""At least, after a wrong password: servers lock out whoever tries one too often."""
REFUSALS = ("password", "token", "grant")

log = structlog.get_logger("parlour.mail")


def delay_after(failures: int, about: str) -> timedelta:
    """Twice as long each time, and by lot, so that mailboxes which failed together don't return together."""
    longest: timedelta = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(failures, 20))
    delay: timedelta = longest * random.uniform(0.5, 1)  # noqa: S311 nobody gains by guessing it
    return max(delay, REFUSED_DELAY) if about in REFUSALS else delay


class Fetcher:
    """One `run` in its life."""

    def __init__(
        self,
        db: Database,
        files: FileStore,
        secret_keys: Sequence[bytes],
        reach: Reach,
        *,
        pace: Pace | None = None,
        lease: timedelta = LEASE,
        clients: Mapping[str, OAuthClient] | None = None,
    ) -> None:
        """`clients`: what providers know the house by."""
        self._db = db
        self._files = files
        self._keys = service.keyring(secret_keys)
        self._reach = reach
        self.opener = Opener(db, self._keys, reach, clients or {})
        self._pace = pace or Pace()
        self._lease = lease
        self._holder = uuid4()
        self._memory = asyncio.Semaphore(IN_MEMORY)
        self._turns: dict[UUID, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._unreachable = Episode(log, "mailboxes.unreachable", "mailboxes.reachable")

    async def run(self) -> None:
        """Fetch until `stop`. Whatever fails, it goes on."""
        renewing = asyncio.create_task(self._renew(), name="mailbox leases")
        try:
            while not self._stopping.is_set():
                try:
                    await self._claim()
                    self._unreachable.ends()
                except Exception as error:
                    self._unreachable.begins(error=str(error) or type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), LOOK_EVERY)
        finally:
            renewing.cancel()
            for turn in self._turns.values():
                turn.cancel()
            if self._turns:
                await asyncio.wait(self._turns.values(), timeout=5)
            await self.opener.settled()

    def stop(self) -> None:
        """Lets go of every mailbox, also in the midst of a mail: whoever has it next begins with that one."""
        self._stopping.set()

    async def _claim(self) -> None:
        free = AT_ONCE - len(self._turns)
        if free <= 0 or not await self._db.read(Actor.system(), service.any_due):
            return
        claim = service.claim
        for each in await self._db.write(Actor.system(), claim, self._holder, lease=self._lease, limit=free):
            if each.mailbox_id not in self._turns:
                turn = asyncio.create_task(self._turn(each), name=f"mailbox {each.mailbox_id}")
                self._turns[each.mailbox_id] = turn

    async def _renew(self) -> None:
        """Keep what is fetched here from being taken over; give up what was taken over all the same."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            if not self._turns:
                continue
            holding = dict(self._turns)
            try:
                kept = await self._db.write(Actor.system(), service.renew, self._holder, lease=self._lease)
            except Exception as error:
                self._unreachable.begins(error=str(error) or type(error).__name__)
                continue
            for mailbox_id, turn in holding.items():
                if mailbox_id not in kept:
                    turn.cancel()

    async def _turn(self, claimed: Claim) -> None:
        try:
            await self._fetch(claimed)
        finally:
            self._turns.pop(claimed.mailbox_id, None)

    async def _fetch(self, claimed: Claim) -> None:
        system, mailbox_id = Actor.system(claimed.workspace_id), claimed.mailbox_id
        about, stuck_uid, failures = "store", 0, claimed.failures
        turn: Turn | None = None
        try:
            turn = await self._begun(claimed)
            await turn.run()
        except (TakenOver, asyncio.CancelledError):
            error = ""
        except ServerTrouble as trouble:
            error, about, stuck_uid = str(trouble), trouble.about, turn.at_uid if turn else 0
            if about == "token":
                with suppress(Exception):  # then it is refused again
                    await self.opener.refused(claimed)
        except Unreadable:
            error = service.NO_KEY
        except Exception as fault:
            error = f"The mail could not be stored: {str(fault) or type(fault).__name__}"
        else:
            error = ""
        failures = turn.failures if turn else failures
        with suppress(Exception):  # then the lease ends by itself
            await asyncio.shield(
                self._let_go(system, mailbox_id, cut(error, 500), about, stuck_uid, failures)
            )

    async def _begun(self, claimed: Claim) -> Turn:
        password = service.password_of(claimed, self._keys)
        if claimed.password.key != self._keys.current:
            sealed = service.seal(password, claimed.mailbox_id, claimed.provider, self._keys)
            await self._db.write(Actor.system(claimed.workspace_id), service.reseal, claimed, sealed)
            claimed = replace(claimed, password=sealed)
        secret = await self.opener.secret_of(claimed)
        may = self._reach.may if claimed.bounded else None
        inbox = Inbox(Server.at(claimed.url), secret, patience=self._pace.patience, may=may)
        return Turn(self._db, self._files, self._holder, claimed, inbox, self._pace, self._memory)

    async def _let_go(
        self, system: Actor, mailbox_id: UUID, error: str, about: str, stuck_uid: int, failures: int
    ) -> None:
        if not error:
            none = timedelta(0)
            await self._db.write(system, service.release, mailbox_id, self._holder, after=none)
            return
        log.warning("mailbox.failed", mailbox=str(mailbox_id), error=error, failures=failures + 1)
        again = delay_after(failures, about)
        await self._db.write(
            system,
            service.note_failure,
            mailbox_id,
            self._holder,
            error,
            stuck_uid=stuck_uid,
            again=again,
        )
