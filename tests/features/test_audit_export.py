"""The audit trail as a file for spreadsheets."""

import asyncio
import csv
from io import StringIO
from typing import Any

from parlour.db.database import Tx
from parlour.features.accounts.events import service as events
from parlour.features.accounts.events.service import Event
from parlour.features.desk.settings.audit import EXPORTED_AT_ONCE
from parlour.features.workspaces import audit
from parlour.kernel.access import Actor
from tests.house import ORIGIN, Browser, House

MANY = 2 * EXPORTED_AT_ONCE + 7


def address(house: House, query: str = "") -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings/audit.csv{query}"


def lines_of(text: str) -> list[dict[str, str]]:
    """As a program for spreadsheets reads it: the mark of the encoding is no part of the first column."""
    return list(csv.DictReader(StringIO(text.removeprefix("\ufeff"))))


async def many_ended(house: House) -> None:
    await house.as_system(audit.record_ends, "invitation_ended", [f"number {n}" for n in range(MANY)])


async def test_every_line_is_exported_once_the_newest_first(house: House, desk: Browser) -> None:
    await many_ended(house)
    await house.db.write(Actor.system(), events.note, house.ada, Event.SIGNED_IN, "Firefox")

    answer = await desk.get(address(house))

    lines = lines_of(answer.text)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbfat,person,")
    assert answer.headers["content-disposition"].startswith('attachment; filename="audit-acme-2')
    assert (lines[0]["person"], lines[0]["action"], lines[0]["detail"]) == (
        "Ada Moreau",
        "signed_in",
        "Firefox",
    )
    ended = [line["detail"] for line in lines if line["action"] == "invitation_ended"]
    assert sorted(ended) == sorted(f"number {n}" for n in range(MANY))
    assert [line["at"] for line in lines] == sorted((line["at"] for line in lines), reverse=True)


async def test_the_export_holds_what_the_filters_let_through(house: House, desk: Browser) -> None:
    await many_ended(house)
    await house.db.write(Actor.system(), events.note, house.ada, Event.SIGNED_IN, "Firefox")
    page = await desk.get(f"/workspace/{house.workspace.workspace_id}/settings/audit?kind=signed_in")

    lines = lines_of((await desk.get(address(house, "?kind=signed_in"))).text)
    nobody = lines_of((await desk.get(address(house, f"?person={house.other.workspace_id}"))).text)

    assert [line["action"] for line in lines] == ["signed_in"]
    assert nobody == []
    assert "audit.csv?kind=signed_in" in page.text


async def test_no_cell_is_a_formula(house: House, desk: Browser) -> None:
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1", '"; =1']

    def name(tx: Tx) -> None:
        for one in evil:
            audit.record(tx, "welcome", after=one)

    await house.as_system(name)

    found = [line["detail"] for line in lines_of((await desk.get(address(house, "?kind=welcome"))).text)]

    assert sorted(found) == sorted(["'=1+1", "'+1", "'-1", "'@SUM(A1)", "' =1", "'＝1", '"; =1'])


async def test_an_export_is_sent_in_pieces_of_one_size(house: House, desk: Browser) -> None:
    await many_ended(house)
    pieces = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        pieces.append(message.get("body", b"").count(b"\r\n"))

    cookie = "; ".join(f"{name}={value}" for name, value in desk.cookies.items())
    host = ORIGIN.removeprefix("http://")
    scope = {
        "type": "http",
        "method": "GET",
        "path": address(house),
        "raw_path": address(house).encode(),
        "query_string": b"",
        "headers": [(b"host", host.encode()), (b"cookie", cookie.encode())],
        "client": ("127.0.0.1", 40000),
        "server": (host, 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    await house.app(scope, receive, send)

    assert sum(pieces) > MANY
    assert max(pieces) == EXPORTED_AT_ONCE
