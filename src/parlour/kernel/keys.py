"""What a customer's browser holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from parlour.kernel.secrets import hash_of

KEYS_A_BROWSER = 50
"""Tickets that a browser is kept in. Each costs 85 bytes of every request."""


@dataclass(frozen=True, slots=True)
class Keys:
    """A secret for each of the browser's tickets.

    The release before gave a browser one secret for all: while it lasts it opens what it did.
    """

    of_tickets: Mapping[UUID, str] = field(default_factory=dict)
    of_several: str | None = None

    def hashes_for(self, ticket_id: UUID) -> list[str]:
        return [hash_of(key) for key in (self.of_tickets.get(ticket_id), self.of_several) if key]

    @property
    def hashes(self) -> list[str]:
        keys = [*self.of_tickets.values(), *([self.of_several] if self.of_several else [])]
        return [hash_of(key) for key in keys]
