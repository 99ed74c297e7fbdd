"""Mail servers that are away, that refuse, that take their time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.faults.people import Customer, Records, Ticket
from tests.live import Live
from tests.mail.conftest import PostOffice

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    office = PostOffice()
    await office.open()
    yield office
    await office.close()


async def until(true: Callable[[], object], within: float = 20) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "It did not happen in time."
        await asyncio.sleep(0.05)


def jobs(live: Live, columns: str) -> list[tuple[object, ...]]:
    return Records(live.settings).rows(f"SELECT {columns} FROM outbox ORDER BY job_id")  # noqa: S608


async def test_a_confirmation_waits_for_a_mail_server_that_is_away_and_arrives_once(
    tmp_path: Path, office: PostOffice
) -> None:
    await office.close()
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url) as live:
        async with Customer(live, "maria") as maria:
            await maria.open_ticket()
        await until(lambda: jobs(live, "attempts > 1") == [(1,)])
        await office.open()
        await until(lambda: jobs(live, "finished_at IS NOT NULL") == [(1,)])

    assert [mail["To"] for mail in office.mails] == ["maria@customer.example"]


async def test_an_address_that_is_refused_for_good_stops_nobody_else(
    tmp_path: Path, office: PostOffice
) -> None:
    office.answers["RCPT"] = ["550 no such mailbox"]
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url) as live:
        async with Customer(live, "nobody") as nobody, Customer(live, "maria") as maria:
            await nobody.open_ticket()
            await until(lambda: jobs(live, "dead_at IS NOT NULL") == [(1,)])
            await maria.open_ticket()
            await until(lambda: jobs(live, "finished_at IS NOT NULL") == [(0,), (1,)])
            said = await nobody.say(nobody.ticket_id, "Is anybody there?")

    assert said.seq == 2
    assert jobs(live, "attempts, error") == [(1, "550 no such mailbox"), (1, None)]
    assert [mail["To"] for mail in office.mails] == ["maria@customer.example"]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_refuses_everybody_for_a_while_loses_nobodys_mail(
    tmp_path: Path, office: PostOffice, command: str
) -> None:
    office.answers[command] = ["554 5.7.1 your address is on a list"] * 8
    with Live(tmp_path, PARLOUR_SMTP_URL=office.url) as live:
        for number in range(4):
            async with Customer(live, f"c{number}") as customer:
                await customer.open_ticket()
        await until(lambda: jobs(live, "finished_at IS NOT NULL") == [(1,)] * 4, within=60)
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
        await until(lambda: jobs(live, "finished_at IS NOT NULL") == [(1,)])
        await asyncio.sleep(1)

    places = {(answer.status_code, answer.headers["location"]) for answer in answers}
    [(status, location)] = places
    assert status == 303
    assert Records(live.settings).rows("SELECT number FROM tickets") == [(1,)]
    assert Records(live.settings).contents(location.rsplit("/", 1)[1]) == [ticket.description]
    assert len(office.envelopes) == 1
