"""What an operator does when somebody is locked out or leaves: `parlour agent …`."""

from contextlib import aclosing
from html import unescape
from uuid import UUID

import pytest

from parlour.features.accounts import operator
from parlour.features.accounts.events import service as events
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.password_reset import service as password_reset
from parlour.features.accounts.passwords import hash_password
from parlour.features.tickets import handover
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Invalid
from parlour.kernel.secrets import new_secret
from tests.features.authenticator import half_minute, turn_on
from tests.features.test_people import held, many_of
from tests.features.test_second_factor import after_the_password, enter
from tests.house import PASSWORD, Browser, House
from tests.mailbox import mails, text_of
from tests.tickets import ada

BEN = "ben@acme.example"


@pytest.fixture
async def ben(house: House) -> UUID:
    return await house.add_agent(BEN, Role.ADMIN, name="Ben Okafor")


async def disable(house: House, email: str = BEN) -> None:
    await house.db.write(Actor.system(), handover.disable_account, email)


async def signs_in(house: House, password: str = PASSWORD) -> bool:
    async with house.browser() as browser:
        typed = {"email": BEN, "password": password, "next": "/"}
        return (await browser.submit("/auth/login", typed)).status_code == 303


async def test_a_disabled_account_is_out_and_comes_back_as_it_was(
    house: House, visitor: Browser, ben: UUID
) -> None:
    ticket = await house.open_ticket(visitor)
    await house.as_system(tickets.assign_ticket, ticket.ticket_id, ben, seen_version=1)
    async with aclosing(await house.sign_in(BEN)) as browser:
        await disable(house)
        page = await browser.get(f"/workspace/{house.workspace.workspace_id}")
    while_disabled = await signs_in(house)
    held = (await house.as_system(tickets.ticket, ticket.ticket_id)).assignee_id
    await house.db.write(Actor.system(), operator.enable, BEN)

    assert page.status_code == 303
    assert (while_disabled, held) == (False, None)
    assert await signs_in(house)
    assert await house.as_system(workspaces.role_of, ben) is Role.ADMIN


async def test_no_mailed_way_to_a_password_is_left_and_none_comes_back(house: House, ben: UUID) -> None:
    made = await house.db.write(Actor.system(), password_reset.issue, BEN, new_secret())
    assert made
    await disable(house)
    await house.db.write(Actor.system(), operator.enable, BEN)

    with pytest.raises(password_reset.ResetExpired):
        await password_reset.reset(house.db, made.token, "a quiet long evening", "here")


async def test_what_a_disabled_account_had_invited_ends(house: House, ben: UUID) -> None:
    admin = Actor.agent(house.workspace.workspace_id, ben, Role.ADMIN, "Ben")
    await house.db.write(admin, invitations.invite, "second@home.example", Role.ADMIN)
    await disable(house)

    assert [one.ended for one in await house.as_system(invitations.pending)] == [True]


async def test_a_sign_in_that_owes_its_second_factor_ends_with_the_account(house: House, ben: UUID) -> None:
    now = half_minute()
    with clock.at(now):
        async with aclosing(await house.sign_in()) as desk:
            _, codes = await turn_on(desk, now)
        async with aclosing(await after_the_password(house)) as browser:
            await disable(house, "ada@acme.example")
            assert (await enter(browser, codes[0]))[1] == "out"


async def test_nothing_is_given_to_a_disabled_account_and_it_is_no_owner_to_rely_on(
    house: House, visitor: Browser, ben: UUID
) -> None:
    ticket = await house.open_ticket(visitor)
    await house.db.write(ada(house), workspaces.set_role, ben, Role.OWNER)
    await disable(house)

    with pytest.raises(Invalid):
        await house.as_system(tickets.assign_ticket, ticket.ticket_id, ben, seen_version=1)
    with pytest.raises(workspaces.LastOwner):
        await house.db.write(ada(house), workspaces.set_role, house.ada, Role.AGENT)


async def test_the_people_page_says_who_is_disabled_and_lets_them_be_removed(
    house: House, desk: Browser, ben: UUID
) -> None:
    people = f"/workspace/{house.workspace.workspace_id}/people"
    await disable(house)
    page = await desk.get(people)
    removed = await desk.submit(f"{people}/{ben}/remove", {}, page=people)

    assert f"{BEN} · disabled" in unescape(page.text)
    assert removed.status_code == 303


async def test_an_owner_may_remove_one_whose_account_is_disabled(house: House, ben: UUID) -> None:
    await house.db.write(ada(house), workspaces.set_role, ben, Role.OWNER)
    await disable(house)
    await house.db.write(ada(house), workspaces.set_role, ben, Role.AGENT)
    await house.db.write(ada(house), workspaces.set_role, ben, Role.OWNER)
    await house.db.write(ada(house), handover.remove_member, ben)

    assert await house.as_system(workspaces.role_of, ben) is None


async def test_what_a_disabled_account_still_holds_is_shown_as_nobodys_and_no_more_is_offered_to_it(
    house: House, desk: Browser
) -> None:
    ben = await many_of(house, "ben", 60)
    await disable(house)
    rows = (await house.as_system(listing.workspace_tickets, Filters(limit=100))).rows
    here = f"/workspace/{house.workspace.workspace_id}/tickets"
    pages = [(await desk.get(address)).text for address in (here, f"{here}/{rows[0].ticket_id}")]

    assert held(house, ben) > 0
    assert {row.assignee_id for row in rows} == {None}
    assert [f'"{ben}"' in page for page in pages] == [False, False]


async def test_whoever_has_left_has_no_name_here_any_more(house: House, ben: UUID) -> None:
    before = await house.as_system(workspaces.name_of, ben)
    await house.db.write(ada(house), handover.remove_member, ben)

    assert (before, await house.as_system(workspaces.name_of, ben)) == ("Ben Okafor", "")


async def test_a_lost_second_factor_is_lifted_and_the_password_stays(house: House) -> None:
    now = half_minute()
    with clock.at(now):
        async with aclosing(await house.sign_in()) as desk:
            await turn_on(desk, now)
    done = await house.db.write(Actor.system(), operator.reset_second_factor, "ada@acme.example")
    again = await house.db.write(Actor.system(), operator.reset_second_factor, "ada@acme.example")
    async with aclosing(await house.sign_in()) as browser:
        page = await browser.get(f"/workspace/{house.workspace.workspace_id}")

    assert (done, again) == (True, False)
    assert page.status_code == 200


async def test_another_password_ends_the_sessions(house: House, ben: UUID) -> None:
    other = "a quiet long evening"
    async with aclosing(await house.sign_in(BEN)) as browser:
        await house.db.write(Actor.system(), operator.set_password, BEN, other, hash_password(other))
        page = await browser.get(f"/workspace/{house.workspace.workspace_id}")

    assert page.status_code == 303
    assert (await signs_in(house), await signs_in(house, other)) == (False, True)


async def test_the_owner_hears_of_a_password_and_of_a_lifted_factor_that_were_not_their_doing(
    house: House,
) -> None:
    now, ada_at = half_minute(), "ada@acme.example"
    with clock.at(now):
        async with aclosing(await house.sign_in()) as desk:
            await turn_on(desk, now)
    other = "a quiet long evening"
    await house.db.write(Actor.system(), operator.reset_second_factor, ada_at)
    await house.db.write(Actor.system(), operator.reset_second_factor, ada_at)  # it was off: nothing to tell
    await house.db.write(Actor.system(), operator.set_password, ada_at, other, hash_password(other))
    told = {str(mail["Subject"]): text_of(mail) for mail in await mails(house, ada_at, 3)}

    assert set(told) == {
        "The second step at sign-in was turned on for your Parlour account",
        "The second step at sign-in was lifted from your Parlour account",
        "Another password was set for your Parlour account",
    }
    by_operator = [text for text in told.values() if "By: whoever runs this Parlour" in text]
    assert len(by_operator) == 2
    assert all("You did not ask for it?" in text and "/auth/forgot" in text for text in by_operator)
    assert not any(other in text for text in by_operator)


async def test_what_a_disabled_account_had_invited_stands_in_the_trail(house: House, ben: UUID) -> None:
    admin = Actor.agent(house.workspace.workspace_id, ben, Role.ADMIN, "Ben")
    await house.db.write(admin, invitations.invite, "second@home.example", Role.ADMIN)
    await disable(house)
    trail = await house.db.read(ada(house), events.trail, action="invitation_ended")

    assert [(row.actor_name, row.detail) for row in trail.rows] == [("", "second@home.example: admin")]


async def test_an_address_that_nobody_has_is_said_so(house: House) -> None:
    for act in (operator.enable, operator.reset_second_factor, handover.disable_account):
        with pytest.raises(operator.NoSuchAccount):
            await house.db.write(Actor.system(), act, "nobody@acme.example")
