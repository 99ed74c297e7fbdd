"""The way in for programs: keys, limits, problems, what comes once, and what is no request at all."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from parlour.db.database import Tx
from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.api import door, units
from parlour.features.api.answers import Answer, Once
from parlour.features.api.catalogue import OPERATIONS
from parlour.features.api.shapes import NewTicket
from parlour.features.api.v2 import door as v2_door
from parlour.features.tickets.canned import service as canned
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Actor, Role
from parlour.web.limits import Limit
from parlour.web.windows import Rate
from tests.features.api.test_files import brought
from tests.features.api.test_tickets import NEW, opened
from tests.house import ORIGIN, Browser, House
from tests.programs import Program, key_of, program
from tests.tickets import ada

HOOK = {"url": "https://127.0.0.1/hook", "events": ["ticket.created"]}
BODIES = {
    "POST /tickets": NEW,
    "PATCH /tickets/{ticket_id}": {"priority": "high"},
    "POST /tickets/{ticket_id}/messages": {"content": "Hello"},
    "POST /contacts": {"email": "nia@example.com"},
    "PATCH /contacts/{contact_id}": {"note": "Calls."},
    "POST /webhooks": HOOK,
    "PATCH /webhooks/{webhook_id}": {"events": ["note.created"]},
    "POST /webhooks/{webhook_id}/replay": {"after": "2026-11-01T00:00:00Z", "before": "2026-11-02T00:00:00Z"},
}
MAY = {
    "viewer": (Role.VIEWER, Role.AGENT, Role.ADMIN),
    "agent": (Role.AGENT, Role.ADMIN),
    "admin": (Role.ADMIN,),
}


async def ask(api: Program, operation: str, ids: dict[str, str]) -> Any:
    method, path = operation.split()
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    headers = {"if-match": "*"} if method == "PATCH" else {}
    if path == "/mail":
        headers = {"content-type": "message/rfc822"}
        return await api.post(path, content=b"To: support@acme.example\n\nHello", headers=headers)
    if path == "/files":
        return await api.post(path, params={"ticket_id": ids["ticket_id"], "name": "a"}, content=b"Hello")
    merging = {"into": ids["into"], "two_people": True} if path.endswith("/merge") else None
    return await api.request(method, path, json=BODIES.get(operation, merging), headers=headers)


@pytest.mark.parametrize("role", MAY["viewer"])
async def test_every_operation_is_open_to_the_roles_that_the_contract_names(
    house: House, visitor: Browser, role: Role
) -> None:
    await house.as_system(mailboxes.add, "support@acme.example")
    ticket = await house.open_ticket(visitor)
    async with program(house) as colleague:
        file = (await brought(colleague, str(ticket.ticket_id)))["files"][0]["file_id"]
        into = (await opened(colleague))["ticket_id"]
    async with program(house, Role.ADMIN) as manager:
        hook = (await manager.made("/webhooks", HOOK))["webhook_id"]
        tried = (await manager.post(f"/webhooks/{hook}/test")).json()["delivery_id"]
    async with program(house, role) as api, program(house, Role.ADMIN, slug="other") as stranger:
        contact = (await api.read("/contacts"))["items"][0]["contact_id"]
        ids = {"ticket_id": str(ticket.ticket_id), "contact_id": contact, "file_id": file}
        ids |= {"webhook_id": hook, "delivery_id": tried, "into": into}
        for each in OPERATIONS:
            name = f"{each.method} {each.path}"
            async with Program(house, "") as nobody:
                assert (await ask(nobody, name, ids)).status_code == 401, name
            if "{" in each.path or each.path == "/files":
                assert (await ask(stranger, name, ids)).status_code == 404, name
            expected = each.status if role in MAY[each.role] else 403
            assert (await ask(api, name, ids)).status_code == expected, name


async def test_a_key_says_who_it_is(house: House, api: Program) -> None:
    me = await api.read("/me")
    place = house.workspace

    assert (me["name"], me["role"]) == ("Importer", "agent")
    assert me["workspace"] == {"workspace_id": str(place.workspace_id), "slug": "acme", "name": place.name}


async def test_what_people_work_with_is_listed(house: House, api: Program) -> None:
    members = await api.read("/members")

    assert [(each["name"], each["role"]) for each in members["items"]] == [("Ada Moreau", "owner")]
    for path in ("/tags", "/canned-replies", "/views"):
        assert await api.read(path) == {"items": [], "next": None}


async def test_programs_get_all_of_a_canned_reply_however_long_it_is(house: House, api: Program) -> None:
    text = " ".join(["lorem"] * 3_000)
    await house.db.write(ada(house), canned.add, "Long", text, shared=True)

    assert [each["content"] for each in (await api.read("/canned-replies"))["items"]] == [text]


async def test_a_revoked_key_is_refused_from_the_next_request_on(house: House, api: Program) -> None:
    assert (await api.get("/me")).status_code == 200
    [key] = await house.db.read(ada(house), api_keys.every)
    assert key.last_used_at is not None
    await house.db.write(ada(house), api_keys.revoke, key.key_id)

    answer = await api.get("/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_key")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/contacts", "/mail", "/api/v2/tickets"])
async def test_a_key_that_is_revoked_while_a_body_comes_slowly_does_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    for module in (door, v2_door):
        monkeypatch.setattr(module, "AT_ONCE_SECONDS", 0.0)
    await house.as_system(mailboxes.add, "support@acme.example")
    async with program(house, Role.ADMIN) as api:
        [key] = await house.db.read(ada(house), api_keys.every)

        async def slowly() -> AsyncIterator[bytes]:
            yield b"To: support@acme.example\n\n" if path == "/mail" else b'{"email": '
            await house.db.write(ada(house), api_keys.revoke, key.key_id)
            yield b'"nia@example.com"}'

        kind = {"content-type": "message/rfc822" if path == "/mail" else "application/json"}
        address = f"{ORIGIN}{path}" if path.startswith("/api") else path
        answer = await api.post(address, content=slowly(), headers=kind)

    assert answer.status_code == 401


async def test_only_a_whole_key_as_a_bearer_lets_in(house: House) -> None:
    token = await key_of(house)
    async with Program(house, "") as api:
        for header in ("", "Bearer", "Bearer x", "Basic {token}", "{token}", "Bearer {token}x", "Bearer é"):
            given = header.format(token=token).encode("latin-1")
            assert (await api.get("/me", headers=[(b"authorization", given)])).status_code == 401, header
        assert (await api.get("/me", params={"access_token": token})).status_code == 401
        assert (await api.get("/me", headers={"authorization": f"bearer  {token}"})).status_code == 200


async def test_a_signed_in_browser_is_no_program(house: House, desk: Browser) -> None:
    assert (await desk.get("/api/v1/me")).status_code == 401


async def test_what_a_key_was_refused_stands_in_the_trail(house: House, desk: Browser) -> None:
    async with program(house, Role.VIEWER) as api:
        for _ in range(2):
            assert (await api.post("/tickets", json=NEW)).status_code == 403
    trail = (await desk.get(f"/workspace/{house.workspace.workspace_id}/settings/audit")).text

    assert "Importer (API key)" in trail
    assert "POST /tickets, 127.0.0.1" in trail
    assert "2 times in an hour" in trail


async def test_answers_say_what_is_left_and_the_limit_counts_by_key(
    house: House, api: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limit.API, "rate", Rate(3, 10))
    left = [(await api.get("/me")).headers["ratelimit"] for _ in range(3)]
    refused = await api.get("/me")

    assert [each.partition(";t=")[0] for each in left] == ['"key";r=2', '"key";r=1', '"key";r=0']
    assert refused.status_code == 429
    assert refused.headers["ratelimit-policy"] == '"key";q=3;w=10'
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert refused.json()["code"] == "too_many"
    async with program(house) as other:
        assert (await other.get("/me")).status_code == 200


WRONG = [
    ("GET", "/nothing", 404, "not_found"),
    ("GET", "/", 404, "not_found"),
    ("GET", "/tickets/", 404, "not_found"),
    ("GET", f"/tickets/{uuid4()}", 404, "unknown_ticket"),
    ("GET", "/tickets/1", 404, "unknown_ticket"),
    ("DELETE", "/tickets", 405, "method"),
    ("OPTIONS", "/tickets", 405, "method"),
    ("PUT", "/me", 405, "method"),
    ("GET", "/me?x=1", 400, "bad_query"),
    ("POST", "/tickets", 415, "not_json"),
]


async def test_whatever_goes_wrong_is_a_problem(api: Program) -> None:
    for method, path, status, code in WRONG:
        answer = await api.request(method, path, headers={"accept": "text/html"})
        told = answer.json()

        assert (answer.status_code, told["status"], told["code"]) == (status, status, code), path
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(told) - {"problems"} == {"type", "title", "status", "code", "detail"}
        assert answer.headers["cache-control"] == "no-store"
        if status == 405:
            allowed = {"/tickets": {"GET", "HEAD", "POST"}, "/me": {"GET", "HEAD"}}[path]
            assert set(answer.headers["allow"].split(", ")) == allowed


BAD_BODIES = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b"null", 400),
    (b'"x"', 400),
    (b"\xff\xfe", 400),
    (b'{"content": "\xff"}', 400),
    (b'{"content": "a\\ud800b"}', 400),
    (b'{"content": 1}', 400),
    (b'{"content": 1e999}', 400),
    (b'{"content": null}', 400),
    (b'{"content": "x", "sender": "me"}', 400),
    (b'{"content": "x", "note": "yes"}', 400),
    (b'{"content": "x", "note": 1' + b"0" * 5000 + b"}", 400),
    (b'{"content": "x", "client_id": "1"}', 400),
    (b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    (b'{"x": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}", 400),
    (b'{"content": "' + b"x" * 600_000 + b'"}', 413),
    (json.dumps({"content": "x" * 200_000}).encode(), 422),
    (b'{"content": "\\u0000"}', 422),
    (b'{"content": " \\u200b "}', 422),
]


async def test_a_body_that_cannot_be_taken_is_a_problem_and_never_a_fault(api: Program) -> None:
    """Half a surrogate pair is no JSON string; a NUL and an override are, and nobody misses them."""
    made = await opened(api)
    here, kind = f"/tickets/{made['ticket_id']}/messages", {"content-type": "application/json"}
    for body, status in BAD_BODIES:
        answer = await api.post(here, content=body, headers=kind)
        assert answer.status_code == status, (body[:40], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    answer = await api.post(here, content=b'{"content": "a\\u0000b\\u202ec"}', headers=kind)
    assert (answer.status_code, answer.json()["content"]) == (201, "abc")


async def test_a_body_with_a_name_that_comes_twice_is_refused_and_says_which(api: Program) -> None:
    """Which one counts is for each program to guess (RFC 8259, section 4), and another may have checked."""
    kind = {"content-type": "application/json"}
    for twice in (
        b'{"email": "nia@example.com", "email": "mallory@example.com"}',
        b'{"email": "nia@example.com", "\\u0065mail": "mallory@example.com"}',
    ):
        answer = await api.post("/contacts", content=twice, headers=kind)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_body")
        assert answer.json()["problems"] == {"body": "`email` comes twice"}
        nested = b'{"ticket": ' + twice + b"}"
        assert (
            await api.post(f"{ORIGIN}/api/v2/tickets.json", content=nested, headers=kind)
        ).status_code == 400
    assert (await api.read("/contacts"))["items"] == []


async def test_a_compressed_body_is_refused_and_never_kept_as_if_it_were_plain(api: Program) -> None:
    packed = {"content-encoding": "gzip"}
    for path in ("/contacts", "/files?name=a.txt", f"{ORIGIN}/api/v2/uploads.json?filename=a.txt"):
        kind = {"content-type": "application/json"} if path == "/contacts" else {}
        answer = await api.post(path, content=gzip.compress(b"{}"), headers={**packed, **kind})
        assert answer.status_code == 415, path
    plain = await api.post("/files?name=a.txt", content=b"Hello", headers={"content-encoding": "identity"})

    assert (plain.status_code, plain.json()["size"]) == (201, 5)


async def test_a_post_with_an_idempotency_key_is_done_once(api: Program) -> None:
    key = {"idempotency-key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    first = await api.post("/tickets", json=NEW, headers=key)
    again = await api.post("/tickets", json=NEW, headers=key)
    other = await api.post("/tickets", json={**NEW, "subject": "Another"}, headers=key)
    elsewhere = await api.post("/contacts", json={"email": "nia@example.com"}, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.content, first.headers["etag"], first.headers["location"]) == (
        again.content,
        again.headers["etag"],
        again.headers["location"],
    )
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    for refused in (other, elsewhere):
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await api.read("/tickets"))["items"]) == 1


async def test_a_key_is_kept_for_what_was_done_by_that_program_and_for_nothing_else(
    house: House, api: Program
) -> None:
    key = {"idempotency-key": "one"}
    refused = await api.post("/tickets", json={**NEW, "email": "x"}, headers=key)
    mended = await api.post("/tickets", json=NEW, headers=key)
    async with program(house, slug="other") as stranger, program(house) as colleague:
        theirs = await stranger.post("/tickets", json=NEW, headers=key)
        ours = await colleague.post("/tickets", json=NEW, headers=key)

    assert [each.status_code for each in (refused, mended, theirs, ours)] == [422, 201, 201, 201]
    assert len({each.json()["ticket_id"] for each in (mended, theirs, ours)}) == 3


async def test_of_two_at_the_same_moment_one_is_told_to_wait(api: Program) -> None:
    """On a busy machine the first may be done before the second comes: then they have another key."""
    for number in range(1, 21):
        key = {"idempotency-key": f"at once {number}"}
        both = await asyncio.gather(*(api.post("/tickets", json=NEW, headers=key) for _ in range(2)))
        if told_to_wait := [each for each in both if each.status_code == 409]:
            break
    [waits] = told_to_wait
    later = await api.post("/tickets", json=NEW, headers=key)

    assert sorted(each.status_code for each in both) == [201, 409]
    assert (waits.json()["code"], waits.headers["retry-after"]) == ("idempotency_key_in_use", "1")
    assert later.headers["idempotency-replayed"] == "true"
    assert len((await api.read("/tickets"))["items"]) == number


async def test_an_idempotency_key_that_is_none_is_refused(api: Program) -> None:
    for key in ("", "x" * 256, "a\tb"):
        answer = await api.post("/tickets", json=NEW, headers={"idempotency-key": key})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key"), key
    two = await api.post("/tickets", json=NEW, headers=[("idempotency-key", "a"), ("idempotency-key", "b")])
    assert two.json()["code"] == "bad_idempotency_key"


async def test_no_cookie_and_no_foreign_origin_is_let_in(api: Program) -> None:
    answer = await api.get("/me", headers={"origin": "https://elsewhere.example"})

    assert "set-cookie" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_of_two_nodes_at_the_same_moment_one_does_it_and_both_give_its_answer(
    house: House, api: Program
) -> None:
    """Past the door, whose process knows only of its own requests."""
    me = await api.read("/me")
    place = UUID(me["workspace"]["workspace_id"])
    actor = Actor.program(place, UUID(me["key_id"]), Role.AGENT, "Importer")

    def does(tx: Tx) -> Answer:
        made, _ = units.open_ticket(tx, NewTicket(NEW["subject"], NEW["description"], NEW["email"]))
        return Answer(str(made.ticket_id).encode())

    asked = Once("one", "the same words")
    given = await asyncio.gather(*(house.db.write(actor, units.once, asked, does) for _ in range(4)))

    assert len({each.body for each in given}) == 1
    assert sorted(each.replayed for each in given) == [False, True, True, True]
    assert len((await api.read("/tickets"))["items"]) == 1
