"""The programs that some tests need: where they are, and an honest word at the end when one is missing.

A test says what it needs by its marker (`browser`, `node`, `postgres`, `redis` …). Without the program it is
left out and the run says so in plain words; with PARLOUR_REQUIRE_ALL=1, as in CI, leaving anything out is a
failure. tests/conftest.py takes the three hooks at the bottom.
"""

import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Program:
    """Something installed on the machine; `folders` are looked into after the PATH, newest version first."""

    name: str
    package: str
    commands: tuple[str, ...]
    folders: tuple[str, ...] = ()

    def path(self) -> Path | None:
        """The first of the commands that is there."""
        for command in self.commands:
            if found := shutil.which(command) or shutil.which(command, path=os.pathsep.join(self.places())):
                return Path(found)
        return None

    def installed(self) -> Path:
        """For what a test's marker has said it needs."""
        found = self.path()
        assert found is not None, f"{self.name} is not installed."
        return found

    def places(self) -> list[str]:
        versions = [path for pattern in self.folders for path in Path("/").glob(pattern)]
        return [str(path) for path in sorted(versions, key=version, reverse=True)]

    def needed(self) -> str:
        return f"needs {self.name}, which is not installed (Debian's package: {self.package})"


def version(folder: Path) -> int:
    """The number in a path such as /usr/lib/postgresql/15/bin."""
    return max((int(part) for part in folder.parts if part.isdigit()), default=0)


CHROMIUM = Program(
    "Chromium",
    "chromium",
    ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    ("usr/bin",),
)
FIREFOX = Program("Firefox", "firefox-esr", ("firefox-esr", "firefox"), ("usr/bin",))
WEBKIT = Program("WebKit, with its driver", "webkit2gtk-driver", ("WebKitWebDriver",), ("usr/bin",))
XVFB = Program("Xvfb", "xvfb", ("Xvfb",), ("usr/bin",))
NODE = Program("Node.js", "nodejs", ("node",))
POSTGRESQL = Program("PostgreSQL's server", "postgresql", ("pg_ctl",), ("usr/lib/postgresql/*/bin",))
PGBOUNCER = Program("PgBouncer", "pgbouncer", ("pgbouncer",), ("usr/sbin",))
REDIS = Program("a Redis or Valkey server", "redis-server", ("redis-server", "valkey-server"), ("usr/sbin",))

NGINX = Program("nginx", "nginx", ("nginx",), ("usr/sbin",))
CADDY = Program("Caddy", "caddy", ("caddy",), ("usr/bin",))
STRACE = Program("strace", "strace", ("strace",))
FAKETIME = Program("libfaketime", "faketime", ("faketime",))
CURL = Program("curl", "curl", ("curl",))
DOVECOT = Program("Dovecot's IMAP server", "dovecot-imapd", ("dovecot",), ("usr/sbin",))
POSTFIX = Program("Postfix", "postfix", ("postfix",), ("usr/sbin",))
CLAMD = Program("ClamAV's daemon", "clamav-daemon", ("clamd",), ("usr/sbin",))

PROGRAMS = {
    "browser": CHROMIUM,
    "firefox": FIREFOX,
    "node": NODE,
    "pgbouncer": PGBOUNCER,
    "postgres": POSTGRESQL,
    "redis": REDIS,
    "nginx": NGINX,
    "webkit": WEBKIT,
    "display": XVFB,
    "caddy": CADDY,
    "faketime": FAKETIME,
    "strace": STRACE,
    "clamd": CLAMD,
    "curl": CURL,
    "dovecot": DOVECOT,
    "postfix": POSTFIX,
}

# Playwright's own list, which a second one replaces, and two of ours: the address bar's hidden pages, without
# which a window costs half the processor time, and a process in reserve for every window that nobody needs.
LEFT_OUT_OF_CHROMIUM = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "BlockOriginHeaderModificationOnRedirect",
    "DestroyProfileOnBrowserClose",
    "DialMediaRouteProvider",
    "GlobalMediaControls",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "SpareRendererForSitePerProcess",
    "ThirdPartyStoragePartitioning",
    "Translate",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxPopup",
)

# What Playwright starts Chromium with, together with `executable_path=CHROMIUM.path()`: nothing that talks to
# the outside by itself, and no sandbox, because tests may run as root in a container.
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(LEFT_OUT_OF_CHROMIUM)}",
)

# What a page is shown with in Firefox, for which Playwright has no way of its own.
FIREFOX_PREFERENCES: dict[str, str | float | bool] = {"ui.prefersReducedMotion": 1}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = {marker: program for marker, program in PROGRAMS.items() if program.path() is None}
    for item in items:
        for marker, program in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=program.needed()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if requires_all() and terminal is not None and left_out(terminal):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = left_out(terminalreporter)
    if not reasons:
        return
    terminalreporter.section("what was left out")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count} {'test' if count == 1 else 'tests'}: {reason}")
    if requires_all():
        terminalreporter.line("PARLOUR_REQUIRE_ALL=1 asks for everything, so this run has failed.", red=True)


def requires_all() -> bool:
    return os.environ.get("PARLOUR_REQUIRE_ALL") == "1"


def left_out(terminal: pytest.TerminalReporter) -> Counter[str]:
    """How many tests were skipped for which reason, whoever skipped them."""
    skipped = terminal.stats.get("skipped", [])
    return Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
