"""Who is in the rooms on other nodes. Each says so again and again; who is not confirmed is forgotten."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from parlour.realtime.bus import PeopleHere


@dataclass(frozen=True, slots=True)
class People:
    """`agents` maps ids to names."""

    agents: dict[str, str]
    customer: bool


NOBODY = People({}, customer=False)


class Elsewhere:
    """`changed` is called with each room in which somebody came or went."""

    def __init__(self, changed: Callable[[UUID], None], lasts: float) -> None:
        self._changed = changed
        self._lasts = lasts
        self._rooms: dict[UUID, dict[str, tuple[People, float]]] = {}

    def hear(self, event: PeopleHere) -> None:
        nodes = self._rooms.setdefault(event.room_id, {})
        before = nodes.pop(event.node, (NOBODY, 0.0))[0]
        now = People(dict(zip(event.agents, event.names, strict=True)), event.customer)
        if now != NOBODY:
            nodes[event.node] = (now, monotonic() + self._lasts)
        if not nodes:
            del self._rooms[event.room_id]
        if now != before:
            self._changed(event.room_id)

    def people(self, room_id: UUID) -> People:
        """All of them together."""
        agents: dict[str, str] = {}
        customer = False
        for people, _ in self._rooms.get(room_id, {}).values():
            agents |= people.agents
            customer = customer or people.customer
        return People(agents, customer)

    def forget_silent(self, peers: Collection[str]) -> None:
        """Forget whoever was not confirmed for too long, and the nodes that are no longer there."""
        now = monotonic()
        for room_id, nodes in list(self._rooms.items()):
            gone = [node for node, (_, until) in nodes.items() if until < now or node not in peers]
            for node in gone:
                del nodes[node]
            if not nodes:
                del self._rooms[room_id]
            if gone:
                self._changed(room_id)
