"""Mail servers that are away, that refuse, that take their time."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.schema import outbox
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Field, Filters
from parlour.kernel.access import Actor, Role
from parlour.mail.send import CONNECT_TIMEOUT
from tests.faults.people import Customer, Records, Ticket
from tests.house import open_house, stock
from tests.jobs import stored_jobs
from tests.live import Live
from tests.post_office import PostOffice
from tests.until import until

pytestmark = pytest.mark.timeout(240)
SLOTS = Lane.MAIL.slots


async def test_a_confirmation_waits_for_a_mail_server_that_is_away_and_arrives_once(
    tmp_path: Path, office: PostOffice
) -> None:
    await office.close()
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url) as live:
        async with Customer(live, "maria") as maria:
            await maria.open_ticket()
        await until(lambda: stored_jobs(live.settings, "attempts > 1") == [(1,)])
        await office.open()
        await until(lambda: stored_jobs(live.settings, "finished_at IS NOT NULL") == [(1,)])

    assert [mail["To"] for mail in office.mails] == ["maria@customer.example"]


async def test_an_address_that_is_refused_for_good_stops_nobody_else(
    tmp_path: Path, office: PostOffice
) -> None:
    office.answers["RCPT"] = ["550 no such mailbox"]
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url) as live:
        async with Customer(live, "nobody") as nobody, Customer(live, "maria") as maria:
            await nobody.open_ticket()
            await until(lambda: stored_jobs(live.settings, "dead_at IS NOT NULL") == [(1,)])
            await maria.open_ticket()
            await until(lambda: stored_jobs(live.settings, "finished_at IS NOT NULL") == [(0,), (1,)])
            said = await nobody.say(nobody.ticket_id, "Is anybody there?")

    assert said.seq == 2
    assert stored_jobs(live.settings, "attempts, error") == [(1, "550 no such mailbox"), (1, None)]
    assert [mail["To"] for mail in office.mails] == ["maria@customer.example"]


async def test_a_server_that_takes_the_connection_and_says_nothing_holds_up_no_change_of_many_tickets(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        smtp = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        async with open_house(tmp_path, PARLOUR_SMTP_URL=smtp) as house:
            stock(house, 150)
            for number in range(SLOTS + 2):
                await house.open_ticket(house.browser(f"10.2.{number}.1"), email=f"c{number}@example.com")
            await eventually(lambda: house.as_system(held_mails), SLOTS)
            ada = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")
            everything = await house.db.scan(ada, listing.matching, Filters(), limit=1000)
            asked = time.monotonic()
            started = await house.db.write(ada, bulk.start, everything, Field.PRIORITY, "low")
            await eventually(lambda: house.db.read(ada, is_running, started.bulk_id), False)
            took = time.monotonic() - asked

    assert len(everything) == 150 + SLOTS + 2
    assert took < CONNECT_TIMEOUT / 2


def held_mails(tx: Tx) -> int:
    held = outbox.c.locked_until.is_not(None)
    count: int = tx.execute(select(func.count()).where(held, outbox.c.lane == Lane.MAIL)).scalar_one()
    return count


def is_running(tx: Tx, bulk_id: UUID) -> bool:
    return bulk.bulk(tx, bulk_id).running


async def eventually(question: Callable[[], Awaitable[object]], answer: object) -> None:
    async with asyncio.timeout(CONNECT_TIMEOUT - 5):
        while await question() != answer:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_refuses_everybody_for_a_while_loses_nobodys_mail(
    tmp_path: Path, office: PostOffice, command: str
) -> None:
    office.answers[command] = ["554 5.7.1 your address is on a list"] * 8
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url) as live:
        for number in range(4):
            async with Customer(live, f"c{number}") as customer:
                await customer.open_ticket()
        await until(lambda: stored_jobs(live.settings, "finished_at IS NOT NULL") == [(1,)] * 4, within=60)
        log = live.unshown_log()

    assert len({mail["To"] for mail in office.mails}) == len(office.mails) == 4
    assert log.count("mail.relay_refuses") == 1


async def test_twenty_identical_submits_at_once_make_one_ticket_one_message_and_one_mail(
    tmp_path: Path, office: PostOffice
) -> None:
    ticket = Ticket()
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url) as live:
        async with Customer(live, "maria") as maria:
            await maria.visit("/support/acme/ticket/new")
            answers = await asyncio.gather(*[maria.post_ticket(ticket) for _ in range(20)])
        await until(lambda: stored_jobs(live.settings, "finished_at IS NOT NULL") == [(1,)])
        await asyncio.sleep(1)

    places = {(answer.status_code, answer.headers["location"]) for answer in answers}
    [(status, location)] = places
    assert status == 303
    assert Records(live.settings).rows("SELECT number FROM tickets") == [(1,)]
    assert Records(live.settings).contents(location.rsplit("/", 1)[1]) == [ticket.description]
    assert len(office.envelopes) == 1
