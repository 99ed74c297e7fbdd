"""The goals, and which of their limits was missed when its bench ran last: what stands in bench/results.

As Markdown, for a page of the documentation.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.report import RESULTS, Found, Goal, number

HEAD = ("case", "goal", "found", "ceiling", "", "command", "day")


def rows(told: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row for each case of one run that has a goal."""
    for case in told["cases"]:
        goal = Goal(**case["goal"])
        found = Found(case["name"], case["unit"], case["rounds"], case["ceiling"], goal)
        if found.met is None:
            continue
        ceiling = f"{number(found.least)} {found.unit}, x {found.times:.1f}" if found.least else ""
        yield (
            found.name,
            goal.told(found.unit),
            f"{number(found.typical)} {found.unit}",
            ceiling,
            found.verdict,
            f"`{told['command']}`",
            told["at"][:10],
        )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench goals", description=__doc__)
    parser.add_argument("--folder", type=Path, default=RESULTS, help="where the results are (%(default)s)")
    folder: Path = parser.parse_args(arguments).folder
    runs = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    table = [HEAD, ("---",) * len(HEAD), *(row for told in runs for row in rows(told))]
    print("\n".join(f"| {' | '.join(row)} |" for row in table))
    return 0
