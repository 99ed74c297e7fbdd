"""A mail that was read, on its way to what it becomes."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct, field

from parlour.features.mailroom.models import Outcome
from parlour.kernel import text
from parlour.kernel.access import Actor
from parlour.mail.receive.parsed import Kind, Parsed

CAME_BEFORE = "The same mail came before."
OTHER_WORDS = "It bears the Message-ID of a mail that its sender sent before, and says something else."


class Sorted(Struct, frozen=True):
    """What became of it, why, and in which ticket it stands or would have stood."""

    outcome: Outcome
    reason: str = ""
    ticket_id: UUID | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Letter(Struct, frozen=True):
    """A mail on the table. `answers` is the mail of ours that it answers or tells of, `about` the ticket of
    that, `ours`, that it answers one at all. `released`: somebody has looked at it and says that a person
    wrote it. `file_ids`: what it brings, staged by its stranger. `is_whole`: all of it was fetched.
    `mailbox_id`: at which address of ours it came. `member`: who was told of the ticket by the mail that it
    answers; `by_member`: and it comes from their own address. `noted_by`: who has looked at it and puts it
    into that ticket as a note. `late`: it has lain for days before it was ours.
    """

    mail_id: UUID
    parsed: Parsed
    checksum: str
    about: UUID | None = None
    answers: UUID | None = None
    ours: bool = False
    released: bool = False
    file_ids: tuple[UUID, ...] = ()
    is_whole: bool = True
    mailbox_id: UUID | None = None
    member: UUID | None = None
    by_member: bool = False
    noted_by: UUID | None = None
    late: bool = False

    @property
    def sender(self) -> str:
        return self.parsed.sender.mailbox if self.parsed.sender else ""

    @property
    def words(self) -> str:
        """What was newly written; and another mail than ours that is handed on with it."""
        whole = self.parsed.passes_on and self.about is None
        return text.many_lines(self.parsed.text if whole else self.parsed.reply)

    @property
    def addressed(self) -> Sequence[str]:
        """Whom it names as its readers."""
        return [each.mailbox for each in (*self.parsed.to, *self.parsed.cc)]

    def others(self, ours: Collection[str], *, but: str) -> Sequence[str]:
        """Who wrote it, who is to be answered, too, and for whom it was meant: unless it names neither `ours`
        nor an address that is handed on to us, and its readers do not know that we have it, too (Bcc).
        """
        ways = {each.mailbox for each in self.parsed.delivered_to}
        known = [] if {*ours, *ways}.isdisjoint(self.addressed) else self.addressed
        named = [self.sender, *known, *(each.mailbox for each in self.parsed.reply_to)]
        return [each for each in named if each != but and each not in ways]

    @property
    def is_for_people(self) -> bool:
        return self.released or self.parsed.kind is Kind.PERSON

    def stranger(self, workspace_id: UUID | None) -> Actor:
        """Who brings it: somebody of whom no more is known than this mail."""
        return Actor.visitor(workspace_id, holding=f"mail:{self.mail_id}")

    def client_id(self, workspace_id: UUID, *, also: str = "") -> UUID:
        """By which it is known; `also` by that, where another mail bears the same Message-ID."""
        known_as = self.parsed.message_id or self.checksum
        return uuid5(workspace_id, f"{known_as} {also}" if also else known_as)
