"""What one person passed on is worth no more than that person's rights today."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import UUID

import httpx
import pytest

from parlour.features.accounts.events import service as events
from parlour.features.accounts.invitations import service as invitations
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.models import Field, Filters
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Forbidden
from parlour.kernel.secrets import new_secret
from tests.features.test_people import invite, roles
from tests.house import Browser, House, stock
from tests.tickets import ada

SECOND = "chloe@home.example"
ACCEPTED = {"name": "Chloe again", "password": "a quiet long evening"}


@pytest.fixture
async def people(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/people"


@pytest.fixture
async def chloe(house: House) -> UUID:
    return await house.add_agent("chloe@acme.example", Role.ADMIN, name="Chloe")


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Browser]:
    async with house.browser("127.0.0.9") as browser:
        yield browser


async def invited_by(house: House, people: str, who: str, role: str = "admin") -> str:
    """The code of an invitation of their own second address."""
    async with aclosing(await house.sign_in(who)) as browser:
        return await invite(house, browser, people, SECOND, role)


async def accept(stranger: Browser, code: str) -> httpx.Response:
    return await stranger.submit("/invite/accept", {"token": code, **ACCEPTED}, page="/invite")


@pytest.mark.parametrize("becomes", [None, "viewer", "agent"], ids=["removed", "viewer", "agent"])
async def test_an_invitation_ends_with_the_right_of_whoever_sent_it(
    house: House,
    desk: Browser,
    stranger: Browser,
    people: str,
    chloe: UUID,
    becomes: str | None,
) -> None:
    code = await invited_by(house, people, "chloe@acme.example")
    if becomes:
        await desk.submit(f"{people}/{chloe}/role", {"role": becomes}, page=people)
    else:
        await desk.submit(f"{people}/{chloe}/remove", {}, page=people)

    assert (await stranger.submit("/invite", {"token": code}, page="/invite")).status_code == 410
    assert (await accept(stranger, code)).status_code == 410
    assert SECOND not in await roles(house)


async def test_an_owner_who_becomes_admin_takes_back_no_more_than_owners(
    house: House, desk: Browser, stranger: Browser, people: str
) -> None:
    ben = await house.add_agent("ben@acme.example", Role.OWNER)
    ended = await invited_by(house, people, "ben@acme.example", "owner")
    async with aclosing(await house.sign_in("ben@acme.example")) as browser:
        kept = await invite(house, browser, people, "dan@acme.example", "admin")
    await desk.submit(f"{people}/{ben}/role", {"role": "admin"}, page=people)

    assert (await accept(stranger, ended)).status_code == 410
    assert (await accept(stranger, kept)).status_code == 303


async def test_a_right_that_comes_back_does_not_bring_the_invitation_back(
    house: House, desk: Browser, stranger: Browser, people: str, chloe: UUID
) -> None:
    code = await invited_by(house, people, "chloe@acme.example")
    for role in ("viewer", "admin"):
        await desk.submit(f"{people}/{chloe}/role", {"role": role}, page=people)

    assert (await accept(stranger, code)).status_code == 410


async def test_an_invitation_that_ended_is_shown_so_and_can_be_cleared_away(
    house: House, desk: Browser, people: str, chloe: UUID
) -> None:
    await invited_by(house, people, "chloe@acme.example")
    await desk.submit(f"{people}/{chloe}/role", {"role": "agent"}, page=people)
    page = await desk.get(people)
    [ended] = await house.as_system(invitations.pending)
    cleared = await desk.submit(f"{people}/invitations/{ended.invitation_id}/withdraw", {}, page=people)

    assert "ended: whoever sent it may not give this role any more" in page.text
    assert cleared.status_code == 303
    assert await house.as_system(invitations.pending) == []


async def test_the_trail_says_which_invitations_ended_by_whose_doing(
    house: House, desk: Browser, people: str, chloe: UUID
) -> None:
    for address, role in (("one@home.example", "admin"), ("two@home.example", "viewer")):
        async with aclosing(await house.sign_in("chloe@acme.example")) as browser:
            await invite(house, browser, people, address, role)
    await desk.submit(f"{people}/{chloe}/role", {"role": "agent"}, page=people)
    await desk.submit(f"{people}/{chloe}/remove", {}, page=people)
    trail = await house.db.read(ada(house), events.trail, action="invitation_ended")
    page = await desk.get(f"/workspace/{house.workspace.workspace_id}/settings/audit?kind=invitation_ended")

    assert sorted((row.actor_name, row.detail) for row in trail.rows) == [
        ("Ada Moreau", "one@home.example: admin"),
        ("Ada Moreau", "two@home.example: viewer"),
    ]
    assert page.text.count("Invitation ended") >= 3


async def test_the_trail_says_what_was_withdrawn_and_what_a_newer_invitation_replaced(
    house: House, desk: Browser, people: str
) -> None:
    for role in ("admin", "viewer"):
        await desk.submit(f"{people}/invite", {"email": SECOND, "role": role}, page=people)
    [left] = await house.as_system(invitations.pending)
    await desk.submit(f"{people}/invitations/{left.invitation_id}/withdraw", {}, page=people)
    trail = await house.db.read(ada(house), events.trail, action="invitation")

    assert [row.detail for row in trail.rows] == [
        f"{SECOND}: viewer",
        f"{SECOND}: admin → {SECOND}: viewer",
        f"{SECOND}: admin",
    ]


async def test_an_invitation_that_ended_before_its_mail_went_out_is_not_mailed(
    house: House, people: str, chloe: UUID
) -> None:
    admin = Actor.agent(house.workspace.workspace_id, chloe, Role.ADMIN, "Chloe")
    await house.app.parlour.worker.stop()
    await house.db.write(admin, invitations.invite, SECOND, Role.ADMIN)
    [waiting] = await house.as_system(invitations.pending)
    await house.db.write(ada(house), workspaces.set_role, chloe, Role.AGENT)
    await house.as_system(invitations.end_what_is_not_theirs, chloe)

    assert await house.as_system(invitations.issue, waiting.invitation_id, new_secret()) is None


async def test_the_giver_is_asked_again_at_the_moment_of_joining(house: House, chloe: UUID) -> None:
    """Whatever ended no invitation, such as a change behind our back."""
    await house.db.write(ada(house), workspaces.set_role, chloe, Role.AGENT)
    ben = await house.add_agent("ben@other.example", Role.AGENT, house.other)

    with pytest.raises(workspaces.NotTheirsToGive):
        await house.as_system(workspaces.let_in, ben, Role.VIEWER, given_by=chloe)


async def test_of_a_removal_and_an_acceptance_at_once_the_removal_wins_or_came_second(
    house: House, desk: Browser, stranger: Browser, people: str, chloe: UUID
) -> None:
    code = await invited_by(house, people, "chloe@acme.example")
    csrf, form = await desk.csrf(people), await stranger.csrf("/invite")
    removed, accepted = await asyncio.gather(
        desk.post(f"{people}/{chloe}/remove", data={"csrf": csrf}),
        stranger.post("/invite/accept", data={"csrf": form, "token": code, **ACCEPTED}),
    )

    assert removed.status_code == 303
    assert (accepted.status_code, SECOND in await roles(house)) in [(410, False), (303, True)]


@pytest.mark.parametrize("role", [Role.VIEWER, None], ids=["demoted", "removed"])
async def test_members_are_changed_by_the_role_of_now_and_not_by_the_one_of_a_moment_ago(
    house: House, chloe: UUID, role: Role | None
) -> None:
    a_moment_ago = Actor.agent(house.workspace.workspace_id, chloe, Role.ADMIN, "Chloe")
    dan = await house.add_agent("dan@acme.example", Role.AGENT)
    if role:
        await house.db.write(ada(house), workspaces.set_role, chloe, role)
    else:
        await house.db.write(ada(house), workspaces.remove_member, chloe)

    with pytest.raises(Forbidden):
        await house.db.write(a_moment_ago, workspaces.set_role, dan, Role.ADMIN)
    with pytest.raises(Forbidden):
        await house.db.write(a_moment_ago, workspaces.remove_member, dan)
    assert (await roles(house))["dan@acme.example"] is Role.AGENT


@pytest.mark.parametrize("role", [Role.VIEWER, None], ids=["demoted", "removed"])
async def test_a_change_of_many_tickets_stops_with_the_right_of_whoever_asked_for_it(
    house: House, role: Role | None
) -> None:
    await house.app.parlour.worker.stop()
    ben = await house.add_agent("ben@acme.example", Role.AGENT)
    asker = Actor.agent(house.workspace.workspace_id, ben, Role.AGENT, "Ben")
    await asyncio.to_thread(stock, house, 150)
    chosen = await house.db.scan(asker, bulk.matching, Filters())
    started = await house.db.write(asker, bulk.start, chosen, Field.PRIORITY, "low")
    await house.as_system(bulk.write_down, started.bulk_id, chosen)
    await house.as_system(bulk.carry_on, started.bulk_id, ben)
    if role:
        await house.db.write(ada(house), workspaces.set_role, ben, role)
    else:
        await house.db.write(ada(house), workspaces.remove_member, ben)
    more = await house.as_system(bulk.carry_on, started.bulk_id, ben)
    left = await house.as_system(bulk.bulk, started.bulk_id)

    assert not more
    assert (left.done, left.running) == (bulk.CHUNK, False)
