"""The API as Zendesk's clients know it: shapes, rights, pages, refusals, and one of those clients itself."""

import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from parlour.features.api.v2.routes import HOME, OPERATIONS
from parlour.kernel.access import Role
from parlour.web.limits import Limit
from parlour.web.windows import Rate
from tests.house import ORIGIN, House
from tests.live import Live
from tests.programs import key_of

ROOT = Path(__file__).parents[3]
NEW = {
    "subject": "The tent leaks",
    "comment": {"body": "It is wet."},
    "requester": {"email": "zoe@example.com"},
}


class Client(httpx.AsyncClient):
    """Asks for what follows /api/v2, with a key as its token."""

    def __init__(self, house: House, token: str) -> None:
        app = httpx.ASGITransport(house.app, client=("127.0.0.1", 40000), raise_app_exceptions=False)
        super().__init__(transport=app, base_url=f"{ORIGIN}{HOME}", auth=("robot@example.com/token", token))

    async def told(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = await self.request(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def opened(self, **more: Any) -> Any:
        return (await self.told("POST", "/tickets.json", 201, json={"ticket": NEW | more}))["ticket"]


@pytest.fixture
async def admin(house: House) -> AsyncIterator[Client]:
    async with Client(house, await key_of(house, Role.ADMIN, name="Zen")) as client:
        yield client


@pytest.fixture
async def viewer(house: House) -> AsyncIterator[Client]:
    async with Client(house, await key_of(house, Role.VIEWER, name="Reader")) as client:
        yield client


def test_zenpy_makes_a_journey(tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        token = live.command("apikey", "create", "--workspace", "acme", "--name", "Zen", "--role", "admin")
        told = {
            "PARLOUR_KEY": token.split()[-1],
            "PYTHONPATH": str(ROOT / ".venv" / "zenpy"),
            "ZENPY_FORCE_NETLOC": live.url.removeprefix("http://"),
            "ZENPY_FORCE_SCHEME": "http",
        }
        script = Path(__file__).parent / "zendesk_journey.py"
        done = subprocess.run(
            [sys.executable, str(script)], env=told, capture_output=True, text=True, timeout=50, check=False
        )
        assert (done.returncode, done.stdout) == (0, "there and back\n"), done.stderr + live.unshown_log()


async def test_a_key_is_the_token_of_any_address_and_nothing_else_opens(house: House, admin: Client) -> None:
    token = await key_of(house, name="Other")

    async def asked_with(header: str) -> httpx.Response:
        return await admin.get("/users/me.json", headers={"authorization": header}, auth=lambda each: each)

    for header in (
        "",
        "Basic !",
        "Basic " + b64encode(f"robot@example.com:{token}".encode()).decode(),
        "Basic " + b64encode(b"robot@example.com/token:\xff").decode(),
        f"Bearer {token[:-1]}",
    ):
        refused = await admin.get(
            "/users/me", headers={"authorization": header}, auth=lambda request: request
        )
        assert refused.status_code == 401
        assert refused.json()["error"] == "Couldn't authenticate you"
        assert refused.headers["www-authenticate"].startswith("Basic ")
    me = await admin.get(
        "/users/me.json", headers={"authorization": f"Bearer {token}"}, auth=lambda each: each
    )
    assert me.json()["user"]["name"] == "Other"


async def test_what_is_not_there_or_not_ours_has_zendesks_shape(
    house: House, admin: Client, viewer: Client
) -> None:
    missing = {"error": "RecordNotFound", "description": "We could not find this ticket."}
    assert await admin.told("GET", "/tickets/7.json", 404) == missing
    for path in (f"/tickets/{'9' * 39}", f"/users/{'9' * 39}", "/users/7", "/attachments/7", "/macros.json"):
        assert (await admin.told("GET", path, 404))["error"] == "RecordNotFound"
    assert (await admin.told("PATCH", "/tickets", 405))["error"] == "Method"
    assert (await viewer.told("POST", "/tickets", 403, json={"ticket": NEW}))["error"] == "Forbidden"
    assert (await viewer.told("GET", "/tickets"))["tickets"] == []
    bodies: list[Any] = [{}, {"ticket": []}, {"ticket": {"subject": 1}}, {"ticket": NEW | {"tags": "tents"}}]
    for body in bodies:
        assert (await admin.told("POST", "/tickets", 400, json=body))["error"] == "RecordInvalid"


async def test_a_ticket_of_another_workspace_is_none(house: House, admin: Client) -> None:
    ticket = await admin.opened()
    async with Client(house, await key_of(house, Role.ADMIN, slug="other")) as theirs:
        await theirs.told("GET", f"/tickets/{ticket['id']}", 404)
        await theirs.told("PUT", f"/tickets/{ticket['id']}", 404, json={"ticket": {"status": "open"}})
        await theirs.told("GET", f"/users/{ticket['requester_id']}", 404)
        assert (await theirs.told("GET", "/search?query=tent"))["results"] == []


@pytest.mark.parametrize(
    ("more", "field", "why"),
    [
        ({"custom_fields": [{"id": 1, "value": "x"}]}, "custom_fields", "not_supported"),
        ({"group_id": 3}, "group_id", "not_supported"),
        ({"comment": {"body": "Hello", "html_body": "<p>Hello</p>"}}, "html_body", "not_supported"),
        ({"comment": {"body": "Hello", "public": False}}, "comment", "not_supported"),
        ({"priority": "huge"}, "priority", "unknown"),
        ({"requester": None, "requester_id": 7}, "requester_id", "unknown"),
        ({"submitter_id": 7}, "author_id", "not_supported"),
        ({"comment": {"body": "Hello", "uploads": ["gone"]}}, "uploads", "unknown"),
    ],
)
async def test_what_has_no_place_here_is_refused_by_its_name(
    admin: Client, more: dict[str, Any], field: str, why: str
) -> None:
    told = await admin.told("POST", "/tickets", 422, json={"ticket": NEW | more})

    assert told["error"] == "RecordInvalid"
    assert told["details"] == {field: [{"error": why, "description": f"{field}: {why}"}]}
    assert (await admin.told("GET", "/tickets"))["count"] == 0


async def test_empty_fields_that_have_no_place_here_are_passed_over(admin: Client) -> None:
    await admin.opened(group_id=None, custom_fields=[], external_id="")


async def test_a_list_is_read_whole_by_a_cursor_and_by_counting(admin: Client) -> None:
    opened = [(await admin.opened(subject=f"No. {number}"))["id"] for number in range(5)]
    for path in ("/tickets?page[size]=2", "/tickets.json?per_page=2", "/search?query=type:ticket&per_page=2"):
        ids, there = [], path
        while there:
            told = await admin.told("GET", there)
            ids += [each["id"] for each in told.get("tickets", told.get("results"))]
            there = told["links"]["next"] if "links" in told else told["next_page"]
        assert sorted(ids) == opened, path
    assert (await admin.told("GET", "/search/count?query=status:new"))["count"] == 5
    assert (await admin.told("GET", "/tickets?per_page=100&page=11", 422))["error"] == "invalid"
    sealed = (await admin.told("GET", "/tickets?page[size]=2"))["meta"]["after_cursor"]
    await admin.told("GET", "/users?page[size]=2&page[after]=" + sealed, 400)


async def test_a_search_that_cannot_be_made_is_refused(admin: Client) -> None:
    for query in ("-status:new", "created>2026-01-01", "status:new status:open", "via:mail", "assignee:eve"):
        assert (await admin.told("GET", "/search", 400, params={"query": query}))["error"] == "RecordInvalid"


async def test_a_search_narrows_by_what_zendesk_calls_it(house: House, admin: Client) -> None:
    one = await admin.opened(priority="urgent", status="solved")
    two = await admin.opened(tags=["tents"], assignee_email="ada@acme.example")
    ada = two["assignee_id"]
    for query, ids in (
        ("status:solved", [one["id"]]),
        ("status<solved", [two["id"]]),
        ("priority:urgent", [one["id"]]),
        ("tags:tents", [two["id"]]),
        ("tags:boots", []),
        ("assignee:none", [one["id"]]),
        (f"assignee:{ada}", [two["id"]]),
        ("type:ticket requester:zoe@example.com status:solved", [one["id"]]),
    ):
        told = await admin.told("GET", "/search", params={"query": query})
        assert [each["id"] for each in told["results"]] == ids, query


async def test_what_was_said_comes_in_order_page_by_page(house: House, admin: Client) -> None:
    ticket = await admin.opened()
    path = f"/tickets/{ticket['id']}"
    for number in range(5):
        comment = {"body": f"word {number}", "public": number % 2 == 0}
        status = {"status": "pending"} if number == 0 else {}
        told = await admin.told("PUT", path, json={"ticket": {"comment": comment, **status}})
        assert told["audit"]["events"][0]["body"] == f"word {number}"
    words = ["It is wet.", *(f"word {number}" for number in range(5))]
    for asked in ("page[size]=1", "page[size]=2", "per_page=3"):
        said, there = [], f"{path}/comments?{asked}"
        while there:
            told = await admin.told("GET", there)
            said += told["comments"]
            there = told["links"]["next"] if "links" in told else told["next_page"]
        assert [each["body"] for each in said] == words, asked
    assert said[0]["author_id"] == ticket["requester_id"]
    assert (await admin.told("GET", path))["ticket"]["status"] == "pending"


async def test_a_change_of_what_was_not_seen_is_a_conflict(house: House, admin: Client) -> None:
    ticket = await admin.opened()
    stale = {"safe_update": True, "updated_stamp": "2020-01-01T00:00:00Z", "status": "open"}
    path = f"/tickets/{ticket['id']}"
    assert (await admin.told("PUT", path, 409, json={"ticket": stale}))["error"] == "UpdateConflict"
    fresh = stale | {"updated_stamp": ticket["updated_at"]}
    assert (await admin.told("PUT", path, json={"ticket": fresh}))["ticket"]["status"] == "open"


async def test_the_same_key_of_idempotency_opens_one_ticket(admin: Client) -> None:
    sent = [
        await admin.post("/tickets", json={"ticket": NEW}, headers={"idempotency-key": "one"})
        for _ in range(2)
    ]

    assert [each.headers["x-idempotency-lookup"] for each in sent] == ["miss", "hit"]
    assert sent[0].content == sent[1].content
    assert (await admin.told("GET", "/tickets"))["count"] == 1


async def test_tags_are_set_added_and_taken_off(house: House, admin: Client) -> None:
    ticket = await admin.opened(tags=["Tents"])
    path = f"/tickets/{ticket['id']}/tags.json"
    assert await admin.told("PUT", path, json={"tags": ["boots"]}) == {"tags": ["boots", "Tents"]}
    assert await admin.told("DELETE", path, json={"tags": ["tents"]}) == {"tags": ["boots"]}
    assert await admin.told("POST", path, json={"tags": []}) == {"tags": []}
    assert [each["name"] for each in (await admin.told("GET", "/tags"))["tags"]] == ["boots", "Tents"]
    async with Client(house, await key_of(house)) as agent:
        refused = await agent.told("PUT", path, 422, json={"tags": ["unheard-of"]})
    assert refused["details"]["tags"][0]["error"] == "unknown"


async def test_somebody_who_is_known_is_not_added_twice_nor_made_an_agent(admin: Client) -> None:
    body = {"user": {"email": "zoe@example.com", "name": "Zoe", "suspended": True}}
    zoe = (await admin.told("POST", "/users", 201, json=body))["user"]
    assert zoe["suspended"]
    assert (await admin.told("POST", "/users", 409, json=body))["error"] == "KnownContact"
    path = f"/users/{zoe['id']}"
    for more in ({"role": "admin"}, {"email": "eve@example.com"}):
        await admin.told("PUT", path, 422, json={"user": {"name": "Zoe"} | more})
    assert (await admin.told("PUT", path, json={"user": {"suspended": False}}))["user"]["name"] == "Zoe"


async def test_an_upload_can_be_added_to_and_taken_back(house: House, admin: Client) -> None:
    async def upload(**query: str) -> Any:
        return (await admin.told("POST", "/uploads", 201, params=query, content=b"Hello"))["upload"]

    first = await upload(filename="one.txt")
    both = await upload(filename="zwei ü.txt", token=first["token"])
    gone = await upload(filename="three.txt")
    assert (await admin.delete(f"/uploads/{gone['token']}.json")).status_code == 204
    await admin.told("GET", f"/attachments/{gone['attachment']['id']}", 404)
    ticket = await admin.opened(comment={"body": "See.", "uploads": both["token"]})
    said = (await admin.told("GET", f"/tickets/{ticket['id']}/comments"))["comments"][0]
    assert [each["file_name"] for each in said["attachments"]] == ["one.txt", "zwei ü.txt"]
    got = await admin.get(said["attachments"][1]["content_url"])
    assert (got.status_code, got.content) == (200, b"Hello")


async def test_every_answer_says_what_is_left_and_the_last_how_long_to_wait(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limit.API, "rate", Rate(3, 10))
    answers = [await admin.get("/users/me") for _ in range(4)]

    assert [each.headers["x-rate-limit-remaining"] for each in answers] == ["2", "1", "0", "0"]
    assert {each.headers["x-rate-limit"] for each in answers} == {"3"}
    assert (answers[-1].status_code, answers[-1].json()["error"]) == (429, "TooMany")
    assert int(answers[-1].headers["retry-after"]) > 0


STRANGE = [
    b"",
    b"null",
    b'{"ticket":' * 5_000,
    b'{"ticket":{"subject":"\\ud800"}}',
    b'{"ticket":{"subject":"a\\u0000b","comment":{"body":"\\u0000"},"requester":{"email":"a@b.example"}}}',
    b'{"ticket":{"assignee_id":' + b"9" * 300 + b"}}",
    b'{"ticket":{"requester_id":-1,"comment":{"body":"Hello"}}}',
    b'{"user":{"email":"\\u0000"},"tags":[1]}',
]


async def test_strange_requests_are_no_fault_of_ours(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limit.API, "rate", Rate(10_000, 10))
    await admin.opened()
    for method, path, _ in OPERATIONS:
        here = path.replace("{number:number}", "1").replace("{token:str}", "x").replace("{name}", "x")
        if method == "GET":
            here += "?page=0&filename=%00&ids=1,%ff&query=%00"
        for body in [b""] if method == "GET" else STRANGE:
            kind = {"content-type": "application/json"}
            answer = await admin.request(method, here, content=body, headers=kind)
            assert answer.status_code < 500, (method, path, body, answer.text)
