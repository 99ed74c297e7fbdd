"""What TypeScript cannot hold the page's scripts to."""

import re
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "frontend" / "src"


def test_no_script_takes_an_events_target_for_an_element() -> None:
    """It may be the document; `near` of dom.ts asks."""
    found = [
        f"{script.name}: {line.strip()}"
        for script in sorted(SCRIPTS.glob("*.ts"))
        for line in script.read_text(encoding="utf-8").splitlines()
        if re.search(r"target as \w*Element", line)
    ]

    assert found == []
