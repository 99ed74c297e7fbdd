"""How to begin: a list on the dashboard of a new workspace."""

import re
from pathlib import Path

from parlour.features.accounts.invitations import service as invitations
from parlour.features.tickets.canned import service as canned
from parlour.kernel.access import Actor, Role
from tests.house import ORIGIN, Browser, House, open_house

FIRST = "First steps"


def home(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}"


def done(page: str) -> list[str]:
    return re.findall(r"<h3>([^<]+)<span class=\"sr-only\"> \(done\)", page)


async def test_each_step_ticks_itself_off_and_the_list_goes_with_the_last(tmp_path: Path) -> None:
    async with open_house(tmp_path, PARLOUR_SMTP_URL="smtp://127.0.0.1:1") as house:
        ada = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
        async with await house.sign_in() as desk, house.browser() as visitor:
            new = (await desk.get(home(house))).text
            await house.open_ticket(visitor, email="ada@acme.example")
            await house.db.write(ada, invitations.invite, "ben@acme.example", Role.AGENT)
            some = (await desk.get(home(house))).text
            await house.db.write(ada, lambda tx: canned.add(tx, "Thanks", "Thank you.", shared=True))
            await house.open_ticket(visitor, subject="Of a customer")
            every = (await desk.get(home(house))).text

    assert done(new) == ["See that mail leaves"]
    assert f'value="{ORIGIN}/support/acme"' in new
    assert done(some) == ["Try a ticket", "Invite a colleague", "See that mail leaves"]
    assert FIRST not in every


async def test_whoever_manages_the_workspace_may_hide_the_list(house: House, desk: Browser) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT)
    async with await house.sign_in("ben@acme.example") as ben:
        of_an_agent = (await ben.get(home(house))).text
    before = (await desk.get(home(house))).text

    await desk.submit(f"{home(house)}/first-steps", {"dismiss": "now"}, page=home(house))

    assert FIRST not in of_an_agent
    assert FIRST in before
    assert FIRST not in (await desk.get(home(house))).text
