"""What a bench found: a table for the eye, JSON for programs, a chart for a page."""

import json
import platform
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple, TypeVar

import click

RESULTS = Path(__file__).parent / "results"
"""Git does not keep it: numbers of one machine are no part of the house."""
LINE, LABEL, WIDTH, BARS = 26, 300, 420, 40
T = TypeVar("T")


class Goal(NamedTuple):
    """What a case may take at most: so much of its unit, and so many times what its ceiling takes."""

    most: float | None = None
    times: float | None = None

    def told(self, unit: str) -> str:
        most = "" if self.most is None else f"{number(self.most)} {unit}"
        return ", ".join(filter(None, (most, "" if self.times is None else f"{self.times:.3g} x")))


NONE = Goal()


class Found(NamedTuple):
    """One case: what each round took, and what the ceiling took in the same rounds, in one unit."""

    name: str
    unit: str
    rounds: Sequence[float]
    ceiling: Sequence[float] = ()
    goal: Goal = NONE

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

    @property
    def times(self) -> float | None:
        """The ceiling's."""
        return self.typical / self.least if self.least else None

    @property
    def _limits(self) -> list[tuple[str, bool]]:
        """Each limit of the goal that something compares with, as it is told, and whether it holds."""
        most, times = Goal(most=self.goal.most), Goal(times=self.goal.times)
        pairs = ((most, self.typical, most.most), (times, self.times, times.times))
        return [
            (goal.told(self.unit), found <= limit)
            for goal, found, limit in pairs
            if found is not None and limit is not None
        ]

    @property
    def missed(self) -> list[str]:
        return [told for told, holds in self._limits if not holds]

    @property
    def met(self) -> bool | None:
        """Whether the goal is, all of it; None where there is none to compare with."""
        return not self.missed if self._limits else None

    @property
    def verdict(self) -> str:
        if self.met is None:
            return ""
        return f"missed: {', '.join(self.missed)}" if self.missed else "met"


def followed(all_of_them: Iterable[T], label: str) -> Iterator[T]:
    """With a bar on standard error, where somebody watches a terminal."""
    with click.progressbar(all_of_them, label=label, file=sys.stderr) as bar:
        yield from bar


def number(value: float) -> str:
    """With as many digits as somebody compares."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def table(cases: Sequence[Found]) -> str:
    wide = max(len(case.name) for case in cases) + 2
    lines = [f"{'':{wide}}{'found':>12}{'spread':>9}{'ceiling':>12}{'x':>7}  goal"]
    for case in cases:
        least, times, goal = case.least, case.times, case.goal.told(case.unit)
        beside = f"{number(least):>9} {case.unit}{times:>7.1f}" if least and times else f"{'':19}"
        line = f"{case.name:{wide}}{number(case.typical):>9} {case.unit}{case.spread:>9.0%}{beside}"
        lines.append(f"{line}  {goal}  {case.verdict}".rstrip())
    return "\n".join(lines)


def save(name: str, cases: Sequence[Found], about: dict[str, object], folder: Path = RESULTS) -> None:
    """Write NAME.json and NAME.svg, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "bench": name,
        "command": " ".join(sys.argv[1:]),
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
                "goal": case.goal._asdict(),
                "met": case.met,
                "missed": case.missed,
            }
            for case in cases
        ],
    }
    (folder / f"{name}.json").write_text(json.dumps(told, indent=2) + "\n")
    (folder / f"{name}.svg").write_text(chart(name, cases))
    print(f"Written: {folder / name}.json and .svg")


def chart(title: str, cases: Sequence[Found]) -> str:
    """A bar for each of the first cases, orange where it misses its goal, and lines in it: grey where its
    ceiling is, green where the limits of its goal are.

    Readable on light and on dark pages.
    """
    cases = cases[:BARS]
    most = max(case.typical for case in cases) or 1.0
    rows = []
    for at, case in enumerate(cases):
        top = 40 + at * LINE
        length = max(1.0, WIDTH * case.typical / most)
        says = f"{number(case.typical)} {escape(case.unit)}"
        colour = "#d9822b" if case.missed else "#5b8def"
        most_times = case.least * case.goal.times if case.least and case.goal.times else None
        rows.append(
            f'<text x="{LABEL - 10}" y="{top + 14}" text-anchor="end">{escape(case.name)}</text>'
            f'<rect x="{LABEL}" y="{top + 2}" width="{length:.1f}" height="16" rx="3" fill="{colour}"/>'
            f'<text x="{LABEL + length + 8:.1f}" y="{top + 14}">{says}</text>'
        )
        for value, colour in ((case.least, "#888"), (case.goal.most, "#2e9e5b"), (most_times, "#2e9e5b")):
            if value and value <= most:
                mark = LABEL + WIDTH * value / most
                rows.append(f'<rect x="{mark:.1f}" y="{top}" width="2" height="20" fill="{colour}"/>')
    height = 50 + len(cases) * LINE
    wide = LABEL + WIDTH + 110
    style = "text{font:13px system-ui,sans-serif;fill:#777}.title{font-weight:600;font-size:15px}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{height}" '
        f'viewBox="0 0 {wide} {height}" role="img"><title>{escape(title)}</title><style>{style}</style>'
        f'<text class="title" x="10" y="22">{escape(title)}</text>{"".join(rows)}</svg>\n'
    )
