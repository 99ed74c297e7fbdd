"""Routes found by what their addresses look like.

A router tries one route after the other: of some hundred, fifty came before a ticket's page. Which of them an
address can fit at all is told by its first part and by how many parts it has.
"""

from collections.abc import Sequence
from functools import cached_property

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
        fitting = [(route, *_fitting(route)) for route in self.routes]
        return {
            (first, parts): [
                route for route, its, deep in fitting if its in (None, first) and deep in (None, parts)
            ]
            for first, parts in {_look(route.path) for route in self.routes if isinstance(route, Route)}
        }


def _look(path: str) -> _Look:
    return path.split("/", 2)[1] if "/" in path else "", path.count("/")


def _fitting(route: BaseRoute) -> tuple[str | None, int | None]:
    """The looks of the addresses that it may take: None stands for any."""
    if not isinstance(route, Route):
        return None, None
    first, parts = _look(route.path)
    return None if "{" in first else first, None if ":path}" in route.path else parts
