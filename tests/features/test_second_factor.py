"""The second factor: setting it up, signing in with it, recovery codes, and what it refuses."""

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta

import pytest

from parlour.kernel import clock
from tests.features.authenticator import PAGE, half_minute, introduce, turn_on
from tests.house import PASSWORD, Browser, House
from tests.mailbox import mails, text_of

ADA = "ada@acme.example"
HALF_MINUTE = timedelta(seconds=30)


async def after_the_password(house: House, address: str = "127.0.0.1") -> Browser:
    """A browser in which the password was right."""
    browser = house.browser(address)
    answer = await browser.submit("/auth/login", {"email": ADA, "password": PASSWORD, "next": "/profile"})
    assert answer.headers["location"] == "/auth/second-factor?next=%2Fprofile"
    return browser


async def enter(browser: Browser, code: str) -> tuple[int, str]:
    """The answer's status, and whether the browser is signed in now."""
    page = "/auth/second-factor?next=%2Fprofile"
    token = re.search(r'name="csrf" content="(\w+)"', (await browser.get(page)).text)
    csrf = token[1] if token else ""
    answer = await browser.post("/auth/second-factor", data={"csrf": csrf, "code": code, "next": "/profile"})
    seen = await browser.get("/profile")
    return answer.status_code, "in" if seen.status_code == 200 else "out"


async def test_the_page_shows_a_key_as_text_and_as_a_drawing_that_the_policy_allows(desk: Browser) -> None:
    page = (await desk.get(PAGE)).text

    assert re.search(r"data-secret>[A-Z2-7]{32}<", page)
    assert re.search(r'<svg viewBox="0 0 \d+ \d+"><path [^>]*d="M', page)
    assert "style=" not in page


async def test_every_visit_shows_another_key_and_a_wrong_code_keeps_it(desk: Browser) -> None:
    _, first = await introduce(desk)
    _, second = await introduce(desk)
    answer = await desk.submit(PAGE, {**second, "code": "000000"}, page=PAGE)

    assert first["seal"].split(".")[0] != second["seal"].split(".")[0]
    assert answer.status_code == 422
    assert "This code does not work" in answer.text
    assert second["seal"].split(".")[0] in answer.text


async def test_turning_it_on_shows_ten_recovery_codes_once(desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        later = await desk.get(PAGE)

    assert len(set(codes)) == 10
    assert "10 codes are left." in later.text
    assert not [code for code in codes if code in later.text]
    assert "data-secret" not in later.text


async def test_turning_it_on_renews_the_session_and_tells_the_owner(house: House, desk: Browser) -> None:
    now = half_minute()
    before = desk.cookies["parlour_session"]
    with clock.at(now):
        await turn_on(desk, now)
    [mail] = await mails(house, ADA)

    assert desk.cookies["parlour_session"] != before
    assert mail["Subject"] == "The second step at sign-in was turned on for your Parlour account"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"password": "wrong"}, "This is not your password"),
        ({"password": ""}, "Enter your password"),
        ({"code": ""}, "Enter the code that the app shows"),
        ({"code": "12345"}, "This code does not work"),
        ({"seal": "A" * 32 + ".x.9999999999.0"}, "open for too long"),
    ],
)
async def test_it_is_not_turned_on_without_its_code_and_the_password(
    desk: Browser, changed: dict[str, str], sentence: str
) -> None:
    now = half_minute()
    with clock.at(now):
        app, fields = await introduce(desk)
        answer = await desk.submit(PAGE, {**fields, "code": app.at(now), **changed}, page=PAGE)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "It is off" in (await desk.get("/profile")).text


async def test_a_key_that_was_shown_in_another_session_is_not_taken(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        async with aclosing(await house.sign_in()) as other:
            app, fields = await introduce(other)
        answer = await desk.submit(PAGE, {**fields, "code": app.at(now)}, page=PAGE)

    assert answer.status_code == 422
    assert "data-secret" in answer.text


@pytest.mark.parametrize("drift", [-1, 0, 1])
async def test_signing_in_takes_the_code_of_this_half_minute_and_of_its_neighbours(
    house: House, desk: Browser, drift: int
) -> None:
    now = half_minute()
    later = now + timedelta(minutes=5)
    with clock.at(now):
        app, _ = await turn_on(desk, now)
    with clock.at(later):
        async with aclosing(await after_the_password(house)) as browser:
            assert await enter(browser, app.at(later + drift * HALF_MINUTE)) == (303, "in")


@pytest.mark.parametrize("drift", [-2, 2])
async def test_an_older_or_later_code_is_refused(house: House, desk: Browser, drift: int) -> None:
    now = half_minute()
    later = now + timedelta(minutes=5)
    with clock.at(now):
        app, _ = await turn_on(desk, now)
    with clock.at(later):
        async with aclosing(await after_the_password(house)) as browser:
            assert await enter(browser, app.at(later + drift * HALF_MINUTE)) == (422, "out")


async def test_a_code_works_once_and_then_none_of_before_it(house: House, desk: Browser) -> None:
    now = half_minute()
    later = now + timedelta(minutes=5)
    with clock.at(now):
        app, _ = await turn_on(desk, now)
    with clock.at(later):
        async with (
            aclosing(await after_the_password(house)) as first,
            aclosing(await after_the_password(house)) as second,
        ):
            assert await enter(first, app.at(later)) == (303, "in")
            assert await enter(second, app.at(later)) == (422, "out")
            assert await enter(second, app.at(later - HALF_MINUTE)) == (422, "out")


async def test_the_code_that_turned_it_on_does_not_sign_in(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        app, _ = await turn_on(desk, now)
        async with aclosing(await after_the_password(house)) as browser:
            assert await enter(browser, app.at(now)) == (422, "out")


async def test_the_password_alone_signs_nobody_in(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        await turn_on(desk, now)
        async with aclosing(await after_the_password(house)) as browser:
            assert "parlour_session" not in browser.cookies
            assert (await browser.get("/profile")).status_code == 303


async def test_a_recovery_code_works_once_however_it_is_typed_and_the_owner_hears_of_it(
    house: House, desk: Browser
) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        async with (
            aclosing(await after_the_password(house)) as first,
            aclosing(await after_the_password(house)) as second,
        ):
            assert await enter(first, codes[0].upper().replace("-", " ")) == (303, "in")
            assert await enter(second, codes[0]) == (422, "out")
            assert "9 codes are left." in (await first.get(PAGE)).text
    told = await mails(house, ADA, 2)

    assert "A recovery code was used to sign in to your Parlour account" in {m["Subject"] for m in told}
    assert not [mail for mail in told if codes[0] in text_of(mail)]


async def test_a_code_is_found_among_what_was_pasted_with_it(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        app, codes = await turn_on(desk, now)
    full_width = str.maketrans("0123456789", "０１２３４５６７８９")
    shown: list[Callable[[str], str]] = [
        lambda code: f"Parlour 2: {code[:3]} {code[3:]}.",
        lambda code: code.translate(full_width),
        lambda code: f"“{code}”\n",
    ]
    written: list[Callable[[str], str]] = [
        lambda code: f"Code: “{code}”.",
        lambda code: f"my last code {code[:7]}\n{code[7:]}, I hope",
        lambda code: "code " + code.replace("-", " ").upper(),
        lambda code: code.replace("-", "–"),
        lambda code: f"({code.replace('-', '')})",
    ]
    pasted = [
        (minute, around(app.at(now + timedelta(minutes=minute)))) for minute, around in enumerate(shown, 5)
    ]
    pasted += [(20, around(code)) for around, code in zip(written, codes, strict=False)]
    for minutes, typed in pasted:
        with clock.at(now + timedelta(minutes=minutes)):
            async with aclosing(await after_the_password(house)) as browser:
                assert (typed, *await enter(browser, typed)) == (typed, 303, "in")


async def test_of_two_who_use_a_recovery_code_at_once_one_is_in(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        async with (
            aclosing(await after_the_password(house)) as first,
            aclosing(await after_the_password(house)) as second,
        ):
            entered = await asyncio.gather(*[enter(browser, codes[0]) for browser in (first, second)])

    assert sorted(entered) == [(303, "in"), (422, "out")]


async def test_new_recovery_codes_end_the_old_ones(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        _, old = await turn_on(desk, now)
        answer = await desk.submit(PAGE, {"action": "codes", "password": PASSWORD}, page=PAGE)
        new = re.findall(r"<li[^>]*>([a-z2-7-]{19})</li>", answer.text)
        async with aclosing(await after_the_password(house)) as browser:
            assert await enter(browser, old[1]) == (422, "out")
            assert await enter(browser, new[1]) == (303, "in")
    assert len(new) == 10


async def test_turning_it_off_takes_the_password_and_tells_the_owner(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        refused = await desk.submit(PAGE, {"action": "off", "password": "wrong"}, page=PAGE)
        still = (await desk.get("/profile")).text
        done = await desk.submit(PAGE, {"action": "off", "password": PASSWORD}, page=PAGE)
    told = await mails(house, ADA, 2)
    async with aclosing(await house.sign_in()) as browser:
        assert (await browser.get("/profile")).status_code == 200

    assert (refused.status_code, done.status_code) == (422, 303)
    assert "It is on" in still
    assert "turned off" in told[-1]["Subject"]
    assert codes


async def test_five_tries_end_a_sign_in_even_if_the_sixth_is_right(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        async with aclosing(await after_the_password(house)) as browser:
            tries = [await enter(browser, "000000") for _ in range(5)]
            assert await enter(browser, codes[0]) == (429, "out")
    assert tries == [(422, "out")] * 5


async def test_thirty_tries_at_an_account_make_it_wait_whatever_the_network(
    house: House, desk: Browser
) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        for number in range(6):
            async with aclosing(await after_the_password(house, f"192.0.2.{number + 1}")) as browser:
                for _ in range(5):
                    await enter(browser, "000000")
        async with aclosing(await after_the_password(house, "192.0.2.77")) as browser:
            assert await enter(browser, codes[0]) == (429, "out")


async def test_a_pending_sign_in_is_worth_nothing_in_another_browser(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        async with aclosing(await after_the_password(house)) as browser, house.browser() as thief:
            thief.cookies.set("parlour_pending", browser.cookies["parlour_pending"])
            await thief.get("/auth/login")
            page = await thief.get("/auth/second-factor")
            csrf = await thief.csrf()
            answer = await thief.post("/auth/second-factor", data={"csrf": csrf, "code": codes[0]})

            assert page.headers["location"] == answer.headers["location"] == "/auth/login?next=%2F"
            assert "parlour_session" not in thief.cookies


async def test_a_pending_sign_in_ends_after_ten_minutes(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        browser = await after_the_password(house)
    with clock.at(now + timedelta(minutes=11)):
        async with aclosing(browser):
            assert await enter(browser, codes[0]) == (303, "out")


async def test_a_pending_sign_in_ends_with_the_password_it_was_begun_with(
    house: House, desk: Browser
) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        async with aclosing(await after_the_password(house)) as browser:
            fields = {"password": PASSWORD, "new_password": "another long password"}
            await desk.submit("/profile/password", fields, page="/profile")

            assert await enter(browser, codes[0]) == (303, "out")


@pytest.mark.parametrize("changed", ["user", "mark", "signature", "cut"])
async def test_a_pending_sign_in_that_was_changed_is_no_sign_in(
    house: House, desk: Browser, changed: str
) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        async with aclosing(await after_the_password(house)) as browser:
            sealed = browser.cookies["parlour_pending"]
            user, mark, *rest = sealed.split(".")
            forged = {
                "user": ".".join(["0" * 32, mark, *rest]),
                "mark": ".".join([user, "0" * 16, *rest]),
                "signature": sealed[:-4] + "0000",
                "cut": user,
            }[changed]
            browser.cookies.delete("parlour_pending")
            browser.cookies.set("parlour_pending", forged)

            assert await enter(browser, codes[0]) == (303, "out")


async def test_the_second_step_needs_a_form_of_ours(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        async with aclosing(await after_the_password(house)) as browser:
            answer = await browser.post("/auth/second-factor", data={"csrf": "0" * 64, "code": codes[0]})

            assert answer.status_code == 403
            assert "parlour_session" not in browser.cookies


async def test_signing_in_never_leads_to_another_site(house: House, desk: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        _, codes = await turn_on(desk, now)
        async with aclosing(await after_the_password(house)) as browser:
            csrf = await browser.csrf("/auth/second-factor")
            fields = {"csrf": csrf, "code": codes[0], "next": "//evil.example"}
            answer = await browser.post("/auth/second-factor", data=fields)

            assert answer.headers["location"] == "/"
