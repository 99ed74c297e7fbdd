"""A place in the code that a page of the documentation names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACE = re.compile(r"`((?:[\w.-]+/)+[\w-]+\.(?:py|sql|ts|css|mjs|sh))\b")
CODE = ("src/parlour", "frontend/src", "frontend/css", "tests", "tools", "bench", "deploy", ".ci")
INVENTED = "add-a-feature.md"
"""It makes up a feature to show how one is added."""


@pytest.fixture(scope="module")
def places() -> list[str]:
    files = (file for folder in CODE for file in (ROOT / folder).rglob("*") if file.is_file())
    return [f"/{file.relative_to(ROOT)}" for file in files]


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=lambda page: page.name)
def test_a_place_that_a_page_names_is_there(page: Path, places: list[str]) -> None:
    named = PLACE.findall(page.read_text()) if page.name != INVENTED else []
    assert [each for each in named if not any(place.endswith(f"/{each}") for place in places)] == []
