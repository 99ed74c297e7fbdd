"""A form that is refused comes back with what was typed, what is in the way, and how long to wait."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.requests import Request

from parlour.web import forms
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

    described, read = "features/api/contract.py", "features/webhooks/posting.py"
    assert sorted(writers) == [described, read, "web/pages.py"]


@pytest.mark.parametrize("read_before", [True, False])
async def test_an_error_page_keeps_the_words_of_a_form_that_may_bring_files(
    house: House, visitor: Browser, read_before: bool
) -> None:
    """A browser sends a file without a name where none was chosen."""
    token = await visitor.csrf("/support/acme")
    part = "--x\r\ncontent-disposition: form-data; name={}\r\n\r\n{}\r\n"
    fields = (("csrf", token), ("content", "Look:"), ('files; filename=""', ""), ("files; filename=a", "."))
    body = "".join(part.format(*each) for each in fields) + "--x--\r\n"
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies.jar)
    headers = {"content-type": "multipart/form-data; boundary=x", "cookie": cookies, "host": "parlour.test"}
    arrived = [{"type": "http.request", "body": body.encode(), "more_body": False}]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "scheme": "http",
        "query_string": b"",
    }
    scope |= {"app": house.app.pages, "server": ("parlour.test", 80)}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def receive() -> Any:
        return arrived.pop()

    async def keep(*_: object) -> UUID:
        return UUID(int=1)

    request = Request(scope, receive)
    if read_before:
        assert (await forms.read_form_with_files(request, keep)).file_ids == [UUID(int=1)]

    assert await forms.typed(request) == {"csrf": token, "content": "Look:"}
