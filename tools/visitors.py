"""How the people of the demo come in: a customer by a mailed link, an agent by a password."""

import re
import time
from email import message_from_bytes, policy
from pathlib import Path

from playwright.sync_api import Page

from parlour import demo

PATIENCE = 30.0
"""Seconds until the demo's worker has written a mail."""


def enter_as_customer(page: Page, url: str, email: str, mails: Path) -> None:
    """Ask for fresh links, as whoever comes from another device does, and follow all of them."""
    page.goto(f"{url}/support/{demo.SLUG}/access")
    field = page.locator("input[name=email]")
    field.fill(email)
    field.press("Enter")
    for link in mailed_links(mails, email, "access"):
        page.goto("about:blank")  # each link loads anew, as from a mail program
        page.goto(link)
        page.wait_for_url("**/ticket/**")


def mailed_links(mails: Path, email: str, page: str) -> list[str]:
    """The links to that page in the first mail to this address that has any."""
    link = re.compile(rf"http://\S+/{page}#\S+")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for path in mails.glob("*.eml"):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            body = mail.get_body(("plain",))
            assert body is not None
            if mail["To"] == email and (found := link.findall(body.get_content())):
                return found
        time.sleep(0.1)
    raise SystemExit(f"No mail with a link to {page} came for {email}.")


def sign_in(page: Page, url: str, email: str = demo.EMAIL) -> None:
    page.goto(f"{url}/auth/login")
    page.locator("input[name=email]").fill(email)
    page.locator("input[name=password]").fill(demo.PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(lambda address: not address.endswith("/auth/login"))
