"""Whatever is typed into forms and addresses: an answer, never a fault of ours, and soon.

A tenth of the tries in the everyday run and on PostgreSQL; all of them where PARLOUR_TEST_FUZZ is set, as in
CI.
"""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from urllib.parse import quote, urlencode

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.people import VISITORS, Town, http_routes, open_town
from tests.postgres_server import ON_POSTGRESQL

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 5
"""Far more than any of these takes; less than a person would wait for."""

bounded = settings(
    max_examples=120 if os.environ.get("PARLOUR_TEST_FUZZ") and not ON_POSTGRESQL else 12,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NAMES = [
    "csrf",
    "subject",
    "description",
    "email",
    "client_id",
    "website",
    "content",
    "token",
    "password",
    "next",
    "status",
    "priority",
    "assignee",
    "version",
    "before",
    "after",
    "q",
    "name",
    "code",
    "action",
    "role",
    "ids",
    "all",
    "field",
    "value",
    "change",
    "query",
    "seal",
    "session",
    "seen",
    "then",
    "reply",
    "per",
    "sort",
]
LIKELY = [
    "",
    "0",
    "-1",
    "1",
    "9" * 30,
    "new",
    "closed",
    "urgent",
    "maria@example.com",
    "00000000-0000-7000-8000-000000000000",
    "//evil.example",
    "{{ 7 * 7 }}",
    "{x}",
    "%",
    "\x00",
    "\ud800",
    "<script>",
    "x" * 30_000,
    "٣",
    "null",
]
PLACES = ["slug", "workspace_id", "ticket_id", "reply_id", "user_id", "view_id", "bulk_id", "digest", "form"]
words = st.one_of(st.sampled_from(LIKELY), st.text(max_size=80))
names = st.one_of(st.sampled_from(NAMES), st.text(max_size=8))
kinds = st.sampled_from(sorted(VISITORS))
accepts = st.sampled_from(["text/html", "application/json", "*/*", ""])
moments = st.sampled_from(
    [
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999-23:59",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+00:00",
        "2026-W01-1",
        "",
    ]
)
cells: st.SearchStrategy[object] = st.one_of(
    moments,
    st.sampled_from([0, 3, 4, -1, 10**40, 1.5, float("nan"), float("inf"), None, True, [], {}, "0"]),
    st.uuids().map(str),
)
cursors = st.one_of(st.lists(cells, max_size=4), st.tuples(moments, st.uuids().map(str)).map(list), cells)
addresses = st.sampled_from(
    ["http://[", "http://[::1", "//[", "http://a:99999/", "http://\u2100/", "javascript:1", "/\\a", "?", "#"]
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with open_town(tmp_path_factory.mktemp("town")) as town:
        yield town


def encoded(pairs: list[tuple[str, str]]) -> bytes:
    """A form's body; lone surrogates go out as the broken bytes that they are."""
    return urlencode(pairs, encoding="utf-8", errors="surrogatepass").encode()


def harmless(answer: httpx.Response) -> bool:
    """An answer of ours, within time, that leads nowhere else and is never a fault."""
    leads_to = httpx.URL("http://parlour.test").join(answer.headers.get("location", "/"))
    return answer.status_code < 500 and leads_to.host == "parlour.test"


async def soon(answer: object) -> httpx.Response:
    async with asyncio.timeout(SECONDS):
        return await answer  # type: ignore[misc, no-any-return]


def paths_of(town: Town, method: str) -> list[str]:
    return sorted(path for verb, path in http_routes(town.house) if verb == method)


@bounded
@given(data=st.data(), kind=kinds, accept=accepts, typed=st.lists(st.tuples(names, words), max_size=8))
async def test_no_form_makes_a_fault(
    town: Town, data: st.DataObject, kind: str, accept: str, typed: list[tuple[str, str]]
) -> None:
    route = data.draw(st.sampled_from(paths_of(town, "POST")))
    right = data.draw(st.fixed_dictionaries({name: st.booleans() for name in sorted(await town.form(route))}))
    async with await town.come(kind) as browser:
        form = await town.form(route)
        fields = [("csrf", await browser.csrf("/support/acme")), *typed]
        fields += [(name, form[name]) for name, kept in right.items() if kept]
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": accept}
        answer = await soon(browser.post(town.path(route), content=encoded(fields), headers=headers))

    assert harmless(answer)


@bounded
@given(
    data=st.data(),
    kind=kinds,
    body=st.binary(max_size=400),
    media_type=st.sampled_from(
        [
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=utf-99",
            "multipart/form-data",
            "multipart/form-data; boundary=b",
            "multipart/form-data; boundary=",
            'multipart/form-data; boundary="\x7f"',
        ]
    ),
)
async def test_no_body_makes_a_fault(
    town: Town, data: st.DataObject, kind: str, body: bytes, media_type: str
) -> None:
    route = data.draw(st.sampled_from(paths_of(town, "POST")))
    if "boundary=b" in media_type:
        body = b"--b\r\nContent-Disposition: form-data; name=subject\r\n" + body + b"\r\n--b--\r\n"
    async with await town.come(kind) as browser:
        headers = {"content-type": media_type}
        answer = await soon(browser.post(town.path(route), content=body, headers=headers))

    assert harmless(answer)


@bounded
@given(data=st.data(), kind=kinds, accept=accepts, asked=st.lists(st.tuples(names, words), max_size=5))
async def test_no_query_makes_a_fault(
    town: Town, data: st.DataObject, kind: str, accept: str, asked: list[tuple[str, str]]
) -> None:
    path = town.path(data.draw(st.sampled_from(paths_of(town, "GET"))))
    query = encoded([(name, value[:5000]) for name, value in asked]).decode()
    async with await town.come(kind) as browser:
        answer = await soon(browser.get(f"{path}?{query}", headers={"accept": accept}))

    assert harmless(answer)


@bounded
@given(
    data=st.data(),
    kind=kinds,
    method=st.sampled_from(["GET", "HEAD", "POST", "DELETE"]),
    accept=accepts,
    strange=st.dictionaries(st.sampled_from(PLACES), st.one_of(words, st.binary(max_size=20))),
)
async def test_no_address_makes_a_fault(
    town: Town, data: st.DataObject, kind: str, method: str, accept: str, strange: dict[str, str | bytes]
) -> None:
    await town.furnish()
    parts = {
        name: quote(place[:2000] if isinstance(place, bytes) else place[:2000].encode(errors="surrogatepass"))
        for name, place in strange.items()
    }
    path = data.draw(st.sampled_from(sorted({path for _, path in http_routes(town.house)})))
    address = town.path(path, **parts)
    async with await town.come(kind) as browser:
        answer = await soon(browser.request(method, address, headers={"accept": accept}))

    assert harmless(answer)


@bounded
@given(
    order=st.sampled_from(["", "created", "priority"]), side=st.sampled_from(["after", "before"]), key=cursors
)
async def test_no_cursor_makes_a_fault(town: Town, order: str, side: str, key: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")
    async with await town.come("agent") as browser:
        address = town.path("/workspace/{workspace_id}/tickets")
        answer = await soon(browser.get(address, params={"sort": order, side: cursor}))

    assert harmless(answer)


@pytest.mark.parametrize("header", ["referer", "hx-current-url"])
@pytest.mark.parametrize("address", ["http://[", "http://[::1", "//[", "http://x]/", "http://[v1.x]:x/"])
async def test_the_page_that_somebody_signed_out_claims_to_come_from_makes_no_fault(
    town: Town, header: str, address: str
) -> None:
    headers = {header: address, **({"hx-request": "true"} if header.startswith("hx") else {})}
    path = town.path("/workspace/{workspace_id}/tickets/{ticket_id}/status")
    async with await town.come("nobody") as browser:
        csrf = await browser.csrf("/auth/login")
        answer = await soon(browser.post(path, data={"csrf": csrf, "status": "open"}, headers=headers))

    assert harmless(answer)


@pytest.mark.parametrize("side", ["after", "before"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_a_moment_outside_of_all_time_is_no_place_in_a_list(town: Town, side: str, moment: str) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([moment, str(town.ticket.ticket_id)]).encode()).decode()
    async with await town.come("agent") as browser:
        answer = await browser.get(town.path("/workspace/{workspace_id}/tickets"), params={side: cursor})

    assert answer.status_code == 404


# What may stand in a header: anything but the ends of lines.
line = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60)


@bounded
@given(
    kind=kinds,
    headers=st.dictionaries(
        st.sampled_from(
            [
                "accept",
                "accept-encoding",
                "cookie",
                "host",
                "hx-current-url",
                "hx-request",
                "origin",
                "referer",
                "sec-fetch-site",
                "user-agent",
                "x-csrf-token",
                "x-forwarded-for",
                "x-forwarded-proto",
            ]
        ),
        st.one_of(line, addresses.filter(str.isascii)),
    ),
)
async def test_no_header_makes_a_fault(town: Town, kind: str, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with await town.come(kind) as browser:
        for path in (
            "/support/{slug}/ticket/{ticket_id}/chat",
            "/workspace/{workspace_id}/tickets/{ticket_id}",
        ):
            answer = await soon(browser.get(town.path(path), headers=raw))

            assert answer.status_code < 500
        answer = await soon(browser.post(town.path(f"{path}/status"), data={"status": "open"}, headers=raw))

    assert answer.status_code < 500
