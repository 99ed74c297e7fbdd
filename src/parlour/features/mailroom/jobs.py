"""Reads the mails that are stored, each in a job of its own: one that cannot be read stops no other."""

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

import structlog
from msgspec.structs import replace

from parlour.db.database import Database
from parlour.db.outbox import Job, Waiting
from parlour.features.files import service as files
from parlour.features.files.models import MESSAGE_FILES
from parlour.features.files.spool import spool
from parlour.features.files.staging import stage
from parlour.features.mailroom import answers, service, sorting
from parlour.features.mailroom.letters import Letter
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import finding
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.files.errors import FilesAway, Missing
from parlour.files.intake import Intake
from parlour.kernel.access import Actor
from parlour.kernel.errors import DomainError, Overloaded, StorageFull
from parlour.kernel.graphemes import cut
from parlour.mail import threads
from parlour.mail.receive.parsed import Kind
from parlour.settings import Settings

TRIES = 3
"""Then the mail is quarantined and the mailbox goes on."""

OUT_OF_REACH = "The store of files is away or full. It is read within an hour after that is mended."
BUSY = "There was too much to do. It is read within an hour."

UNREAD = frozenset({"noreply", "no-reply", "donotreply", "do-not-reply", "nobody", "www-data", "wordpress"})
"""What programs call themselves that send and are not answered; WordPress, for all its forms, by its name."""

log = structlog.get_logger("parlour.mail")


class MailroomJobs:
    def __init__(self, db: Database, intake: Intake, settings: Settings) -> None:
        self._db = db
        self._intake = intake
        self._data_dir = settings.data_dir
        self._keys: Sequence[bytes] = settings.secret_keys
        self._host = settings.mail_host
        self._authserv_id = settings.mail_authserv_id
        self.handlers = {service.READ: self.read}

    async def read(self, job: Job) -> None:
        system, mail_id = Actor.system(job.workspace_id), UUID(job.payload["mail_id"])
        found = await self._db.read(system, service.mail, mail_id)
        try:
            bytes_of_it = self._intake.store.get(found.storage_key, end=found.size)
            raw = b"".join([piece async for piece in bytes_of_it])
            letter = await asyncio.to_thread(
                self._opened, mail_id, raw, released=job.payload.get("released", False)
            )
            letter = replace(letter, is_whole=found.whole_size is None, mailbox_id=found.mailbox_id)
            letter = replace(letter, late=job.payload.get("late", False))
            letter = await self._perhaps_of_another_workspace(system, letter, raw)
            letter = await self._perhaps_by_our_list(system, letter)
            letter = await self._perhaps_by_our_form(system, letter)
            if "noted_by" in job.payload:
                about, noted_by = UUID(job.payload["about"]), UUID(job.payload["noted_by"])
                letter = replace(letter, about=about, noted_by=noted_by)
            elif letter.ours and letter.about is None:
                letter = await self._perhaps_of_member(system, letter)
            if letter.is_for_people and letter.is_whole:
                letter = await self._with_files(letter, system.workspace_id)
            outcome = await self._sorted(system, letter)
        except Overloaded as error:  # no fault of the mail's: it waits for what is away or full
            why = OUT_OF_REACH if isinstance(error, FilesAway | StorageFull) else BUSY
            with suppress(Overloaded):
                await self._db.write(system, service.note_waiting, mail_id, why)
            raise Waiting(why) from error
        except Exception as error:
            why = "Its bytes are gone." if isinstance(error, Missing) else f"It could not be read: {error!r}"
            if await self._db.write(system, service.note_failure, mail_id, cut(why, 500), most=TRIES):
                log.exception("mail.quarantined", mail=str(mail_id))
                return
            raise
        log.info("mail.read", mail=str(mail_id), outcome=outcome.value)

    async def _perhaps_of_another_workspace(self, system: Actor, letter: Letter, raw: bytes) -> Letter:
        """What another workspace of the house writes to ours is a mail like any other's, as it is between two
        houses. Its Message-ID proves it, so it comes from where its answers are asked: the address in From
        may be the whole house's.
        """
        parsed = letter.parsed
        theirs = threads.mail_in([parsed.message_id], self._keys) if parsed.kind is Kind.LOOP else None
        here = await self._db.read(system, finding.by_id, theirs.about) if theirs else None
        if theirs is None or here:
            return letter
        from parlour.mail.receive.parse import parse

        parsed = await asyncio.to_thread(parse, raw, authserv_id=self._authserv_id)
        if parsed.reply_to:
            parsed = replace(parsed, sender=parsed.reply_to[0], verified=False)
        return replace(letter, parsed=parsed)

    async def _perhaps_by_our_list(self, system: Actor, letter: Letter) -> Letter:
        """A mailing list at an address of ours, as a group at Google that stands before a mailbox, hands on
        what people write to us. Where it had to put its own address into From, who wrote is its claim.

        Whoever answers a mail of ours is a person, though their program puts into each of its mails how one
        hears no more of it.
        """
        parsed = letter.parsed
        if parsed.kind is not Kind.LIST:
            return letter
        is_ours = bool(await self._db.read(system, mailboxes.own_among, [parsed.list_address]))
        if not (is_ours or letter.answers):
            return letter
        if is_ours and letter.sender == parsed.list_address and (wrote := parsed.posted_by):
            parsed = replace(parsed, sender=wrote, verified=False, odd_sender=wrote.odd)
        return replace(letter, parsed=replace(parsed, kind=Kind.PERSON))

    async def _perhaps_by_our_form(self, system: Actor, letter: Letter) -> Letter:
        """A form of the house's own site writes to our address from that address, or from one of its domain
        that nobody reads, and names who filled it in as who is to be answered. No mail of ours does: each
        asks its answers back to us, under a Message-ID that is known, and what an agent sends to a customer
        is not for us.
        """
        parsed = letter.parsed
        if parsed.kind is not Kind.PERSON or letter.ours or letter.answers or not parsed.reply_to:
            return letter
        named = [letter.sender, *(each.mailbox for each in (*parsed.to, *parsed.reply_to))]
        own = await self._db.read(system, mailboxes.own_among, named)
        at = own & {each.mailbox for each in parsed.to}
        wrote = next((each for each in parsed.reply_to if each.mailbox and each.mailbox not in own), None)
        if wrote is None or not at or not (letter.sender in own or _is_nobody_of(letter.sender, at)):
            return letter
        return replace(letter, parsed=replace(parsed, sender=wrote, verified=False, odd_sender=wrote.odd))

    async def _perhaps_of_member(self, system: Actor, letter: Letter) -> Letter:
        """With what it answers, if that is a mail by which a member was told of a ticket."""
        for email, member in await self._db.read(system, answers.members):
            if told := threads.mail_in(letter.parsed.in_reply_to, self._keys, told=member):
                return replace(letter, about=told.about, member=member, by_member=email == letter.sender)
        return letter

    async def _sorted(self, system: Actor, letter: Letter) -> Outcome:
        try:
            return await self._db.write(system, sorting.sort, letter)
        except files.TicketFull:
            return await self._db.write(system, sorting.sort, replace(letter, file_ids=()))

    async def _with_files(self, letter: Letter, workspace_id: UUID | None) -> Letter:
        """What the mail brings is staged; what is not taken stays in the original alone."""
        stranger, staged = letter.stranger(workspace_id), list[UUID]()
        for each in letter.parsed.attachments[:MESSAGE_FILES]:
            with spool(self._data_dir) as file:
                await asyncio.to_thread(file.write, each.content)
                begin = partial(files.begin, name=each.name, size=each.size, room_id=None)
                try:
                    kept = await stage(self._db, self._intake, stranger, begin, file)
                except Overloaded:
                    raise
                except DomainError as refusal:
                    log.info("mail.file_left", mail=str(letter.mail_id), because=refusal.code)
                else:
                    staged.append(kept.file_id)
        return replace(letter, file_ids=tuple(staged))

    def _opened(self, mail_id: UUID, raw: bytes, *, released: bool) -> Letter:
        from parlour.mail.receive.parse import parse  # its libraries are loaded where mail comes

        parsed = parse(raw, authserv_id=self._authserv_id, own_hosts=[self._host])
        reported = parsed.bounce.message_id if parsed.bounce else parsed.complained_of
        ours = threads.mail_in([reported, *parsed.in_reply_to, *reversed(parsed.references)], self._keys)
        return Letter(
            mail_id,
            parsed,
            hashlib.sha256(raw).hexdigest(),
            about=ours.about if ours else None,
            answers=ours.number if ours else None,
            ours=any(each.endswith(f"@{self._host}>") for each in parsed.in_reply_to),
            released=released,
        )


def _is_nobody_of(sender: str, ours: Collection[str]) -> bool:
    """Whether a program of the house's own sends from there, and nobody reads what comes."""
    local, _, host = sender.rpartition("@")
    return local in UNREAD and any(each.endswith(f"@{host}") for each in ours)
