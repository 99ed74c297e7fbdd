"""Connections that answer and are of no use, and servers that keep them up and do not answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError
from structlog.testing import capture_logs

from parlour.db.database import Database, Tx
from parlour.db.postgres import PostgresDatabase
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor
from parlour.kernel.errors import Overloaded
from tests import postgres_server
from tests.house import House, furnish, open_house

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(240)]

STRANGE = {
    "DateStyle": "'German, DMY'",
    "IntervalStyle": "'sql_standard'",
    "TimeZone": "'Pacific/Chatham'",
    "client_encoding": "'LATIN1'",
    "row_security": "off",
    "search_path": "pg_catalog",
    "standard_conforming_strings": "off",
    "bytea_output": "'escape'",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "'serializable'",
    "statement_timeout": "1",
    "lock_timeout": "1",
    "extra_float_digits": "-15",
}
"""What a role or a database may have been given, for the sake of another program."""


@pytest.fixture
async def strange(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    await furnish(tmp_path)
    server = postgres_server.server()
    name = server.of_folder(tmp_path)
    with server.admin_connection() as admin:
        admin.execute(f"ALTER DATABASE {name} SET {request.param} TO {STRANGE[request.param]}".encode())
    async with open_house(tmp_path) as house:
        yield house


@pytest.mark.parametrize("strange", sorted(STRANGE), indirect=True)
async def test_a_setting_that_somebody_else_wanted_changes_nothing(strange: House) -> None:
    words = "Größe Ł 👩 \\ ' %s"
    visitor, desk = strange.browser(), await strange.sign_in()
    async with visitor:
        ticket = await strange.open_ticket(visitor, description=words)
        chat = f"/support/acme/ticket/{ticket.ticket_id}/chat"
        sent = await visitor.submit(chat, {"content": words, "client_id": str(uuid4())}, page=chat)
        pages = [
            await visitor.get(chat),
            await desk.get(f"/workspace/{ticket.workspace_id}/tickets/{ticket.ticket_id}"),
            await desk.get(f"/workspace/{ticket.workspace_id}/tickets?q=Gr%C3%B6%C3%9Fe"),
            await desk.get(f"/workspace/{ticket.workspace_id}"),
            await desk.get("/readyz"),
        ]

    assert sent.status_code == 303
    assert [page.status_code for page in pages] == [200] * 5
    assert "Größe Ł 👩" in pages[0].text
    assert ticket.description == words


async def test_after_a_name_that_cannot_be_told_the_next_unit_is_in_its_own(tmp_path: Path) -> None:
    await furnish(tmp_path)
    async with open_house(tmp_path) as house:
        nobody = Actor.customer(house.workspace.workspace_id, uuid4(), "half a \ud83d")
        for run in (house.db.write, house.db.read, house.db.scan):
            with pytest.raises(StatementError, match="surrogates not allowed"):
                await run(nobody, told)

            assert await run(Actor.visitor(), told) == ("visitor", "")


def told(tx: Tx) -> tuple[str, str]:
    """Who the database takes it for."""
    of = (func.current_setting(f"parlour.{name}") for name in ("kind", "ticket"))
    kind, ticket = tx.execute(select(*of)).one()
    return kind, ticket


class Door:
    """An address of its own that leads to whichever server is named, as a failover turns one."""

    def __init__(self, port: int) -> None:
        self.leads_to = port
        self.port = 0
        self._listener: asyncio.Server | None = None

    async def open(self) -> None:
        self._listener = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection("127.0.0.1", self.leads_to)
        ways = [asyncio.create_task(pipe(*way)) for way in ((reader, onward[1]), (onward[0], writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, onward[1]):
            end.close()
        await asyncio.gather(*ways, return_exceptions=True)

    def close(self) -> None:
        if self._listener:
            self._listener.close()


async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(65536):
        sink.write(chunk)
        await sink.drain()


async def test_connections_to_a_server_that_became_a_standby_are_dropped(tmp_path: Path) -> None:
    server = postgres_server.server()
    url = server.direct_url(server.of_folder(tmp_path))
    standby = await asyncio.to_thread(postgres_server.Standby, server)
    door = Door(standby.port)
    await door.open()
    db = PostgresDatabase(url.replace(f":{server.port}/", f":{door.port}/"))
    await db.open()
    try:
        with pytest.raises(Overloaded):
            await db.write(Actor.system(), workspaces.create_workspace, "early", "Early")
        with pytest.raises(Overloaded):
            await db.probe(nothing)
        door.leads_to = server.port
        await takes_writes(db)
        for number in range(24):
            await db.write(Actor.system(), workspaces.create_workspace, f"w{number}", "Later")
    finally:
        await db.close()
        door.close()
        await asyncio.to_thread(standby.stop)
        postgres_server.left(url)


async def takes_writes(db: Database) -> None:
    async with asyncio.timeout(30):
        while True:
            with suppress(Overloaded):
                return await db.probe(nothing)
            await asyncio.sleep(0.1)


def nothing(_: object) -> None:
    """A unit that only wants to be run."""


async def timed(answer: Awaitable[httpx.Response]) -> tuple[int, float]:
    began = monotonic()
    return (await answer).status_code, monotonic() - began


async def test_a_frozen_server_costs_seconds(house: House) -> None:
    at = f"/workspace/{house.workspace.workspace_id}"
    visitor, desk = house.browser(), await house.sign_in()
    async with visitor:
        ticket = await house.open_ticket(visitor)
        chat = f"/support/acme/ticket/{ticket.ticket_id}/chat"
        token = await visitor.csrf(chat)
        words = {"csrf": token, "content": "Hello?", "client_id": str(uuid4())}
        with postgres_server.server().frozen():
            asked = [
                desk.get(f"{at}/tickets"),
                visitor.post(chat, data=words),
                desk.get(f"{at}/tickets?q=late"),
            ]
            ready, *others = await asyncio.gather(timed(desk.get("/readyz")), *map(timed, asked))
            ready_later = await timed(desk.get("/readyz"))
        await takes_writes(house.db)
        again = await visitor.post(chat, data=words)

    assert [status for status, _ in others] == [503] * 3
    assert max(seconds for _, seconds in others) < 12
    assert ready[0] == ready_later[0] == 503
    assert max(ready[1], ready_later[1]) < 5
    assert again.status_code == 303


async def test_a_server_that_is_gone_is_told_in_one_line_and_at_once_to_whoever_asks(house: House) -> None:
    server = postgres_server.server()
    async with house.browser() as visitor:
        await visitor.get("/readyz")
        server.stop()
        try:
            with capture_logs() as log:
                asked = asyncio.gather(*(visitor.get("/support/acme") for _ in range(20)))
                answers = [await timed(visitor.get("/readyz")) for _ in range(3)]
                pages = await asked
        finally:
            server.start()
        await takes_writes(house.db)
        ready = await visitor.get("/readyz")

    assert [status for status, _ in answers] == [503] * 3
    assert max(seconds for _, seconds in answers) < 5
    assert ready.status_code == 200
    assert [page.status_code for page in pages] == [503] * 20
    assert [line["event"] for line in log].count("database.away") == 1
    assert "request.failed" not in [line["event"] for line in log]
