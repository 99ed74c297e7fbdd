"""An open page whose cookie is gone says so; its token is not right either, and that is not what ails it."""

from typing import Any
from uuid import uuid4

import pytest

from parlour.web.session import ticket_cookie
from tests.house import Browser, House

JSON = {"accept": "application/json"}


def desk_of(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}"


async def post_as_script(browser: Browser, token: str, path: str, **form: Any) -> tuple[int, str]:
    answer = await browser.post(path, headers={**JSON, "x-csrf-token": token}, **form)
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("path", ["chat", "notes", "files"])
@pytest.mark.parametrize("left", ["the browser's own cookie", "nothing"])
async def test_an_agent_without_a_session_is_told_that_they_are_signed_out(
    house: House, visitor: Browser, desk: Browser, path: str, left: str
) -> None:
    ticket = await house.open_ticket(visitor)
    here = f"{desk_of(house)}/tickets/{ticket.ticket_id}"
    token = await desk.csrf(here)
    del desk.cookies["parlour_session"]
    if left == "nothing":
        desk.cookies.clear()

    form = {"client_id": str(uuid4()), "content": "Hello"}
    sent = {"files": {"files": ("a.txt", b"a")}} if path == "files" else {"data": form}
    refused = await post_as_script(desk, token, f"{here}/{path}", **sent)

    assert refused == (401, "signed_out")


async def test_an_agent_who_has_signed_in_anew_is_asked_to_load_the_page_again(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = f"{desk_of(house)}/tickets/{ticket.ticket_id}"
    token = await desk.csrf(here)
    async with await house.sign_in() as other:
        desk.cookies.set("parlour_session", other.cookies["parlour_session"], domain="parlour.test")
    form = {"client_id": str(uuid4()), "content": "Hello"}

    assert await post_as_script(desk, token, f"{here}/chat", data=form) == (403, "csrf")


async def test_a_customer_without_a_cookie_is_told_that_the_access_has_ended(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = f"/support/acme/ticket/{ticket.ticket_id}/chat"
    token = await visitor.csrf(here)
    form = {"client_id": str(uuid4()), "content": "Hello"}
    del visitor.cookies[ticket_cookie(ticket.ticket_id)]
    without_key = await post_as_script(visitor, token, here, data=form)
    visitor.cookies.clear()
    without_any = await post_as_script(visitor, token, here, data=form)

    assert without_key == without_any == (403, "no_access")


async def test_who_signs_out_once_more_is_led_to_the_sign_in(house: House, desk: Browser) -> None:
    token = await desk.csrf(desk_of(house))
    del desk.cookies["parlour_session"]
    answer = await desk.post("/auth/logout", data={"csrf": token})
    elsewhere = {"origin": "https://evil.example"}
    foreign = await desk.post("/auth/logout", data={"csrf": token}, headers=elsewhere)

    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/login")
    assert foreign.status_code == 403


async def test_a_change_in_the_panel_leads_to_the_sign_in(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = f"{desk_of(house)}/tickets/{ticket.ticket_id}"
    token = await desk.csrf(here)
    del desk.cookies["parlour_session"]
    headers = {"hx-request": "true", "hx-current-url": f"http://parlour.test{here}", "x-csrf-token": token}

    answer = await desk.post(f"{here}/status", data={"status": "open", "version": "1"}, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/auth/login?next=")


@pytest.mark.parametrize("query", ["", "?before=junk", "?notes=-1"])
async def test_whoever_is_signed_out_is_led_to_the_sign_in_before_an_address_is_judged(
    house: House, visitor: Browser, desk: Browser, query: str
) -> None:
    ticket = await house.open_ticket(visitor)
    here = f"{desk_of(house)}/tickets/{ticket.ticket_id}{query}"
    known = await desk.get(here)
    del desk.cookies["parlour_session"]
    answer = await desk.get(here)

    assert known.status_code == (404 if query else 200)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/auth/login")
