"""Forms with files, as browsers post them."""

from typing import Any
from uuid import uuid4

import httpx

from parlour.features.tickets.models import Ticket
from tests.house import Browser

WORDS = b"Bought on Monday, paid by card.\n"
JSON = {"accept": "application/json"}
File = tuple[str, bytes]


async def say(browser: Browser, address: str, *files: File, **fields: Any) -> httpx.Response:
    """Post the form of a room as a browser does, with these files."""
    page = {"csrf": await browser.csrf("/support/acme"), "content": "", "client_id": str(uuid4())}
    headers = fields.pop("headers", {})
    parts = [("files", (name, data, "text/html")) for name, data in files]
    return await browser.post(address, data={**page, **fields}, files=parts, headers=headers)


def room_of(ticket: Ticket) -> str:
    return f"/support/acme/ticket/{ticket.ticket_id}/chat"


def desk_of(ticket: Ticket) -> str:
    return f"/workspace/{ticket.workspace_id}/tickets/{ticket.ticket_id}"


def file_at(ticket: Ticket, file: dict[str, Any]) -> str:
    return f"/support/acme/ticket/{ticket.ticket_id}/files/{file['file_id']}/{file['name']}"


async def newest(browser: Browser, room: str) -> dict[str, Any]:
    page = await browser.get(room, headers=JSON)
    message: dict[str, Any] = page.json()["messages"][-1]
    return message


async def upload(browser: Browser, address: str, name: str, data: bytes, **fields: str) -> httpx.Response:
    """As the page's script sends one file ahead of its message."""
    headers = {**JSON, "x-csrf-token": await browser.csrf("/support/acme")}
    parts = [("files", (name, data, "text/html"))]
    return await browser.post(address, data=fields, files=parts, headers=headers)


async def uploaded(browser: Browser, address: str, name: str = "a.txt", data: bytes = WORDS) -> str:
    """The id of what was uploaded."""
    answer = await upload(browser, address, name, data)
    assert answer.status_code == 201, answer.text
    file_id: str = answer.json()["file"]["file_id"]
    return file_id
