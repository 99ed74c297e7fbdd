"""Serving from the command line: what starts, what is refused, what a second program is told."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.live import AS_IT_IS, Live, pytest_runtest_makereport
from tests.ports import free_port
from tests.postgres_server import ENGINE
from tests.shell import PATIENCE, Shell, sentence

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with Live(tmp_path_factory.mktemp("live"), AS_IT_IS) as server:
        yield server


@pytest.fixture
def beside(live: Live) -> Shell:
    """Commands on the data folder of the server that is running."""
    return Shell(live.data)


def test_a_server_answers(live: Live) -> None:
    """The bus of PostgreSQL cannot pass the proxy: news then come by way of the database."""
    expected = "ok, but the bus is away" if ENGINE == "pgbouncer" else "ok\n"
    assert httpx.get(f"{live.portal}").status_code == 200
    assert httpx.get(f"{live.url}/readyz").status_code == 200
    until(lambda: httpx.get(f"{live.url}/readyz").text.startswith(expected))


@pytest.mark.sqlite
@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["worker"]])
def test_a_second_program_on_the_same_data_is_refused(live: Live, beside: Shell, command: list[str]) -> None:
    refused = beside.run(*command)

    assert "Another Parlour is already running" in sentence(refused)
    assert str(live.data) in refused.stderr
    assert httpx.get(f"{live.url}/readyz").status_code == 200


def test_a_workspace_made_beside_a_running_server_is_there_at_once(live: Live, beside: Shell) -> None:
    made = beside.run("workspace", "create", "beside", "--name", "Beside")

    assert made.returncode == 0, made.stderr
    assert "Beside" in httpx.get(f"{live.url}/support/beside").text


def test_a_port_in_use_is_refused_with_a_sentence(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = shell.run("serve", "--port", str(port))

    assert f"port {port}" in sentence(refused)


def test_an_address_that_is_not_ours_is_refused_with_a_sentence(shell: Shell) -> None:
    for host in ("192.0.2.1", "no..host"):
        assert host in sentence(shell.run("serve", "--host", host, "--port", "0"))


@pytest.mark.sqlite
def test_several_workers_on_sqlite_are_refused_with_a_sentence(shell: Shell) -> None:
    assert "--workers 1" in sentence(shell.run("serve", "--workers", "2", "--port", "0"))


def until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, "It took too long."
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=20).status_code == 200
    except httpx.TransportError:
        return False


def test_port_0_is_any_free_port_and_links_name_it(shell: Shell) -> None:
    server = shell.start("serve", "--port", "0")
    try:
        until(lambda: listening(server.pid))
        [port] = listening(server.pid)
        ready = answers(f"http://127.0.0.1:{port}/readyz")
    finally:
        server.send_signal(signal.SIGINT)
        said, _ = server.communicate(timeout=PATIENCE)

    assert ready
    assert "Traceback" not in said


def listening(pid: int) -> list[int]:
    """The ports of 127.0.0.1 on which the process listens, as the kernel lists them."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    own = [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]
    return [int(address.partition(":")[2], 16) for address in own if address.startswith("0100007F")]


@pytest.mark.sqlite
def test_the_demo_says_where_it_is_and_how_to_get_in(shell: Shell) -> None:
    port = free_port()
    del shell.environment["PARLOUR_DATA_DIR"]
    precious = shell.folder.parent / "precious.db"
    shell.environment["PARLOUR_DATABASE_URL"] = f"sqlite:///{precious}"
    demo = shell.start("demo", "--port", str(port))
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/support/acme"))
        reachable = listening(demo.pid)
    finally:
        demo.send_signal(signal.SIGINT)
        said, _ = demo.communicate(timeout=PATIENCE)

    assert f"http://127.0.0.1:{port}/support/acme" in said
    assert f"http://127.0.0.1:{port}/auth/login" in said
    assert "ada@acme.example / parlour-demo" in said
    assert "Traceback" not in said
    assert reachable == [port]
    assert not shell.folder.exists()
    assert not precious.exists()


def test_a_worker_runs_until_it_is_told_to_stop(shell: Shell) -> None:
    worker = shell.start("worker")
    until(lambda: listens_to(worker.pid, signal.SIGTERM))
    worker.send_signal(signal.SIGTERM)
    said, _ = worker.communicate(timeout=PATIENCE)

    assert worker.returncode == 0, said
    assert "Traceback" not in said
    assert shell.rows("SELECT count(*) FROM outbox") == [(0,)]


def listens_to(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler of its own for the signal, as the kernel says."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [caught] = [line.split()[1] for line in lines if line.startswith("SigCgt")]
    return bool(int(caught, 16) >> (number - 1) & 1)
