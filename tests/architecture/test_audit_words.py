"""Whatever is noted is said in words where it is read: on the page of the trail, or on the ticket's own."""

import re
from pathlib import Path

from parlour.features.accounts.events.service import Event
from parlour.features.accounts.notices import Change

FEATURES = Path(__file__).parents[2] / "src" / "parlour" / "features"
NOTED = re.compile(r'audit\.record\w*\(\s*[^"(),]+(?:\([^()]*(?:\([^()]*\))?[^()]*\))?,\s*"(\w+)"')


def test_every_action_that_is_noted_has_words() -> None:
    noted = {action for path in FEATURES.rglob("*.py") for action in NOTED.findall(path.read_text())}
    templates = FEATURES / "desk" / "templates"
    said = (templates / "audit.html").read_text() + (templates / "ticket_history.html").read_text()

    assert {"status", "member", "account_disabled", "tag_made"} <= noted
    assert {action for action in noted | {*Event} | {*Change} if f'"{action}"' not in said} == set()
