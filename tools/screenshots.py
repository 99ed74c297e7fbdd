"""Take the pictures of the README and of docs/screenshots anew: `make screenshots`.

They show the demo, served for this purpose only. The customer comes in as a real one does, by a mailed
link, and sits in the same conversation as the agent while the pictures are taken.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from parlour import demo
from tests.ports import free_port
from tests.servers import CHROMIUM, CHROMIUM_ARGUMENTS
from tools.gallery import take_pages, take_walks, write_index
from tools.visitors import enter_as_customer, sign_in
from tools.walks import Demo

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs/screenshots"
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
PATIENCE = 30.0
"""Seconds until the demo listens."""


def main() -> int:
    chromium = CHROMIUM.path()
    if chromium is None:
        print(f"Taking screenshots {CHROMIUM.needed()}.", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="parlour-screenshots-") as folder,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_ARGUMENTS])
        with running_demo(Path(folder)) as url:
            take_all(browser, url, Path(folder) / "mail")
        browser.close()
    make_small()
    return 0


@contextmanager
def running_demo(folder: Path, log: IO[bytes] | None = None) -> Iterator[str]:
    """The demo's address; its data is in `folder`, and what it says goes to `log`, or to the terminal."""
    port = free_port()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PARLOUR_")}
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), ours.get("PYTHONPATH")]))
    server = subprocess.Popen(
        [sys.executable, "-m", "parlour", "demo", "--port", str(port)],
        env={**ours, "PYTHONPATH": path, "PARLOUR_DATA_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    try:
        wait_until_listening(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_until_listening(server: subprocess.Popen[bytes], port: int) -> None:
    """The demo listens before it is filled: the first page then simply takes a little longer."""
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("The demo did not start; its own words are above.")


def take_all(browser: Browser, url: str, mails: Path) -> None:
    email, subject = whom_to_show()
    customer = new_page(browser, DESKTOP)
    enter_as_customer(customer, url, email, mails)
    customer.goto(f"{url}/support/{demo.SLUG}")
    take(customer, "portal")
    customer.get_by_role("link", name=subject, exact=True).click()
    customer.wait_for_url("**/ticket/*")
    ticket = customer.url.rsplit("/", 1)[1]
    chat = f"{customer.url}/chat"

    agent = new_page(browser, DESKTOP)
    sign_in(agent, url)
    desk = agent.url
    open_room(agent, f"{desk}/tickets/{ticket}")
    open_room(customer, chat)
    take(customer, "chat")
    take(agent, "ticket")

    customer.set_viewport_size(PHONE)
    open_room(customer, chat)
    take(customer, "chat-phone")

    dark = new_page(browser, DESKTOP, "dark")
    sign_in(dark, url)
    dark.goto(f"{desk}/tickets")
    take(dark, "tickets-dark")

    states = {"The customer's pages": customer, "The agent's pages": agent}
    for heading, page in states.items():
        page.context.storage_state(path=mails.parent / f"{heading}.json")
    take_pages(
        browser,
        url,
        {heading: str(mails.parent / f"{heading}.json") for heading in states},
        {"portal": f"/support/{demo.SLUG}", "desk": desk.removeprefix(url), "ticket": ticket},
    )
    take_walks(browser, Demo(url, desk, mails))
    write_index()


def whom_to_show() -> tuple[str, str]:
    """The customer with the most tickets, and the subject of the longest of their conversations."""
    stories = json.loads(demo.STORIES.read_text(encoding="utf-8"))["stories"]
    (email, _), *_ = Counter(story["email"] for story in stories).most_common(1)
    theirs = [story for story in stories if story["email"] == email]
    longest = max(theirs, key=lambda story: sum("says" in step for step in story["steps"]))
    return email, longest["subject"]


def new_page(browser: Browser, size: ViewportSize, theme: Literal["light", "dark"] = "light") -> Page:
    """In a browser profile of its own, with no cookies."""
    context = browser.new_context(
        viewport=size, color_scheme=theme, reduced_motion="reduce", locale="en-GB", timezone_id="UTC"
    )
    return context.new_page()


def open_room(page: Page, address: str) -> None:
    """Returns when the page is live and knows who else is there."""
    page.goto(address)
    page.locator("[data-connection][data-state=live]").wait_for(state="attached")
    page.locator("[data-presence]:not(:empty)").wait_for(state="attached")


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
    print(f"{(FOLDER / name).relative_to(ROOT)}.png")


def make_small() -> None:
    """A page has few colours: with a palette its picture is smaller, without a visible difference."""
    program = shutil.which("pngquant")
    if program is None:
        print("The pictures stay large: pngquant is not installed (Debian's package: pngquant).")
        return
    pictures = [str(path) for path in sorted(FOLDER.rglob("*.png"))]
    how = ("--force", "--strip", "--skip-if-larger", "--speed", "1", "--quality", "75-98", "--ext", ".png")
    # It answers 98 or 99 for a picture that it leaves as it is, which is no failure.
    subprocess.run([program, *how, "--", *pictures], check=False)


if __name__ == "__main__":
    sys.exit(main())
