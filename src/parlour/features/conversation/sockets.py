"""What the sockets ask of the features: who is this, may they enter, what came after."""

from collections.abc import Sequence
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.types import Scope

from parlour.db.database import Database
from parlour.features.accounts import service as accounts
from parlour.features.chat import service as chat
from parlour.features.tickets.access import service as access
from parlour.kernel.access import Actor
from parlour.kernel.events import MessageSent
from parlour.realtime.rooms import Entry
from parlour.web.ids import id_of
from parlour.web.session import session_token, visitor_secret


class SocketAccess:
    """Answers from the database, every time: a right that was taken away is gone."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def identify(self, scope: Scope) -> Actor:
        """The agent or customer whose cookies came along. Raises SignedOut, NotFound, NoAccess."""
        connection = HTTPConnection(scope)
        query = connection.query_params
        if "workspace" in query:
            token = session_token(connection)
            desk = await self._db.read(Actor.visitor(), accounts.desk, token, id_of(query["workspace"]))
            return Actor.agent(desk.workspace_id, desk.person.user_id, desk.role, desk.person.name)
        place = query.get("portal", ""), id_of(query.get("ticket", ""))
        secret = visitor_secret(connection)
        _, customer = await self._db.read(Actor.visitor(), access.customer_at, *place, secret)
        return customer

    async def enter(self, actor: Actor, room_id: UUID, after: int, limit: int) -> Entry:
        entered = await self._db.read(actor, chat.enter, room_id, after, limit)
        assert actor.workspace_id is not None
        return Entry(
            workspace_id=actor.workspace_id,
            room_id=room_id,
            ticket_id=entered.room.ticket_id,
            head=entered.room.last_seq,
            messages=[chat.as_event(actor.workspace_id, message) for message in entered.messages],
            reset=entered.reset,
            seen=entered.seen,
        )

    async def messages(self, room_id: UUID, workspace_id: UUID, after: int, limit: int) -> list[MessageSent]:
        system = Actor.system(workspace_id)
        found = await self._db.read(system, chat.following, room_id, after, limit)
        return [chat.as_event(workspace_id, message) for message in found]

    async def heads(self, rooms: Sequence[tuple[UUID, UUID]]) -> dict[UUID, int]:
        return await self._db.read(Actor.system(), chat.heads, rooms)

    async def mark_read(self, actor: Actor, room_id: UUID, seq: int) -> None:
        await self._db.write(actor, chat.mark_read, room_id, seq)
