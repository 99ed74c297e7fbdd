"""The ticket's page at the desk holds both its rooms in one list by time, and a form for each."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from parlour.db.database import Tx
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.kernel import clock
from parlour.kernel.access import Actor
from tests.house import Browser, House
from tests.tickets import JSON, ada, from_there, place, words

_BODY = re.compile(r'<li class="message"[^>]*data-seq="\d.*?<div class="message-body" dir="auto">(.*?)</div>')
_OLDER = re.compile(r'data-older href="([^"]*)"')
START = datetime(2030, 1, 1, 12, tzinfo=UTC)


def said(page: str) -> list[str]:
    return _BODY.findall(page)


async def tell(house: House, ticket: Ticket, lines: Iterable[tuple[str, float]]) -> None:
    """Each line so many minutes after START; one that begins with "note" is a note."""
    customer = Actor.customer(house.workspace.workspace_id, ticket.ticket_id, ticket.email)
    agent = ada(house)

    def say(tx: Tx) -> None:
        for text, minutes in lines:
            note = text.startswith("note")
            act = tickets.add_note if note else tickets.send_message
            with clock.at(START + timedelta(minutes=minutes)):
                act(tx.acting_as(agent if note else customer), ticket.ticket_id, text, uuid4())

    await house.db.write(Actor.system(house.workspace.workspace_id), say)


async def test_messages_and_notes_stand_in_one_list_by_time(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor, description="Where is it?")
    await tell(house, ticket, [("Hello?", 1), ("note one", 2), ("Anybody?", 3), ("note two", 4)])
    page = (await desk.get(place(house, ticket))).text

    assert said(page) == ["Where is it?", "Hello?", "note one", "Anybody?", "note two"]
    assert page.count("only your team sees this") >= 2


async def test_a_rooms_own_order_holds_whatever_its_clocks_said(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """Two servers, and the clock of one is an hour behind."""
    ticket = await house.open_ticket(visitor, description="Where is it?")
    await tell(house, ticket, [("first", 60), ("note a", 61), ("second", 5), ("note b", 6), ("third", 62)])
    texts = said((await desk.get(place(house, ticket))).text)

    assert [text for text in texts if not text.startswith("note")] == [
        "Where is it?",
        "first",
        "second",
        "third",
    ]
    assert [text for text in texts if text.startswith("note")] == ["note a", "note b"]


async def test_scrolling_back_goes_through_both_rooms_without_a_hole(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """Uneven: one long run of each, so that a page may hold nothing of the other."""
    ticket = await house.open_ticket(visitor, description="Where is it?")
    lines = [f"note {n}" if 30 <= n < 95 or n % 7 == 0 else f"word {n}" for n in range(160)]
    await tell(house, ticket, [(text, n) for n, text in enumerate(lines)])
    page = await desk.get(place(house, ticket))
    texts, pages = said(page.text), 1
    while older := _OLDER.findall(page.text)[0]:
        page = await desk.get(from_there(page, older))
        texts, pages = said(page.text) + texts, pages + 1

    assert texts == ["Where is it?", *lines]
    assert pages == 7


async def test_the_pages_script_gets_the_same_older_page_as_a_link_does(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    await tell(house, ticket, [(f"note {n}" if n % 2 else f"word {n}", n) for n in range(40)])
    newest = await desk.get(place(house, ticket))
    older = from_there(newest, _OLDER.findall(newest.text)[0])
    page = await desk.get(older)
    asked = await desk.get(older, headers=JSON)
    rooms = {message["room"] for message in asked.json()["messages"]}

    texts = [m["content"] for m in asked.json()["messages"] if m["sender_type"] != "system"]
    assert texts == said(page.text)
    assert (len(rooms), asked.json()["more"]) == (2, False)


async def test_no_address_shows_a_customer_both_rooms(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    await tell(house, ticket, [("note one", 1)])
    answers = [
        await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat?before=9&notes=9"),
        await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat?before=9&notes=9", headers=JSON),
        await visitor.get(f"{place(house, ticket)}?before=9&notes=9", headers=JSON),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 401]
    assert all("note one" not in answer.text for answer in answers)


async def test_what_is_typed_for_the_team_goes_to_the_team_whichever_form_is_in_front(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """Both forms are on the page, each with its own address: nothing in a form says who reads."""
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    for address in (here, f"{here}/notes"):
        page = await desk.get(address)
        forms = dict(re.findall(r'<form id="(composer|note)"[^>]*action="([^"?]*)', page.text))
        led = {name: from_there(page, action) for name, action in forms.items()}
        assert led == {"composer": f"{here}/chat", "note": f"{here}/notes"}
    await desk.submit(f"{here}/notes", words("He is a partner."), page=here)
    public = await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")

    assert "He is a partner." not in public.text


async def test_a_note_that_was_refused_comes_back_into_its_own_form(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    notes = f"{place(house, ticket)}/notes"
    answer = await desk.submit(notes, words("x" * 20_001), page=notes)
    fields = dict(re.findall(r'<textarea id="([^"]+)"[^>]*>\n(.*?)</textarea>', answer.text, re.DOTALL))

    assert answer.status_code == 422
    assert (fields["composer-content"], len(fields["note-content"])) == ("", 20_001)
