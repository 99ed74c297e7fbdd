"""Who is in the rooms on other nodes. Each says so again and again; who is not confirmed is forgotten."""

from collections.abc import Callable, Collection
from functools import reduce
from operator import or_
from time import monotonic
from uuid import UUID

from msgspec import Struct

from parlour.realtime.bus import PeopleHere


class People(Struct, frozen=True):
    """`agents` maps ids to names; `shown` are those of them whom customers see too."""

    agents: dict[str, str]
    shown: dict[str, str]
    customer: bool

    def __or__(self, other: "People") -> "People":
        agents, shown = self.agents | other.agents, self.shown | other.shown
        return People(agents, shown, self.customer or other.customer)


NOBODY = People({}, {}, customer=False)


class Elsewhere:
    """`changed` is called with each room in which somebody came or went."""

    def __init__(self, changed: Callable[[UUID], None], lasts: float) -> None:
        self._changed = changed
        self._lasts = lasts
        self._rooms: dict[UUID, dict[str, tuple[People, float]]] = {}

    def hear(self, event: PeopleHere) -> None:
        nodes = self._rooms.setdefault(event.room_id, {})
        before = nodes.pop(event.node, (NOBODY, 0.0))[0]
        agents = dict(zip(event.agents, event.names, strict=True))
        shown = {agent: name for agent, name in agents.items() if agent not in event.aside}
        now = People(agents, shown, event.customer)
        if now != NOBODY:
            nodes[event.node] = (now, monotonic() + self._lasts)
        if not nodes:
            del self._rooms[event.room_id]
        if now != before:
            self._changed(event.room_id)

    def people(self, room_id: UUID) -> People:
        """All of them together."""
        nodes = self._rooms.get(room_id, {}).values()
        return reduce(or_, (people for people, _ in nodes), NOBODY)

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
