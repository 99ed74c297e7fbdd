"""A module has one subject and fits in the head: the two limits of the house rules, measured."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE_LINES = 400
FUNCTION_LINES = 40


def test_no_python_module_is_longer_than_400_lines() -> None:
    assert list(long_files("src/parlour/**/*.py")) == []


def test_no_script_of_the_front_end_is_longer_than_400_lines() -> None:
    assert list(long_files("frontend/src/**/*.ts")) == []


def test_no_function_is_longer_than_40_lines() -> None:
    assert list(long_functions("src/parlour/**/*.py")) == []


def long_files(pattern: str) -> Iterator[str]:
    for path in sorted(ROOT.glob(pattern)):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MODULE_LINES:
            yield f"{path.relative_to(ROOT)}: {lines} lines"


def long_functions(pattern: str) -> Iterator[str]:
    """Measured from `def` to the last line, the docstring included, decorators not."""
    for path in sorted(ROOT.glob(pattern)):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} has {lines} lines"
