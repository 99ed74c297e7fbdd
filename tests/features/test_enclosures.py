"""What an agent attaches goes along with the mail, as far as mail servers take it and viruses allow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from parlour.features.tickets.models import Ticket
from parlour.features.tickets.participants import service as participants
from parlour.features.tickets.threads import service as threads
from parlour.features.tickets.threads.models import Arrived
from tests.attaching import WORDS, desk_of, say
from tests.house import Browser, House, open_house
from tests.mailbox import html_of, mails, text_of
from tests.post_office import PostOffice
from tests.until import until

MARIA, BOSS = "maria@example.com", "boss@example.com"
NAME = "r\u00e9c\u00e9piss\u00e9 \u0639\u0631\u0628\u064a.txt"


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncIterator[tuple[House, Browser, Ticket]]:
    """A house, its agent, and a ticket of somebody who writes by mail, with somebody in copy."""
    async with open_house(folder, **settings) as house:
        ticket = await house.open_ticket(house.browser("127.0.0.9"))
        await house.as_system(
            threads.came_by_mail, ticket.ticket_id, Arrived("<first@example.com>"), believed=False
        )
        desk = await house.sign_in()
        page = desk_of(ticket)
        await desk.submit(f"{page}/participants", {"participant": BOSS}, page=page)
        assert await house.as_system(participants.of_ticket, ticket.ticket_id) == [BOSS]
        yield house, desk, ticket


def answer_in(found: list[EmailMessage]) -> EmailMessage:
    """Beside the confirmation, which may come before it or after."""
    [answer] = [mail for mail in found if mail["Auto-Submitted"] == "no"]
    return answer


def files_of(mail: EmailMessage) -> list[tuple[str | None, str, bytes]]:
    return [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))  # type: ignore[misc]
        for part in mail.iter_attachments()
    ]


async def test_what_fits_goes_along_to_everybody_and_the_rest_is_a_link(tmp_path: Path) -> None:
    async with opened(tmp_path, PARLOUR_MAIL_FILES_LIMIT="100") as (house, desk, ticket):
        await say(desk, f"{desk_of(ticket)}/chat", (NAME, WORDS), ("all.txt", b"x" * 99), content="Here.")
        mail = answer_in(await mails(house, MARIA, 2))
        [copy] = await mails(house, BOSS)

        assert files_of(mail) == files_of(copy) == [(NAME, "text/plain", WORDS)]
        assert "Files of this mail:\n- r" in text_of(mail)
        assert "Files, which are in the conversation:\n- all" in text_of(mail)
        assert "Files, which the customer can open:\n- all" in text_of(copy)
        assert "/access#" in html_of(mail)
        assert "/access#" not in html_of(copy)


async def test_what_was_not_found_free_of_viruses_stays_here_and_the_mail_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, PARLOUR_CLAMD=str(tmp_path / "nobody.sock")) as (house, desk, ticket):
        await say(desk, f"{desk_of(ticket)}/chat", ("a.txt", WORDS), content="Here.")
        mail = answer_in(await mails(house, MARIA, 2))

        assert files_of(mail) == []
        assert "Files that were not found free of viruses, and are not handed out:\n- a" in text_of(mail)


async def test_a_mail_that_is_too_large_with_its_files_goes_without(
    tmp_path: Path, office: PostOffice
) -> None:
    """To the customer alone: the mails of two would take each other's answers."""
    async with opened(tmp_path, PARLOUR_SMTP_URL=office.url) as (_, desk, ticket):
        page = desk_of(ticket)
        await desk.submit(f"{page}/participants", {"remove": BOSS}, page=page)
        await until(lambda: len(office.envelopes) == 1)
        office.answers["DATA"] = ["552 5.3.4 message too large"]
        await say(desk, f"{page}/chat", ("a.txt", WORDS), content="Here.")
        await until(lambda: len(office.envelopes) == 2)
        mail = office.mails[-1]

        assert (len(office.copies), files_of(mail)) == (3, [])
        assert "- a.\u2060txt" in text_of(mail)
