"""A database that is not there when the server starts."""

import signal
import time
from pathlib import Path

import httpx
import pytest

from parlour.server.waiting import PAUSE_SECONDS
from tests import postgres_server
from tests.ports import free_port
from tests.shell import PATIENCE, Shell, sentence

pytestmark = pytest.mark.postgresql


def answers(url: str) -> tuple[int, str]:
    """Waits until somebody does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = httpx.get(url, timeout=5)
            return answer.status_code, answer.text
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_database_that_is_absent_at_boot_is_waited_for(tmp_path: Path) -> None:
    shell, port, server = Shell(tmp_path / "data"), free_port(), postgres_server.server()
    server.stop()
    web, worker = shell.start("serve", "--port", str(port)), shell.start("worker")
    try:
        alive, ready = (answers(f"http://127.0.0.1:{port}/{probe}") for probe in ("healthz", "readyz"))
        page = answers(f"http://127.0.0.1:{port}/auth/login")
        assert worker.stdout is not None
        began = worker.stdout.readline()
        server.start()
        deadline = time.monotonic() + PATIENCE
        while answers(f"http://127.0.0.1:{port}/readyz")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(PAUSE_SECONDS / 4)
        still = worker.poll()
    finally:
        if not server.running:
            server.start()
        said: list[str] = []
        for process in (web, worker):
            process.send_signal(signal.SIGTERM)
            said.append(process.communicate(timeout=PATIENCE)[0])

    assert alive == (200, "ok\n")
    assert ready == (503, "the database does not answer yet\n")
    assert page[0] == 503
    assert still is None
    assert [each.count("database.awaited") for each in (said[0], began + said[1])] == [1, 1]
    assert "Traceback" not in said[0] + said[1]


def test_so_is_one_that_an_administrator_has_shut_for_a_while(tmp_path: Path) -> None:
    shell, port = Shell(tmp_path / "data"), free_port()
    database = shell.environment["PARLOUR_DATABASE_URL"].rsplit("/", 1)[1]
    with postgres_server.server().admin_connection() as admin:
        admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false".encode())
        web = shell.start("serve", "--port", str(port))
        shut = answers(f"http://127.0.0.1:{port}/readyz")
        admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true".encode())
    deadline = time.monotonic() + PATIENCE
    while answers(f"http://127.0.0.1:{port}/readyz")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(PAUSE_SECONDS / 4)
    web.send_signal(signal.SIGTERM)
    said = web.communicate(timeout=PATIENCE)[0]

    assert shut == (503, "the database does not answer yet\n")
    assert said.count("database.awaited") == 1


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",)], ids=["serve", "worker"])
def test_a_role_that_the_server_does_not_know_is_not_waited_for(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    shell = Shell(tmp_path / "data")
    there = shell.environment["PARLOUR_DATABASE_URL"]
    refused = shell.run(*command, PARLOUR_DATABASE_URL=there.replace(postgres_server.APP, "nobody_here"))

    assert "cannot be reached" in sentence(refused)


def test_a_stop_while_waiting_ends_it(tmp_path: Path) -> None:
    shell, port = Shell(tmp_path / "data"), free_port()
    shell.environment["PARLOUR_DATABASE_URL"] = f"postgresql://parlour@127.0.0.1:{free_port()}/parlour"
    web = shell.start("serve", "--port", str(port))
    answers(f"http://127.0.0.1:{port}/healthz")
    web.send_signal(signal.SIGTERM)
    web.communicate(timeout=PATIENCE)

    assert web.returncode == -signal.SIGTERM
