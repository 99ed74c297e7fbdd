"""One process's turn at one mailbox: it fetches what is new, waits for more, and after a while lets go."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID

import structlog
from msgspec import Struct
from msgspec.structs import replace

from parlour.db.database import Database
from parlour.features.mailroom.arrivals import SIZE_LIMIT, pieces
from parlour.features.mailroom.fetching import service
from parlour.features.mailroom.fetching.models import Claim, Place
from parlour.features.mailroom.fetching.service import TakenOver
from parlour.features.mailroom.fetching.threads import OneThread
from parlour.features.mailroom.models import Arrival
from parlour.files.store import FileStore, new_key
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.mail.imap import BEGINNING, Envelope, Inbox

TRIES = 3
"""Then a mail that the server cannot hand out is noted as such, and the mailbox goes on."""
UNREAD = f"Its mail server could not hand it out in {TRIES} tries. It lies there still."
BATCH = 100
"""Mails that are asked for their size at once."""
LATE = timedelta(days=3)
"""What has lain there for longer, as where one is fetched with a past, is confirmed to nobody any more."""
SLACK = timedelta(hours=1)
"""By so much a mail server's clock may be wrong without a mail being lost, when its UIDs begin anew."""

log = structlog.get_logger("parlour.mail")


class Pace(Struct, frozen=True):
    """Seconds: how long a server may be silent, how long to wait for its word until it is asked instead,
    after how long the mailbox is given up, for others to have their turn and for settings to be read anew,
    and how long an answer may take whose end does not come.

    RFC 2177 allows 29 minutes of waiting, but some servers stop telling without a word: they are asked.
    """

    patience: float = 30.0
    wait: float = 110.0
    turn: float = 9 * 60.0
    answer: float = 15 * 60.0


class Turn:
    def __init__(
        self,
        db: Database,
        files: FileStore,
        holder: UUID,
        claimed: Claim,
        inbox: Inbox,
        pace: Pace,
        memory: asyncio.Semaphore,
    ) -> None:
        """Whoever holds a whole mail in memory holds `memory`."""
        self._db = db
        self._files = files
        self._holder = holder
        self._claimed = claimed
        self._inbox = inbox
        self._pace = pace
        self._memory = memory
        self._system = Actor.system(claimed.workspace_id)
        self._place = claimed.place
        self.at_uid = 0
        """The mail that is being fetched; 0 between two."""
        self.failures = claimed.failures
        """In a row, those before this turn included."""

    async def run(self) -> None:
        """Raises ServerTrouble, TakenOver, and what the database and the store of files raise."""
        until = time.monotonic() + self._pace.turn
        self._thread = OneThread(self._inbox, self._pace.answer)
        try:
            await self._thread.run(self._inbox.open)
            await self._settle_in()
            while True:
                await self._catch_up()
                await self._note_look()
                self.failures = 0
                if time.monotonic() > until:
                    break
                await self._wait(self._pace.wait)
            await self._thread.run(self._inbox.close)
        finally:
            self._inbox.cut()
            self._thread.end(self._inbox.close)

    async def _settle_in(self) -> None:
        """Where the UIDs began anew, every mail has another one: all are looked at, and those that are known
        passed over (RFC 9051, section 2.3.1.1).
        """
        if self._inbox.validity != self._place.validity:
            log.info("mailbox.renumbered", mailbox=str(self._claimed.mailbox_id))
            await self._move(Place(self._inbox.validity, 0, self._inbox.next_uid - 1))

    async def _note_look(self) -> None:
        await self._db.write(self._system, service.note_look, self._claimed.mailbox_id, self._holder)

    async def _wait(self, seconds: float) -> None:
        if self._inbox.can_idle:
            await self._thread.run(self._inbox.wait, seconds)
        else:
            await asyncio.sleep(seconds)

    async def _catch_up(self) -> None:
        """Fetch all that is new."""
        anew = self._place.last < self._place.known
        since = self._claimed.since - timedelta(days=1) if anew else None
        uids = await self._thread.run(self._inbox.uids_after, self._place.last, since)
        while uids and self.failures:
            await self._alone(uids.pop(0))
        for at in range(0, len(uids), BATCH):
            if at:
                await self._note_look()  # thousands that wait are no silence
            await self._batch(uids[at : at + BATCH])
        if self._place.last < self._place.known:
            await self._move(replace(self._place, last=self._place.known))

    async def _batch(self, uids: list[int]) -> None:
        envelopes = await self._thread.run(self._inbox.envelopes, uids)
        for each in await self._new_among(envelopes):
            self.at_uid = each.uid
            async with self._memory:
                await self._take(each)
            self.at_uid = 0
        if self._place.last < uids[-1]:
            await self._move(replace(self._place, last=uids[-1]))

    async def _alone(self, uid: int) -> None:
        """One mail by itself, as long as it may be the one that the last turn failed at."""
        self.at_uid = uid
        if self._claimed.stuck_uid == uid and self._claimed.failures >= TRIES:
            await self._keep(uid, b"\r\n", unread_because=UNREAD)
        else:
            await self._batch([uid])
        self.at_uid = 0

    async def _new_among(self, envelopes: list[Envelope]) -> list[Envelope]:
        """Of those that may be known under another UID, the ones that are not; all others."""
        doubtful = [each for each in envelopes if each.uid <= self._place.known]
        if not doubtful:
            return envelopes
        named = {each.uid: _message_id(each) for each in doubtful}
        known = await self._db.read(self._system, service.known, sorted({*named.values()} - {""}))
        return [
            each
            for each in envelopes
            if each.uid > self._place.known
            or (named[each.uid] not in known and each.received_at > self._claimed.since - SLACK)
        ]

    async def _take(self, envelope: Envelope) -> None:
        late, whole_size = clock.now() - envelope.received_at > LATE, None
        if envelope.size > SIZE_LIMIT:
            raw, whole_size = await self._thread.run(self._inbox.beginning, envelope.uid), envelope.size
        else:
            raw = await self._thread.run(self._inbox.mail, envelope.uid)
        await self._keep(envelope.uid, raw, whole_size=whole_size, late=late)

    async def _keep(
        self,
        uid: int,
        raw: bytes | None,
        *,
        whole_size: int | None = None,
        unread_because: str = "",
        late: bool = False,
    ) -> None:
        """The bytes, then the row and the place in one transaction. Of what was expunged there are none."""
        if raw is None:
            return
        if len(raw) > SIZE_LIMIT:  # a server may be wrong about sizes
            raw, whole_size = raw[:BEGINNING], len(raw)
        key = new_key(self._claimed.workspace_id)
        size = await self._files.put(key, pieces(raw), limit=SIZE_LIMIT)
        arrival = Arrival(
            clock.new_id(), self._claimed.mailbox_id, key, size, whole_size, unread_because, late
        )
        behind = replace(self._place, last=uid)
        try:
            await self._db.write(self._system, service.take, self._place, behind, arrival)
        except TakenOver:
            await self._files.delete(key)
            raise
        self._place, self.failures = behind, 0

    async def _move(self, to: Place) -> None:
        await self._db.write(self._system, service.move, self._claimed.mailbox_id, self._place, to)
        self._place = to


def _message_id(envelope: Envelope) -> str:
    """As the ledger has it."""
    from parlour.mail.receive.parse import parse  # its libraries are loaded where mail comes

    return parse(envelope.header).message_id
