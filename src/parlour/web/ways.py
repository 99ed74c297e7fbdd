"""Routes found by what their addresses look like.

A router tries one route after the other: of some hundred, fifty came before a ticket's page. Which of them an
address can fit at all is told by its first part and by how many parts it has.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import cast

from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import Receive, Scope, Send

_Look = tuple[str, int]


class Ways(Router):
    """A router that first tries those of the same look, in their order, and then does as any other."""

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope.get("root_path"):
            for route in self._alike.get(_look(scope["path"]), ()):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.setdefault("router", self)
                    scope["route"] = route
                    scope.update(found)
                    await route.handle(scope, receive, send)
                    return
        await super().app(scope, receive, send)

    @cached_property
    def _alike(self) -> dict[_Look, Sequence[BaseRoute]]:
        looks = [(route, _look(route.path) if isinstance(route, Route) else None) for route in self.routes]
        known = {look for _, look in looks if look}
        return {
            look: [route for route, its in looks if not its or _may_fit(route, its, look)] for look in known
        }


def _look(path: str) -> _Look:
    return path.split("/", 2)[1] if "/" in path else "", path.count("/")


def _may_fit(route: BaseRoute, its: _Look, look: _Look) -> bool:
    (first, parts), (asked, deep) = its, look
    return (first == asked or "{" in first) and (parts == deep or ":path}" in cast(Route, route).path)
