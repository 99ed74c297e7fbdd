"""What the command palette finds, what pages of the desk bring for it, and who is said to have spoken."""

import json
import re
from contextlib import aclosing
from html import unescape
from uuid import uuid4

import httpx

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Priority, Status, Ticket
from parlour.features.tickets.tags import service as tags
from parlour.features.tickets.views import service as views
from parlour.kernel.access import Actor, Role
from parlour.kernel.events import TicketChanged
from parlour.realtime import protocol
from tests.house import Browser, House
from tests.tickets import ada, customer_says, now


def home(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}"


async def dialogs(browser: Browser, page: str) -> httpx.Response:
    """What the page says that the browser finds elsewhere."""
    [address] = re.findall(r'data-dialogs="([^"]+)"', page)
    return await browser.get(address)


async def found(house: House, browser: Browser, q: str = "") -> str:
    answer = await browser.get(f"{home(house)}/palette", params={"q": q})
    assert answer.status_code == 200, answer.text
    return answer.text


def numbers(fragment: str) -> list[int]:
    return [int(number) for number in re.findall(r'id="palette-ticket-(\d+)"', fragment)]


def links(fragment: str) -> list[str]:
    return [unescape(href) for href in re.findall(r'href="([^"]+)" class="palette-option"', fragment)]


async def prefer(house: House, browser: Browser, **chosen: str) -> None:
    answer = await browser.submit("/profile/preferences", chosen, page="/profile")
    assert answer.status_code == 303, answer.text


async def test_words_find_the_tickets_that_hold_them(house: House, visitor: Browser, desk: Browser) -> None:
    await house.open_ticket(visitor, subject="A tent without poles")
    wanted = await house.open_ticket(visitor, subject="The stove does not light")

    fragment = await found(house, desk, "stove")

    assert numbers(fragment) == [2]
    assert f"{home(house)}/tickets/{wanted.ticket_id}" in links(fragment)


async def test_a_number_finds_its_ticket(house: House, visitor: Browser, desk: Browser) -> None:
    await house.open_ticket(visitor)
    await house.open_ticket(visitor)

    assert numbers(await found(house, desk, "#1")) == [1]


async def test_without_words_the_latest_tickets_are_offered_and_no_more_than_eight(
    house: House, visitor: Browser, desk: Browser
) -> None:
    for number in range(9):
        await house.open_ticket(visitor, subject=f"Parcel {number}")

    assert numbers(await found(house, desk)) == [9, 8, 7, 6, 5, 4, 3, 2]


async def test_what_the_palette_leaves_out_is_a_step_away_in_the_list(
    house: House, visitor: Browser, desk: Browser
) -> None:
    for number in range(9):
        await house.open_ticket(visitor, subject=f"A tent, {number}", description="It leaks.")

    many, few = await found(house, desk, "tent"), await found(house, desk, "tent 7")

    assert len(numbers(many)) == 8
    assert "Look for more in the list" in many
    assert f"{home(house)}/tickets?q=tent" in links(many)
    assert "Look for more in the list" not in few


async def test_views_lead_to_their_lists(house: House, desk: Browser) -> None:
    await house.db.write(ada(house), views.save_view, "Angry <people>", "priority=urgent", for_everyone=True)

    fragment = await found(house, desk)

    assert "Angry &lt;people&gt;" in fragment
    assert f"{home(house)}/tickets?priority=urgent" in links(fragment)
    assert f"{home(house)}/tickets?status=active&assignee=me" in links(fragment)


async def test_somebody_elses_own_view_is_not_found(house: House, desk: Browser) -> None:
    ben = await house.add_agent("ben@acme.example", Role.AGENT)
    as_ben = Actor.agent(house.workspace.workspace_id, ben, Role.AGENT, "Ben")
    await house.db.write(as_ben, views.save_view, "Only Ben's", "priority=low", for_everyone=False)

    assert "priority=low" not in await found(house, desk)


async def test_it_offers_every_status_priority_assignee_and_tag_to_those_who_may_change_a_ticket(
    house: House, desk: Browser
) -> None:
    tag = await house.db.write(ada(house), tags.make, "Late <again>", "red")
    await house.add_agent("viv@acme.example", Role.VIEWER)
    offered = set(re.findall(r'data-change="([^"]+)"', await found(house, desk)))
    async with aclosing(await house.sign_in("viv@acme.example")) as viewer:
        assert "data-change" not in await found(house, viewer)

    assert offered == {
        *(f"status:{each.value}" for each in Status if each is not Status.NEW),
        *(f"priority:{each.value}" for each in Priority),
        f"assignee:{house.ada}",
        "assignee:",
        f"tag:{tag.tag_id}",
        f"untag:{tag.tag_id}",
        "snooze:tomorrow",
        "snooze:next-week",
    }


async def test_the_people_who_write_are_found_by_their_addresses(
    house: House, visitor: Browser, desk: Browser
) -> None:
    await house.open_ticket(visitor)
    person = re.compile(r'id="palette-person-[^"]+" href="([^"]+)"')

    [page] = person.findall(await found(house, desk, "maria@"))
    assert "maria@example.com" in (await desk.get(page)).text
    assert not person.findall(await found(house, desk, "nobody@"))


async def test_a_viewer_finds_tickets_too(house: House, visitor: Browser) -> None:
    await house.open_ticket(visitor)
    await house.add_agent("viv@acme.example", Role.VIEWER)
    async with aclosing(await house.sign_in("viv@acme.example")) as viewer:
        assert numbers(await found(house, viewer)) == [1]


async def test_nothing_of_another_workspace_is_found(house: House, visitor: Browser) -> None:
    await house.open_ticket(visitor)
    await house.add_agent("otto@other.example", Role.OWNER, house.other)
    async with aclosing(await house.sign_in("otto@other.example")) as otto:
        elsewhere = await otto.get(f"{home(house)}/palette")
        own = await otto.get(f"/workspace/{house.other.workspace_id}/palette", params={"q": "parcel"})

    assert elsewhere.status_code == 404
    assert numbers(own.text) == []


async def test_whoever_is_signed_out_is_sent_to_sign_in(house: House, visitor: Browser) -> None:
    answer = await visitor.get(f"{home(house)}/palette")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/auth/login")


async def test_pages_bring_the_keys_unless_they_are_switched_off(house: House, desk: Browser) -> None:
    with_keys = (await desk.get(f"{home(house)}/tickets")).text
    listed = (await dialogs(desk, with_keys)).text
    await prefer(house, desk, title_badge="on")
    without = (await desk.get(f"{home(house)}/tickets")).text

    for mark in ("data-shortcuts", "data-open-keys"):
        assert mark in with_keys
        assert mark not in without
    assert "data-keys-dialog" in listed
    assert "data-keys-dialog" not in (await dialogs(desk, without)).text


async def test_the_browser_keeps_the_dialogs_for_as_long_as_they_are_the_same(
    house: House, desk: Browser
) -> None:
    pages = [(await desk.get(f"{home(house)}{rest}")).text for rest in ("", "/tickets")]
    first, second = [await dialogs(desk, page) for page in pages]
    another = await desk.get(f"{home(house)}/dialogs/elsewhere")

    assert first.url == second.url
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert another.text == first.text
    assert another.headers["cache-control"] == "no-store"


async def test_the_palette_can_be_opened_by_mouse_without_the_keys(house: House, desk: Browser) -> None:
    await prefer(house, desk, title_badge="on")
    page = (await desk.get(f"{home(house)}/tickets")).text

    assert "data-open-palette" in page
    assert "data-palette=" in (await dialogs(desk, page)).text


async def test_the_title_counts_only_when_that_was_chosen(house: House, desk: Browser) -> None:
    mark = " data-title-badge"
    await prefer(house, desk, title_badge="on")
    chosen = (await desk.get(f"{home(house)}/people")).text
    await prefer(house, desk)
    not_chosen = (await desk.get(f"{home(house)}/people")).text

    assert re.search(rf"<div hidden data-desk-tools[^>]*{mark}", chosen)
    assert not re.search(rf"<div hidden data-desk-tools[^>]*{mark}", not_chosen)


class Heard:
    """Every change of a ticket, as the page hears of it."""

    def __init__(self, house: House) -> None:
        self.spoke: list[str | None] = []
        house.db.on_commit(self._listen)

    def _listen(self, events) -> None:  # type: ignore[no-untyped-def]
        for event in events:
            if isinstance(event, TicketChanged):
                self.spoke.append(json.loads(protocol.ticket(event).text)["spoke"])


async def test_a_new_ticket_counts_as_words_of_the_customer(house: House, visitor: Browser) -> None:
    heard = Heard(house)
    await house.open_ticket(visitor)

    assert heard.spoke == ["customer"]


async def test_a_message_names_its_side_once_whatever_else_it_changes(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    heard = Heard(house)
    await house.db.write(ada(house), tickets.send_message, ticket.ticket_id, "Hello", uuid4())
    await house.db.write(ada(house), tickets.send_message, ticket.ticket_id, "Hello again", uuid4())
    await _resolve(house, ticket)
    await customer_says(house, ticket, "It is not solved")
    await customer_says(house, ticket, "Really not")

    assert heard.spoke == ["agent", "agent", None, "customer", "customer"]


async def test_a_note_is_nobodys_word_in_public(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    heard = Heard(house)
    await house.db.write(ada(house), tickets.add_note, ticket.ticket_id, "Between us", uuid4())

    assert set(heard.spoke) == {None}


async def _resolve(house: House, ticket: Ticket) -> None:
    version = (await now(house, ticket)).version
    await house.db.write(
        ada(house),
        tickets.update_ticket_status,
        ticket.ticket_id,
        Status.RESOLVED,
        seen_version=version,
    )
