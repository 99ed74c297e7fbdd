"""What a bench found is said with the limit that it missed, not as a whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import goals
from bench.report import NONE, Found, Goal, save

BOTH = Goal(1_000, times=5)


@pytest.mark.parametrize(
    ("took", "beside", "goal", "verdict"),
    [
        (900, [300], BOTH, "met"),
        (900, [30], BOTH, "missed: 5 x"),
        (1_200, [300], BOTH, "missed: 1,000 µs"),
        (1_200, [30], BOTH, "missed: 1,000 µs, 5 x"),
        (900, [], BOTH, "met"),
        (900, [30], NONE, ""),
    ],
)
def test_a_verdict_names_the_limits_that_were_missed(
    took: float, beside: list[float], goal: Goal, verdict: str
) -> None:
    assert Found("a page", "µs", [took], beside, goal).verdict == verdict


def test_the_table_of_goals_says_what_was_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = [Found("a list", "µs", [900], [30], BOTH), Found("a word", "µs", [80], [30], BOTH)]
    save("pages", [*cases, Found("no goal", "µs", [1])], {}, tmp_path)
    capsys.readouterr()

    goals.main(["--folder", str(tmp_path)])

    told = [[cell.strip() for cell in line.split("|")[1:6]] for line in capsys.readouterr().out.splitlines()]
    assert told[2:] == [
        ["a list", "1,000 µs, 5 x", "900 µs", "30 µs, x 30.0", "missed: 5 x"],
        ["a word", "1,000 µs, 5 x", "80 µs", "30 µs, x 2.7", "met"],
    ]


def test_programs_and_the_chart_are_told_too(tmp_path: Path) -> None:
    save(
        "pages",
        [Found("a list", "µs", [900], [30], BOTH), Found("a word", "µs", [80], [30], BOTH)],
        {},
        tmp_path,
    )

    told = json.loads((tmp_path / "pages.json").read_text())["cases"]
    chart = (tmp_path / "pages.svg").read_text()

    assert [case["missed"] for case in told] == [["5 x"], []]
    assert (chart.count("#d9822b"), chart.count("#5b8def")) == (1, 1)


@pytest.mark.sqlite
@pytest.mark.parametrize("words", [["goals"], ["goals", "--help"], []], ids=["goals", "help", "list"])
def test_a_bench_says_nothing_about_a_reader_who_has_gone(words: list[str]) -> None:
    nobody, output = os.pipe()
    os.close(nobody)
    with os.fdopen(output, "wb") as broken:
        program = [sys.executable, "-m", "bench", *words]
        with subprocess.Popen(program, stdout=broken, stderr=subprocess.PIPE) as run:
            _, said = run.communicate()

    assert said == b""
