"""The cookies' flags, on http and on https."""

import re
from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.house import PASSWORD, Browser, House, open_house

DESK = "https://desk.example"


def cookies_of(answer: httpx.Response) -> dict[str, "Morsel[str]"]:
    jar: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        jar.load(line)
    return dict(jar)


async def open_ticket(browser: Browser) -> httpx.Response:
    fields = {"subject": "S", "description": "D", "email": "m@example.com", "client_id": str(uuid4())}
    return await browser.submit("/support/acme/ticket/new", fields, page="/support/acme/ticket/new")


async def sign_in(browser: Browser) -> httpx.Response:
    return await browser.submit("/auth/login", {"email": "ada@acme.example", "password": PASSWORD})


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, PARLOUR_BASE_URL=DESK) as house:
        yield house


@pytest.fixture
async def secure_browser(secure: House) -> AsyncIterator[Browser]:
    async with secure.browser() as browser:
        browser.base_url = httpx.URL(DESK)
        browser.headers["origin"] = DESK
        yield browser


def kind(name: str) -> str:
    """Without what makes it another cookie for each ticket and each first page."""
    found = re.match(r"(?:__Host-)?parlour_[a-z]+", name)
    return found[0] if found else name


async def test_on_http_every_cookie_is_out_of_reach_of_scripts_and_of_other_sites_forms(
    visitor: Browser,
) -> None:
    answers = [await visitor.get("/support/acme"), await open_ticket(visitor), await sign_in(visitor)]
    cookies = {name: morsel for answer in answers for name, morsel in cookies_of(answer).items()}

    kinds = {kind(name) for name in cookies}
    assert kinds == {"parlour_browser", "parlour_ticket", "parlour_session", "parlour_known"}
    for morsel in cookies.values():
        assert (morsel["httponly"], morsel["samesite"].lower(), morsel["path"]) == (True, "lax", "/")
        assert (morsel["secure"], morsel["domain"]) == ("", "")
        assert int(morsel["max-age"]) > 0


async def test_on_https_every_cookie_belongs_to_this_host_alone(secure_browser: Browser) -> None:
    answers = [
        await secure_browser.get("/support/acme"),
        await open_ticket(secure_browser),
        await sign_in(secure_browser),
    ]
    cookies = {name: morsel for answer in answers for name, morsel in cookies_of(answer).items()}

    kinds = {kind(name) for name in cookies}
    kinds_here = {f"__Host-parlour_{one}" for one in ("browser", "ticket", "session", "known")}
    assert kinds == kinds_here
    for morsel in cookies.values():
        assert (morsel["secure"], morsel["httponly"], morsel["samesite"].lower()) == (True, True, "lax")
        assert (morsel["path"], morsel["domain"]) == ("/", "")


async def test_on_https_a_cookie_that_another_host_could_have_set_is_no_cookie(
    secure: House, secure_browser: Browser
) -> None:
    await sign_in(secure_browser)
    token = secure_browser.cookies["__Host-parlour_session"]
    async with secure.browser() as planted:
        headers = {"cookie": f"parlour_session={token}"}
        answer = await planted.get(f"{DESK}/workspace/{secure.workspace.workspace_id}", headers=headers)

    assert answer.status_code == 303


async def test_each_secret_is_long_and_used_once(house: House) -> None:
    secrets = set()
    for number in range(5):
        async with house.browser(f"10.0.0.{number}") as browser:
            await open_ticket(browser)
            await sign_in(browser)
            secrets |= set(browser.cookies.values())

    assert len(secrets) == 20
    assert min(len(secret) for secret in secrets) >= 32


async def test_signing_out_takes_the_cookie_back(house: House, desk: Browser) -> None:
    home = f"/workspace/{house.workspace.workspace_id}"
    answer = await desk.submit("/auth/logout", {"leave": "now"}, page=home)
    morsel = cookies_of(answer)["parlour_session"]

    assert (morsel.value, morsel["max-age"], morsel["path"]) == ("", "0", "/")


async def test_a_browser_that_has_its_cookie_gets_no_other(visitor: Browser) -> None:
    await visitor.get("/support/acme")
    again = await visitor.get("/support/acme")

    assert cookies_of(again) == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_chosen_theme_is_shown_from_the_first_byte(visitor: Browser, theme: str) -> None:
    visitor.cookies.set("theme", theme)

    assert f'class="{theme}"' in (await visitor.get("/support/acme")).text


async def test_nonsense_for_a_theme_is_none(visitor: Browser) -> None:
    visitor.cookies.set("theme", "x onload=alert")

    assert 'dir="ltr" class="" ' in (await visitor.get("/support/acme")).text
