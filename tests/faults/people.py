"""Customers and agents who speak plain HTTP to a running server, and do not give up."""

import asyncio
import random
import re
import ssl
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID, uuid4

import httpx

from parlour.settings import Settings
from tests.house import behind_its_back
from tests.live import PASSWORD, SLUG, Live, email_of

TRANSIENT = {429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Said:
    """A message that the server has acknowledged."""

    ticket_id: str
    client_id: UUID
    content: str
    seq: int


class Person(httpx.AsyncClient, ABC):
    """A browser without scripts: keeps its cookies, sends the token of the page it was shown."""

    def __init__(self, live: Live, name: str, *, url: str = "", verify: ssl.SSLContext | bool = True) -> None:
        self.live = live
        self.name = name
        self.csrf = ""
        address = url or live.url
        super().__init__(base_url=address, headers={"origin": address}, timeout=10, verify=verify)

    async def visit(self, path: str) -> str:
        page = await self.get(path)
        found = re.search(r'<meta name="csrf" content="([0-9a-f]+)">', page.text)
        assert page.status_code == 200, f"{path} answered {page.status_code}"
        assert found, f"{path} holds no token"
        self.csrf = found[1]
        return page.text

    @abstractmethod
    def chat_at(self, ticket_id: str) -> str:
        """Where this side of the ticket's room takes its messages."""

    async def post_message(self, ticket_id: str, content: str, client_id: UUID) -> httpx.Response:
        return await self.post(
            self.chat_at(ticket_id),
            data={"content": content, "client_id": str(client_id)},
            headers={"accept": "application/json", "x-csrf-token": self.csrf},
        )

    async def say(self, ticket_id: str, content: str) -> Said:
        """Send until it is acknowledged, always as the same message."""
        client_id = uuid4()
        while True:
            try:
                answer = await self.post_message(ticket_id, content, client_id)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code in (200, 201):
                return Said(ticket_id, client_id, content, answer.json()["message"]["seq"])
            assert answer.status_code in TRANSIENT, answer.text
            await asyncio.sleep(0.1)

    async def talk(
        self, ticket_id: str, until: asyncio.Event, said: list[Said], *, pause: float = 0.04
    ) -> None:
        """One numbered message after the other until told to stop; the last one is acknowledged too."""
        number = 0
        while not until.is_set():
            said.append(await self.say(ticket_id, f"{self.name} {number}"))
            number += 1
            await asyncio.sleep(random.uniform(0, pause))

    def cookie_list(self, url: str) -> list[dict[str, str]]:
        """For a real browser that goes on as this person."""
        return [{"name": c.name, "value": c.value or "", "url": url} for c in self.cookies.jar]


@dataclass
class Ticket:
    subject: str = "The parcel is late"
    description: str = "It should have been here on Monday."
    client_id: UUID = field(default_factory=uuid4)

    def fields(self, csrf: str, email: str) -> dict[str, str]:
        return {
            "csrf": csrf,
            "subject": self.subject,
            "description": self.description,
            "email": email,
            "client_id": str(self.client_id),
        }


class Customer(Person):
    ticket_id = ""

    @property
    def email(self) -> str:
        return f"{self.name}@customer.example"

    def chat_at(self, ticket_id: str) -> str:
        return f"/support/{SLUG}/ticket/{ticket_id}/chat"

    async def post_ticket(self, ticket: Ticket) -> httpx.Response:
        return await self.post(f"/support/{SLUG}/ticket/new", data=ticket.fields(self.csrf, self.email))

    async def open_ticket(self, ticket: Ticket | None = None) -> str:
        await self.visit(f"/support/{SLUG}/ticket/new")
        answer = await self.post_ticket(ticket or Ticket())
        assert answer.status_code == 303, answer.text
        self.ticket_id = answer.headers["location"].rsplit("/", 1)[1]
        return self.ticket_id


class Agent(Person):
    def chat_at(self, ticket_id: str) -> str:
        return f"/workspace/{self.live.workspace_id}/tickets/{ticket_id}/chat"

    def ticket_at(self, ticket_id: str) -> str:
        return f"/workspace/{self.live.workspace_id}/tickets/{ticket_id}"

    async def sign_in(self) -> None:
        await self.visit("/auth/login")
        fields = {"csrf": self.csrf, "email": email_of(self.name), "password": PASSWORD, "next": "/"}
        answer = await self.post("/auth/login", data=fields)
        assert answer.status_code == 303, answer.text
        await self.visit(f"/workspace/{self.live.workspace_id}")


class Records:
    """What the database holds, as another program reads it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return behind_its_back(self._settings, query, *values)

    def conversation(self, ticket_id: str) -> list[tuple[int, str, str, UUID | None]]:
        """Of each message of the ticket's public room, by seq: seq, sender_type, content, client_id."""
        query = """SELECT seq, sender_type, content, messages.client_id FROM messages
                   JOIN tickets ON tickets.chat_room_id = messages.room_id
                   WHERE tickets.ticket_id = ? ORDER BY seq"""
        rows = self.rows(query, UUID(ticket_id).hex)
        return [
            (int(str(seq)), str(sender), str(words), UUID(str(client)) if client else None)
            for seq, sender, words, client in rows
        ]

    def contents(self, ticket_id: str) -> list[str]:
        """What people said, without the system's own words."""
        return [words for _, sender, words, _ in self.conversation(ticket_id) if sender != "system"]


class Conversations(Protocol):
    def conversation(self, ticket_id: str) -> list[tuple[int, str, str, UUID | None]]: ...


def check_nothing_lost(records: Conversations, ticket_id: str, said: list[Said]) -> None:
    """Every acknowledged message once, where it was promised, in its sender's order, and no holes."""
    stored = records.conversation(ticket_id)
    by_client = {client: (seq, words) for seq, _, words, client in stored if client}
    assert [row[0] for row in stored] == list(range(1, len(stored) + 1))
    assert len(by_client) == sum(1 for row in stored if row[3])
    for each in said:
        assert by_client.get(each.client_id) == (each.seq, each.content)
    for sender in {each.content.split()[0] for each in said}:
        spoken = [words for _, _, words, _ in stored if words.split()[0] == sender]
        assert spoken == [f"{sender} {number}" for number in range(len(spoken))]
