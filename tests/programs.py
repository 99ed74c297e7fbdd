"""A program that uses the API with a key of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from parlour.features.accounts.api_keys import service as api_keys
from parlour.kernel.access import Actor, Role
from tests.house import ORIGIN, House

HOME = "/api/v1"


class Program(httpx.AsyncClient):
    """Asks for what follows /api/v1, and knows no cookies."""

    def __init__(self, house: House, token: str) -> None:
        app = httpx.ASGITransport(house.app, client=("127.0.0.1", 40000), raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        super().__init__(transport=app, base_url=f"{ORIGIN}{HOME}", headers=headers)
        self.token = token

    async def made(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        """What a POST made."""
        answer = await self.post(path, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def read(self, path: str, **query: Any) -> Any:
        answer = await self.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def key_of(house: House, role: Role = Role.AGENT, name: str = "Importer", slug: str = "acme") -> str:
    """The operator's, so that it hangs on nobody."""
    made = await house.db.write(Actor.system(), api_keys.make_at, slug, name, role)
    return str(made.token)


@asynccontextmanager
async def program(house: House, role: Role = Role.AGENT, **more: str) -> AsyncIterator[Program]:
    async with Program(house, await key_of(house, role, **more)) as client:
        yield client
