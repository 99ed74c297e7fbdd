"""What this layer must be given: who is this, may they enter, what came after."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from parlour.kernel.access import Actor
from parlour.kernel.messages import Place, Stretch
from parlour.realtime.connection import Scope


class Access(Protocol):
    async def identify(self, scope: Scope) -> Actor:
        """Raises SignedOut, or NotFound when there is nothing for them here (any more)."""

    def network_of(self, scope: Scope) -> str:
        """Where they come from: an address, or what counts as one."""

    async def enter(self, actor: Actor, room_id: UUID, place: Place) -> Stretch:
        """Authorise in the database and read what follows `place`, in one transaction. Raises NotFound."""

    async def check(self, actor: Actor, room_id: UUID) -> None:
        """Authorise alone. Raises NotFound."""

    async def following(self, workspace_id: UUID, room_id: UUID, place: Place) -> Stretch:
        """What follows `place`, as the system. Raises NotFound when there is no such room (any more)."""

    async def heads(self, rooms: Sequence[tuple[UUID, UUID]]) -> tuple[str, dict[UUID, int]]:
        """The epoch, and the last seq of each (workspace_id, room_id) that is there, in one read."""

    async def begin_epoch(self, instead_of: str) -> None:
        """The database went back under this epoch: give it another, unless somebody else has."""

    async def mark_read(self, actor: Actor, room_id: UUID, seq: int) -> None:
        """Move the actor's mark, forward only."""
