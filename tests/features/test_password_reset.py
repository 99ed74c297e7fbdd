"""A forgotten password: the mail, its link, and what the link may not do."""

import asyncio
import re
from datetime import timedelta

import pytest

from parlour.kernel import clock
from tests.features.authenticator import half_minute, turn_on
from tests.house import PASSWORD, Browser, House, comparable
from tests.mailbox import delivered, mails, text_of

ADA = "ada@acme.example"
FORGOT, RESET = "/auth/forgot", "/auth/reset"
NEW = "a rather long new password"


async def link_for_ada(house: House, browser: Browser) -> str:
    return await link_for(house, browser, ADA, typed=" Ada@Acme.Example")


async def link_for(house: House, browser: Browser, email: str, *, typed: str = "") -> str:
    """The secret of the link that the mail holds. Other mails may come before and after it."""
    known = set(links_for(house, email))
    await browser.submit(FORGOT, {"email": typed or email}, page=FORGOT)
    async with asyncio.timeout(30):
        while not (fresh := [link for link in links_for(house, email) if link not in known]):
            await asyncio.sleep(0.02)
    return fresh[-1]


def links_for(house: House, email: str) -> list[str]:
    pattern = re.compile(r"http://parlour\.test/auth/reset#([\w-]{43})\s")
    return [found[1] for mail in delivered(house, email) if (found := pattern.search(text_of(mail)))]


async def set_password(browser: Browser, token: str, password: str = NEW) -> int:
    fields = {"token": f"Code: {token[:9]}\n{token[9:]}.", "new_password": password}
    return (await browser.submit(RESET, fields, page=RESET)).status_code


async def signs_in(house: House, password: str) -> bool:
    async with house.browser("192.0.2.9") as browser:
        fields = {"email": ADA, "password": password, "next": "/"}
        return (await browser.submit("/auth/login", fields)).status_code == 303


async def test_the_mail_holds_a_link_with_its_secret_in_the_fragment_and_the_code(
    house: House, visitor: Browser
) -> None:
    token = await link_for_ada(house, visitor)
    [mail] = await mails(house, ADA)

    assert mail["Subject"] == "A new password for Parlour"
    assert mail["From"].startswith("Parlour <")
    assert re.search(rf"^{token}$", text_of(mail), re.MULTILINE)


async def test_known_and_unknown_addresses_get_the_same_answer(house: House, visitor: Browser) -> None:
    known = await visitor.submit(FORGOT, {"email": ADA}, page=FORGOT)
    unknown = await visitor.submit(FORGOT, {"email": "nobody@acme.example"}, page=FORGOT)
    await mails(house, ADA)

    assert known.status_code == unknown.status_code == 200
    assert comparable(known.text) == comparable(unknown.text)
    assert delivered(house, "nobody@acme.example") == []


@pytest.mark.parametrize(
    ("email", "sentence"),
    [("", "Enter your email address"), ("ada@acme", "Enter an email address like")],
)
async def test_what_is_no_address_is_refused_and_kept(visitor: Browser, email: str, sentence: str) -> None:
    answer = await visitor.submit(FORGOT, {"email": email}, page=FORGOT)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{email}"' in answer.text


async def test_the_code_alone_shows_the_form_and_uses_nothing_up(house: House, visitor: Browser) -> None:
    token = await link_for_ada(house, visitor)
    shown = await visitor.submit(RESET, {"token": f" {token} "}, page=RESET)
    again = await visitor.submit(RESET, {"token": token}, page=RESET)

    assert shown.status_code == again.status_code == 200
    assert 'name="new_password"' in shown.text
    assert await signs_in(house, PASSWORD)


async def test_opening_the_page_shows_nothing_and_sets_nothing(house: House, visitor: Browser) -> None:
    token = await link_for_ada(house, visitor)
    page = await visitor.get(f"{RESET}?token={token}")

    assert page.status_code == 200
    assert ADA not in page.text
    assert await set_password(visitor, token) == 303


async def test_the_new_password_works_and_every_session_of_before_is_over(
    house: House, visitor: Browser, desk: Browser
) -> None:
    token = await link_for_ada(house, visitor)
    status = await set_password(visitor, token)

    assert status == 303
    assert (await desk.get("/profile")).status_code == 303
    assert await signs_in(house, NEW)
    assert not await signs_in(house, PASSWORD)


async def test_whoever_reset_a_password_is_told_and_signs_in_with_it(house: House, visitor: Browser) -> None:
    token = await link_for_ada(house, visitor)
    answer = await visitor.submit(RESET, {"token": token, "new_password": NEW}, page=RESET)
    page = await visitor.get(answer.headers["location"])
    told = (await mails(house, ADA, 2))[-1]

    assert "Your password is changed" in page.text
    assert "parlour_session" not in visitor.cookies
    assert told["Subject"] == "The password of your Parlour account was changed"


async def test_a_link_works_once(house: House, visitor: Browser) -> None:
    token = await link_for_ada(house, visitor)
    statuses = [await set_password(visitor, token), await set_password(visitor, token, "yet another one")]

    assert statuses == [303, 410]
    assert await signs_in(house, NEW)


async def test_of_two_at_once_one_wins(house: House, visitor: Browser) -> None:
    token = await link_for_ada(house, visitor)
    csrf = await visitor.csrf(RESET)
    answers = await asyncio.gather(
        *[
            visitor.post(RESET, data={"csrf": csrf, "token": token, "new_password": f"{NEW} {number}"})
            for number in range(2)
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [303, 410]


async def test_using_one_link_ends_the_others(house: House, visitor: Browser) -> None:
    first, second = await link_for_ada(house, visitor), await link_for_ada(house, visitor)
    statuses = [await set_password(visitor, second), await set_password(visitor, first, "yet another one")]

    assert statuses == [303, 410]


async def test_changing_the_password_at_the_desk_ends_the_links_too(
    house: House, visitor: Browser, desk: Browser
) -> None:
    token = await link_for_ada(house, visitor)
    await desk.submit("/profile/password", {"password": PASSWORD, "new_password": NEW}, page="/profile")

    assert await set_password(visitor, token, "yet another one") == 410


async def test_a_link_ends_after_an_hour(house: House, visitor: Browser) -> None:
    token = await link_for_ada(house, visitor)
    with clock.at(clock.now() + timedelta(minutes=61)):
        status = await set_password(visitor, token)

    assert status == 410
    assert await signs_in(house, PASSWORD)


@pytest.mark.parametrize("token", ["x" * 43, "' OR 1=1 --", "ö" * 200])
async def test_a_code_that_was_never_issued_is_refused(visitor: Browser, token: str) -> None:
    assert await set_password(visitor, token) == 410


async def test_an_empty_code_is_asked_for_again(visitor: Browser) -> None:
    answer = await visitor.submit(RESET, {"token": "  "}, page=RESET)

    assert answer.status_code == 422
    assert "Paste the code from the mail" in answer.text


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("short", "at least 10 characters"),
        (ADA, "not your email address"),
        ("qwertyuiop", "harder to guess"),
    ],
)
async def test_a_password_that_cannot_be_taken_does_not_use_up_the_link(
    house: House, visitor: Browser, password: str, sentence: str
) -> None:
    token = await link_for_ada(house, visitor)
    refused = await visitor.submit(RESET, {"token": token, "new_password": password}, page=RESET)

    assert refused.status_code == 422
    assert sentence in refused.text
    assert await set_password(visitor, token) == 303


async def test_a_new_password_does_not_go_around_the_second_factor(
    house: House, visitor: Browser, desk: Browser
) -> None:
    now = half_minute()
    with clock.at(now):
        await turn_on(desk, now)
    await mails(house, ADA)
    token = await link_for_ada(house, visitor)
    await set_password(visitor, token)
    answer = await visitor.submit("/auth/login", {"email": ADA, "password": NEW, "next": "/"})

    assert answer.headers["location"] == "/auth/second-factor?next=%2F"


async def test_three_mails_an_hour_go_to_an_address_and_the_answer_stays_the_same(
    house: House, visitor: Browser
) -> None:
    answers = [await visitor.submit(FORGOT, {"email": ADA}, page=FORGOT) for _ in range(5)]
    await mails(house, ADA, 3)
    await asyncio.sleep(0.3)

    assert {answer.text for answer in answers} == {answers[0].text}
    assert len(delivered(house, ADA)) == 3


async def test_a_network_asks_twenty_times_an_hour(visitor: Browser) -> None:
    csrf = await visitor.csrf(FORGOT)
    answers = [
        await visitor.post(FORGOT, data={"csrf": csrf, "email": f"somebody{number}@acme.example"})
        for number in range(21)
    ]

    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert "somebody20@acme.example" in answers[-1].text


@pytest.mark.parametrize("path", [FORGOT, RESET])
async def test_a_form_from_elsewhere_does_nothing(house: House, visitor: Browser, path: str) -> None:
    token = await link_for_ada(house, visitor)
    fields = {"csrf": "0" * 64, "email": ADA, "token": token, "new_password": NEW}
    answer = await visitor.post(path, data=fields)

    assert answer.status_code == 403
    assert len(delivered(house, ADA)) == 1
    assert await signs_in(house, PASSWORD)
