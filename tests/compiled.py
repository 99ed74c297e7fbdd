"""One memory of what a server makes once, for all houses that the tests of this process open.

A server compiles a statement, and prepares a template, once and runs for days. A test has a database and
pages of its own, and would make anew all that the test before has made.
"""

from collections.abc import Hashable
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

from parlour.web.render import Renderer

KEPT = 1_500


class Compiled(LRUCache[tuple[Hashable, ...], Any]):
    """By the kind of dialect: each engine has one of its own, and those of a kind are alike."""

    def get(self, key: tuple[Hashable, ...], default: Any = None) -> Any:
        return super().get(_of_a_kind(key), default)

    def __setitem__(self, key: tuple[Hashable, ...], value: Any) -> None:
        super().__setitem__(_of_a_kind(key), value)


def _of_a_kind(key: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    dialect, *rest = key
    return type(dialect), *rest


_compiled = Compiled(KEPT)


def remember_for_every_engine() -> None:
    if not event.contains(Engine, "engine_connect", _share):
        event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_compiled)


def remember_templates() -> None:
    """By where their icons are, too: that stands in them."""
    load = Renderer._load  # noqa: SLF001
    known: dict[tuple[str, str], str | None] = {}

    def remembered(renderer: Renderer, name: str) -> str | None:
        key = name, renderer._icon("name")  # noqa: SLF001
        if key not in known:
            known[key] = load(renderer, name)
        return known[key]

    setattr(Renderer, "_load", remembered)  # noqa: B010
