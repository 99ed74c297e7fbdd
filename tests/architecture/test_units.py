"""A transaction stands in a service, or in the `units.py` or `…_units.py` beside its pages, where nothing
knows of HTTP.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "parlour"
OUTER = (
    "app.py",
    "server.py",
    "cli/**/*.py",
    "web/**/*.py",
    "features/desk/**/*.py",
    "features/api/**/*.py",
    "features/portal/**/*.py",
    "features/conversation/**/*.py",
)


def transactions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for given in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                if given.annotation is not None and ast.unparse(given.annotation).split(".")[-1] == "Tx":
                    yield f"{path.relative_to(SRC)}: {node.name}"


def test_no_page_and_no_command_holds_a_transaction_of_its_own() -> None:
    modules = {
        path for pattern in OUTER for path in SRC.glob(pattern) if not f"_{path.name}".endswith("_units.py")
    }

    assert [found for path in sorted(modules) for found in transactions(path)] == []


def test_the_rule_finds_a_transaction_where_there_is_one() -> None:
    units = SRC / "features" / "portal" / "units.py"

    assert "features/portal/units.py: front_page" in list(transactions(units))
