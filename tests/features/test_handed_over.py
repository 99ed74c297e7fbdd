"""An account that was made through a link which somebody handed over, who may know its password."""

from contextlib import aclosing
from typing import Any

import pytest

from parlour.db.database import Tx
from parlour.features.accounts import operator
from parlour.features.accounts import service as accounts
from parlour.features.accounts.passwords import hash_password
from parlour.features.desk import units
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.features.authenticator import half_minute, turn_on
from tests.features.test_password_reset import NEW, link_for, set_password
from tests.features.test_people import mailed_code
from tests.house import PASSWORD, PASSWORD_HASH, Browser, House

BEN = "ben@elsewhere.example"


async def join(house: House, code: str, password: str = PASSWORD) -> Any:
    async with house.browser("127.0.0.9") as browser:
        fields = {"token": code, "name": "Ben", "password": password}
        return await browser.submit("/invite/accept", fields, page="/invite")


async def invited_to_the_other(house: House) -> str:
    await house.add_agent("olga@other.example", Role.OWNER, house.other)
    people = f"/workspace/{house.other.workspace_id}/people"
    async with aclosing(await house.sign_in("olga@other.example")) as olga:
        made = await olga.submit(f"{people}/invite", {"email": BEN, "role": "agent"}, page=people)
        shown = (await olga.get(made.headers["location"])).text
    return shown.partition("/invite#")[2].partition('"')[0]


async def is_in_the_other(house: House) -> bool:
    system = Actor.system(house.other.workspace_id)
    return BEN in {member.email for member in await house.db.read(system, workspaces.members)}


@pytest.fixture
async def handed_over(house: House, desk: Browser) -> None:
    """Ada makes the account herself, under an address that is not hers."""
    people = f"/workspace/{house.workspace.workspace_id}/people"
    made = await desk.submit(f"{people}/invite", {"email": BEN, "role": "agent"}, page=people)
    shown = (await desk.get(made.headers["location"])).text
    answer = await join(house, shown.partition("/invite#")[2].partition('"')[0])
    assert answer.status_code == 303


@pytest.mark.usefixtures("handed_over")
async def test_it_opens_no_other_workspace_until_a_mail_has_proven_the_address(
    house: House, visitor: Browser
) -> None:
    async with aclosing(await house.sign_in(BEN)) as hers:
        with clock.at(half_minute()):
            await turn_on(hers, clock.now())
    code = await invited_to_the_other(house)
    refused = await join(house, code)
    before = await is_in_the_other(house)
    await set_password(visitor, await link_for(house, visitor, BEN))
    with_the_old = await join(house, code)
    with_the_new = await join(house, code, NEW)

    assert refused.status_code == 422
    assert "through a link that somebody handed on" in refused.text
    assert (before, with_the_old.status_code) == (False, 422)
    assert with_the_new.status_code == 303, "nor does the second factor stay that was not theirs"
    assert await is_in_the_other(house)


@pytest.mark.usefixtures("handed_over")
async def test_the_operator_lets_it_in_by_a_password_of_theirs_and_not_before(house: House) -> None:
    system = Actor.system()

    def add(tx: Tx) -> None:
        accounts.add_agent(tx, "other", BEN, "Ben", PASSWORD, PASSWORD_HASH, Role.AGENT)

    with pytest.raises(accounts.AddressUnproven):
        await house.db.write(system, add)
    await house.db.write(system, operator.set_password, BEN, NEW, hash_password(NEW))
    await house.db.write(system, add)

    assert await is_in_the_other(house)


async def test_one_that_was_made_through_a_mail_is_as_free_as_any(house: House) -> None:
    """The mail server that takes the link there is the reason why nobody is shown it."""
    ada = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada")
    key = house.app.parlour.settings.secret_key
    await house.db.write(ada, units.invite, BEN, Role.AGENT, key, mailed=True)
    first = await join(house, await mailed_code(house, BEN))
    second = await join(house, await invited_to_the_other(house))

    assert (first.status_code, second.status_code) == (303, 303)
    assert await is_in_the_other(house)
