"""What managers see of how their people's accounts stand, and what they are told to ask the operator for."""

import html
import re
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from parlour.features.accounts import service as accounts
from parlour.features.accounts.events import service as events
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Forbidden
from tests.features.authenticator import half_minute, turn_on
from tests.house import PASSWORD, Browser, House, behind_its_back
from tests.meter import asking_anew
from tests.migrations import run_again
from tests.shell import command
from tests.tickets import ada


def people_of(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/people"


async def lines(house: House, desk: Browser) -> dict[str, str]:
    """What the page says of each member, by the address."""
    page = await desk.get(people_of(house))
    assert page.status_code == 200
    rows = re.findall(r'<li class="relative.*?</li>', page.text, re.DOTALL)
    said = [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]
    return {re.findall(r"\S+@\S+", one)[0]: one for one in said}


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
async def test_managers_see_who_has_a_second_factor_and_when_each_was_last_here(
    house: House, desk: Browser, role: Role
) -> None:
    with clock.at(half_minute()):
        await turn_on(desk, half_minute())
    await house.add_agent("eve@acme.example", role)
    await house.add_agent("never@acme.example", Role.AGENT)
    async with aclosing(await house.sign_in("eve@acme.example")) as eve:
        said = await lines(house, eve)

    assert "Second step at sign-in Last seen " in said["ada@acme.example"]
    assert "No second step at sign-in Last seen " in said["eve@acme.example"]
    assert "No second step at sign-in Never seen" in said["never@acme.example"]


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_nobody_else_sees_it(house: House, role: Role) -> None:
    ben = await house.add_agent("ben@acme.example", role)
    async with aclosing(await house.sign_in("ben@acme.example")) as browser:
        page = await browser.get(people_of(house))

    for words in ("step at sign-in", "Last seen", "Never seen", "parlour agent"):
        assert words not in page.text
    with pytest.raises(Forbidden):
        await house.db.read(Actor.agent(house.workspace.workspace_id, ben, role, "Ben"), workspaces.standings)


async def test_another_workspaces_people_are_not_among_them(house: House) -> None:
    olga = await house.add_agent("olga@other.example", Role.OWNER, house.other)

    assert olga not in await house.db.read(ada(house), workspaces.standings)


async def test_the_moment_moves_with_use_and_outlives_the_session(house: House) -> None:
    start = clock.now()
    with clock.at(start):
        browser = await house.sign_in()
    async with aclosing(browser):
        with clock.at(start + timedelta(hours=2)):
            await browser.get(people_of(house))
    with clock.at(start + timedelta(days=3)):
        while await house.db.write(Actor.system(), accounts.sweep_sessions):
            pass
    sessions = behind_its_back(house.app.parlour.settings, "SELECT session_hash FROM sessions")
    [standing] = (await house.db.read(ada(house), workspaces.standings)).values()

    assert sessions == []
    assert standing.last_seen_at
    assert abs(standing.last_seen_at - (start + timedelta(hours=2))) < timedelta(seconds=1)


async def test_the_page_takes_no_more_statements_for_more_members(house: House, desk: Browser) -> None:
    async def count() -> int:
        said: list[str] = []

        def note(*happened: Any) -> None:
            said.append(happened[2])

        event.listen(Engine, "before_cursor_execute", note)
        try:
            with asking_anew():
                assert (await desk.get(people_of(house))).status_code == 200
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len(said)

    await house.app.parlour.worker.stop()  # it looks for jobs now and then
    await count()  # the first page of a session also marks that it is used
    few = await count()
    for number in range(20):
        await house.add_agent(f"agent{number}@acme.example", Role.AGENT)

    assert await count() == few


async def test_the_commands_on_the_page_are_the_operators(house: House, desk: Browser) -> None:
    page = html.unescape((await desk.get(people_of(house))).text)
    shown = re.findall(r"<code[^>]*>parlour agent ([\w-]+) EMAIL( --[\w-]+)?</code>", page)

    assert [name for name, _ in shown] == [
        "disable",
        "enable",
        "reset-second-factor",
        "set-password",
        "unlock",
    ]
    for name, option in shown:
        parameters = command("agent", name).params
        options = {text for parameter in parameters for text in parameter.opts}
        assert option.strip() in {"", *options}
        assert "email" in {parameter.name for parameter in parameters}


async def test_what_was_known_before_is_kept(house: House) -> None:
    """The release before kept no moment: sign-ins and sessions tell of it, whichever was later."""
    await house.add_agent("eve@acme.example", Role.AGENT)
    gone = await house.add_agent("gone@acme.example", Role.AGENT)
    start = clock.now()
    with clock.at(start - timedelta(days=30)):
        await house.db.write(Actor.system(), events.note, gone, events.Event.SIGNED_IN, "")
        await house.db.write(Actor.system(), events.note, house.ada, events.Event.SIGNED_IN, "")
    async with house.browser() as browser:
        typed = {"email": "ada@acme.example", "password": PASSWORD, "next": "/"}
        await browser.submit("/auth/login", typed)
    behind_its_back(house.app.parlour.settings, "UPDATE users SET last_seen_at = NULL")
    run_again(house, "0012_people", "keep_what_is_known")
    seen = await house.db.read(ada(house), workspaces.standings)
    members = await house.as_system(workspaces.members)
    by_address = {one.email: seen[one.user_id].last_seen_at for one in members}

    assert by_address["eve@acme.example"] is None
    assert by_address["gone@acme.example"] == start - timedelta(days=30)
    assert by_address["ada@acme.example"]
    assert by_address["ada@acme.example"] >= start
