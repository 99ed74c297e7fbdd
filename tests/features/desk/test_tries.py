"""Guessing is slowed down, and nobody can shut an agent out by guessing."""

import httpx

from parlour.features.accounts import service as accounts
from parlour.features.accounts.password_reset import service as password_reset
from parlour.kernel.access import Actor
from tests.house import PASSWORD, Browser, House

ADA = "ada@acme.example"


async def sign_in(browser: Browser, password: str = PASSWORD, email: str = ADA) -> httpx.Response:
    return await browser.submit("/auth/login", {"email": email, "password": password, "next": "/"})


async def guess(house: House, address: str, times: int) -> list[int]:
    async with house.browser(address) as stranger:
        return [(await sign_in(stranger, "wrong guess")).status_code for _ in range(times)]


async def test_guessing_from_one_network_ends_after_ten_tries(house: House) -> None:
    assert await guess(house, "203.0.113.1", 12) == [422] * 10 + [429] * 2


async def test_somebody_elses_guesses_shut_nobody_out_in_another_network(
    house: House, visitor: Browser
) -> None:
    await guess(house, "203.0.113.1", 12)

    assert (await sign_in(visitor)).status_code == 303


async def test_guesses_of_the_same_network_shut_nobody_out_who_has_signed_in_before(house: House) -> None:
    async with house.browser("203.0.113.1") as ada:
        await sign_in(ada)
        await ada.submit("/auth/logout", {"leave": "now"}, page="/profile")
        await guess(house, "203.0.113.1", 31)
        answer = await sign_in(ada)

    assert answer.status_code == 303


async def test_guesses_from_many_networks_are_slowed_down_together(house: House) -> None:
    answers = [await guess(house, f"203.0.113.{number}", 10) for number in range(11)]

    assert answers[9] == [422] * 10
    assert answers[10] == [429] * 10


async def test_guesses_from_many_networks_shut_nobody_out_who_has_signed_in_before(house: House) -> None:
    async with house.browser("203.0.113.200") as ada:
        await sign_in(ada)
        for number in range(11):
            await guess(house, f"203.0.113.{number}", 10)
        await ada.submit("/auth/logout", {"leave": "now"}, page="/profile")
        answer = await sign_in(ada)

    assert answer.status_code == 303


async def test_a_known_browser_has_no_more_tries_than_another(house: House, visitor: Browser) -> None:
    await sign_in(visitor)
    await visitor.submit("/auth/logout", {"leave": "now"}, page="/profile")
    answers = [(await sign_in(visitor, "wrong guess")).status_code for _ in range(12)]

    assert answers == [422] * 10 + [429] * 2


async def test_what_makes_a_browser_known_is_worth_nothing_in_another_one_or_for_another_account(
    house: House, visitor: Browser
) -> None:
    await sign_in(visitor)
    await guess(house, "203.0.113.1", 10)
    async with house.browser("203.0.113.1") as thief:
        for name, value in visitor.cookies.items():
            if name.startswith("parlour_known_"):
                thief.cookies.set(name, value, domain="parlour.test")
        answer = await sign_in(thief, "wrong guess")

    assert answer.status_code == 429


async def test_a_new_password_lifts_what_guesses_have_brought(house: House, visitor: Browser) -> None:
    await guess(house, "127.0.0.1", 31)
    before = await sign_in(visitor)
    mail = await house.db.write(Actor.system(), password_reset.issue, ADA, "r" * 43)
    assert mail
    new = f"{PASSWORD} again"
    await visitor.submit("/auth/reset", {"token": mail.token, "new_password": new}, page="/auth/reset")
    after = await sign_in(visitor, new)

    assert (before.status_code, after.status_code) == (429, 303)


async def test_an_operator_lifts_it_too(house: House, visitor: Browser) -> None:
    await guess(house, "127.0.0.1", 11)
    before = await sign_in(visitor)
    found = await house.db.write(Actor.system(), accounts.unlock, ADA)
    after = await sign_in(visitor)

    assert (before.status_code, found, after.status_code) == (429, True, 303)


async def test_nobody_is_unlocked_who_is_not_there(house: House) -> None:
    assert not await house.db.write(Actor.system(), accounts.unlock, "nobody@acme.example")


async def test_an_unknown_account_is_slowed_down_alike(house: House) -> None:
    nobody = "nobody@acme.example"
    async with house.browser("203.0.113.9") as stranger:
        answers = [(await sign_in(stranger, "wrong guess", nobody)).status_code for _ in range(11)]

    assert answers == [422] * 10 + [429]


async def test_a_network_that_types_no_addresses_is_slowed_down_too(house: House) -> None:
    async with house.browser("203.0.113.9") as stranger:
        answers = [(await sign_in(stranger, "wrong guess", "no address")).status_code for _ in range(31)]

    assert answers == [422] * 30 + [429]


async def test_a_stolen_session_does_not_use_up_the_owners_proofs(house: House, visitor: Browser) -> None:
    await sign_in(visitor)
    async with house.browser("203.0.113.7") as thief:
        await sign_in(thief)
        form = {"password": "wrong guess", "new_password": f"{PASSWORD} again"}
        for _ in range(11):
            last = await thief.submit("/profile/password", form, page="/profile")
    form["password"] = PASSWORD
    answer = await visitor.submit("/profile/password", form, page="/profile")

    assert (last.status_code, answer.status_code) == (429, 303)
