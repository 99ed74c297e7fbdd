"""A workspace that asks its members for a second factor, and the members who have none yet."""

import pytest

from parlour.db.database import Tx
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.features.authenticator import PAGE, half_minute, turn_on
from tests.house import PASSWORD, Browser, House


async def ask(house: House, desk: Browser, required: str = "yes") -> int:
    here = f"/workspace/{house.workspace.workspace_id}"
    answer = await desk.submit(f"{here}/settings/security", {"required": required}, page=f"{here}/people")
    return answer.status_code


async def set_up(browser: Browser) -> None:
    now = half_minute()
    with clock.at(now):
        await turn_on(browser, now)


@pytest.fixture
async def ben(house: House) -> Browser:
    """A member without a second factor, who works in the other workspace as well."""
    user_id = await house.add_agent("ben@acme.example", Role.AGENT)

    def join(tx: Tx) -> None:
        workspaces.add_member(tx, user_id, Role.AGENT)

    await house.db.write(Actor.system(house.other.workspace_id), join)
    return await house.sign_in("ben@acme.example")


async def test_whoever_asks_has_one_first(house: House, desk: Browser) -> None:
    assert await ask(house, desk) == 409
    await set_up(desk)
    assert await ask(house, desk) == 303


async def test_a_member_without_one_is_led_to_set_it_up(house: House, desk: Browser, ben: Browser) -> None:
    here = f"/workspace/{house.workspace.workspace_id}"
    await set_up(desk)
    await ask(house, desk)

    page = await ben.get(f"{here}/tickets")
    part = await ben.get(f"{here}/tickets", headers={"hx-request": "true"})
    data = await ben.get(f"{here}/tickets", headers={"accept": "application/json"})

    assert (page.status_code, page.headers["location"]) == (303, f"{PAGE}?required=yes")
    assert "Your workspace asks for a second step" in (await ben.get(page.headers["location"])).text
    assert (part.status_code, part.headers["hx-redirect"]) == (403, f"{PAGE}?required=yes")
    assert (data.status_code, data.json()["code"]) == (403, "second_factor_required")


async def test_another_workspace_and_whoever_has_one_go_on(house: House, desk: Browser, ben: Browser) -> None:
    here, other = (f"/workspace/{place.workspace_id}" for place in (house.workspace, house.other))
    await set_up(desk)
    await ask(house, desk)

    assert (await desk.get(f"{here}/tickets")).status_code == 200
    assert (await ben.get(f"{other}/tickets")).status_code == 200
    await set_up(ben)
    assert (await ben.get(f"{here}/tickets")).status_code == 200


async def test_it_cannot_be_turned_off_while_it_is_asked_for(house: House, desk: Browser) -> None:
    await set_up(desk)
    await ask(house, desk)
    fields = {"action": "off", "password": PASSWORD}

    refused = await desk.submit(PAGE, fields, page=PAGE)
    await ask(house, desk, "no")

    assert refused.status_code == 422
    assert "It stays on" in refused.text
    assert (await desk.submit(PAGE, fields, page=PAGE)).status_code == 303
