"""A request names us, or this machine; any other name is refused, but for what probes look at."""

import pytest

from tests.house import Browser, House
from tests.people import knock

EVIL = {"host": "evil.example", "origin": "http://evil.example"}


@pytest.mark.parametrize(
    "host", ["evil.example", "parlour.test.evil.example", "10.0.0.7", "", "parlour.test@evil"]
)
async def test_another_name_is_refused_with_a_word_for_whoever_runs_this(visitor: Browser, host: str) -> None:
    answer = await visitor.get("/auth/login", headers={"host": host})

    assert answer.status_code == 421
    assert "PARLOUR_BASE_URL" in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "host",
    ["parlour.test", "PARLOUR.test.", "parlour.test:8080", "localhost:8000", "127.0.0.1", "[::1]:8000"],
)
async def test_our_own_name_and_this_machines_are_known(visitor: Browser, host: str) -> None:
    assert (await visitor.get("/auth/login", headers={"host": host})).status_code == 200


async def test_a_program_reads_a_problem_when_it_asks_by_another_name(visitor: Browser) -> None:
    first = await visitor.get("/api/v1/me", headers={"host": "evil.example"})
    second = await visitor.get("/api/v2/tickets.json", headers={"host": "evil.example"})

    assert (first.status_code, first.headers["content-type"]) == (421, "application/problem+json")
    assert first.json()["code"] == "wrong_host"
    assert "evil.example" not in first.text
    assert (second.status_code, second.json()["error"]) == (421, "WrongHost")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_may_ask_by_any_name(visitor: Browser, path: str) -> None:
    assert (await visitor.get(path, headers={"host": "10.0.0.7:8000"})).status_code == 200


async def test_a_form_whose_host_and_origin_agree_with_each_other_but_not_with_us_does_nothing(
    visitor: Browser,
) -> None:
    token = await visitor.csrf()
    answer = await visitor.post(
        "/auth/forgot", data={"csrf": token, "email": "ada@acme.example"}, headers=EVIL
    )

    assert answer.status_code == 421


async def test_a_socket_that_came_for_another_name_is_refused(house: House, desk: Browser) -> None:
    address = f"/realtime?workspace={house.workspace.workspace_id}"

    assert await knock(house, desk, address, EVIL["origin"], EVIL["host"]) == "1000"
