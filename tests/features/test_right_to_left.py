"""Names and subjects that are read from right to left move nothing of the sentence in which they stand."""

import re
from html import unescape
from uuid import uuid4

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.kernel.access import Actor, Role
from tests.house import Browser, House
from tests.mailbox import mails
from tests.tickets import now, place

NAME = "דנה לוי"
SUBJECT = "האוהל נשבר, 2"


def apart(text: str) -> str:
    return f"\u2068{text}\u2069"


async def give_to_ada(house: House, ticket: Ticket, by: Actor) -> None:
    version = (await now(house, ticket)).version
    await house.db.write(by, tickets.assign_ticket, ticket.ticket_id, house.ada, seen_version=version)


async def test_who_did_it_stays_apart_in_the_bell_and_in_the_history(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    dana = await house.add_agent("dana@acme.example", Role.AGENT, name=NAME)
    await give_to_ada(house, ticket, Actor.agent(house.workspace.workspace_id, dana, Role.AGENT, NAME))

    bell = (await desk.get(f"/workspace/{house.workspace.workspace_id}/notifications")).text
    history = (await desk.get(place(house, ticket))).text

    assert f"{apart(NAME)} gave it to you" in bell
    assert f"{apart(NAME)} assigned" in history


async def test_a_number_stays_behind_the_subject_in_a_mail_and_in_a_title(
    house: House, desk: Browser
) -> None:
    form = {"email": "noor@example.com", "subject": SUBJECT, "description": "Here", "client_id": str(uuid4())}
    new = f"/workspace/{house.workspace.workspace_id}/tickets/new"
    opened = await desk.submit(new, form, page=new)
    page = (await desk.get(opened.headers["location"])).text
    [title] = re.findall(r"<title>(.*?)</title>", page, re.DOTALL)
    [mail] = await mails(house, "noor@example.com")

    assert f"#1 {apart(SUBJECT)}" in unescape(title)
    assert mail["subject"] == f"{apart(SUBJECT)} (#1)"


async def test_what_is_read_from_left_to_right_stands_as_it_is(
    house: House, visitor: Browser, desk: Browser
) -> None:
    ticket = await house.open_ticket(visitor, subject="Žluťoučký kůň 你好")

    assert "\u2068" not in (await desk.get(place(house, ticket))).text
