"""A conversation as it stands on a page in a real browser."""

import asyncio
import time

from playwright.async_api import Browser, Page

from tests.faults.people import Person, Records

_SHOWN = """() => [...document.querySelectorAll(
    '[data-messages] > li[data-seq]:not([data-seq=""], [data-internal])')].map(
    (item) => [Number(item.dataset.seq), item.querySelector('.message-body')?.textContent ?? ''])"""
_UNSENT = """() => document.querySelectorAll('[data-messages] > li.message:not([data-seq])').length
    + Object.keys(localStorage).filter((key) => key.startsWith('parlour:unsent:')).length"""

_ASKS_NOTHING = "() => document.querySelector('[data-composer] [name=seen]')?.remove()"


class Room:
    """An open page. Whatever happens to the server, it is never loaded again."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name
        self.said = 0
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def live(self) -> None:
        await self.page.locator("[data-connection][data-state=live]").wait_for(timeout=45_000)

    async def say(self, words: str = "") -> str:
        """Type and press Enter: what follows is the page's business. Answers what was typed."""
        text = words or f"{self.name} {self.said}"
        self.said += 1
        await self.page.fill(".composer-face:not([data-behind]) textarea", text)
        await self.page.press(".composer-face:not([data-behind]) textarea", "Enter")
        return text

    async def talk(self, until: asyncio.Event, pause: float) -> None:
        while not until.is_set():
            await self.say()
            await asyncio.sleep(pause)

    async def hears_that_the_network_is_back(self) -> None:
        """What a browser tells its pages. Without it they try again by themselves, within half a minute."""
        await self.page.evaluate("dispatchEvent(new Event('online'))")

    async def shown(self) -> list[tuple[int, str]]:
        return [(seq, words) for seq, words in await self.page.evaluate(_SHOWN)]

    async def unsent(self) -> int:
        """What stands there without a place in the log, and whether the page still has something to send."""
        return int(await self.page.evaluate(_UNSENT))

    async def check_shows(self, records: Records, ticket_id: str, within: float) -> None:
        """The page comes to show what is stored, all of it and in its order, and nothing else."""
        deadline = time.monotonic() + within
        while True:
            stored = [
                (seq, words if sender != "system" else "")
                for seq, sender, words, _ in records.conversation(ticket_id)
            ]
            shown, unsent = await self.shown(), await self.unsent()
            if (shown == stored and not unsent) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        assert shown == stored
        assert unsent == 0
        assert self.errors == []


async def open_room(browser: Browser, person: Person, url: str, path: str) -> Room:
    context = await browser.new_context()
    await context.add_cookies(person.cookie_list(url))  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(url + path)
    # Here both sides write at the same time, all the time. An agent's page would stop and ask whether to send
    # what was written without having seen the customer's last words; that is not what is tried here.
    await page.evaluate(_ASKS_NOTHING)
    room = Room(page, f"page-of-{person.name}")
    await room.live()
    return room
