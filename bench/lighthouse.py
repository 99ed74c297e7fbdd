"""Lighthouse's scores of the pages that customers and agents see most, on a phone and on a large screen.

Needs `lighthouse` on the PATH (npm's package of that name) and Chromium; neither is fetched. The pages are
the demo's, each opened as if for the first time, by a customer with tickets and by an agent. It fails below
100, but for the performance, which varies with what else the machine does: there below 90, where Lighthouse
itself no longer calls it good. The desk is for no search engine and has no score for that.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page, sync_playwright

from parlour import demo
from tests.servers import CHROMIUM, CHROMIUM_ARGUMENTS
from tools.screenshots import running_demo, whom_to_show
from tools.visitors import enter_as_customer, sign_in

SCREENS: dict[str, list[str]] = {"phone": [], "desktop": ["--preset=desktop"]}
AIMS = {"performance": 90, "accessibility": 100, "best-practices": 100, "seo": 100}
TRIES = 3
"""Lighthouse now and then asks to be run again: on a busy machine a trace begins too late."""


@dataclass(frozen=True)
class Place:
    name: str
    address: str
    scored: list[str]


def places(page: Page, url: str, mails: Path) -> list[Place]:
    """Let a customer and an agent in. Their cookies stay in the browser's profile."""
    email, subject = whom_to_show()
    enter_as_customer(page, url, email, mails)
    portal = f"{url}/support/{demo.SLUG}"
    page.goto(portal)
    page.get_by_role("link", name=subject, exact=True).click()
    page.wait_for_url("**/ticket/*")
    ticket = page.url.rpartition("/")[2]
    sign_in(page, url)
    desk = page.url
    public = {
        "portal": portal,
        "open a ticket": f"{portal}/ticket/new",
        "ticket": f"{portal}/ticket/{ticket}",
        "conversation": f"{portal}/ticket/{ticket}/chat",
    }
    inside = {
        "dashboard": desk,
        "ticket list": f"{desk}/tickets",
        "ticket at the desk": f"{desk}/tickets/{ticket}",
    }
    return [Place(name, address, list(AIMS)) for name, address in public.items()] + [
        Place(name, address, [aim for aim in AIMS if aim != "seo"]) for name, address in inside.items()
    ]


def visit(lighthouse: str, place: Place, screen: str, profile: Path) -> dict[str, Any]:
    """Lighthouse's report of one visit. It empties the browser's cache before and keeps the cookies."""
    flags = ["--headless=new", f"--user-data-dir={profile}", *CHROMIUM_ARGUMENTS]
    command = [
        *(lighthouse, place.address, "--quiet", "--output=json", "--no-enable-error-reporting"),
        *(f"--only-categories={','.join(place.scored)}", f"--chrome-flags={' '.join(flags)}"),
        *SCREENS[screen],
    ]
    environment = {**os.environ, "CHROME_PATH": str(CHROMIUM.path())}
    for _ in range(TRIES):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if not done.returncode:
            report: dict[str, Any] = json.loads(done.stdout)
            return report
    raise SystemExit(f"Lighthouse could not look at {place.address}:\n{done.stderr}")


def scores(report: dict[str, Any]) -> dict[str, int]:
    return {name: round(100 * (told["score"] or 0)) for name, told in report["categories"].items()}


def reasons(report: dict[str, Any], category: str) -> list[str]:
    """What took points off, each with what Lighthouse says of it."""
    counted = [ref["id"] for ref in report["categories"][category]["auditRefs"] if ref["weight"]]
    audits = [report["audits"][name] for name in counted]
    short = [audit for audit in audits if audit["score"] is not None and audit["score"] < 1]
    return [f"{audit['title']} {audit.get('displayValue', '')}".rstrip() for audit in short]


def best(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """The one with the greatest performance; in the rest no visit differs from another."""
    return max(reports, key=lambda report: scores(report)["performance"])


def measure(lighthouse: str, folder: Path, chosen: argparse.Namespace) -> bool:
    """Print a line for each page and screen, and what is short of 100. Returns whether all is as aimed at."""
    profile, well = folder / "profile", True
    with (folder / "demo.log").open("wb") as log, running_demo(folder / "demo", log) as url:
        with sync_playwright() as playwright:
            context = playwright.chromium.launch_persistent_context(
                profile, executable_path=CHROMIUM.path(), args=[*CHROMIUM_ARGUMENTS]
            )
            there = places(context.new_page(), url, folder / "demo" / "mail")
            context.close()
        print(f"{'page':20}{'screen':10}" + "".join(f"{name:>16}" for name in AIMS))
        for place in (place for place in there if place.name in chosen.pages or not chosen.pages):
            for screen in chosen.screen or SCREENS:
                visits = [visit(lighthouse, place, screen, profile) for _ in range(chosen.times)]
                found = scores(best(visits))
                line = "".join(f"{found.get(name, '—'):>16}" for name in AIMS)
                print(f"{place.name:20}{screen:10}{line}", flush=True)
                for name in (name for name, score in found.items() if score < 100):
                    print(f"  {name}: {'; '.join(reasons(best(visits), name))}", flush=True)
                well = well and all(score >= AIMS[name] for name, score in found.items())
    return well


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench lighthouse", description=__doc__)
    parser.add_argument("pages", nargs="*", help="only these, by name (all)")
    parser.add_argument("--times", type=int, default=1, help="visits each, of which the best counts (1)")
    parser.add_argument("--screen", choices=SCREENS, action="append", help="only this one (both)")
    chosen = parser.parse_args(argv)
    lighthouse = shutil.which("lighthouse")
    if lighthouse is None:
        print("Needs Lighthouse, which is not installed (npm's package: lighthouse).", file=sys.stderr)
        return 1
    if CHROMIUM.path() is None:
        print(f"Lighthouse {CHROMIUM.needed()}.", file=sys.stderr)
        return 1
    with TemporaryDirectory(prefix="parlour-lighthouse-") as folder:
        return 0 if measure(lighthouse, Path(folder), chosen) else 1
