"""The mails of a ticket are one thread to every mail program, and go where their reader wants them."""

import asyncio
from email.message import EmailMessage
from email.utils import parseaddr

import pytest

from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.features.tickets.threads import service as threads
from parlour.features.tickets.threads.models import Arrived
from parlour.features.workspaces.mailboxes import service as mailboxes
from tests.house import Browser, House
from tests.mailbox import delivered, html_of, mails, text_of
from tests.tickets import place, words

SUPPORT, SALES = "support@acme.example", "sales@acme.example"
OURS = "help@parlour.test"
MARIA, BOSS, MALLORY = "maria@example.com", "boss@example.com", "mallory@example.net"
EXCHANGE = f"<{'AM0PR04MB' * 9}@AM0PR04MB6451.eurprd04.prod.outlook.com>"
"""As long as Microsoft's are: longer than a line."""


def written(message_id: str, subject: str = "Tent", **headers: str) -> bytes:
    mail = "\r\n".join(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())
    first = f"From: {MARIA}\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\nMessage-ID: {message_id}\r\n"
    return f"{first}{mail}\r\n\r\nMy tent leaks.\r\n".encode()


async def bring(house: House, raw: bytes, to: str = SUPPORT) -> Ticket:
    await Arrivals(house.db, house.app.parlour.files.store).accept(raw, [to])
    async with asyncio.timeout(30):
        while (newest := (await house.as_system(mailroom.ledger)).mails[0]).outcome is Outcome.WAITING:
            await asyncio.sleep(0.01)
    assert newest.ticket_id
    return await house.as_system(tickets.ticket, newest.ticket_id)


@pytest.fixture(autouse=True)
async def _mailboxes(house: House) -> None:
    await house.as_system(mailboxes.add, SUPPORT)
    await house.as_system(mailboxes.add, SALES)


async def answered(house: House, desk: Browser, ticket: Ticket, to: str, count: int) -> EmailMessage:
    """The newest answer at an address, which has `count` mails when it has arrived, in whatever order."""
    here = place(house, ticket)
    await desk.submit(f"{here}/chat", words("It is on its way."), page=here)
    return [mail for mail in await mails(house, to, count) if mail["Auto-Submitted"] == "no"][-1]


def ids(mail: EmailMessage, name: str) -> list[str]:
    return str(mail[name]).split()


async def test_an_answer_names_the_mail_that_it_answers_and_all_before_it(
    house: House, desk: Browser
) -> None:
    ticket = await bring(house, written(EXCHANGE))
    first = await answered(house, desk, ticket, MARIA, 2)
    assert (ids(first, "In-Reply-To"), ids(first, "References")) == ([EXCHANGE], [EXCHANGE])

    ours = str(first["Message-ID"])
    chain = {"In_Reply_To": ours, "References": f"{EXCHANGE}\r\n {ours}"}
    await bring(house, written("<second@example.com>", "Aw: Tent", **chain))
    second = await answered(house, desk, ticket, MARIA, 3)

    assert ids(second, "In-Reply-To") == ["<second@example.com>"]
    assert ids(second, "References") == [EXCHANGE, ours, "<second@example.com>"]
    assert (first["Subject"], second["Subject"]) == ("Re: Tent", "Aw: Tent")


async def test_of_a_long_thread_the_first_mail_and_the_newest_are_named(house: House, desk: Browser) -> None:
    before = " ".join(f"<{number}@example.com>" for number in range(60))
    ticket = await bring(house, written("<newest@example.com>", References=before))
    named = ids(await answered(house, desk, ticket, MARIA, 2), "References")

    assert (named[0], named[-1], len(named)) == ("<0@example.com>", "<newest@example.com>", threads.LINEAGE)


async def test_mails_of_a_ticket_to_which_none_came_are_a_thread_too(
    house: House, desk: Browser, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    [confirmation] = await mails(house, MARIA)
    await house.as_system(threads.came_by_room, ticket.ticket_id)
    anchor = house.app.parlour.post.anchor(ticket.ticket_id)
    head = await house.as_system(
        lambda tx: threads.asking_letterheads(tx)(threads.of_ticket(tx, ticket.ticket_id), anchor)
    )

    assert ids(confirmation, "References") == ids(confirmation, "In-Reply-To")
    assert confirmation["References"] == head.headers["References"] != confirmation["Message-ID"]
    answer = written("<m@example.com>", In_Reply_To=str(confirmation["References"]))
    assert (await bring(house, answer)).ticket_id == ticket.ticket_id


async def test_answers_go_where_the_mail_asks_for_them_and_come_from_where_it_came(
    house: House, desk: Browser
) -> None:
    ticket = await bring(house, written("<m@example.com>", Reply_To=f"{SALES}, Boss <{BOSS}>"), SALES)
    mail = await answered(house, desk, ticket, BOSS, 2)

    assert (ticket.email, mail["Reply-To"]) == (MARIA, SALES)
    assert delivered(house, MARIA) == []


async def test_who_only_knows_the_customers_address_turns_no_answers_away(
    house: House, desk: Browser
) -> None:
    ticket = await bring(house, written("<m@example.com>"))
    forged = written("<n@example.net>", f"Re: Tent (#{ticket.number})", Reply_To=MALLORY)
    assert (await bring(house, forged)).ticket_id == ticket.ticket_id
    await answered(house, desk, ticket, MARIA, 2)

    assert delivered(house, MALLORY) == []


async def test_an_address_for_answers_is_followed_again_once_its_sender_is_believed(
    house: House, desk: Browser
) -> None:
    ticket = await bring(house, written("<m@example.com>"))
    mail = Arrived("<n@example.com>", subject="Tent", reply_to=BOSS)
    await house.as_system(threads.came_by_mail, ticket.ticket_id, mail, believed=True)

    assert await house.as_system(threads.address, ticket) == BOSS
    await house.as_system(threads.came_by_mail, ticket.ticket_id, Arrived("<o@example.com>"), believed=False)
    assert await house.as_system(threads.address, ticket) == MARIA


async def test_an_answer_comes_from_the_address_that_it_asks_back_to_where_mails_come_from_its_domain(
    house: House, desk: Browser
) -> None:
    other = await answered(house, desk, await bring(house, written("<m@example.com>")), MARIA, 2)
    await house.as_system(mailboxes.add, OURS)
    ours = await answered(house, desk, await bring(house, written("<n@example.com>"), OURS), MARIA, 4)

    assert [parseaddr(mail["From"]) for mail in (other, ours)] == [
        (f"Ada Moreau at {house.workspace.name}", "support@parlour.test"),
        (f"Ada Moreau at {house.workspace.name}", OURS),
    ]


async def test_below_an_answer_stands_what_it_answers(house: House, desk: Browser) -> None:
    mail = await answered(house, desk, await bring(house, written("<m@example.com>")), MARIA, 2)

    assert text_of(mail).startswith("It is on its way.\n")
    assert text_of(mail).endswith("> My tent leaks.\n")
    assert "My tent leaks." in html_of(mail)


async def test_a_mailbox_gives_its_answers_a_name_and_a_signature(house: House, desk: Browser) -> None:
    [*_, box] = await house.as_system(mailboxes.every)
    page = f"/workspace/{house.workspace.workspace_id}/settings/mail/{box.mailbox_id}"
    form = {"called": "Acme Sales", "signature": "Yours, {agent}\r\n{workspace} {x}"}
    assert (await desk.submit(f"{page}/signature", form, page=page)).status_code == 303
    mail = await answered(house, desk, await bring(house, written("<m@example.com>"), SALES), MARIA, 2)

    assert parseaddr(mail["From"])[0] == "Ada Moreau at Acme Sales"
    assert f"\n\nYours, Ada Moreau\n{house.workspace.name} {{x}}\n" in text_of(mail)
    assert "Yours, Ada Moreau" in html_of(mail)

    long = await desk.submit(f"{page}/signature", {"called": "a" * 81, "signature": "b" * 1001}, page=page)
    assert long.status_code == 422
    assert "Shorten the name to 80 characters" in long.text
    assert "b" * 1001 in long.text
