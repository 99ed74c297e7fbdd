"""The pages of the demo, light, dark and on a phone, and one page that shows all: `make screenshots`."""

from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tools.walks import WALKS, Demo

FOLDER = Path(__file__).parent.parent / "docs/screenshots/pages"
INDEX = FOLDER.parent / "README.md"

Theme = Literal["light", "dark"]
LOOKS: dict[str, tuple[Theme, ViewportSize]] = {
    "light": ("light", ViewportSize(width=1280, height=800)),
    "dark": ("dark", ViewportSize(width=1280, height=800)),
    "phone": ("light", ViewportSize(width=390, height=844)),
}

# Title: the address, with {portal}, {desk} and {ticket} filled in. Who sees it is the heading.
PAGES = {
    "The customer's pages": {
        "Portal": "{portal}",
        "Open a ticket": "{portal}/ticket/new",
        "Get a fresh link": "{portal}/access",
        "Ticket": "{portal}/ticket/{ticket}",
        "Room": "{portal}/ticket/{ticket}/chat",
        "Forget this browser": "{portal}/forget",
        "No such page": "{portal}/ticket/nowhere",
    },
    "Anybody's pages": {
        "Start": "/",
        "Sign in": "/auth/login",
        "Forgotten password": "/auth/forgot",
        "New password": "/auth/reset",
        "Invitation": "/invite",
        "Private ticket": "{portal}/ticket/{ticket}",
        "API": "/api/v1/docs",
    },
    "The agent's pages": {
        "Dashboard": "{desk}",
        "Tickets": "{desk}/tickets",
        "Waiting for us": "{desk}/tickets?waiting=us",
        "Search": "{desk}/tickets?q=order",
        "Nothing found": "{desk}/tickets?q=nothing+like+this",
        "Ticket at the desk": "{desk}/tickets/{ticket}",
        "Notes": "{desk}/tickets/{ticket}/notes",
        "Merge": "{desk}/tickets/{ticket}/merge",
        "New ticket": "{desk}/tickets/new",
        "Notifications": "{desk}/notifications",
        "What you hear": "{desk}/notifications/choices",
        "Canned replies": "{desk}/replies",
        "New canned reply": "{desk}/replies/new",
        "Contacts": "{desk}/contacts",
        "Mails": "{desk}/mail",
        "People": "{desk}/people",
        "Settings": "{desk}/settings",
        "Mail": "{desk}/settings/mail",
        "Auto-reply": "{desk}/settings/auto-reply",
        "Tags": "{desk}/settings/tags",
        "API keys": "{desk}/settings/api-keys",
        "Webhooks": "{desk}/settings/webhooks",
        "Retention": "{desk}/settings/retention",
        "Security": "{desk}/settings/security",
        "Audit trail": "{desk}/settings/audit",
        "New workspace": "/workspace/new",
        "Profile": "/profile",
        "Second factor": "/profile/second-factor",
    },
}


def take_pages(browser: Browser, url: str, states: dict[str, str], places: dict[str, str]) -> None:
    """`states`: the storage state (a file) that each heading's visitor comes with."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    for heading, pages in PAGES.items():
        for look in LOOKS:
            context = _context(browser, look, states.get(heading))
            page = context.new_page()
            for title, address in pages.items():
                page.goto(url + address.format(**places))
                _take(page, f"{_slug(title)}-{look}")
            context.close()


def take_walks(browser: Browser, demo: Demo) -> None:
    """Each walk is gone once, in a browser of its own; at its end the page is shown in every look."""
    for title, walk in WALKS.items():
        page = _context(browser, "light").new_page()
        walk(page, demo)
        for look, (theme, size) in LOOKS.items():
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            _take(page, f"{_slug(title)}-{look}")
        page.context.close()


def _context(browser: Browser, look: str, storage_state: str | None = None) -> BrowserContext:
    theme, size = LOOKS[look]
    return browser.new_context(
        viewport=size,
        color_scheme=theme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
        storage_state=storage_state,
    )


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")


def write_index() -> None:
    lines = ["# The pages in pictures", "", "Of the demo, taken by `make screenshots`."]
    headings = {heading: list(pages) for heading, pages in PAGES.items()}
    headings["Pages that something has to lead to"] = list(WALKS)
    for heading, titles in headings.items():
        lines += ["", f"## {heading}", "", "| | light | dark | phone |", "|---|---|---|---|"]
        for title in titles:
            cells = [
                f'<img src="pages/{_slug(title)}-{look}.png" width="{120 if look == "phone" else 360}" '
                f'alt="{title}, {look}">'
                for look in LOOKS
            ]
            lines.append(f"| {title} | {' | '.join(cells)} |")
    INDEX.write_text("\n".join(lines) + "\n", encoding="utf-8")
