"""The real server as a process of its own: started, stopped, and killed as a crash would."""

import atexit
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import TracebackType

import httpx
import pytest

from parlour.settings import Settings
from tests import launcher, postgres_server
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
SLUG = "acme"
PASSWORD = "correct horse battery"
AGENTS = {
    "ada": ("owner", "Ada Moreau"),
    "ben": ("agent", "Ben Okafor"),
    "viv": ("viewer", "Viv Larsen"),
}
READY_WITHIN = 30
GONE_WITHIN = 20


def email_of(agent: str) -> str:
    return f"{agent}@{SLUG}.example"


def command(environment: dict[str, str], *arguments: str, typed: str = "") -> str:
    """What `parlour …` prints."""
    finished = launcher.run(arguments, environment, typed=typed)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def environment_for(data: Path, like: str = postgres_server.TEMPLATE) -> dict[str, str]:
    """This process's own environment, with nothing of Parlour's but the data folder, and its database.

    On PostgreSQL that is made as a copy of the database `like`.
    """
    ours = {"PARLOUR_DATA_DIR": str(data)}
    if postgres_server.ON_POSTGRESQL:
        server = postgres_server.server()
        ours["PARLOUR_DATABASE_URL"] = server.url(server.of_folder(data, like))
    return launcher.surroundings() | ours


@cache
def furnished() -> tuple[Path, str]:
    """A data folder with the workspace and its agents, each made by its command, and the workspace's id.

    Once a run; every server gets a copy.
    """
    folder = Path(tempfile.mkdtemp(prefix="parlour-furnished-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = environment_for(folder)
    if postgres_server.ON_POSTGRESQL:  # past a proxy, which would hold on to a database that is to be copied
        server = postgres_server.server()
        environment["PARLOUR_DATABASE_URL"] = server.direct_url(server.of_folder(folder))
    made = command(environment, "workspace", "create", SLUG, "--name", "Acme Outdoor")

    def join(agent: str) -> None:
        role, name = AGENTS[agent]
        options = ("--workspace", SLUG, "--role", role, "--name", name, "--password-stdin")
        command(environment, "agent", "create", email_of(agent), *options, typed=f"{PASSWORD}\n")

    with ThreadPoolExecutor() as at_once:
        list(at_once.map(join, AGENTS))
    return folder, made.splitlines()[-1]


def _furnished_database() -> str:
    """On PostgreSQL the database that `furnished` made."""
    if not postgres_server.ON_POSTGRESQL:
        return ""
    return postgres_server.server().of_folder(furnished()[0])


AS_IT_IS = ("env",)
"""What a server runs within that is measured from its start on: nothing, and it is not forked either."""


class Live:
    """`parlour serve` on a port of its own with its data in `folder`; as a context, within the block.

    Port and data stay the same from one start to the next. `environment` is added to the server's.
    """

    def __init__(self, folder: Path, within: tuple[str, ...] = (), /, **environment: str) -> None:
        """`within`: a command that starts the server, whose own command follows."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.workspace_id = ""
        self.options: tuple[str, ...] = ()
        self.within = within
        self._shown = 0
        self._process: subprocess.Popen[bytes] | launcher.Started | None = None
        self.environment = environment_for(self.data, _furnished_database()) | environment

    def __enter__(self) -> "Live":
        ready, self.workspace_id = furnished()
        shutil.copytree(ready, self.data)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        _started.discard(self)
        if url := self.environment.get("PARLOUR_DATABASE_URL"):
            postgres_server.left(url)

    @property
    def portal(self) -> str:
        return f"{self.url}/support/{SLUG}"

    @property
    def desk(self) -> str:
        return f"{self.url}/workspace/{self.workspace_id}"

    @property
    def settings(self) -> Settings:
        """As the server itself reads them."""
        return Settings.from_environment(self.environment)

    @property
    def mails(self) -> list[Path]:
        """What was mailed so far, the oldest first."""
        return sorted((self.data / "mail").glob("[!.]*.eml"))

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "The server was not started."
        return self._process.pid

    def command(self, *arguments: str, typed: str = "") -> str:
        """What `parlour …` prints; short commands may run beside the server."""
        return command(self.environment, *arguments, typed=typed)

    def start(self) -> None:
        """Returns when the server answers that it is ready."""
        assert not self.running, "The server runs already."
        self.log.parent.mkdir(parents=True, exist_ok=True)
        serve = ["serve", "--port", str(self.port), *self.options]
        with self.log.open("ab") as log:
            self._process = launcher.start(serve, self.environment, log, self.within)
        _started.add(self)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        with httpx.Client(timeout=2) as probe:  # `httpx.get` makes a TLS context each time, at 20 ms
            while time.monotonic() < deadline:
                if not self.running:
                    raise AssertionError(f"The server ended by itself:\n{self.unshown_log()}")
                try:
                    if probe.get(f"{self.url}/readyz").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(0.03)
        self.kill()
        raise AssertionError(f"The server was not ready in {READY_WITHIN} s:\n{self.unshown_log()}")

    def stop(self) -> int:
        """SIGTERM. The exit code, which is -15 because uvicorn hands the signal on in the end."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as a crash would: nothing is finished, nothing is said."""
        if self.running:
            self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        assert self._process is not None, "The server was not started."
        self._process.send_signal(how)
        try:
            return self._process.wait(GONE_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"The server did not end within {GONE_WITHIN} s of {how.name}.") from None

    def unshown_log(self) -> str:
        """What the server has written since this was last asked."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._shown)
            text = log.read()
        self._shown += len(text)
        return text.decode(errors="replace")


_started: set[Live] = set()


@atexit.register
def _leave_nothing_behind() -> None:
    for live in _started:
        live.kill()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what the servers wrote during it. A conftest imports this hook."""
    report = yield
    if call.when != "setup" or report.failed:
        for live in _started:
            text = live.unshown_log()
            if report.failed and text:
                report.sections.append((f"{live.url} wrote", text))
    return report
