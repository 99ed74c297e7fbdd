"""A list that holds no more than so much says so, where somebody could rely on it to be whole."""

import pytest

from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.profile import service as profiles
from parlour.features.portal import tickets as portal
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Priority
from parlour.features.workspaces import audit
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House
from tests.tickets import place


@pytest.mark.parametrize(("most", "says"), [(2, True), (3, False)])
async def test_the_front_page_of_a_portal(
    house: House, visitor: Browser, monkeypatch: pytest.MonkeyPatch, most: int, says: bool
) -> None:
    monkeypatch.setattr(portal, "KEYS_A_BROWSER", most)
    for number in range(2):
        await house.open_ticket(visitor, subject=f"Parcel {number}")
    page = await visitor.get("/support/acme")

    assert (f"This browser keeps your newest {most}." in page.text) == says


@pytest.mark.parametrize(("most", "says"), [(6, True), (20, False)])
async def test_the_history_of_a_ticket(
    house: House, visitor: Browser, desk: Browser, monkeypatch: pytest.MonkeyPatch, most: int, says: bool
) -> None:
    monkeypatch.setattr(audit, "SHOWN", most)
    ticket = await house.open_ticket(visitor)
    ada = Actor.agent(ticket.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
    for turn in range(6):
        seen = await house.as_system(tickets.ticket, ticket.ticket_id)
        priority = Priority.HIGH if turn % 2 == 0 else Priority.LOW
        await house.db.write(
            ada, tickets.update_ticket_priority, ticket.ticket_id, priority, seen_version=seen.version
        )
    page = await desk.get(place(house, ticket))

    assert (f"Only the newest {most} are shown." in page.text) == says


@pytest.mark.parametrize(("most", "says"), [(1, True), (2, False)])
async def test_those_who_are_invited(
    house: House, desk: Browser, monkeypatch: pytest.MonkeyPatch, most: int, says: bool
) -> None:
    monkeypatch.setattr(invitations, "SHOWN", most)
    ada = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
    await house.db.write(ada, invitations.invite, "new@example.com", Role.AGENT)
    page = await desk.get(f"/workspace/{house.workspace.workspace_id}/people")

    assert (f"Only the newest {most} are shown." in page.text) == says


@pytest.mark.parametrize(("most", "says"), [(1, True), (2, False)])
async def test_the_sessions_of_an_account(
    desk: Browser, monkeypatch: pytest.MonkeyPatch, most: int, says: bool
) -> None:
    monkeypatch.setattr(profiles, "SESSIONS_SHOWN", most)
    page = await desk.get("/profile")

    assert (f"Only the {most} used last are shown." in page.text) == says
