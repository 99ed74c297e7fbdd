"""People and their browsers: each has cookies, storage and a network address of their own.

Whatever a page complains of is a failure: an error on the console, an exception, a breach of the content
security policy, a dialog. What a test means to cause, it declares with `expects`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from itertools import count

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Locator,
    Page,
    ViewportSize,
    WebError,
    WebSocket,
    expect,
)

from parlour.features.tickets.models import Ticket
from tests.browser.past import Past
from tests.live import Live

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE = 30_000
"""Milliseconds for anything that a page does: much, because several suites may share the machine."""
NETWORK_LOST = r"net::ERR_(INTERNET_DISCONNECTED|FAILED|CONNECTION_\w+|EMPTY_RESPONSE|NETWORK_\w+)"
NOT_ANIMATED = "Transition was aborted because of invalid state. Page already revealed"
"""Chromium's word that a new page was drawn before it could fade in. No script of ours began the fade
(`@view-transition` did), so none could have caught it; what the page shows is the same."""

_addresses = count(1)


def _after_its_scripts(acts: type[Locator], name: str) -> None:
    """A page is seen before its script runs: keys are lost in between, and a button is the plain form's."""
    act = getattr(acts, name)

    @wraps(act)
    async def waits(self: Locator, *values: object, **options: object) -> object:
        await self.page.wait_for_load_state("domcontentloaded")
        return await act(self, *values, **options)

    setattr(acts, name, waits)


for _name in ("click", "fill", "press", "press_sequentially", "check", "select_option", "set_input_files"):
    _after_its_scripts(Locator, _name)


async def press(page: Page, *keys: str) -> None:
    """One after the other, wherever the focus is, once the page's script listens."""
    await page.wait_for_load_state("domcontentloaded")
    for key in keys:
        await page.keyboard.press(key)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Returns once it holds. For what no page shows; what one shows is waited for with `expect`."""
    async with asyncio.timeout(PATIENCE / 1_000):
        while not await condition():
            await asyncio.sleep(0.03)


def status_of(code: int) -> str:
    """What the console says when the server answers with this status."""
    return f"the server responded with a status of {code} "


class Person:
    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.complaints: list[str] = []
        self.frames: list[str] = []
        self._expected: list[str] = []
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("dialog", self._dialog)
        page.on("websocket", self._websocket)
        page.on("crash", self._crash)

    def expects(self, *patterns: str) -> None:
        """Complaints that this test causes on purpose, as regular expressions."""
        self._expected.extend(patterns)

    @property
    def unexpected(self) -> list[str]:
        return [
            text for text in self.complaints if not any(re.search(known, text) for known in self._expected)
        ]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            where = message.location.get("url", "")
            self.complaints.append(f"console: {message.text} ({where})")

    async def has_sent(self, kind: str) -> None:
        """Returns once the page has sent a frame of this kind."""

        async def sent() -> bool:
            return any(f'"t":"{kind}"' in frame for frame in self.frames)

        await until(sent)

    def _websocket(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: self.frames.append(str(frame)))

    def _error(self, error: WebError) -> None:
        if str(error.error) != NOT_ANIMATED:
            self.complaints.append(f"exception: {error.error}")

    def _crash(self, page: Page) -> None:
        self.complaints.append(f"crash: the browser's own process for {page.url} has ended")

    async def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        await dialog.dismiss()


class People:
    """Everyone in one test; they leave with it."""

    def __init__(self, browser: Browser, live: Live, past: Past) -> None:
        self._browser = browser
        self._live = live
        self._past = past
        self._present: list[Person] = []

    async def stranger(
        self,
        *,
        javascript: bool = True,
        viewport: ViewportSize = DESKTOP,
        bypass_csp: bool = False,
        timezone: str = "UTC",
        touch: bool = False,
        cookies: dict[str, str] | None = None,
    ) -> Person:
        context = await self._browser.new_context(
            base_url=self._live.url,
            java_script_enabled=javascript,
            viewport=viewport,
            bypass_csp=bypass_csp,
            reduced_motion="reduce",
            timezone_id=timezone,
            is_mobile=touch,
            has_touch=touch,
            locale="en-GB",
            extra_http_headers={"X-Forwarded-For": f"10.0.{next(_addresses) % 250}.{next(_addresses) % 250}"},
        )
        context.set_default_timeout(PATIENCE)
        if cookies:
            await context.add_cookies(
                [{"name": name, "value": value, "url": self._live.url} for name, value in cookies.items()]
            )
        person = Person(context, await context.new_page())
        self._present.append(person)
        return person

    async def customer(
        self,
        *tickets: Ticket,
        javascript: bool = True,
        viewport: ViewportSize = DESKTOP,
        bypass_csp: bool = False,
        timezone: str = "UTC",
        touch: bool = False,
    ) -> Person:
        """Somebody whose browser may enter these tickets; looks at nothing yet."""
        return await self.stranger(
            javascript=javascript,
            viewport=viewport,
            bypass_csp=bypass_csp,
            timezone=timezone,
            touch=touch,
            cookies=await self._past.visitor(*tickets),
        )

    async def agent(
        self,
        name: str = "ada",
        *,
        javascript: bool = True,
        viewport: ViewportSize = DESKTOP,
        bypass_csp: bool = False,
        touch: bool = False,
    ) -> Person:
        """An agent who has signed in; looks at nothing yet."""
        return await self.stranger(
            javascript=javascript,
            viewport=viewport,
            bypass_csp=bypass_csp,
            touch=touch,
            cookies={"parlour_session": await self._past.session(name)},
        )

    async def leave(self) -> list[str]:
        """Close every browser. Returns what their pages complained of unexpectedly."""
        complaints = []
        for person in self._present:
            await person.context.close()
            complaints += person.unexpected
        return complaints

    async def describe(self) -> str:
        """What everyone has on the screen, for whoever reads about a failed test."""
        lines = []
        for person in self._present:
            for page in person.context.pages:
                words = await words_on(page)
                lines += [f"--- {page.url}", re.sub(r"\n\s*\n+", "\n", words), *person.complaints]
        return "\n".join(lines)


async def words_on(page: Page) -> str:
    try:
        return await page.locator("body").inner_text(timeout=2_000)
    except Error as error:  # it has crashed, or stands still
        return f"(cannot be read: {error.message})"


class Room:
    """The conversation on a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.log = page.get_by_role("log")
        self.composer = page.get_by_role("textbox", name="Message")
        self.send_button = page.get_by_role("button", name=re.compile("^Send( to customer)?$"))
        self.messages = page.locator("li.message")
        self.status = page.locator("header [data-ticket-status]").last
        self.notice = page.locator("[data-closed]")

    async def is_live(self) -> None:
        await expect(self.page.get_by_text("Live", exact=True)).to_be_visible()

    async def send(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def shows(self, text: str) -> None:
        """Exactly one message says this."""
        await expect(self.log.get_by_text(text, exact=True)).to_have_count(1)
        await expect(self.log.get_by_text(text, exact=True)).to_be_visible()


def chat_of(live: Live, ticket: Ticket) -> str:
    return f"{live.portal}/ticket/{ticket.ticket_id}/chat"


def desk_of(live: Live, ticket: Ticket) -> str:
    return f"{live.desk}/tickets/{ticket.ticket_id}"
