"""Who works in a workspace: invitations, roles, leaving, founding another one."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from uuid import UUID

import pytest

from parlour.features.chat import service as chat
from parlour.features.tickets import handover
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from tests.house import PASSWORD, Browser, House, behind_its_back, stock
from tests.mailbox import mails, text_of


@pytest.fixture
async def people(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/people"


async def mailed_code(house: House, to: str) -> str:
    """The code in the mail to an address, once the worker has written it."""
    [mail] = await mails(house, to)
    [code] = re.findall(r"^[0-9a-f]{32}\.[\w-]{43}$", text_of(mail), re.MULTILINE)
    return str(code)


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Browser]:
    async with house.browser("127.0.0.9") as browser:
        yield browser


async def roles(house: House) -> dict[str, Role]:
    members = await house.as_system(workspaces.members)
    return {member.email: member.role for member in members}


async def invite(house: House, desk: Browser, people: str, address: str, role: str = "agent") -> str:
    answer = await desk.submit(f"{people}/invite", {"email": address, "role": role}, page=people)
    assert answer.status_code == 303, answer.text
    return await mailed_code(house, address)


async def test_an_invited_person_makes_an_account_and_is_in(
    house: House, desk: Browser, stranger: Browser, people: str
) -> None:
    code = await invite(house, desk, people, "ben@acme.example")
    page = await stranger.submit("/invite", {"token": f"Paste this code:\n{code}."}, page="/invite")
    fields = {"token": code, "name": "Ben Okafor", "password": "a quiet long evening"}
    answer = await stranger.submit("/invite/accept", fields, page="/invite")
    desk_page = await stranger.get(answer.headers["location"])

    assert "Join Acme Outdoor" in page.text
    assert answer.status_code == 303
    assert desk_page.status_code == 200
    assert (await roles(house))["ben@acme.example"] is Role.AGENT


async def test_an_invitation_works_once(house: House, desk: Browser, stranger: Browser, people: str) -> None:
    code = await invite(house, desk, people, "ben@acme.example")
    fields = {"token": code, "name": "Ben", "password": "a quiet long evening"}
    await stranger.submit("/invite/accept", fields, page="/invite")
    async with house.browser("127.0.0.8") as other:
        again = await other.submit("/invite/accept", fields, page="/invite")

    assert again.status_code == 410


async def test_of_two_who_accept_an_invitation_at_once_one_is_in(
    house: House, desk: Browser, stranger: Browser, people: str
) -> None:
    code = await invite(house, desk, people, "ben@acme.example")
    csrf = await stranger.csrf("/invite")
    fields = {"csrf": csrf, "token": code, "password": "a quiet long evening"}
    answers = await asyncio.gather(
        *[stranger.post("/invite/accept", data={**fields, "name": f"Ben {number}"}) for number in range(2)]
    )

    assert sorted(answer.status_code for answer in answers) == [303, 410]
    assert list(await roles(house)).count("ben@acme.example") == 1


@pytest.mark.parametrize(("age", "status"), [(timedelta(days=6), 200), (timedelta(days=8), 410)])
async def test_an_invitation_ends_after_a_week(
    house: House, desk: Browser, stranger: Browser, people: str, age: timedelta, status: int
) -> None:
    code = await invite(house, desk, people, "ben@acme.example")
    with clock.at(clock.now() + age):
        page = await stranger.submit("/invite", {"token": code}, page="/invite")
        fields = {"token": code, "name": "Ben", "password": "a quiet long evening"}
        accepted = await stranger.submit("/invite/accept", fields, page="/invite")

    assert page.status_code == status
    assert accepted.status_code == (303 if status == 200 else 410)
    assert ("ben@acme.example" in await roles(house)) == (status == 200)


async def test_an_account_joins_with_its_own_password(
    house: House, desk: Browser, stranger: Browser, people: str
) -> None:
    await house.add_agent("olga@other.example", Role.OWNER, house.other)
    code = await invite(house, desk, people, "olga@other.example", "viewer")
    wrong = await stranger.submit(
        "/invite/accept", {"token": code, "password": "not hers at all"}, page="/invite"
    )
    right = await stranger.submit("/invite/accept", {"token": code, "password": PASSWORD}, page="/invite")

    assert wrong.status_code == 422
    assert right.status_code == 303
    assert (await roles(house))["olga@other.example"] is Role.VIEWER


async def test_the_members_are_shown_by_pages_and_a_form_leads_back_to_its_own(
    house: House, desk: Browser, people: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspaces, "MEMBERS_PAGE", 2)
    names = ("Bea", "Bea", "Étienne", "Zoë & Co.")
    for number, name in enumerate(names):
        last = await house.add_agent(f"n{number}@acme.example", Role.AGENT, name=name)
    shown, here = [], people
    while here:
        page = html.unescape((await desk.get(here)).text)
        shown += re.findall(r'muted-foreground">(\S+@acme\.example)', page.partition('id="invited"')[0])
        found, at = re.search(rf'href="({people}\?after=[^"]*)"[^>]*>Next', page), here
        here = found[1] if found else ""
    changed = await desk.submit(f"{people}/{last}/role{at[len(people) :]}", {"role": "viewer"}, page=at)
    strange = await desk.get(f"{people}?after=nothing")

    everybody = {"ada@acme.example", *(f"n{number}@acme.example" for number in range(len(names)))}
    assert sorted(shown) == sorted(everybody)
    assert at != people
    assert changed.headers["location"] == f"{at}&done=role"
    assert (await roles(house))["n3@acme.example"] is Role.VIEWER
    assert "ada@acme.example" in strange.text


async def test_a_weak_password_is_named_and_the_name_is_kept(
    house: House, desk: Browser, stranger: Browser, people: str
) -> None:
    code = await invite(house, desk, people, "ben@acme.example")
    answer = await stranger.submit(
        "/invite/accept", {"token": code, "name": "Ben", "password": "short"}, page="/invite"
    )

    assert answer.status_code == 422
    assert "at least 10 characters" in answer.text
    assert 'value="Ben"' in answer.text


async def test_a_withdrawn_invitation_is_dead(
    house: House, desk: Browser, stranger: Browser, people: str
) -> None:
    code = await invite(house, desk, people, "ben@acme.example")
    page = (await desk.get(people)).text
    withdraw = re.findall(r'action="([^"]+/withdraw)"', page.replace("&#x2f;", "/"))[0]
    await desk.submit(withdraw, {}, page=people)

    assert (await stranger.submit("/invite", {"token": code}, page="/invite")).status_code == 410


async def test_without_a_mail_server_the_link_is_there_to_be_given(
    house: House, desk: Browser, stranger: Browser, people: str
) -> None:
    sent = await desk.submit(f"{people}/invite", {"email": "ben@acme.example", "role": "agent"}, page=people)
    page = await desk.get(sent.headers["location"])
    found = re.search(r'value="http://parlour\.test/invite#([\w.-]+)"', page.text)
    assert found, page.text
    opened = await stranger.submit("/invite", {"token": found[1]}, page="/invite")

    assert "nothing was mailed" in page.text
    assert "replaces" not in page.text
    assert opened.status_code == 200
    assert await mailed_code(house, "ben@acme.example") == found[1]


async def test_a_second_invitation_says_that_it_replaces_the_first(desk: Browser, people: str) -> None:
    for _ in range(2):
        fields = {"email": "ben@acme.example", "role": "agent"}
        sent = await desk.submit(f"{people}/invite", fields, page=people)
    page = await desk.get(sent.headers["location"])

    assert "It replaces the earlier one, whose link does not work any more." in page.text


async def test_an_admin_finds_no_link_that_makes_owners(house: House, desk: Browser, people: str) -> None:
    sent = await desk.submit(f"{people}/invite", {"email": "ben@acme.example", "role": "owner"}, page=people)
    await house.add_agent("chloe@acme.example", Role.ADMIN)
    async with aclosing(await house.sign_in("chloe@acme.example")) as admin:
        page = await admin.get(sent.headers["location"])

    assert "ben@acme.example" in page.text
    assert "/invite#" not in page.text


@pytest.mark.parametrize("address", ["", "nobody", "ada@acme.example"])
async def test_an_address_that_cannot_be_invited_stays_in_the_form(
    desk: Browser, people: str, address: str
) -> None:
    answer = await desk.submit(f"{people}/invite", {"email": address, "role": "agent"}, page=people)

    assert answer.status_code == 422
    assert f'value="{address}"' in answer.text


async def test_only_those_who_manage_members_may(house: House, people: str) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT)
    async with aclosing(await house.sign_in("ben@acme.example")) as ben:
        seen = await ben.get(people)
        refused = await ben.submit(
            f"{people}/invite", {"email": "x@acme.example", "role": "agent"}, page=people
        )

    assert seen.status_code == 200
    assert refused.status_code == 403


async def test_an_admin_makes_no_owners(house: House, people: str) -> None:
    chloe = await house.add_agent("chloe@acme.example", Role.ADMIN)
    async with aclosing(await house.sign_in("chloe@acme.example")) as browser:
        raised = await browser.submit(f"{people}/{chloe}/role", {"role": "owner"}, page=people)
        touched = await browser.submit(f"{people}/{house.ada}/role", {"role": "agent"}, page=people)

    assert (raised.status_code, touched.status_code) == (403, 403)
    assert (await roles(house))["ada@acme.example"] is Role.OWNER


async def test_the_last_owner_neither_leaves_nor_steps_down(house: House, desk: Browser, people: str) -> None:
    left = await desk.submit(f"{people}/{house.ada}/remove", {}, page=people)
    stepped = await desk.submit(f"{people}/{house.ada}/role", {"role": "agent"}, page=people)

    assert (left.status_code, stepped.status_code) == (409, 409)
    assert "A workspace needs an owner" in left.text
    assert (await roles(house))["ada@acme.example"] is Role.OWNER


async def test_of_two_owners_who_leave_at_once_one_stays(house: House, desk: Browser, people: str) -> None:
    ben = await house.add_agent("ben@acme.example", Role.OWNER)
    async with aclosing(await house.sign_in("ben@acme.example")) as browser:
        left = await asyncio.gather(
            desk.submit(f"{people}/{house.ada}/remove", {}, page=people),
            browser.submit(f"{people}/{ben}/remove", {}, page=people),
        )

    assert sorted(answer.status_code for answer in left) == [303, 409]
    assert list((await roles(house)).values()) == [Role.OWNER]


async def test_whoever_is_removed_is_out_and_their_tickets_are_nobodys(
    house: House, desk: Browser, visitor: Browser, people: str
) -> None:
    ben = await house.add_agent("ben@acme.example", Role.AGENT)
    ticket = await house.open_ticket(visitor)
    await house.as_system(tickets.assign_ticket, ticket.ticket_id, ben, seen_version=1)
    async with aclosing(await house.sign_in("ben@acme.example")) as browser:
        await desk.submit(f"{people}/{ben}/remove", {}, page=people)
        after = await browser.get(f"/workspace/{house.workspace.workspace_id}")
    now = await house.as_system(tickets.ticket, ticket.ticket_id)

    assert after.status_code == 404
    assert now.assignee_id is None


async def test_what_becomes_of_the_tickets_of_whoever_leaves_is_noted(
    house: House, desk: Browser, visitor: Browser, people: str
) -> None:
    ben = await house.add_agent("ben@acme.example", Role.AGENT, name="Ben Okafor")
    ticket = await house.open_ticket(visitor)
    await house.as_system(tickets.assign_ticket, ticket.ticket_id, ben, seen_version=1)
    await desk.submit(f"{people}/{ben}/remove", {}, page=people)
    notes = await house.as_system(chat.notes_room, ticket.ticket_id)
    said = (await house.as_system(chat.history, notes)).messages[-1]
    trail = await house.as_system(audit.of_ticket, ticket.ticket_id)

    assert (said.content, said.sender_name) == ("assignee:", "Ada Moreau")
    assert (trail[0].action, trail[0].before, trail[0].after) == ("assignee", "Ben Okafor", "")


async def test_whoever_may_only_read_from_now_on_has_no_tickets(
    house: House, desk: Browser, visitor: Browser, people: str
) -> None:
    ben = await house.add_agent("ben@acme.example", Role.AGENT)
    ticket = await house.open_ticket(visitor)
    await house.as_system(tickets.assign_ticket, ticket.ticket_id, ben, seen_version=1)
    await desk.submit(f"{people}/{ben}/role", {"role": "admin"}, page=people)
    kept = (await house.as_system(tickets.ticket, ticket.ticket_id)).assignee_id
    await desk.submit(f"{people}/{ben}/role", {"role": "viewer"}, page=people)
    left = (await house.as_system(tickets.ticket, ticket.ticket_id)).assignee_id

    assert (kept, left) == (ben, None)


async def many_of(house: House, name: str, count: int) -> UUID:
    """An agent to whom so many tickets are given, past the application; nobody works off jobs any more."""
    agent = await house.add_agent(f"{name}@acme.example", Role.AGENT, name=name.title())
    await asyncio.to_thread(stock, house, count)
    settings = house.app.parlour.settings
    whose = agent if settings.is_postgresql else agent.hex
    behind_its_back(settings, "UPDATE tickets SET assignee_id = ?", whose)
    await house.app.parlour.worker.stop()
    return agent


def held(house: House, agent: UUID) -> int:
    settings = house.app.parlour.settings
    whose = agent if settings.is_postgresql else agent.hex
    [(count,)] = behind_its_back(settings, "SELECT count(*) FROM tickets WHERE assignee_id = ?", whose)
    return int(str(count))


async def test_many_tickets_of_whoever_leaves_go_in_steps_and_are_shown_as_nobodys_at_once(
    house: House, desk: Browser, people: str
) -> None:
    ben = await many_of(house, "ben", 140)
    await desk.submit(f"{people}/{ben}/remove", {}, page=people)
    shown = await house.as_system(listing.workspace_tickets, Filters(limit=100))
    first, steps = 140 - held(house, ben), 1
    while await house.as_system(handover.carry_on, ben, "Ben", house.ada, "Ada"):
        steps += 1

    assert {row.assignee_id for row in shown.rows} == {None}
    assert 0 < first <= handover.AT_ONCE
    assert held(house, ben) == 0
    assert steps > 1


async def test_what_is_left_to_somebody_who_is_back_stays_theirs(
    house: House, desk: Browser, people: str
) -> None:
    ben = await many_of(house, "ben", 60)
    await desk.submit(f"{people}/{ben}/role", {"role": "viewer"}, page=people)
    left = held(house, ben)
    await desk.submit(f"{people}/{ben}/role", {"role": "agent"}, page=people)

    assert not await house.as_system(handover.carry_on, ben, "Ben", house.ada, "Ada")
    assert held(house, ben) == left > 0


async def test_too_many_invitations_leave_the_address_in_the_form(desk: Browser, people: str) -> None:
    for number in range(30):
        fields = {"email": f"guest{number}@acme.example", "role": "agent"}
        await desk.submit(f"{people}/invite", fields, page=people)
    refused = await desk.submit(
        f"{people}/invite", {"email": "ben@acme.example", "role": "viewer"}, page=people
    )

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert 'value="ben@acme.example"' in refused.text
    assert "Please wait a little" in refused.text


async def test_too_many_tries_to_accept_leave_the_name_in_the_form(
    house: House, desk: Browser, stranger: Browser, people: str
) -> None:
    code = await invite(house, desk, people, "ben@acme.example")
    for _ in range(30):  # somebody in the same network guesses at what is no account
        await stranger.submit("/auth/login", {"email": "no address", "password": "a guess", "next": "/"})
    fields = {"token": code, "name": "Ben Okafor", "password": "short"}
    refused = await stranger.submit("/invite/accept", fields, page="/invite")

    assert refused.status_code == 429
    assert 'value="Ben Okafor"' in refused.text


async def test_another_workspaces_member_is_unknown_here(house: House, desk: Browser, people: str) -> None:
    olga = await house.add_agent("olga@other.example", Role.AGENT, house.other)

    assert (await desk.submit(f"{people}/{olga}/remove", {}, page=people)).status_code == 404
    assert (await desk.submit(f"{people}/{olga}/role", {"role": "viewer"}, page=people)).status_code == 404


async def test_a_founder_owns_the_new_workspace(house: House, desk: Browser) -> None:
    answer = await desk.submit(
        "/workspace/new", {"name": "Second Desk", "slug": "second"}, page="/workspace/new"
    )
    made = await house.db.read(Actor.visitor(), workspaces.workspace_at, "second")

    assert answer.headers["location"] == f"/workspace/{made.workspace_id}"
    assert (await desk.get(answer.headers["location"])).status_code == 200


@pytest.mark.parametrize(
    ("slug", "words", "status"), [("acme", "has this address", 409), ("Not OK", "small letters", 422)]
)
async def test_a_slug_is_checked_while_it_is_typed_and_when_it_is_sent(
    desk: Browser, slug: str, words: str, status: int
) -> None:
    typed = await desk.get("/workspace/new/slug", params={"slug": slug})
    sent = await desk.submit("/workspace/new", {"name": "Mine", "slug": slug}, page="/workspace/new")

    assert words in typed.text
    assert sent.status_code == status
    assert f'value="{slug}"' in sent.text


async def test_only_those_who_run_a_workspace_found_another(house: House) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT)
    async with aclosing(await house.sign_in("ben@acme.example")) as ben:
        assert (await ben.get("/workspace/new")).status_code == 403
