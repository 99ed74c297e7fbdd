"""What a customer's browser holds."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct, field

from parlour.kernel.secrets import hash_of

KEYS_A_BROWSER = 50
"""Tickets that a browser is kept in. Each costs 85 bytes of every request."""


class Keys(Struct, frozen=True):
    """A secret for each of the browser's tickets, and its own, by which it is known before it has any.

    The release before gave a browser one secret for all: while it lasts it opens what it did.
    """

    of_tickets: Mapping[UUID, str] = field(default_factory=dict)
    of_several: str | None = None
    browsers: Sequence[str] = ()

    def hashes_for(self, ticket_id: UUID) -> list[str]:
        return [hash_of(key) for key in (self.of_tickets.get(ticket_id), self.of_several) if key]

    def hashes_of_form(self, *words: str) -> list[str]:
        """What a form with these words is known by, if this browser sends it; the first is to be kept."""
        return [hash_of("\0".join(("form", browser, *words))) for browser in self.browsers]

    @property
    def hashes_of_uploader(self) -> list[str]:
        """Whose the files are that this browser uploads before it has a ticket; new ones are the first's."""
        return [hash_of(f"files\0{browser}") for browser in self.browsers]

    @property
    def hashes(self) -> list[str]:
        keys = [*self.of_tickets.values(), *([self.of_several] if self.of_several else [])]
        return [hash_of(key) for key in keys]
