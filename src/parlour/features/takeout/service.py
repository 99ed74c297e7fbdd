"""What a workspace takes along, read step by step while its servers go on."""

from collections.abc import Sequence
from uuid import UUID

from parlour.db.database import Tx
from parlour.features.takeout import store
from parlour.features.takeout.store import Row
from parlour.features.workspaces.logo import service as logo
from parlour.features.workspaces.settings import service as choices
from parlour.kernel.access import Permission, requires

FIRST = UUID(int=0)
"""Before all ids."""


@requires(Permission.SYSTEM)
def settings(tx: Tx) -> tuple[Row, bytes]:
    """What the workspace has chosen, and its logo as a PNG: empty when it has none."""
    chosen = choices.settings(tx)
    told = {
        "welcome": chosen.welcome,
        "reply_time": chosen.reply_time.value,
        "accent": chosen.accent,
        "auto_assign": chosen.auto_assign,
    }
    return told, logo.picture(tx) if chosen.logo else b""


@requires(Permission.SYSTEM)
def following(tx: Tx, listed: str, after: UUID) -> Sequence[Row]:
    return store.following(tx, listed, after)


@requires(Permission.SYSTEM)
def tickets(tx: Tx, after: UUID) -> Sequence[Row]:
    return store.tickets_after(tx, after)


@requires(Permission.SYSTEM)
def beginning(tx: Tx, ticket_id: UUID) -> tuple[dict[str, UUID], dict[str, Sequence[Row]]]:
    """The rooms of a ticket, and the first page of each and of its `changes`: one state of it."""
    rooms = store.rooms(tx, ticket_id)
    first: dict[str, Sequence[Row]] = {
        audience: store.messages_after(tx, room_id, 0) for audience, room_id in rooms.items()
    }
    return rooms, {**first, "changes": store.changes_after(tx, ticket_id, FIRST)}


@requires(Permission.SYSTEM)
def messages(tx: Tx, room_id: UUID, seq: int) -> Sequence[Row]:
    return store.messages_after(tx, room_id, seq)


@requires(Permission.SYSTEM)
def changes(tx: Tx, ticket_id: UUID, after: UUID) -> Sequence[Row]:
    return store.changes_after(tx, ticket_id, after)


@requires(Permission.SYSTEM)
def files(tx: Tx, after: UUID) -> Sequence[Row]:
    return store.files_after(tx, after)


@requires(Permission.SYSTEM)
def originals(tx: Tx, after: UUID) -> Sequence[Row]:
    return store.originals_after(tx, after)
