"""Slow, silent and stuck sockets, and the end of a server."""

import asyncio
import json
import socket
from pathlib import Path

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from tests.realtime.house import House, open_house

BIG = "x" * 20_000


class Sleeper:
    """A client that enters the room and then reads nothing, with as small a buffer as the system allows."""

    def __init__(self, house: House) -> None:
        address = f"ws://127.0.0.1:{house.port}/realtime?{house.query('alan')}"
        self.protocol = ClientProtocol(parse_uri(address))
        self.house = house
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setblocking(False)

    async def __aenter__(self) -> "Sleeper":
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.socket, ("127.0.0.1", self.house.port))
        request = self.protocol.connect()
        request.headers["Origin"] = self.house.origin
        request.headers["Cookie"] = "who=alan"
        self.protocol.send_request(request)
        await self.flush()
        while not any(isinstance(event, Response) for event in self.protocol.events_received()):
            self.protocol.receive_data(await loop.sock_recv(self.socket, 4096))
        self.protocol.send_text(f'{{"t":"subscribe","room":"{self.house.room}","after":0}}'.encode())
        await self.flush()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.socket.close()

    async def flush(self) -> None:
        for data in self.protocol.data_to_send():
            await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def wake(self) -> tuple[list[int], int | None]:
        """Read everything there is. Returns the messages that came and the code at the end."""
        heard: list[int] = []
        while data := await asyncio.wait_for(
            asyncio.get_running_loop().sock_recv(self.socket, 1 << 20), timeout=5
        ):
            self.protocol.receive_data(data)
            for event in self.protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    frame = json.loads(bytes(event.data))
                    heard += [frame["seq"]] if frame["t"] == "message" else []
            if self.protocol.close_rcvd:
                return heard, self.protocol.close_rcvd.code
        return heard, None


async def fill(house: House, count: int = 600) -> None:
    """Say more than any queue holds, leaving everyone the time to read who wants to."""
    for index in range(count):
        house.records.say(house.room, BIG)
        if index % 5 == 0:
            await asyncio.sleep(0.002)


async def test_a_page_that_does_not_read_is_closed_with_4408(house: House) -> None:
    async with Sleeper(house) as sleeper:
        await fill(house)

        _, code = await sleeper.wake()
    assert code == 4408


async def test_a_slow_page_costs_the_others_nothing(house: House) -> None:
    async with Sleeper(house):
        grace = await house.enter("grace")

        filling = asyncio.create_task(fill(house))

        assert await grace.messages(600) == list(range(1, 601))
        await filling


async def test_a_page_closed_for_slowness_resumes_without_a_hole(house: House) -> None:
    async with Sleeper(house) as sleeper:
        await fill(house)
        heard, _ = await sleeper.wake()
    last = heard[-1]

    alan = await house.open("alan")
    await alan.send("subscribe", room=house.room, after=last)

    assert heard + await alan.messages(600 - last) == list(range(1, 601))


async def test_a_socket_that_takes_nothing_at_all_is_let_go(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=1.0, write_timeout=0.3) as house, Sleeper(house):
        await fill(house)

        assert await empties(house)


async def test_a_burst_that_a_quick_page_could_not_yet_read_is_not_its_fault(house: House) -> None:
    grace = await house.enter("grace")

    for _ in range(1_000):
        house.records.say(house.room, "quick")

    assert await grace.messages(1_000) == list(range(1, 1_001))


async def test_a_page_that_says_nothing_for_too_long_is_dead(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=0.4, dead_after=0.5) as house:
        page = await house.open("ada")

        assert await page.close_code() == 4408


async def test_a_page_that_answers_every_heads_stays(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=0.2, dead_after=0.45) as house:
        page = await house.open("ada")

        for _ in range(6):
            await page.next("heads")
            await page.send("alive")

        assert house.realtime.connections == 1


async def test_the_heads_of_many_pages_are_spread_over_the_heartbeat(tmp_path: Path) -> None:
    async with open_house(tmp_path, heartbeat=1.0) as house:
        pages = [await house.open("ada") for _ in range(10)]
        loop = asyncio.get_running_loop()

        async def arrival(index: int) -> float:
            await pages[index].next("heads")
            return loop.time()

        times = sorted(await asyncio.gather(*map(arrival, range(10))))

        assert times[-1] - times[0] > 0.3


async def test_draining_sends_everyone_away_with_1001(house: House) -> None:
    pages = [await house.enter("ada"), await house.enter("grace"), await house.open("alan")]

    await house.realtime.drain()

    assert [await page.close_code() for page in pages] == [1001, 1001, 1001]
    assert (house.realtime.connections, house.realtime.listeners) == (0, 0)


async def test_whoever_comes_while_draining_is_sent_away(house: House) -> None:
    await house.realtime.drain()

    page = await house.open("ada")

    assert await page.close_code() == 1001


async def test_a_page_that_went_away_leaves_nothing_behind(house: House) -> None:
    page = await house.enter("ada")
    await page.send("watch")
    await page.until_quiet()

    page.socket.transport.abort()

    assert await empties(house)
    assert house.realtime.listeners == 0


async def empties(house: House) -> bool:
    """Whether the last connection goes within a moment."""
    loop = asyncio.get_running_loop()
    patience = loop.time() + 5
    while house.realtime.connections and loop.time() < patience:
        await asyncio.sleep(0.01)
    return house.realtime.connections == 0


async def test_a_read_mark_that_waits_is_stored_before_the_server_stops(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        for _ in range(2):
            house.records.say(house.room)
        ada = await house.enter("ada")
        for seq in (1, 2):
            await ada.send("read", room=house.room, seq=seq)
        await ada.until_quiet()

    assert house.records.marked == [1, 2]
