"""A bucket whose server takes connections and never answers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parlour.features.conversation import uploads
from parlour.files import store
from tests.attaching import WORDS, room_of, say
from tests.house import House, open_house


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    never = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "test")
    async with open_house(tmp_path, PARLOUR_FILES_URL="s3://silent/here") as house:
        yield house
    never.set()
    server.close()


async def test_a_form_is_answered_before_a_proxy_gives_it_up_however_many_wait_for_a_turn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "STORED_WITHIN", 1.0)
    monkeypatch.setattr(store, "STOPS_WITHIN", 0.1)
    visitor = house.browser()
    room = room_of(await house.open_ticket(visitor))
    async with asyncio.timeout(40):  # the store's own patience is a minute for each turn
        asked = [
            say(visitor, room, ("log.txt", WORDS), content=f"Words that took an hour, {number}")
            for number in range(store.AT_ONCE + 2)
        ]
        refused = await asyncio.gather(*asked)

    for number, answer in enumerate(refused):
        assert answer.status_code == 503
        assert f"Words that took an hour, {number}" in answer.text
        assert "We cannot take files at the moment" in answer.text
