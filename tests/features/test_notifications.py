"""What members are told of: under the bell, once for each thing that happened, and never of what they did."""

import html
import re
from contextlib import aclosing
from uuid import UUID, uuid4

import pytest

from parlour.features.conversation import units as conversation
from parlour.features.tickets import handover
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft, Ticket
from parlour.features.tickets.notifications.models import CHOICES, Kind, Way
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House
from tests.tickets import ada, customer_says, now, place, words


def bell(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/notifications"


async def lines(house: House, browser: Browser, query: str = "") -> list[str]:
    """As somebody reads them, the newest first."""
    page = (await browser.get(bell(house) + query)).text
    found = re.findall(r"<li><a href=[^>]*/tickets/[^>]*>(.*?)<time", page.partition('id="bell-list"')[2])
    texts = (html.unescape(re.sub(r"<[^>]+>", "", line)) for line in found)
    return [" ".join(text.split()) for text in texts]


async def counted(browser: Browser, page: str) -> str:
    """What stands beside the bell of a page."""
    found = re.findall(r'class="bell".*?<b>([^<]*)</b>', (await browser.get(page)).text)
    assert len(set(found)) == 1, found
    return str(found[0])


async def read(house: House, actor: Actor, ticket: Ticket) -> None:
    """Attend to the ticket's page, as its socket says it."""
    await house.db.write(actor, conversation.seen, ticket.chat_room_id, 99)


async def give(house: House, actor: Actor, ticket: Ticket, to: UUID | None) -> None:
    version = (await now(house, ticket)).version
    await house.db.write(actor, tickets.assign_ticket, ticket.ticket_id, to, seen_version=version)


@pytest.fixture
async def bob(house: House) -> UUID:
    return await house.add_agent("bob@acme.example", Role.AGENT, name="Bob Okafor")


async def test_whoever_is_concerned_is_told_and_whoever_did_it_is_not(
    house: House, visitor: Browser, desk: Browser, bob: UUID
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        assert await lines(house, his) == [
            "Unread: maria@example.com opened a new ticket #1 The parcel is late"
        ]
        await give(house, ada(house), ticket, bob)
        await desk.submit(f"{here}/notes", words("@Bob Okafor and @Ada Moreau, look"), page=here)
        for said in range(10):
            await customer_says(house, ticket, f"Hello {said}")

        assert await lines(house, his) == [
            "Unread: maria@example.com wrote 10 messages #1 The parcel is late",
            "Unread: Ada Moreau mentioned you #1 The parcel is late",
            "Unread: Ada Moreau gave it to you #1 The parcel is late",
        ]
        assert await counted(his, here) == "3"
    assert await lines(house, desk) == []
    assert await counted(desk, here) == ""


async def test_who_takes_a_ticket_is_not_told_and_who_loses_it_hears_no_more(
    house: House, visitor: Browser, desk: Browser, bob: UUID
) -> None:
    """A slip that is taken back at once leaves nothing."""
    ticket = await house.open_ticket(visitor)
    await give(house, ada(house), ticket, bob)
    await customer_says(house, ticket, "Hello?")
    await give(house, ada(house), ticket, house.ada)

    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        assert await lines(house, his) == []
    assert await lines(house, desk) == []


async def test_what_one_attends_to_is_read_for_oneself_alone(
    house: House, visitor: Browser, desk: Browser, bob: UUID
) -> None:
    ticket = await house.open_ticket(visitor)
    other = await house.open_ticket(visitor, subject="Another one")
    here = place(house, ticket)
    await desk.submit(f"{here}/notes", words("@Bob, look"), page=here)
    him = Actor.agent(house.workspace.workspace_id, bob, Role.AGENT, "Bob Okafor")
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        await his.get(here)
        assert await counted(his, here) == "2", "a page that is only fetched is not attended to"
        await read(house, him, ticket)
        assert await counted(his, here) == "1"
        await read(house, him, other)
        assert await counted(his, here) == ""
    assert await counted(desk, here) == "1", "Ada has not seen the other one"


async def test_all_is_read_up_to_what_was_shown(
    house: House, visitor: Browser, desk: Browser, bob: UUID
) -> None:
    first = await house.open_ticket(visitor)
    await give(house, ada(house), first, bob)
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        upto = re.findall(r'name="upto" value="([^"]+)"', (await his.get(bell(house))).text)[0]
        await house.open_ticket(visitor, subject="Another one")
        answer = await his.submit(bell(house), {"upto": html.unescape(upto)}, page=bell(house))
        assert (answer.status_code, answer.headers["location"]) == (303, bell(house))

        assert await lines(house, his) == [
            "Unread: maria@example.com opened a new ticket #2 Another one",
            "Ada Moreau gave it to you #1 The parcel is late",
        ]
        await customer_says(house, first, "And?")
        await give(house, ada(house), first, None)
        assert await counted(his, bell(house)) == "1", "what is new on a line that was read is one, not two"


async def test_older_lines_stand_on_the_next_page(house: House, desk: Browser, bob: UUID) -> None:
    somebody = Actor.visitor(house.workspace.workspace_id)
    for number in range(22):
        draft = Draft(f"Ticket {number}", "Please help.", "maria@example.com", uuid4())
        opened = await house.db.write(somebody, tickets.open_ticket, draft)
        if number % 5 == 0:
            await give(house, ada(house), opened.ticket, bob)
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        page = (await his.get(bell(house))).text
        older = re.findall(r'href="[^"]*(\?before=[^"]+)"', page)[0]
        shown = [*await lines(house, his), *await lines(house, his, html.unescape(older))]

    assert len(shown) == len(set(shown)) == 22


async def test_nobody_sees_anothers_and_whoever_leaves_finds_nothing_on_coming_back(
    house: House, visitor: Browser, desk: Browser, bob: UUID
) -> None:
    ticket = await house.open_ticket(visitor)
    await give(house, ada(house), ticket, bob)
    assert (await desk.get(f"/workspace/{house.other.workspace_id}/notifications")).status_code == 404
    await house.db.write(ada(house), handover.remove_member, bob)
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        assert (await his.get(bell(house))).status_code == 404
        await house.as_system(workspaces.add_member, bob, Role.AGENT)
        assert await lines(house, his) == []
        assert await counted(his, bell(house)) == "", "what came before one came is no news"


async def test_each_agent_chooses_on_the_profile_what_rings_here_and_what_does_not(
    house: House, visitor: Browser, desk: Browser, bob: UUID
) -> None:
    """Ticked in neither column it does not come at all; the other workspace knows nothing of it."""
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        page = (await his.get("/profile")).text
        usual = [f"{kind}_{way}" for kind, way in CHOICES if (kind, way) != (Kind.UNASSIGNED, Way.MAIL)]
        assert re.findall(r'class="input" name="(\w+)" checked', page) == usual
        fields = {"mentioned_browser": "on", "answered_mail": "on", "back": "profile"}
        answer = await his.submit(f"{bell(house)}/choices", fields, page="/profile")
        assert answer.headers["location"] == "/profile?saved=told#notifications"
        page = (await his.get("/profile?saved=told")).text
        assert re.findall(r'class="input" name="(\w+)" checked', page) == [
            "mentioned_browser",
            "answered_mail",
        ]

        ticket = await house.open_ticket(visitor)
        await give(house, ada(house), ticket, bob)
        await customer_says(house, ticket, "Hello?")
        assert await lines(house, his) == ["Unread: maria@example.com wrote #1 The parcel is late"]
