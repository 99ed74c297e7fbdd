"""One memory of compiled statements for every database that the tests of this process open.

A server compiles a statement once and runs it for days. A test has a database of its own, and would compile
anew all that the test before has compiled.
"""

from collections.abc import Hashable
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

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
