"""When something goes wrong: pages with a sentence, never a traceback, never a bare page."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from parlour.web.forms import FIELDS_SIZE
from tests.house import Browser, House, behind_its_back

NEW = "/support/acme/ticket/new"


@pytest.fixture(autouse=True)
def log() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, with none of it printed."""
    with capture_logs() as lines:
        yield lines


def break_database(house: House, table: str) -> None:
    """As a disk that lost a piece would: pages that need the table cannot be made."""
    behind_its_back(house.app.parlour.settings, f"ALTER TABLE {table} RENAME TO {table}_gone")


@pytest.mark.parametrize("table", ["grants", "workspaces"])
async def test_a_fault_of_ours_is_a_page_that_says_so_and_nothing_else(
    house: House, visitor: Browser, table: str
) -> None:
    await house.open_ticket(visitor)
    break_database(house, table)
    page = await visitor.get("/support/acme")

    assert page.status_code == 500
    assert "Something went wrong" in page.text
    assert "This is our fault" in page.text
    assert page.headers["content-security-policy"]
    for inside in ("Traceback", "sqlite", "psycopg", "no such table", "does not exist", "site-packages"):
        assert inside not in page.text


@pytest.mark.parametrize("table", ["grants", "workspaces"])
async def test_a_fault_keeps_the_portals_layout_as_long_as_there_is_one(
    house: House, visitor: Browser, table: str
) -> None:
    await house.open_ticket(visitor)
    break_database(house, table)
    page = await visitor.get("/support/acme")

    assert ("Acme Outdoor" in page.text) is (table == "grants")


async def test_a_fault_at_the_desk_is_a_page_too(house: House, desk: Browser) -> None:
    break_database(house, "sessions")
    page = await desk.get(f"/workspace/{house.workspace.workspace_id}")

    assert page.status_code == 500
    assert "Something went wrong" in page.text


async def test_only_an_address_that_has_a_page_is_tried_again(house: House, desk: Browser) -> None:
    here = f"/workspace/{house.workspace.workspace_id}"
    token = await desk.csrf(here)
    break_database(house, "sessions")
    of_nothing_but_a_form = f"{here}/replies/{house.ada}/delete"
    page, form = await desk.get(here), await desk.post(of_nothing_but_a_form, data={"csrf": token})

    assert (page.status_code, form.status_code) == (500, 500)
    assert "Try again" in page.text
    assert "Try again" not in form.text


async def test_a_program_is_told_of_a_fault_in_json(house: House, visitor: Browser) -> None:
    break_database(house, "workspaces")
    answer = await visitor.get("/support/acme", headers={"accept": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (500, "error")


async def test_a_fault_is_in_the_log_with_its_traceback(
    house: House, visitor: Browser, log: list[MutableMapping[str, Any]]
) -> None:
    break_database(house, "workspaces")
    await visitor.get("/support/acme")
    errors = [line for line in log if line["log_level"] == "error"]

    assert [(line["path"], line["exc_info"]) for line in errors] == [("/support/acme", True)]


async def test_after_a_fault_the_next_request_is_served(house: House, visitor: Browser) -> None:
    break_database(house, "grants")
    await visitor.get("/support/acme")

    assert (await visitor.get("/auth/login")).status_code == 200


# ------------------------------------------------------------------------------------------ too much


async def huge(browser: Browser, path: str, **headers: str) -> httpx.Response:
    body = b"subject=" + b"x" * FIELDS_SIZE
    form = {"content-type": "application/x-www-form-urlencoded", **headers}
    return await browser.post(path, content=body, headers=form)


@pytest.mark.parametrize("path", [NEW, "/auth/login", "/support/acme/access", "/auth/logout"])
async def test_a_huge_body_is_refused_with_a_sentence(visitor: Browser, path: str) -> None:
    page = await huge(visitor, path)

    assert page.status_code == 413
    assert "That was too much at once" in page.text
    assert page.headers["content-security-policy"]


async def test_a_huge_body_without_a_length_is_cut_off(visitor: Browser) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"subject=" + b"x" * 8192

    form = {"content-type": "application/x-www-form-urlencoded"}
    page = await visitor.post(NEW, content=endless(), headers=form)

    assert page.status_code == 413
    assert "That was too much at once" in page.text


async def test_the_longest_form_that_people_can_type_still_fits(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor, subject="ü" * 200, description="👩" * 20_000)

    assert len(ticket.description) == 20_000


@pytest.mark.parametrize("length", ["-1", "abc", "99999999999999999999"])
async def test_a_length_that_cannot_be_is_no_crash(visitor: Browser, length: str) -> None:
    headers = {"content-length": length, "content-type": "application/x-www-form-urlencoded"}
    answer = await visitor.post(NEW, content=b"subject=x", headers=headers)

    assert 400 <= answer.status_code < 500


# ------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize("path", ["/support/acme", "/support/acme/ticket/new", "/auth/login", "/healthz"])
async def test_a_slash_too_many_leads_to_the_page(visitor: Browser, path: str) -> None:
    answer = await visitor.get(f"{path}/")

    assert answer.status_code == 307
    assert httpx.URL(answer.headers["location"]).path == path


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example/support/acme/", "/\\evil.example/"])
async def test_a_slash_too_many_leads_to_no_other_site(visitor: Browser, path: str) -> None:
    answer = await visitor.get(f"http://parlour.test{path}")

    assert answer.status_code in (307, 404)
    assert httpx.URL("http://parlour.test").join(answer.headers.get("location", "/")).host == "parlour.test"


@pytest.mark.parametrize("path", ["/nowhere", "/support", "/workspace", "/static", "/support/acme/nowhere"])
async def test_an_unknown_address_is_a_page_that_leads_on(visitor: Browser, path: str) -> None:
    page = await visitor.get(path)

    assert page.status_code == 404
    assert "There is nothing here" in page.text
    assert "Go to the start page" in page.text or "Back to support" in page.text


async def test_a_program_is_told_of_an_unknown_address_in_json(visitor: Browser) -> None:
    answer = await visitor.get("/nowhere", headers={"accept": "application/json"})

    assert answer.json() == {"code": "not_found", "message": "We could not find that."}


@pytest.mark.parametrize("path", ["/api/", "/api/v9/tickets", "/api//v1/me"])
async def test_below_the_api_an_unknown_address_is_a_problem_whatever_was_asked_for(
    visitor: Browser, path: str
) -> None:
    answer = await visitor.get(path, headers={"accept": "text/html"})

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("host", ["evil.example", "[", "a b", "x:99999", "", "evil.example/support"])
async def test_a_strange_host_breaks_nothing(visitor: Browser, host: str) -> None:
    page = await visitor.get("/support/acme", headers={"host": host})

    assert page.status_code == 421
    assert "evil.example" not in page.text
