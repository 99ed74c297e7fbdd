"""The people who write: their names, their pages, what agents note of them."""

import re
from uuid import uuid4

from parlour.features.contacts import service as contacts
from parlour.features.contacts.models import Contact
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft, Status
from parlour.kernel.access import Actor
from tests.house import Browser, House
from tests.tickets import ada, customer_says, place


async def contact(house: House, email: str = "maria@example.com") -> Contact:
    found = await house.db.read(ada(house), contacts.at, email)
    assert found
    return found


def page(house: House, found: Contact | None = None) -> str:
    return f"/workspace/{house.workspace.workspace_id}/contacts{f'/{found.contact_id}' if found else ''}"


async def test_a_name_given_on_the_portal_is_shown_at_the_desk_beside_the_address(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor, name="  Maria   López ")
    shown = (await desk.get(place(house, ticket))).text
    row = (await desk.get(f"{place(house, ticket)}/row")).text
    people = (await desk.get(page(house))).text

    for text in (shown, row, people):
        assert "Maria López" in text
        assert "maria@example.com" in text


async def test_messages_carry_the_name_at_the_desk_and_nothing_but_you_for_the_customer(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor, name="Maria López")
    await house.db.write(
        ada(house), tickets.update_ticket_status, ticket.ticket_id, Status.PENDING, seen_version=1
    )
    await customer_says(house, ticket, "Here it is.")
    shown = (await desk.get(place(house, ticket))).text
    room = (await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")).text

    authors = '<span class="message-author">'
    assert shown.count(f"{authors}Maria López</span>") == 2
    assert "Maria López marked this ticket as open" in shown
    assert "Maria López changed the status from Pending to Open" in shown
    assert f"{authors}maria@example.com" not in shown
    assert f"{authors}maria@example.com" not in room
    assert room.count(f"{authors}You</span>") == 3  # with the one that is cloned


async def test_nobody_changes_by_another_ticket_what_somebody_is_called(
    house: House, visitor: Browser
) -> None:
    await house.open_ticket(visitor)
    unnamed = await contact(house)
    await house.open_ticket(visitor, subject="Second", name="Maria")
    await house.open_ticket(visitor, subject="Third", name="A Stranger")
    await house.open_ticket(visitor, subject="Fourth")

    assert (unnamed.name, (await contact(house)).name) == ("", "Maria")


async def test_a_name_that_a_stranger_typed_stands_on_the_strangers_ticket_alone(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """Until an agent has said what the person is called: that holds on every ticket."""
    strangers = await house.open_ticket(visitor, subject="First", name="Buy At Evil")
    hers = await house.open_ticket(visitor, subject="Second", name="Maria López")
    without = await house.open_ticket(visitor, subject="Third")
    names = ("Buy At Evil", "Maria López", "Maria of Acme")

    async def shown() -> list[list[str]]:
        found = []
        for ticket in (strangers, hers, without):
            pages = [(await desk.get(f"{place(house, ticket)}{rest}")).text for rest in ("", "/row")]
            assert [name in pages[0] for name in names] == [name in pages[1] for name in names]
            found.append([name for name in names if name in pages[0]])
        return found

    typed = await shown()
    await house.db.write(ada(house), contacts.change, (await contact(house)).contact_id, names[2], "")

    assert typed == [["Buy At Evil"], ["Maria López"], []]
    assert await shown() == [["Maria of Acme"]] * 3


async def test_a_contacts_page_has_the_tickets_page_by_page_and_none_of_a_longer_address(
    house: House, desk: Browser
) -> None:
    visitor = Actor.visitor(house.workspace.workspace_id)
    for number in range(27):
        email = "maria@example.com" if number else "maria@example.com.au"
        draft = Draft(f"Parcel {number:02}", "Where is it?", email, uuid4())
        await house.db.write(visitor, tickets.open_ticket, draft)
    first = (await desk.get(page(house, await contact(house)))).text
    older = re.search(r"\?before=[0-9a-f-]+", first)
    assert older
    second = (await desk.get(f"{page(house, await contact(house))}{older[0]}")).text

    found = [re.findall(r"Parcel \d\d", text) for text in (first, second)]
    assert [len(set(one)) for one in found] == [25, 1]
    assert "Parcel 00" not in first + second


async def test_agents_give_another_name_and_a_note_which_customers_never_see(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = page(house, await contact(house))
    saved = await desk.submit(here, {"name": "Maria López", "note": "Has a dog."}, page=here)
    refused = await desk.submit(here, {"name": "x" * 81, "note": "Kept as typed."}, page=here)
    panel = (await desk.get(place(house, ticket))).text
    portal = (await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}")).text

    assert saved.status_code == 303
    assert refused.status_code == 422
    assert "Kept as typed." in refused.text
    assert "Has a dog." in panel
    assert "Has a dog." not in portal


async def test_the_list_of_people_is_found_in_by_the_beginning_of_an_address(
    house: House, desk: Browser
) -> None:
    for number, email in enumerate(("noor@example.com", "maria@example.com", "marek@example.com")):
        async with house.browser(f"127.0.1.{number}") as browser:
            await house.open_ticket(browser, email=email)
    found = (await desk.get(f"{page(house)}?q=MARIA@")).text
    every = (await desk.get(page(house))).text

    assert re.findall(r"\w+@example\.com", found) == ["maria@example.com"]
    assert re.findall(r"(?<=<span>)\w+@example\.com", every) == [
        "marek@example.com",
        "maria@example.com",
        "noor@example.com",
    ]


async def test_a_colleagues_note_is_not_written_over_unseen(
    house: House, visitor: Browser, desk: Browser
) -> None:
    await house.open_ticket(visitor)
    here = page(house, await contact(house))
    mark = re.search(r'name="seen" value="([0-9a-f]+)"', (await desk.get(here)).text)
    assert mark
    theirs = {"name": "Maria", "note": "Has a dog.", "seen": mark[1]}
    await desk.submit(here, theirs, page=here)
    asked = await desk.submit(here, {**theirs, "note": "Has a cat."}, page=here)

    assert asked.status_code == 409
    assert "Has a cat.</textarea>" in asked.text
    assert '<dd dir="auto">Has a dog.</dd>' in asked.text
    assert (await contact(house)).note == "Has a dog."
