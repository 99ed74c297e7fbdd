"""Bring tickets of another desk into a workspace: each once, however often it is done."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid5

from msgspec import Struct, field
from msgspec.structs import replace

from parlour.db.database import Database
from parlour.features.chat.models import CONTENT_LIMIT
from parlour.features.files import service as files
from parlour.features.files.models import MESSAGE_FILES
from parlour.features.files.staging import stage
from parlour.features.importing.models import Counts, OldFile, OldMessage, OldTicket, Problem
from parlour.features.tickets import brought
from parlour.features.tickets.brought import Brought, Said
from parlour.features.tickets.models import DESCRIPTION_LIMIT, SUBJECT_LIMIT, Colour
from parlour.features.tickets.tags import service as tags
from parlour.features.tickets.tags.service import TICKET_LIMIT as TAGS_LIMIT
from parlour.features.workspaces import service as workspaces
from parlour.files.intake import Intake
from parlour.kernel import text
from parlour.kernel.access import Actor
from parlour.kernel.addresses import clean_email
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.graphemes import cut, pieces

STEP = 50
"""Messages of a ticket that are stored in one transaction."""
_NO_TAG = {
    "too_many": f"the workspace has {tags.TAGS_LIMIT} tags, and may have no more",
    "too_long": "its name is too long",
}
SILENT = "(no words)"
"""What stands for a message that held none, and none of whose files came."""


class Import(Struct):
    """`source` names the other desk. A dry run reads and counts, and changes nothing."""

    db: Database
    intake: Intake
    workspace_id: UUID
    source: str
    dry_run: bool
    tell: Callable[[str, int], None]
    complain: Callable[[Problem], None]
    counts: Counts = field(default_factory=Counts)
    _people: set[str] = field(default_factory=set)
    _members: dict[str, UUID] = field(default_factory=dict)
    _tags: dict[str, UUID] = field(default_factory=dict)
    _missing_tags: set[str] = field(default_factory=set)

    async def run(self, tickets: Iterator[OldTicket | Problem]) -> Counts:
        """Raises what the database and the store of files raise; what was brought before stays."""
        system = self._system
        members = await self.db.read(system, workspaces.members)
        self._members = {each.email: each.user_id for each in members if each.answers}
        await self._know_tags()
        for number, each in enumerate(tickets, 1):
            if isinstance(each, Problem):
                self._problem(each.about, each.why)
            else:
                await self._ticket(each)
            self.tell("tickets", number)
        return self.counts

    @property
    def _system(self) -> Actor:
        return Actor.system(self.workspace_id)

    def _problem(self, about: str, why: str) -> None:
        self.counts.problems += 1
        self.complain(Problem(about, why))

    def _id(self, *of: str) -> UUID:
        """The same for the same thing of the same desk, whenever it is read."""
        return uuid5(self.workspace_id, "\0".join(("import", self.source, *of)))

    async def _ticket(self, old: OldTicket) -> None:
        about, email = f"ticket {old.key}", clean_email(old.email)
        old = replace(old, messages=tuple(_apart(old.messages)))
        if email is None:
            self._problem(about, f"its customer has no address that mail could reach ({old.email or 'none'})")
            return
        said = [piece for message in old.messages for piece in self._said(old, message, email)]
        if not said:
            self._problem(about, "nothing is said in it")
            return
        client_id = self._id(old.key)
        there = await self.db.read(self._system, brought.known, client_id)
        missing = said
        if there:
            missing = await self.db.read(self._system, brought.rest, there, said)
        if there and not missing:
            self.counts.known += 1
            return
        if there and there.email != email:
            self._problem(about, f"number {there.number} here is not {email}'s: nothing was added to it")
            return
        self._count(email, missing, opens=there is None)
        if self.dry_run:
            self.counts.files += sum(self._is_here(one, old) for one in old.messages)
            await self._tag_ids(about, old.tags)
            return
        if there is None:
            facts = await self._facts(old, email, client_id, said)
            there = await self.db.write(self._system, brought.bring, facts)
        stranger = Actor.visitor(self.workspace_id, holding=f"import:{client_id}")
        with_files = {self._id(old.key, each.key): each.files for each in old.messages if each.files}
        for start in range(0, len(missing), STEP):
            some = missing[start : start + STEP]
            ready = [await self._with_files(about, one, with_files, stranger) for one in some]
            ends = said if start + STEP >= len(missing) else ()
            await self.db.write(self._system, brought.say, there, ready, stranger, ends)

    def _count(self, email: str, said: Sequence[Said], *, opens: bool) -> None:
        self.counts.tickets += opens
        self.counts.notes += sum(one.internal for one in said)
        self.counts.messages += sum(not one.internal for one in said)
        self._people |= {email, *(one.sender_id for one in said if one.by_customer)}
        self.counts.people = len(self._people)

    def _said(self, old: OldTicket, one: OldMessage, email: str) -> Iterator[Said]:
        """A message; one that is longer than a message may be, as several."""
        content = text.many_lines(one.text) or ("" if one.files else SILENT)
        name = cut(text.name(one.name), text.NAME_LIMIT)
        if one.by_customer:
            sender = clean_email(one.email) or email
            name = name or sender
        else:
            sender = str(
                self._members.get(clean_email(one.email) or "") or self._id("agent", one.email, name)
            )
        for number, piece in enumerate(pieces(content, CONTENT_LIMIT)):
            start = number * CONTENT_LIMIT
            yield Said(
                client_id=self._id(old.key, one.key, *([str(start)] if start else [])),
                at=one.at,
                by_customer=one.by_customer,
                internal=one.internal,
                sender_id=sender,
                sender_name=name or "Agent",
                content=piece,
            )

    async def _facts(self, old: OldTicket, email: str, client_id: UUID, said: Sequence[Said]) -> Brought:
        first = next((one.content for one in said if not one.internal and one.content), said[0].content)
        subject = text.one_line(old.subject) or cut(text.one_line(first), SUBJECT_LIMIT) or SILENT
        if len(subject) > SUBJECT_LIMIT:
            self._problem(
                f"ticket {old.key}", f"its subject was cut to {SUBJECT_LIMIT} characters: {subject}"
            )
            subject = f"{cut(subject, SUBJECT_LIMIT - 1)}…"
        return Brought(
            client_id=client_id,
            origin=f"{self.source} {old.key}",
            subject=subject,
            description=cut(first, DESCRIPTION_LIMIT) or SILENT,
            email=email,
            name=cut(text.name(old.name), text.NAME_LIMIT),
            status=old.status,
            priority=old.priority,
            assignee_id=self._members.get(clean_email(old.assignee) or ""),
            created_at=old.created_at,
            tag_ids=await self._tag_ids(f"ticket {old.key}", old.tags),
        )

    async def _tag_ids(self, about: str, names: Sequence[str]) -> list[UUID]:
        """Of these names; a tag that is not there yet is made."""
        found = []
        for name in dict.fromkeys(text.name(each) for each in names):
            key = name.casefold()
            if key in self._missing_tags or not key:
                continue
            if key not in self._tags and not await self._make_tag(name, key):
                continue
            found.append(self._tags[key])
        if len(found) > TAGS_LIMIT:
            self._problem(about, f"has {len(found)} tags; the first {TAGS_LIMIT} were kept")
        return found[:TAGS_LIMIT]

    async def _know_tags(self) -> None:
        every = await self.db.read(self._system, tags.every)
        self._tags = {each.name.casefold(): each.tag_id for each in every}

    async def _make_tag(self, name: str, key: str) -> bool:
        """Whether there is one now; somebody may have made it while this runs."""
        if self.dry_run:
            self.counts.tags += 1
        else:
            try:
                made = await self.db.write(self._system, tags.make, name, Colour.GREY.value)
                self.counts.tags += 1
                self._tags[key] = made.tag_id
                return True
            except Invalid as error:
                await self._know_tags()
                if key in self._tags:
                    return True
                why = _NO_TAG.get(next(iter(error.problems.values())), error.message)
                self._problem(f"tag {name}", f"cannot be made: {why}")
        self._missing_tags.add(key)
        return False

    def _is_here(self, one: OldMessage, old: OldTicket) -> int:
        for file in one.files:
            if file.path is None:
                self._problem(f"ticket {old.key}", f"{file.name} is not in the folder `attachments`")
        return sum(file.path is not None for file in one.files)

    async def _with_files(
        self, about: str, one: Said, brings: dict[UUID, tuple[OldFile, ...]], stranger: Actor
    ) -> Said:
        staged = []
        for number, file in enumerate(brings.get(one.client_id, ())):
            if file.path is None:
                self._problem(about, f"{file.name} is not in the folder `attachments`")
            elif number >= MESSAGE_FILES:
                self._problem(about, f"{file.name} is more than a message can bring")
            elif (file_id := await self._staged(about, file.name, file.path, stranger)) is not None:
                staged.append(file_id)
        self.counts.files += len(staged)
        content = one.content or ("" if staged else SILENT)
        return Said(**{name: getattr(one, name) for name in _KEPT}, content=content, file_ids=tuple(staged))

    async def _staged(self, about: str, name: str, path: Path, stranger: Actor) -> UUID | None:
        try:
            size = (await asyncio.to_thread(path.stat)).st_size
            with path.open("rb") as file:
                begin = partial(files.begin, name=name, size=size, room_id=None)
                return (await stage(self.db, self.intake, stranger, begin, file)).file_id
        except DomainError as refusal:
            if refusal.status >= 500:
                raise
            self._problem(about, f"{name} was not taken: {refusal.message}")
        except OSError as error:
            self._problem(about, f"{name} cannot be read: {error.strerror}")
        return None


def _apart(messages: Iterable[OldMessage]) -> Iterator[OldMessage]:
    """Each once, and under a key of its own: exports repeat messages, and give two of them one id. What has
    none is known by what it says.
    """
    seen = dict[str, OldMessage]()
    for one in messages:
        this = one
        if not one.key or seen.get(one.key, one) != one:
            of = "\0".join((one.at.isoformat(), one.email, one.name, one.text, *(f.name for f in one.files)))
            this = replace(one, key=f"{one.key} {sha256(of.encode()).hexdigest()}")
        if this.key not in seen:
            seen[this.key] = one
            yield this


_KEPT = ("client_id", "at", "by_customer", "internal", "sender_id", "sender_name")
