"""What the sockets ask of the features: who is this, may they enter, what came after."""

from collections.abc import Sequence
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.types import Scope

from parlour.db.database import Database
from parlour.features.accounts import service as accounts
from parlour.features.chat import service as chat
from parlour.features.conversation import units
from parlour.features.tickets.access import service as access
from parlour.kernel.access import Actor
from parlour.kernel.messages import Place, Stretch
from parlour.web.counting import network_of
from parlour.web.ids import id_of
from parlour.web.session import keys, session_token


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
            holder, workspace_id = accounts.holding(token), id_of(query["workspace"])
            desk = await self._db.read(holder, accounts.desk, token, workspace_id)
            return desk.actor
        place = query.get("portal", ""), id_of(query.get("ticket", ""))
        secret = keys(connection)
        _, customer = await self._db.read(Actor.visitor(), access.customer_at, *place, secret)
        return customer

    def network_of(self, scope: Scope) -> str:
        return network_of(HTTPConnection(scope))

    async def enter(self, actor: Actor, room_id: UUID, place: Place) -> Stretch:
        return await self._db.read(actor, chat.enter, room_id, place)

    async def check(self, actor: Actor, room_id: UUID) -> None:
        await self._db.read(actor, chat.check_access, room_id)

    async def following(self, workspace_id: UUID, room_id: UUID, place: Place) -> Stretch:
        return await self._db.read(Actor.system(workspace_id), chat.following, room_id, place)

    async def heads(self, rooms: Sequence[tuple[UUID, UUID]]) -> tuple[str, dict[UUID, int]]:
        return await self._db.read(Actor.system(), chat.heads, rooms)

    async def begin_epoch(self, instead_of: str) -> None:
        await self._db.write(Actor.system(), chat.begin_epoch, instead_of)

    async def mark_read(self, actor: Actor, room_id: UUID, seq: int) -> None:
        await self._db.write(actor, units.seen, room_id, seq)
