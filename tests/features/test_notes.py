"""Notes: a room of the agents' own beside the conversation."""

import re
from contextlib import aclosing

from parlour.features.chat import service as chat
from parlour.kernel.access import Role
from tests.house import Browser, House
from tests.tickets import JSON, ada, now, place, words


def without_ids(page: str) -> str:
    """The page but for the id that every composer gets afresh."""
    return re.sub(r'name="client_id" value="[^"]+"', "", page)


async def test_a_note_stands_in_the_list_with_the_word_for_it(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    notes = f"{place(house, ticket)}/notes"
    sent = await desk.submit(notes, words("He is a partner of ours."), page=notes)
    page = await desk.get(notes)

    assert (sent.status_code, sent.headers["location"]) == (303, f"{notes}#latest")
    assert "He is a partner of ours." in page.text
    assert '</svg>Note<span class="sr-only"> (only your team sees this)</span>' in page.text


async def test_a_customer_sees_neither_the_note_nor_a_hole_where_it_is(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    notes = f"{place(house, ticket)}/notes"
    await desk.submit(notes, words("He is a partner of ours."), page=notes)
    await desk.submit(f"{place(house, ticket)}/chat", words("It is on its way."), page=notes)
    room = f"/support/acme/ticket/{ticket.ticket_id}/chat"
    page = await visitor.get(room)
    seqs = [m["seq"] for m in (await visitor.get(f"{room}?after=0", headers=JSON)).json()["messages"]]

    assert "partner of ours" not in page.text
    assert seqs == list(range(1, len(seqs) + 1))


async def test_no_page_of_the_customers_changes_with_a_note(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """Neither words nor order nor marks: the newest ticket stays first, nothing is unread."""
    ticket = await house.open_ticket(visitor)
    await house.open_ticket(visitor, subject="Another matter")
    notes, portal = f"{place(house, ticket)}/notes", "/support/acme"
    here = f"{portal}/ticket/{ticket.ticket_id}"
    await desk.submit(f"{place(house, ticket)}/chat", words("It is on its way."), page=notes)
    before = [await visitor.get(path) for path in (portal, here, f"{here}/chat")]
    await desk.submit(notes, words("He is a partner of ours."), page=notes)
    await desk.submit(f"{place(house, ticket)}/assignee", {"assignee": "", "version": "2"}, page=notes)
    after = [await visitor.get(path) for path in (portal, here, f"{here}/chat")]

    assert [page.status_code for page in after] == [200, 200, 200]
    assert [without_ids(page.text) for page in after] == [without_ids(page.text) for page in before]


async def test_agents_find_a_note_by_its_words(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    notes = f"{place(house, ticket)}/notes"
    await desk.submit(notes, words("He is a partner of ours."), page=notes)
    found = await desk.get(f"/workspace/{house.workspace.workspace_id}/tickets?q=partner")
    asked = await visitor.get("/support/acme?q=partner")

    assert str(ticket.ticket_id) in found.text
    assert "partner" not in asked.text


async def test_a_customer_finds_no_room_of_notes(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)

    assert (await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/notes")).status_code == 404
    assert (await visitor.get(f"{place(house, ticket)}/notes", headers=JSON)).status_code == 401


async def test_notes_are_sent_and_read_as_json_and_a_repeat_is_the_same_note(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    notes = f"{place(house, ticket)}/notes"
    fields = words("He is a partner of ours.")
    first = await desk.submit(notes, fields, page=notes, headers=JSON)
    again = await desk.submit(notes, fields, page=notes, headers=JSON)
    read = await desk.get(f"{notes}?after=0", headers=JSON)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["message"] == again.json()["message"]
    assert [message["content"] for message in read.json()["messages"]] == ["He is a partner of ours."]


async def test_an_empty_note_is_refused_and_says_why(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    notes = f"{place(house, ticket)}/notes"
    answer = await desk.submit(notes, words("  "), page=notes)

    assert answer.status_code == 422
    assert "Write a message first." in answer.text


async def test_notes_go_on_when_the_ticket_is_closed(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    notes = f"{place(house, ticket)}/notes"
    await desk.submit(f"{place(house, ticket)}/status", {"status": "closed", "version": "1"}, page=notes)
    answer = await desk.submit(notes, words("Closed by mistake?"), page=notes, headers=JSON)

    assert answer.status_code == 201


async def test_a_viewer_reads_notes_and_cannot_write_them(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    notes = f"{place(house, ticket)}/notes"
    await house.add_agent("vic@acme.example", Role.VIEWER)
    async with aclosing(await house.sign_in("vic@acme.example")) as viewer:
        page = await viewer.get(notes)
        refused = await viewer.submit(notes, words("May I?"), page=notes)

    assert page.status_code == 200
    assert "data-composer" not in page.text
    assert refused.status_code == 403


async def test_notes_of_another_workspace_are_not_there(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    await house.add_agent("mallory@other.example", Role.OWNER, house.other)
    async with aclosing(await house.sign_in("mallory@other.example")) as mallory:
        theirs = await mallory.get(f"{place(house, ticket)}/notes", headers=JSON)
        ours = f"/workspace/{house.other.workspace_id}/tickets/{ticket.ticket_id}/notes"
        smuggled = await mallory.submit(ours, words("Hello"), page="/support/acme")

    assert (theirs.status_code, smuggled.status_code) == (404, 404)


async def test_a_colleagues_note_is_new_until_it_is_read(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    room = await house.as_system(chat.notes_room, ticket.ticket_id)
    await house.add_agent("bob@acme.example", Role.AGENT)
    async with aclosing(await house.sign_in("bob@acme.example")) as bob:
        await bob.submit(f"{here}/notes", words("He is a partner of ours."), page=here)
        await house.db.write(ada(house), chat.mark_read, room, 1)
        await bob.submit(f"{here}/notes", words("Look at his last order."), page=here)
        own = await bob.get(here)
    unread = await desk.get(here)
    await house.db.write(ada(house), chat.mark_read, room, 2)
    read = await desk.get(here)

    assert ["data-unread>" in page.text for page in (unread, read, own)] == [True, False, False]


async def test_who_took_and_who_ranked_a_ticket_is_said_among_the_notes(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    await desk.submit(f"{here}/priority", {"priority": "high", "version": "1"}, page=here)
    version = str((await now(house, ticket)).version)
    await desk.submit(f"{here}/assignee", {"assignee": str(house.ada), "version": version}, page=here)
    page = await desk.get(f"{here}/notes")
    public = await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")

    assert "Ada Moreau set the priority to high" in page.text
    assert "Ada Moreau assigned this ticket to Ada Moreau" in page.text
    assert "set the priority" not in public.text
    assert "assigned this ticket" not in public.text
