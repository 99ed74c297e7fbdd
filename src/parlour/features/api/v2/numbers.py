"""Ids as whole numbers, which is what Zendesk's clients know.

A ticket's is its number. Anything else's is its own id, a UUID, written as a number: the same thing has the
same one for ever, and nothing has to be looked up or stored for it.
"""

from uuid import UUID

NOBODYS = UUID(int=0)


def number_of(this: UUID | None) -> int | None:
    return None if this is None else this.int


def id_at(number: int) -> UUID:
    """One that nothing has for what is no id."""
    return UUID(int=number) if 0 <= number < 2**128 else NOBODYS
