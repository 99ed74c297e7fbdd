"""The secret of a second factor is unreadable to whoever has only the database."""

from contextlib import AbstractAsyncContextManager, aclosing
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from structlog.testing import capture_logs

from parlour.features.accounts.second_factor import service as second_factor
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.keyring import Keyring, Unreadable
from parlour.settings import BadSetting, Settings
from tests.features.authenticator import Authenticator, half_minute, turn_on
from tests.features.test_second_factor import after_the_password, enter
from tests.house import House, behind_its_back, open_house

OLD, NEW = "k" * 40, "n" * 40
STORED = "SELECT totp_secret, totp_key FROM credentials WHERE totp_secret IS NOT NULL"


def stored(house: House) -> tuple[str, str]:
    [(secret, key)] = behind_its_back(house.app.parlour.settings, STORED)
    return str(secret), str(key)


def ring(*keys: str) -> Keyring:
    return second_factor.keyring([key.encode() for key in keys])


async def test_what_is_stored_is_not_the_secret(house: House) -> None:
    now = half_minute()
    with clock.at(now):
        async with aclosing(await house.sign_in()) as desk:
            app, _ = await turn_on(desk, now)
    text, key = stored(house)

    assert app.secret not in text
    assert ring(OLD).open(text, house.ada.hex) == app.secret
    assert key == ring(OLD).current


async def test_it_opens_for_nobody_else_and_with_no_other_key() -> None:
    sealed = ring(OLD).seal("JBSWY3DPEHPK3PXP", "ada")

    for keys, owner in ((ring(OLD), "ben"), (ring(NEW), "ada")):
        with pytest.raises(Unreadable):
            keys.open(sealed.text, owner)
    assert ring(NEW, OLD).open(sealed.text, "ada") == "JBSWY3DPEHPK3PXP"


async def plain(house: House, secret: str) -> None:
    """As the release before stored it, and the migration left it."""
    statement = "UPDATE credentials SET totp_secret = ?, totp_key = ''"
    behind_its_back(house.app.parlour.settings, statement, secret)
    behind_its_back(house.app.parlour.settings, "UPDATE users SET second_factor = ?", True)


async def test_a_plain_one_signs_in_and_is_sealed_by_it(house: House) -> None:
    secret = pyotp.random_base32()
    await plain(house, secret)
    now = half_minute()
    with clock.at(now):
        async with aclosing(await after_the_password(house)) as browser:
            entered = await enter(browser, Authenticator(secret).at(now))
    text, key = stored(house)

    assert entered == (303, "in")
    assert ring(OLD).open(text, house.ada.hex) == secret
    assert key == ring(OLD).current


async def test_plain_ones_are_sealed_without_being_used(house: House) -> None:
    secret = pyotp.random_base32()
    await plain(house, secret)
    await house.db.write(Actor.system(), second_factor.reseal, ring(OLD))

    assert ring(OLD).open(stored(house)[0], house.ada.hex) == secret


async def test_a_key_is_replaced_without_a_break(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        now = half_minute()
        with clock.at(now):
            async with aclosing(await house.sign_in()) as desk:
                app, _ = await turn_on(desk, now)
        await house.db.write(Actor.system(), second_factor.reseal, ring(NEW, OLD))
        text, key = stored(house)

    assert ring(NEW).open(text, house.ada.hex) == app.secret
    assert key == ring(NEW).current


async def test_with_the_key_lost_a_recovery_code_is_left_and_the_log_says_why(house: House) -> None:
    now = half_minute()
    with clock.at(now):
        async with aclosing(await house.sign_in()) as desk:
            app, codes = await turn_on(desk, now)
        lost = ring(NEW).seal(app.secret, house.ada.hex)
        statement = "UPDATE credentials SET totp_secret = ?, totp_key = ?"
        behind_its_back(house.app.parlour.settings, statement, lost.text, lost.key)
        with capture_logs() as said:
            async with aclosing(await after_the_password(house)) as browser:
                by_app = await enter(browser, app.at(now + timedelta(seconds=30)))
                by_code = await enter(browser, codes[0])

    assert (by_app, by_code) == ((422, "out"), (303, "in"))
    assert "second_factor.unreadable" in {line["event"] for line in said}


async def test_what_no_key_opens_does_not_hold_up_the_others(house: House) -> None:
    await house.app.parlour.worker.stop()  # which does the same at its start
    lost = ring(NEW).seal("JBSWY3DPEHPK3PXP", house.ada.hex)
    statement = "UPDATE credentials SET totp_secret = ?, totp_key = ?"
    behind_its_back(house.app.parlour.settings, statement, lost.text, lost.key)
    with capture_logs() as said:
        for _ in range(2):
            await house.db.write(Actor.system(), second_factor.reseal, ring(OLD))

    assert [line["event"] for line in said] == ["second_factor.unreadable"]
    assert stored(house)[0] == lost.text


def _rotated(folder: Path) -> AbstractAsyncContextManager[House]:
    return open_house(folder, PARLOUR_SECRET_KEY=NEW, PARLOUR_SECRET_KEY_PREVIOUS=OLD)


async def test_forms_and_pending_sign_ins_of_the_former_key_are_still_taken(tmp_path: Path) -> None:
    async with open_house(tmp_path) as before, before.browser() as browser:
        csrf = await browser.csrf("/auth/login")
        async with (
            _rotated(tmp_path / "other") as after,
            after.browser() as same,
        ):
            same.cookies.update(browser.cookies)
            answer = await same.post("/auth/login", data={"csrf": csrf, "email": "x", "password": "y"})

    assert answer.status_code == 422  # looked at, and not refused as a foreign form


def test_a_former_key_that_is_too_short_is_refused(tmp_path: Path) -> None:
    given = {"PARLOUR_DATA_DIR": str(tmp_path), "PARLOUR_SECRET_KEY_PREVIOUS": f"{OLD},short"}

    with pytest.raises(BadSetting, match="PARLOUR_SECRET_KEY_PREVIOUS"):
        Settings.from_environment(given)
