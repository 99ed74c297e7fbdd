"""Signing in and out."""

import re
import time
from contextlib import aclosing
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import update

from parlour.db.schema import users
from parlour.features.accounts import passwords
from parlour.features.accounts import service as accounts
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.house import ORIGIN, PASSWORD, Browser, House, comparable
from tests.people import knock

EMAIL = "ada@acme.example"
LOGIN = "/auth/login"


async def sign_in(
    browser: Browser, email: str = EMAIL, password: str = PASSWORD, **more: str
) -> httpx.Response:
    return await browser.submit(LOGIN, {"email": email, "password": password, **more})


async def test_the_right_password_opens_the_desk(house: House, visitor: Browser) -> None:
    answer = await sign_in(visitor)
    start = await visitor.get(answer.headers["location"])
    home = await visitor.get(start.headers["location"])

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert start.headers["location"] == f"/workspace/{house.workspace.workspace_id}"
    assert "Ada Moreau" in home.text


@pytest.mark.parametrize("email", ["ADA@acme.example", "  ada@acme.example "])
async def test_an_address_may_be_typed_in_capitals_or_with_spaces(visitor: Browser, email: str) -> None:
    assert (await sign_in(visitor, email)).status_code == 303


@pytest.mark.parametrize("email", ["nobody@acme.example", "not an address", "", "ada@acme.example\x00"])
async def test_an_unknown_address_gets_the_answer_of_a_wrong_password(visitor: Browser, email: str) -> None:
    wrong = await sign_in(visitor, EMAIL, "wrong password")
    unknown = await sign_in(visitor, email, "wrong password")

    assert (wrong.status_code, unknown.status_code) == (422, 422)
    if email.strip("\x00") == email and email:
        assert comparable(wrong.text, EMAIL) == comparable(unknown.text, email)
    assert "do not go together" in unknown.text


async def test_an_unknown_address_takes_as_long_as_a_known_one(house: House) -> None:
    async def seconds(email: str) -> float:
        """Processor time of the one check, the shortest of several: what a clock outside could average to."""
        taken = []
        for _ in range(3):
            started = time.process_time()
            with pytest.raises(accounts.WrongCredentials):
                await accounts.sign_in(house.db, email, "wrong password", None)
            taken.append(time.process_time() - started)
        return min(taken)

    in_earnest = passwords.hash_password(PASSWORD)
    await house.as_system(accounts.create_agent, "new@acme.example", "New", PASSWORD, in_earnest)

    known, unknown = await seconds("new@acme.example"), await seconds("nobody@acme.example")

    assert 0.5 < known / unknown < 2


@pytest.mark.parametrize(
    "password", ["", " ", PASSWORD.upper(), PASSWORD + " ", "x" * 5000, "\x00", "ü" * 500]
)
async def test_a_wrong_password_is_refused_and_never_shown_again(visitor: Browser, password: str) -> None:
    page = await sign_in(visitor, EMAIL, password)

    assert page.status_code == 422
    assert f'value="{EMAIL}"' in page.text
    assert re.search(r'id="password"[^>]*value=""', page.text)


async def test_a_disabled_account_cannot_sign_in(house: House, visitor: Browser) -> None:
    await house.add_agent("gone@acme.example", Role.AGENT)
    await disable(house, "gone@acme.example")

    assert (await sign_in(visitor, "gone@acme.example")).status_code == 422


async def disable(house: House, email: str) -> None:
    gone = update(users).where(users.c.email == email).values(disabled_at=clock.now())
    await house.db.write(Actor.system(), lambda tx: tx.execute(gone))


async def test_disabling_an_account_ends_its_sessions(house: House) -> None:
    await house.add_agent("gone@acme.example", Role.AGENT)
    async with aclosing(await house.sign_in("gone@acme.example")) as browser:
        await disable(house, "gone@acme.example")
        page = await browser.get(f"/workspace/{house.workspace.workspace_id}")

    assert page.status_code == 303


# ------------------------------------------------------------------------------------- where it leads


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/workspace/x/tickets?status=open", "/workspace/x/tickets?status=open"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("\t//evil.example", "/"),
        ("/%09/evil.example", "/%09/evil.example"),
        ("evil.example", "/"),
        ("", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/\x00", "/"),
        ("/workspace\\..\\evil", "/"),
    ],
)
async def test_signing_in_leads_on_to_a_page_of_ours_only(
    visitor: Browser, target: str, leads_to: str
) -> None:
    form = await visitor.get(LOGIN, params={"next": target})
    answer = await sign_in(visitor, next=target)
    again = await visitor.get(LOGIN, params={"next": target})

    assert form.status_code == 200
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)
    assert (again.status_code, again.headers["location"]) == (303, leads_to)
    assert httpx.URL(ORIGIN).join(answer.headers["location"]).host == "parlour.test"


async def test_whoever_has_to_sign_in_comes_back_to_the_page(house: House, visitor: Browser) -> None:
    page = f"/workspace/{house.workspace.workspace_id}/tickets?status=open&q=late+parcel"
    sent_away = await visitor.get(page)
    form = await visitor.get(sent_away.headers["location"])
    target = re.search(r'name="next" value="([^"]+)"', form.text)
    assert target
    answer = await sign_in(visitor, next=unescape(target[1]))

    assert answer.headers["location"] == page


@pytest.mark.parametrize(
    ("part", "seen", "leads_to"),
    [
        ("palette", "/tickets?status=open", "/tickets?status=open"),
        ("palette", "https://elsewhere.example/away?x=1", "/away?x=1"),
        ("tickets/views", "", "/"),
    ],
)
async def test_whoever_asked_for_a_part_of_a_page_comes_back_to_the_page(
    house: House, visitor: Browser, part: str, seen: str, leads_to: str
) -> None:
    home = f"/workspace/{house.workspace.workspace_id}"
    headers = {"hx-request": "true", "hx-current-url": seen and str(httpx.URL(ORIGIN).join(seen))}
    answer = await visitor.get(f"{home}/{part}", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == f"{LOGIN}?{urlencode({'next': leads_to})}"


# ------------------------------------------------------------------------------------- sessions


async def test_signing_in_ends_a_session_that_somebody_planted(house: House, visitor: Browser) -> None:
    await house.add_agent("mallory@other.example", Role.AGENT, house.other)
    async with aclosing(await house.sign_in("mallory@other.example", "10.6.6.6")) as mallory:
        planted = mallory.cookies["parlour_session"]
        visitor.cookies.set("parlour_session", planted, domain="parlour.test")
        token = await visitor.csrf("/support/acme")
        await visitor.post(LOGIN, data={"csrf": token, "email": EMAIL, "password": PASSWORD})
        mine = visitor.cookies["parlour_session"]
        theirs = await mallory.get("/")

    assert mine != planted
    assert "Sign in to the desk" in theirs.text


@pytest.mark.parametrize("planted", ["A" * 43, "x" * 64, "x" * 65, "", "../../etc/passwd"])
async def test_a_session_id_is_never_taken_from_outside(visitor: Browser, planted: str) -> None:
    visitor.cookies.set("parlour_session", planted, domain="parlour.test")
    await sign_in(visitor)

    assert visitor.cookies["parlour_session"] != planted
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", visitor.cookies["parlour_session"])


async def test_signing_in_twice_gives_two_sessions_and_ends_the_browsers_first(
    house: House, visitor: Browser
) -> None:
    await sign_in(visitor)
    first = visitor.cookies["parlour_session"]
    token = await visitor.csrf("/support/acme")
    await visitor.post(LOGIN, data={"csrf": token, "email": EMAIL, "password": PASSWORD})
    async with house.browser() as old:
        old.cookies.set("parlour_session", first)
        page = await old.get("/")

    assert visitor.cookies["parlour_session"] != first
    assert "Sign in to the desk" in page.text


async def test_after_signing_out_the_old_cookie_is_dead_everywhere(house: House, desk: Browser) -> None:
    old = desk.cookies["parlour_session"]
    home = f"/workspace/{house.workspace.workspace_id}"
    socket = f"/realtime?workspace={house.workspace.workspace_id}"
    answer = await desk.submit("/auth/logout", {"leave": "now"}, page=home)
    async with house.browser() as thief:
        thief.cookies.set("parlour_session", old)
        page, live = await thief.get(home), await knock(house, thief, socket)

    assert (answer.status_code, answer.headers["location"]) == (303, LOGIN)
    assert "parlour_session" not in desk.cookies
    assert (page.status_code, live) == (303, "4401")


async def test_signing_out_leaves_the_same_agents_other_browser_signed_in(
    house: House, desk: Browser
) -> None:
    home = f"/workspace/{house.workspace.workspace_id}"
    async with aclosing(await house.sign_in(address="10.1.2.3")) as other:
        await desk.submit("/auth/logout", {"leave": "now"}, page=home)
        page = await other.get(home)

    assert page.status_code == 200


@pytest.mark.parametrize(
    ("away", "status"),
    [(accounts.IDLE - timedelta(minutes=1), 200), (accounts.IDLE + timedelta(minutes=1), 303)],
)
async def test_a_session_ends_after_twelve_idle_hours(
    house: House, desk: Browser, away: timedelta, status: int
) -> None:
    with clock.at(clock.now() + away):
        page = await desk.get(f"/workspace/{house.workspace.workspace_id}")

    assert page.status_code == status


async def test_a_session_in_use_goes_on_until_its_seventh_day(house: House, desk: Browser) -> None:
    start, home = clock.now(), f"/workspace/{house.workspace.workspace_id}"
    seen = []
    for hours in range(6, 174, 6):
        with clock.at(start + timedelta(hours=hours)):
            seen.append((await desk.get(home)).status_code)

    assert seen == [200] * 27 + [303]


# ------------------------------------------------------------------------------------- limits


async def test_guessing_at_one_account_is_stopped(house: House) -> None:
    async with house.browser("10.0.0.1") as browser:
        statuses = [(await sign_in(browser, EMAIL, "wrong password")).status_code for _ in range(11)]
        right = await sign_in(browser)

    assert statuses == [422] * 10 + [429]
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) >= 1
    assert "There were too many tries." in right.text


async def test_signing_in_often_shuts_nobody_out(house: House) -> None:
    statuses = []
    for number in range(22):
        async with house.browser(f"10.0.0.{number}") as browser:
            password = "a slip of the finger" if number % 2 else PASSWORD
            statuses.append((await sign_in(browser, EMAIL, password)).status_code)

    assert statuses == [303, 422] * 11


async def test_guessing_from_one_address_is_stopped_and_others_are_not(
    house: House, visitor: Browser
) -> None:
    token = await visitor.csrf()
    for number in range(30):
        fields = {"csrf": token, "email": f"a{number}@acme.example", "password": ""}
        await visitor.post(LOGIN, data=fields)
    stopped = await sign_in(visitor)
    async with house.browser("10.1.2.3") as other:
        calm = await sign_in(other)

    assert (stopped.status_code, calm.status_code) == (429, 303)


async def test_an_old_sign_in_page_keeps_the_address_and_says_why(visitor: Browser) -> None:
    await visitor.get(LOGIN)
    page = await visitor.post(LOGIN, data={"csrf": "0" * 64, "email": EMAIL, "password": PASSWORD})

    assert page.status_code == 403
    assert "This page was open for too long" in page.text
    assert f'value="{EMAIL}"' in page.text
    assert "parlour_session" not in visitor.cookies
