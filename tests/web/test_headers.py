"""What every answer carries, whatever it is, and what a page of ours may never contain."""

import re
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from parlour.web.headers import ALWAYS, CSP
from tests.house import Browser, open_house
from tests.people import Town, open_town

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANSWERS = {
    "a page": ("GET", "/support/acme", 200),
    "a page of nobody's": ("GET", "/", 200),
    "a redirect to the sign-in page": ("GET", "/workspace/{workspace_id}", 303),
    "a redirect to the address without a slash": ("GET", "/support/acme/", 307),
    "an unknown address": ("GET", "/nowhere", 404),
    "an unknown portal": ("GET", "/support/nowhere", 404),
    "an unknown ticket": ("GET", "/support/acme/ticket/1", 403),
    "somebody else's ticket": ("GET", "/support/acme/ticket/{ticket_id}", 403),
    "a method that is not offered": ("DELETE", "/support/acme", 405),
    "a form that was never shown": ("POST", "/auth/logout", 400),
    "a built file": ("GET", "/static/{digest}/app.css", 200),
    "a built file that there is not": ("GET", "/static/{digest}/nothing.css", 404),
    "a probe": ("GET", "/healthz", 200),
    "the numbers": ("GET", "/metrics", 200),
    "only the head of a page": ("HEAD", "/support/acme", 200),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with open_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest_asyncio.fixture(loop_scope="module")
async def nobody(town: Town) -> AsyncIterator[Browser]:
    async with await town.come("nobody") as browser:
        yield browser


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS.values(), ids=ANSWERS)
async def test_every_answer_carries_the_security_headers(
    town: Town, nobody: Browser, method: str, path: str, status: int
) -> None:
    answer = await nobody.request(method, town.path(path))

    assert answer.status_code == status
    for name, value in ALWAYS.items():
        assert answer.headers.get_list(name) == [value]
    assert "strict-transport-security" not in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS.values(), ids=ANSWERS)
async def test_only_built_files_may_be_kept(
    town: Town, nobody: Browser, method: str, path: str, status: int
) -> None:
    answer = await nobody.request(method, town.path(path))
    for_ever = path.endswith("app.css")

    assert answer.headers["cache-control"] == (
        "public, max-age=31536000, immutable" if for_ever else "no-store"
    )


async def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in CSP.split(";"))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in CSP


PAGES = {
    "nobody": ["/", "/auth/login", "/support/acme", "/support/acme/ticket/new", "/support/acme/access", "/x"],
    "customer": ["/support/acme/ticket/{ticket_id}", "/support/acme/ticket/{ticket_id}/chat"],
    "neighbour": ["/support/acme/ticket/{ticket_id}"],
    "agent": [
        "/workspace/{workspace_id}",
        "/workspace/{workspace_id}/tickets",
        "/workspace/{workspace_id}/tickets/{ticket_id}",
        "/workspace/{workspace_id}/tickets/1",
    ],
}


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind in PAGES for path in PAGES[kind]])
async def test_no_page_holds_what_its_policy_forbids(town: Town, kind: str, path: str) -> None:
    async with await town.come(kind) as browser:
        page = (await browser.get(town.path(path))).text
    tags = re.findall(r"<[a-zA-Z][^>]*>", page)

    assert tags
    assert [tag for tag in tags if re.search(r"\s(?:on\w+|style|srcdoc)\s*=", tag)] == []
    assert [tag for tag in tags if tag.startswith(("<style", "<base"))] == []
    assert [tag for tag in tags if tag.startswith("<script") and " src=" not in tag] == []
    assert "javascript:" not in page


@pytest.mark.parametrize(("kind", "path"), [(kind, path) for kind in PAGES for path in PAGES[kind]])
async def test_a_page_loads_nothing_from_another_host(town: Town, kind: str, path: str) -> None:
    async with await town.come(kind) as browser:
        page = (await browser.get(town.path(path))).text
    loaded = re.findall(r"<(?:script|link|img|use|form|source)\b[^>]*?(?:src|href|action)=\"([^\"]+)\"", page)

    assert loaded
    assert [one for one in loaded if any(urlsplit(unescape(one))[:2])] == []


@pytest.mark.asyncio(loop_scope="function")
async def test_on_https_the_browser_is_told_to_stay_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("secure")
    async with open_house(folder, PARLOUR_BASE_URL="https://desk.example") as house, house.browser() as one:
        answer = await one.get("https://desk.example/support/acme")

    assert answer.headers["strict-transport-security"] == "max-age=31536000"
