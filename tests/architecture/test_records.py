"""Two libraries have a `field`, and a record takes either of them for a default without a word."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator

import msgspec
import pytest

import parlour


def heirs(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for heir in kind.__subclasses__():
        yield heir
        yield from heirs(heir)


def strange(kind: type[msgspec.Struct]) -> bool:
    return any(isinstance(default, dataclasses.Field) for default in kind.__struct_defaults__)


def test_a_default_is_a_value_and_no_recipe_of_another_library() -> None:
    for module in pkgutil.walk_packages(parlour.__path__, "parlour."):
        if not module.name.endswith("__main__") and "migrations" not in module.name:
            importlib.import_module(module.name)

    assert [kind for kind in heirs(msgspec.Struct) if strange(kind)] == []


@pytest.mark.parametrize(
    "made", [dataclasses.field(default_factory=list), msgspec.field(default_factory=list)]
)
def test_such_a_default_is_found(made: object) -> None:
    kind = msgspec.defstruct("Basket", [("apples", list[int], made)])

    assert strange(kind) is isinstance(made, dataclasses.Field)
