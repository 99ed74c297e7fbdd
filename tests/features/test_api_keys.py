"""Keys of programs: made, shown once, worth no more than their maker, revoked at once."""

import re
from contextlib import aclosing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.accounts.api_keys.models import Program
from parlour.features.tickets import handover
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House, behind_its_back
from tests.tickets import ada

CHLOE = "chloe@acme.example"


@pytest.fixture
def page(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings/api-keys"


@pytest.fixture
async def chloe(house: House) -> UUID:
    return await house.add_agent(CHLOE, Role.ADMIN, name="Chloe")


async def shown(browser: Browser, page: str, **fields: str) -> str:
    """The key that the answer to the form shows."""
    form = {"name": "Importer", "role": "admin", "key_id": str(uuid4()), **fields}
    answer = await browser.submit(page, form, page=page)
    assert answer.status_code == 200, answer.text
    [token] = re.findall(r'value="(parlour_[\w-]+)"', answer.text)
    return str(token)


async def who(house: House, token: str) -> Program | None:
    """Whose key it is, if it opens anything."""
    try:
        system = Actor.system(api_keys.place_of(token))
        found: Program = await house.db.read(system, api_keys.program, token)
    except api_keys.BadKey:
        return None
    return found


async def role_of(house: House, token: str) -> Role | None:
    found = await who(house, token)
    return found.actor.role if found else None


async def test_a_key_is_shown_once_and_kept_as_its_hash(house: House, desk: Browser, page: str) -> None:
    token = await shown(desk, page, name="  Nightly importer ", role="agent")
    again = await desk.get(page)
    found = await who(house, token)
    kept = str(behind_its_back(house.app.parlour.settings, "SELECT * FROM api_keys"))

    assert found
    assert (found.actor.name, found.actor.role) == ("Nightly importer", Role.AGENT)
    assert found.actor.workspace_id == house.workspace.workspace_id
    assert found.actor.user_id is None
    assert "Nightly importer" in again.text
    assert "Never used" in again.text
    assert token not in again.text
    assert token[-43:] not in kept


async def test_the_same_form_twice_makes_one_key(house: House, desk: Browser, page: str) -> None:
    key_id = str(uuid4())
    await shown(desk, page, key_id=key_id)
    again = await desk.submit(page, {"name": "Importer", "role": "agent", "key_id": key_id}, page=page)

    assert (again.status_code, again.headers["location"]) == (303, page)
    assert len(await house.db.read(ada(house), api_keys.every)) == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": " \u200b "}, "Enter a name"),
        ({"name": "x" * 81}, "Shorten the name"),
        ({"role": "owner"}, "Choose one of the roles"),
        ({"role": "x"}, "Choose one of the roles"),
    ],
)
async def test_what_cannot_be_a_key_comes_back_with_what_was_typed(
    house: House, desk: Browser, page: str, fields: dict[str, str], says: str
) -> None:
    form = {"name": "Importer", "role": "agent", "key_id": str(uuid4()), **fields}
    answer = await desk.submit(page, form, page=page)

    assert answer.status_code == 422
    assert says in answer.text
    assert await house.db.read(ada(house), api_keys.every) == []


async def test_a_revoked_key_opens_nothing_and_the_trail_says_so(
    house: House, desk: Browser, page: str
) -> None:
    token = await shown(desk, page)
    [key] = await house.db.read(ada(house), api_keys.every)
    await desk.submit(f"{page}/{key.key_id}/revoke", {}, page=page)
    trail = await desk.get(page.replace("api-keys", "audit"))

    assert await who(house, token) is None
    assert "API key made" in trail.text
    assert "API key revoked" in trail.text
    assert "Importer: admin" in trail.text


@pytest.mark.parametrize("becomes", [Role.OWNER, Role.ADMIN, Role.AGENT, Role.VIEWER])
async def test_a_key_is_worth_no_more_than_its_maker_today(
    house: House, desk: Browser, page: str, chloe: UUID, becomes: Role
) -> None:
    async with aclosing(await house.sign_in(CHLOE)) as browser:
        token = await shown(browser, page)
    await house.db.write(ada(house), handover.set_role, chloe, becomes)

    assert await role_of(house, token) is (Role.ADMIN if becomes is Role.OWNER else becomes)
    said = "Acts as" in (await desk.get(page)).text
    assert said == (becomes in (Role.AGENT, Role.VIEWER))


@pytest.mark.parametrize("disabled", [False, True])
async def test_keys_of_whoever_leaves_end_for_good(
    house: House, page: str, chloe: UUID, disabled: bool
) -> None:
    async with aclosing(await house.sign_in(CHLOE)) as browser:
        token = await shown(browser, page)
    if disabled:
        await house.db.write(Actor.system(), handover.disable_account, CHLOE)
    else:
        await house.db.write(ada(house), handover.remove_member, chloe)
        await house.as_system(workspaces.add_member, chloe, Role.ADMIN)

    assert await who(house, token) is None
    assert await house.db.read(ada(house), api_keys.every) == []


async def test_a_key_opens_nothing_where_its_maker_would_need_a_second_factor(
    house: House, desk: Browser, page: str
) -> None:
    theirs = await shown(desk, page)
    operators = await house.db.write(Actor.system(), api_keys.make_at, "acme", "Operator's", Role.AGENT)
    behind_its_back(house.app.parlour.settings, "UPDATE workspaces SET second_factor_required = true")

    assert await who(house, theirs) is None
    assert await role_of(house, operators.token) is Role.AGENT


async def test_when_a_key_was_used_is_written_once_a_minute(house: House, desk: Browser, page: str) -> None:
    token = await shown(desk, page)
    first = await who(house, token)
    assert first
    assert first.stale
    await house.as_system(api_keys.note_use, first.key_id)
    second = await who(house, token)
    with clock.at(clock.now() + timedelta(seconds=61)):
        third = await who(house, token)

    assert second
    assert third
    assert (second.stale, third.stale) == (False, True)
    assert "Last used" in (await desk.get(page)).text


@pytest.mark.parametrize(
    "token",
    ["", "parlour_", "parlour_" + "0" * 32 + "_" + "x" * 43, "parlour_" + "0" * 32 + "_" + "x" * 44, "\0"],
)
async def test_what_is_no_key_opens_nothing(house: House, token: str) -> None:
    assert await who(house, token) is None


async def test_a_key_of_one_workspace_does_not_work_under_the_name_of_another(
    house: House, desk: Browser, page: str
) -> None:
    token = await shown(desk, page)
    moved = token.replace(house.workspace.workspace_id.hex, house.other.workspace_id.hex)

    assert moved != token
    assert await who(house, moved) is None


async def test_there_are_so_many_keys_and_no_more(
    house: House, desk: Browser, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "KEYS_LIMIT", 1)
    await shown(desk, page)
    answer = await desk.submit(page, {"name": "B", "role": "agent", "key_id": str(uuid4())}, page=page)

    assert answer.status_code == 422
    assert "Revoke one first" in answer.text
