"""What a bench found: a table for the eye, JSON for programs, a chart for a page."""

import json
import platform
import statistics
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parent / "results"
"""Git does not keep it: numbers of one machine are no part of the house."""
LINE, LABEL, WIDTH = 26, 300, 420


class Found(NamedTuple):
    """One case: what each round took, and what the ceiling took in the same rounds, in one unit."""

    name: str
    unit: str
    rounds: Sequence[float]
    ceiling: Sequence[float] = ()

    @property
    def typical(self) -> float:
        return statistics.median(self.rounds)

    @property
    def least(self) -> float | None:
        return statistics.median(self.ceiling) if self.ceiling else None

    @property
    def spread(self) -> float:
        """Half of the way from the least to the most, as a share of the median."""
        return (max(self.rounds) - min(self.rounds)) / 2 / self.typical if self.typical else 0.0


def table(cases: Sequence[Found]) -> str:
    wide = max(len(case.name) for case in cases) + 2
    lines = [f"{'':{wide}}{'found':>12}{'spread':>9}{'ceiling':>12}{'x':>7}"]
    for case in cases:
        least = case.least
        beside = f"{least:>9,.0f} {case.unit}{case.typical / least:>7.1f}" if least else ""
        lines.append(f"{case.name:{wide}}{case.typical:>9,.0f} {case.unit}{case.spread:>9.0%}{beside}")
    return "\n".join(lines)


def save(name: str, cases: Sequence[Found], about: dict[str, object], folder: Path = RESULTS) -> None:
    """Write NAME.json and NAME.svg, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "bench": name,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"python": platform.python_version(), "system": platform.platform(terse=True)},
        **about,
        "cases": [
            {
                "name": case.name,
                "unit": case.unit,
                "median": case.typical,
                "rounds": list(case.rounds),
                "ceiling": list(case.ceiling),
            }
            for case in cases
        ],
    }
    (folder / f"{name}.json").write_text(json.dumps(told, indent=2) + "\n")
    (folder / f"{name}.svg").write_text(chart(name, cases))
    print(f"Written: {folder / name}.json and .svg")


def chart(title: str, cases: Sequence[Found]) -> str:
    """A bar for each case, and a line in it where its ceiling is. Readable on light and on dark pages."""
    most = max(case.typical for case in cases) or 1.0
    rows = []
    for at, case in enumerate(cases):
        top = 40 + at * LINE
        length = max(1.0, WIDTH * case.typical / most)
        says = f"{case.typical:,.0f} {escape(case.unit)}"
        rows.append(
            f'<text x="{LABEL - 10}" y="{top + 14}" text-anchor="end">{escape(case.name)}</text>'
            f'<rect x="{LABEL}" y="{top + 2}" width="{length:.1f}" height="16" rx="3" fill="#5b8def"/>'
            f'<text x="{LABEL + length + 8:.1f}" y="{top + 14}">{says}</text>'
        )
        if case.least:
            mark = LABEL + WIDTH * case.least / most
            rows.append(f'<rect x="{mark:.1f}" y="{top}" width="2" height="20" fill="#888"/>')
    height = 50 + len(cases) * LINE
    wide = LABEL + WIDTH + 110
    style = "text{font:13px system-ui,sans-serif;fill:#777}.title{font-weight:600;font-size:15px}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{height}" '
        f'viewBox="0 0 {wide} {height}" role="img"><title>{escape(title)}</title><style>{style}</style>'
        f'<text class="title" x="10" y="22">{escape(title)}</text>{"".join(rows)}</svg>\n'
    )
