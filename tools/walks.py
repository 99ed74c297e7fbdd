"""Pages that no address alone leads to. Each walk ends at one, and may build on those before it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyotp
from playwright.sync_api import Page

from parlour import demo
from tools.visitors import mailed_links, sign_in

CHLOE = "chloe@acme.example"
"""Whose account the walks change: the other pictures are Ada's."""
NEWCOMER = "mira.sol@acme.example"


@dataclass(frozen=True)
class Demo:
    url: str
    desk: str
    mails: Path


def new_password(page: Page, at: Demo) -> None:
    page.goto(f"{at.url}/auth/forgot")
    page.get_by_label("Email address").fill(CHLOE)
    page.get_by_role("button", name="Mail me a link").click()
    [link] = mailed_links(at.mails, CHLOE, "auth/reset")
    page.goto(link)
    page.get_by_label("New password").wait_for()


def invitation(page: Page, at: Demo) -> None:
    sign_in(page, at.url)
    page.goto(f"{at.desk}/people")
    page.get_by_label("Email address").fill(NEWCOMER)
    page.get_by_role("button", name="Make an invitation").click()
    [link] = mailed_links(at.mails, NEWCOMER, "invite")
    page.context.clear_cookies()
    page.goto(link)
    page.get_by_role("button", name="Join the workspace").wait_for()


def several_workspaces(page: Page, at: Demo) -> None:
    sign_in(page, at.url, CHLOE)
    page.goto(f"{at.url}/workspace/new")
    page.get_by_label("Name").fill("Harbour Tools")
    page.get_by_label("Address").fill("harbour-tools")
    page.get_by_role("button", name="Make the workspace").click()
    page.get_by_role("heading", name="First steps").wait_for()
    page.goto(at.url)


def empty_dashboard(page: Page, at: Demo) -> None:
    sign_in(page, at.url, CHLOE)
    page.goto(at.url)
    page.get_by_role("link", name="Harbour Tools").click()
    page.get_by_role("heading", name="First steps").wait_for()


def recovery_codes(page: Page, at: Demo) -> None:
    sign_in(page, at.url, CHLOE)
    page.goto(f"{at.url}/profile/second-factor")
    secret = page.locator("[data-secret]").inner_text()
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).at(time.time()))
    page.get_by_label("Your password").fill(demo.PASSWORD)
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_role("heading", name="Keep these recovery codes").wait_for()


def code_step(page: Page, at: Demo) -> None:
    sign_in(page, at.url, CHLOE)
    page.get_by_role("heading", name="One more step").wait_for()


def many_changed(page: Page, at: Demo) -> None:
    sign_in(page, at.url)
    page.goto(f"{at.desk}/tickets?status=resolved")
    page.get_by_label("Select every ticket on this page").check()
    page.get_by_label("What to change").select_option(label="High")
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("Changed to “High”").wait_for()


WALKS: dict[str, Callable[[Page, Demo], None]] = {
    "New password by the mailed link": new_password,
    "Invitation accepted": invitation,
    "Workspaces": several_workspaces,
    "Empty dashboard": empty_dashboard,
    "Recovery codes": recovery_codes,
    "Code at sign-in": code_step,
    "Many tickets changed": many_changed,
}
