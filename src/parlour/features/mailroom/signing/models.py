"""The key of a domain."""

from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from parlour.kernel.keyring import Sealed


@dataclass(frozen=True, slots=True)
class DomainKey:
    domain: str
    """As DNS has it."""
    selector: str
    private_key: Sealed = field(repr=False)
    found_at: datetime | None
    """When its record was found in DNS; before, it signs nothing."""


class Found(Struct, frozen=True):
    """What DNS says of a key."""

    name: str
    records: list[str]
    right: bool
    """Whether what is signed with the key can be checked: there is one, and it is the key's."""
