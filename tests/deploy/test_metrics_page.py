"""docs/metrics.md and what the application says: the same names and kinds; rules that use nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house import Browser, House

pytestmark = pytest.mark.sqlite

PAGE = (Path(__file__).parents[2] / "docs/metrics.md").read_text(encoding="utf-8")
OF_A_KIND = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def documented() -> dict[str, str]:
    """The kind of each name."""
    return dict(re.findall(r"^\| `(parlour_\w+)` \| (\w+) \|", PAGE, re.MULTILINE))


def rules() -> list[dict[str, Any]]:
    [text] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found: list[dict[str, Any]] = [
        rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]
    ]
    return found


async def test_every_number_that_is_told_is_explained_and_every_other_way_round(
    house: House, visitor: Browser
) -> None:
    text = (await visitor.get("/metrics")).text
    told = dict(re.findall(r"^# TYPE (parlour_\w+) (\w+)$", text, re.MULTILINE))
    made = {name.removesuffix("_created") for name in told if name.endswith("_created")}

    assert {name: kind for name, kind in told.items() if not name.endswith("_created")} == documented()
    assert made <= {name.removesuffix("_total") for name in told}


def test_alarms_use_only_numbers_and_labels_that_there_are() -> None:
    series = {name + end for name, kind in documented().items() for end in OF_A_KIND[kind]}

    for rule in rules():
        used = set(re.findall(r"parlour_\w+", rule["expr"]))
        assert used, rule["alert"]
        assert used <= series, rule["alert"]
        for labels in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            assert re.search(rf"by \([^)]*\b{labels}\b", rule["expr"]), rule["alert"]


def test_every_alarm_has_a_name_of_its_own_and_a_sentence() -> None:
    names = [rule["alert"] for rule in rules()]

    assert len(set(names)) == len(names)
    assert all(rule["annotations"]["summary"] for rule in rules())
