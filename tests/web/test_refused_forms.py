"""A form that is refused comes back with what was typed, what is in the way, and how long to wait."""

from pathlib import Path

import pytest

from tests.house import Browser, House

SRC = Path(__file__).parents[2] / "src" / "parlour"


@pytest.mark.parametrize(
    ("page", "address", "typed"),
    [
        ("/workspace/new", "/workspace/new", {"name": "Second Home", "slug": "second-home"}),
        ("/profile", "/profile", {"name": "Ada Lovelace"}),
        ("{home}/people", "{home}/people/invite", {"email": "nia@acme.example", "role": "agent"}),
        (
            "{home}/settings",
            "{home}/settings",
            {"name": "Acme and Sons", "welcome": "Hello!", "accent": "#123"},
        ),
        ("{home}/tickets", "{home}/tickets/views", {"name": "Late ones", "query": "status=open"}),
        ("{home}/replies/new", "{home}/replies/new", {"name": "Thanks", "content": "Thank you."}),
    ],
)
async def test_a_page_that_was_open_for_too_long_loses_nothing_that_was_typed(
    house: House, desk: Browser, page: str, address: str, typed: dict[str, str]
) -> None:
    home = f"/workspace/{house.workspace.workspace_id}"
    await desk.get(page.format(home=home))
    answer = await desk.post(address.format(home=home), data={**typed, "csrf": "of another sign-in"})

    assert answer.status_code == 403
    assert "This page was open for too long" in answer.text
    assert [value for value in typed.values() if value not in answer.text] == []


async def test_only_the_renderer_writes_how_long_to_wait() -> None:
    """Pages that set the header by hand have forgotten it before."""
    writers = [
        path.relative_to(SRC).as_posix() for path in SRC.rglob("*.py") if "Retry-After" in path.read_text()
    ]

    assert writers == ["web/pages.py"]
