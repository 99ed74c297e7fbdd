"""What machines ask: alive, ready, the numbers."""

import re
from pathlib import Path

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from parlour.db.database import Tx
from parlour.db.schema import outbox
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.web.metrics import Metrics
from tests.house import Browser, House, behind_its_back
from tests.postgres_server import ENGINE


async def test_a_living_process_says_ok_even_when_its_database_is_gone(
    house: House, visitor: Browser
) -> None:
    await house.db.close()
    alive, ready = await visitor.get("/healthz"), await visitor.get("/readyz")

    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert ready.status_code == 503


async def test_a_ready_process_has_its_database(visitor: Browser) -> None:
    answer = await visitor.get("/readyz")

    assert answer.status_code == 200
    assert answer.text.startswith("ok, but the bus is away" if ENGINE == "pgbouncer" else "ok\n")


async def test_a_database_of_an_older_schema_is_not_ready(house: House, visitor: Browser) -> None:
    behind_its_back(house.app.parlour.settings, "UPDATE alembic_version SET version_num = '0001'")
    answer = await visitor.get("/readyz")

    assert answer.status_code == 503
    assert "parlour migrate" in answer.text


async def test_while_the_next_release_is_rolled_out_this_one_stays_ready(
    house: House, visitor: Browser
) -> None:
    behind_its_back(house.app.parlour.settings, "UPDATE alembic_version SET version_num = '9999'")
    answer = await visitor.get("/readyz")

    assert answer.status_code == 200
    assert "a newer Parlour has migrated the database" in answer.text


async def test_a_release_that_no_longer_fits_the_schema_is_not_ready(house: House, visitor: Browser) -> None:
    behind_its_back(house.app.parlour.settings, "UPDATE alembic_version SET version_num = '9999'")
    behind_its_back(house.app.parlour.settings, "UPDATE schema_floor SET revision = '9998'")
    answer = await visitor.get("/readyz")

    assert answer.status_code == 503
    assert "too old" in answer.text


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd00::1"])
async def test_the_numbers_are_for_this_machine_and_its_own_network(house: House, address: str) -> None:
    async with house.browser(address) as browser:
        await browser.get("/support/acme")
        answer = await browser.get("/metrics")

    assert answer.status_code == 200
    assert 'parlour_requests_total{route="features.portal.tickets.home",status="200"} 1.0' in answer.text
    assert "parlour_sockets 0.0" in answer.text


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/api/v1/", "/api/v2/nowhere", "/api/v9/me", "/nowhere"])
async def test_what_leads_nowhere_is_counted_and_written_down_like_any_request(
    house: House, path: str
) -> None:
    with capture_logs() as lines:
        async with house.browser() as browser:
            answer = await browser.get(path)
            numbers = await browser.get("/metrics")

    assert answer.status_code == 404
    assert 'parlour_requests_total{route="none",status="404"} 1.0' in numbers.text
    assert [line["path"] for line in lines if line["event"] == "request"] == [path]


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "not-an-address", ""])
async def test_nobody_else_sees_the_numbers(house: House, address: str) -> None:
    async with house.browser(address) as browser:
        answer = await browser.get("/metrics")

    assert answer.status_code == 404
    assert "parlour_" not in answer.text


async def test_the_numbers_hold_no_address_of_a_page(house: House, visitor: Browser) -> None:
    """A label for every ticket would grow without end, and would tell which tickets there are."""
    ticket = await house.open_ticket(visitor)
    for path in (f"/support/acme/ticket/{ticket.ticket_id}", "/nowhere/at/all", "/support/unknown"):
        await visitor.get(path)
    answer = await visitor.get("/metrics")

    assert str(ticket.ticket_id) not in answer.text
    assert "nowhere" not in answer.text


async def test_the_numbers_say_what_an_operator_is_woken_by(house: House, visitor: Browser) -> None:
    await house.open_ticket(visitor)

    def give_up(tx: Tx) -> None:
        tx.enqueue("mail.confirmation", {})
        tx.execute(update(outbox).values(dead_at=clock.now(), lane="mail"))

    await house.db.write(Actor.system(), give_up)
    text = (await visitor.get("/metrics")).text
    slash = await visitor.get("/metrics/")

    assert 'parlour_jobs_dead{kind="mail.confirmation",lane="mail"}' in text
    assert 'parlour_mails_lately{outcome="refused"} 0.0' in text
    assert "\nparlour_writer_queue " in text
    assert "parlour_commit_seconds_count" in text
    assert "parlour_bus_connected" in text
    assert re.search(r'^parlour_history_info\{epoch="\w+"\} 1\.0$', text, re.MULTILINE)
    assert slash.status_code == 200
    if ENGINE == "sqlite":
        assert "parlour_wal_bytes" in text
        assert "parlour_disk_free_bytes" in text


async def test_the_numbers_come_without_the_database_too(house: House, visitor: Browser) -> None:
    await house.db.close()
    answer = await visitor.get("/metrics")

    assert answer.status_code == 200
    assert "parlour_database_up 0.0" in answer.text


async def test_numbers_are_told_when_they_cannot_be_left_for_the_other_processes(
    house: House, tmp_path: Path
) -> None:
    metrics = Metrics(house.db, tmp_path / "gone")

    assert b"parlour_database_up 1.0" in await metrics.text()
