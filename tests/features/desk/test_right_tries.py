"""Whoever gives what is right is never shut out by giving it often, and nobody by what strangers send."""

import re
from contextlib import aclosing
from datetime import timedelta

import httpx
import pytest

from parlour.features.accounts.invitations import service as invitations
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.web.tries import KNOWN_ACCOUNTS
from tests.features.authenticator import PAGE, half_minute, turn_on
from tests.features.desk.test_tries import ADA, guess, sign_in
from tests.features.test_people import mailed_code
from tests.features.test_second_factor import after_the_password, enter
from tests.house import PASSWORD, Browser, House
from tests.mailbox import mails, text_of
from tests.tickets import ada


@pytest.mark.parametrize("known", [False, True], ids=["new browsers", "one that is known"])
async def test_right_codes_use_up_no_tries(house: House, desk: Browser, known: bool) -> None:
    """More often in 15 minutes than any limit of codes allows."""
    now, came_in = half_minute(), []
    with clock.at(now):
        app, _ = await turn_on(desk, now)
    browser = await after_the_password(house, "203.0.113.4")
    for number in range(1, 24):
        moment = now + timedelta(seconds=30 * number)
        with clock.at(moment):
            came_in.append(await enter(browser, app.at(moment)))
            if known:
                await browser.submit("/auth/logout", {}, page="/profile")
                typed = {"email": ADA, "password": PASSWORD, "next": "/profile"}
                await browser.submit("/auth/login", typed)
            else:
                await browser.aclose()
                browser = await after_the_password(house, "203.0.113.4")
    await browser.aclose()

    assert came_in == [(303, "in")] * 23


async def test_a_right_password_takes_back_no_guesses_at_the_code(house: House, desk: Browser) -> None:
    with clock.at(half_minute()):
        await turn_on(desk, half_minute())
    answers = []
    for _ in range(3):
        async with aclosing(await after_the_password(house, "203.0.113.4")) as thief:
            answers += [(await enter(thief, "000000"))[0] for _ in range(4)]

    assert answers == [422] * 10 + [429] * 2


async def test_right_passwords_use_up_no_tries_of_their_network(house: House) -> None:
    answers = []
    for _ in range(32):
        async with house.browser("203.0.113.4") as browser:
            answers.append((await sign_in(browser)).status_code)

    assert answers == [303] * 32


async def test_an_account_of_ones_own_gives_a_network_no_more_guesses_at_others(house: House) -> None:
    for number in range(3):
        await house.add_agent(f"agent{number}@acme.example", Role.AGENT)
    answers = []
    for number in range(3):
        async with house.browser("203.0.113.4") as stranger:
            assert (await sign_in(stranger)).status_code == 303
        async with house.browser("203.0.113.4") as stranger:
            for _ in range(10):
                answer = await sign_in(stranger, "wrong guess", f"agent{number}@acme.example")
                answers.append(answer.status_code)
    last = await guess(house, "203.0.113.4", 1)

    assert answers == [422] * 30
    assert last == [429]


async def accept(browser: Browser, code: str, **typed: str) -> httpx.Response:
    return await browser.submit("/invite/accept", {"token": code, **typed}, page="/invite")


async def test_joining_with_a_second_factor_leaves_no_try_behind(house: House, desk: Browser) -> None:
    with clock.at(half_minute()):
        await turn_on(desk, half_minute())
    owner = Actor.agent(
        house.other.workspace_id,
        await house.add_agent("o@x.example", Role.OWNER, house.other),
        Role.OWNER,
        "",
    )
    await house.db.write(owner, invitations.invite, ADA, Role.AGENT)
    mailed = text_of((await mails(house, ADA, 2))[-1])
    [code] = re.findall(r"^[0-9a-f]{32}\.[\w-]{43}$", mailed, re.MULTILINE)
    wrong = await guess(house, "203.0.113.4", 9)
    async with house.browser("203.0.113.4") as browser:
        joined = await accept(browser, code, password=PASSWORD)
    after = await guess(house, "203.0.113.4", 10)

    assert joined.headers["location"].startswith("/auth/second-factor")
    assert (wrong, after) == ([422] * 9, [422] * 10)


async def test_looking_for_a_first_password_is_no_guessing(house: House) -> None:
    await house.db.write(ada(house), invitations.invite, "new@acme.example", Role.AGENT)
    code = await mailed_code(house, "new@acme.example")
    async with house.browser("203.0.113.4") as browser:
        answers = [(await accept(browser, code, name="Nia", password="short")).status_code for _ in range(12)]
        last = await accept(browser, code, name="Nia", password="a quiet long evening")

    assert answers == [422] * 12
    assert last.status_code == 303


async def test_a_right_password_on_the_profile_uses_up_no_tries(desk: Browser) -> None:
    new_codes = {"action": "codes", "password": PASSWORD}
    with clock.at(half_minute()):
        await turn_on(desk, half_minute())
    answers = [(await desk.submit(PAGE, new_codes, page=PAGE)).status_code for _ in range(12)]
    weak = {"password": PASSWORD, "new_password": "short"}
    refused = [(await desk.submit("/profile/password", weak, page="/profile")).status_code for _ in range(12)]

    assert answers == [200] * 12
    assert refused == [422] * 12


@pytest.mark.parametrize("typed", ["", "wrong guess"], ids=["none", "wrong"])
async def test_whatever_stands_beside_it_no_password_is_guessed_for_ever(desk: Browser, typed: str) -> None:
    form = {"password": typed, "new_password": "short"}
    answers = [(await desk.submit("/profile/password", form, page="/profile")).status_code for _ in range(11)]

    assert answers == [422] * 10 + [429]


async def test_what_is_no_address_is_counted_for_no_account(house: House) -> None:
    """A hundred strangers who type what is none leave everybody else, who mistypes, alone."""
    wrong = ["", "no address", "@", "ada@", "x" * 300 + "@acme.example"]
    for number in range(11):
        async with house.browser(f"203.0.113.{number}") as stranger:
            for turn in range(10):
                await sign_in(stranger, "wrong guess", wrong[turn % len(wrong)])
    async with house.browser("198.51.100.1") as person:
        mistyped = [(await sign_in(person, email=email)).status_code for email in wrong]
        right = await sign_in(person)

    assert mistyped == [422] * len(wrong)
    assert right.status_code == 303


async def test_a_browser_is_known_for_the_newest_accounts_alone(house: House) -> None:
    """More agents than a cookie's worth of accounts share a computer."""
    now, many = clock.now(), KNOWN_ACCOUNTS + 3
    async with house.browser() as shared:
        shared.cookies.set("parlour_known_0123456789abcdef", "planted", domain="parlour.test")
        for number in range(many):
            await house.add_agent(f"agent{number}@acme.example", Role.AGENT)
            with clock.at(now + timedelta(minutes=number)):
                answer = await sign_in(shared, email=f"agent{number}@acme.example")
                assert answer.status_code == 303
                await shared.submit("/auth/logout", {}, page="/profile")
            if number == 0:
                first = {name for name in known(shared) if not name.endswith("0123456789abcdef")}
        with clock.at(now + timedelta(minutes=many)):
            await sign_in(shared, email=f"agent{many - 1}@acme.example")
        assert len(known(shared)) == KNOWN_ACCOUNTS
        assert not first & known(shared)


def known(browser: Browser) -> set[str]:
    return {name for name in browser.cookies if name.startswith("parlour_known_")}
