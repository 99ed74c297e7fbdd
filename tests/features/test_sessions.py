"""Where an agent is signed in: the list, ending one, ending all."""

import re
from contextlib import aclosing
from datetime import timedelta

import pytest
from sqlalchemy import select

from parlour.db.database import Tx
from parlour.db.schema import sessions
from parlour.features.accounts.devices import device_name
from parlour.kernel import clock
from parlour.kernel.access import Role
from parlour.kernel.events import AccessChanged
from tests.house import PASSWORD, Browser, House

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)


EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)
SAMSUNG = (
    "Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"
)
CHROME = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)


async def sign_in_with(house: House, user_agent: str, email: str = "ada@acme.example") -> Browser:
    browser = house.browser()
    browser.headers["user-agent"] = user_agent
    await browser.submit("/auth/login", {"email": email, "password": PASSWORD, "next": "/"})
    return browser


def ids(page: str) -> list[str]:
    return re.findall(r'name="session" value="([^"]*)"', page)


async def test_every_session_is_listed_with_its_device_and_the_present_one_is_marked(house: House) -> None:
    async with (
        aclosing(await sign_in_with(house, FIREFOX)) as here,
        aclosing(await sign_in_with(house, IPHONE)),
    ):
        page = (await here.get("/profile")).text

    assert page.index("Firefox on Linux") < page.index("This one") < page.index("Safari on iPhone")
    assert len(ids(page)) == 1


async def test_the_page_holds_nothing_of_a_session_but_a_short_id(house: House) -> None:
    async with (
        aclosing(await sign_in_with(house, FIREFOX)) as here,
        aclosing(await sign_in_with(house, IPHONE)),
    ):
        page = (await here.get("/profile")).text

    def hashes(tx: Tx) -> list[str]:
        return list(tx.execute(select(sessions.c.session_hash)).scalars())

    assert re.fullmatch(r"[0-9a-f]{12}", ids(page)[0])
    assert not [known for known in await house.as_system(hashes) if known[:12] in page]


async def test_ending_one_session_leaves_the_others(house: House, desk: Browser) -> None:
    async with (
        aclosing(await sign_in_with(house, FIREFOX)) as second,
        aclosing(await sign_in_with(house, IPHONE)) as third,
    ):
        page = (await desk.get("/profile")).text
        one = ids(page)[0] if page.index("iPhone") < page.index("Firefox on Linux") else ids(page)[1]
        answer = await desk.submit("/profile/sessions/end", {"session": one}, page="/profile")
        statuses = [(await browser.get("/profile")).status_code for browser in (desk, second, third)]

    assert answer.headers["location"].startswith("/profile")
    assert statuses == [200, 200, 303]


async def test_nobody_ends_the_session_of_somebody_else(house: House, desk: Browser) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT)
    async with (
        aclosing(await sign_in_with(house, FIREFOX, "ben@acme.example")) as ben,
        aclosing(await sign_in_with(house, IPHONE, "ben@acme.example")),
    ):
        theirs = ids((await ben.get("/profile")).text)[0]
        await desk.submit("/profile/sessions/end", {"session": theirs}, page="/profile")

        assert ids((await ben.get("/profile")).text) == [theirs]


@pytest.mark.parametrize("shown_id", ["", "0" * 12, "%", "x" * 500])
async def test_an_unknown_session_is_over_already(desk: Browser, shown_id: str) -> None:
    answer = await desk.submit("/profile/sessions/end", {"session": shown_id}, page="/profile")

    assert answer.status_code == 303
    assert (await desk.get("/profile")).status_code == 200


async def test_signing_out_everywhere_ends_every_session_of_this_account_only(
    house: House, desk: Browser
) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT)
    async with (
        aclosing(await house.sign_in()) as other,
        aclosing(await house.sign_in("ben@acme.example")) as ben,
    ):
        answer = await desk.submit("/profile/sessions/end-all", {}, page="/profile")
        statuses = [(await browser.get("/profile")).status_code for browser in (desk, other, ben)]

    assert answer.headers["location"] == "/auth/login"
    assert statuses == [303, 303, 200]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/profile/sessions/end-all", {}),
        ("/profile/password", {"password": PASSWORD, "new_password": "a rather long new password"}),
        ("/auth/logout", {}),
    ],
)
async def test_whatever_ends_sessions_makes_the_open_sockets_prove_themselves(
    house: House, desk: Browser, path: str, fields: dict[str, str]
) -> None:
    seen: list[object] = []
    house.db.on_commit(seen.extend)
    await desk.submit(path, fields, page="/profile")

    assert AccessChanged(house.workspace.workspace_id, user_id=house.ada) in seen


async def test_sessions_that_ended_by_themselves_are_not_listed(house: House) -> None:
    with clock.at(clock.now() - timedelta(hours=13)):
        forgotten = await sign_in_with(house, IPHONE)
    async with aclosing(forgotten), aclosing(await sign_in_with(house, FIREFOX)) as here:
        page = (await here.get("/profile")).text

    assert "iPhone" not in page


async def test_signing_in_again_renews_the_session(desk: Browser) -> None:
    before = desk.cookies["parlour_session"]
    fields = {"email": "ada@acme.example", "password": PASSWORD, "next": "/"}
    await desk.submit("/auth/login", fields, page="/profile")

    assert desk.cookies["parlour_session"] != before


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        (SAMSUNG, "Samsung Internet on Android"),
        (CHROME, "Chrome on macOS"),
        ("curl/8.14", ""),
        ("<script>", ""),
    ],
)
def test_a_device_is_named_as_its_owner_knows_it(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name
