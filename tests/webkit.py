"""WebKit as Debian has it: the small browser of WebKitGTK, driven by the WebDriver protocol.

It needs a display, so it gets an X server of its own, and a home of its own, so that it remembers nothing.
Its driver puts the pointer a little too low; what is clicked here is clicked by a script.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.ports import free_port
from tests.servers import WEBKIT, XVFB

PATIENCE = 30
"""Seconds for anything that a page does."""
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The name under which the protocol hands out elements, the same for all of them."""
_CLICK = "arguments[0].click()"
_VISIBLE = """const [selector, text] = arguments;
    return [...document.querySelectorAll(selector)].filter(
        (found) => found.checkVisibility() && (!text || found.innerText.trim() === text)).length"""


class Page:
    """The only window."""

    def __init__(self, session: httpx.AsyncClient) -> None:
        self._session = session

    async def _ask(self, command: str, **values: object) -> Any:
        answer = await self._session.post(command, json=values)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    async def goto(self, url: str) -> None:
        await self._ask("url", url=url)

    async def back(self) -> None:
        await self._ask("back")

    async def evaluate(self, script: str, *values: object) -> Any:
        """What the function body `script` returns; `values` are its `arguments`."""
        return await self._ask("execute/sync", script=script, args=values)

    async def type(self, selector: str, text: str) -> None:
        found = await self._ask("element", using="css selector", value=selector)
        await self._ask(f"element/{found[_ELEMENT]}/value", text=text)

    async def click(self, selector: str) -> None:
        found = await self._ask("element", using="css selector", value=selector)
        await self.evaluate(_CLICK, found)

    async def shows(self, selector: str, text: str = "", count: int = 1) -> None:
        """Returns once so many of these are to be seen, each with exactly this text if it is given."""
        await self.comes_to(_VISIBLE, count, selector, text)

    async def comes_to(self, script: str, expected: object, *values: object) -> None:
        deadline = time.monotonic() + PATIENCE
        while (found := await self.evaluate(script, *values)) != expected:
            assert time.monotonic() < deadline, f"{script} {values} gives {found!r} instead of {expected!r}"
            await asyncio.sleep(0.05)


@contextmanager
def display() -> Iterator[str]:
    """The name of a display that nobody sees."""
    read, write = os.pipe()
    server = subprocess.Popen(
        [str(XVFB.path()), "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            yield f":{told.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def driver(home: Path, display: str) -> Iterator[str]:
    """The driver's address; it may take a moment until somebody listens there."""
    port = free_port()
    surroundings = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DISPLAY": display,
        "LANG": "C.UTF-8",
        "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # root, as in a container, can have none
    }
    command = [str(WEBKIT.path()), f"--port={port}"]
    server = subprocess.Popen(command, env=surroundings, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@asynccontextmanager
async def webkit(home: Path) -> AsyncIterator[Page]:
    """The window of a browser that has never been anywhere."""
    with display() as screen, driver(home, screen) as url:
        transport = httpx.AsyncHTTPTransport(retries=8)
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, transport=transport) as session:
            answer = await session.post("/session", json={"capabilities": {}})
            assert answer.status_code == 200, answer.text
            session.base_url = httpx.URL(f"{url}/session/{answer.json()['value']['sessionId']}/")
            try:
                yield Page(session)
            finally:
                await session.delete("")
