"""/metrics of several processes together, and of a worker."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from parlour.web.metrics import SHARE_SECONDS
from tests.cluster import Cluster, open_cluster
from tests.live import SLUG, pytest_runtest_makereport
from tests.ports import free_port
from tests.shell import Shell

__all__ = ["pytest_runtest_makereport"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]

HOME = 'parlour_requests_total{route="features.portal.tickets.home",status="200"}'
ASKED = 40


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with open_cluster(tmp_path, redis=False, nodes=1, options=("--workers", "3")) as cluster:
        yield cluster


def number(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, text
    return float(found[1])


def metrics(url: str) -> str:
    """On a connection of its own, which any of the processes may take."""
    return httpx.get(f"{url}/metrics", headers={"connection": "close"}).text


def processes(parent: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=True)
    return [int(line) for line in listed.stdout.split()]


def test_several_processes_give_one_answer(cluster: Cluster) -> None:
    [node] = cluster.nodes
    for _ in range(ASKED):
        httpx.get(f"{node.url}/support/{SLUG}", headers={"connection": "close"})
    time.sleep(2 * SHARE_SECONDS)
    answers = [metrics(node.url) for _ in range(10)]

    assert [number(each, HOME) for each in answers] == [ASKED] * 10
    assert [number(each, "parlour_bus_connected") for each in answers] == [1] * 10
    assert [number(each, "parlour_database_up") for each in answers] == [1] * 10


def test_what_a_process_that_died_has_counted_stays_counted(cluster: Cluster) -> None:
    [node] = cluster.nodes
    for _ in range(ASKED):
        httpx.get(f"{node.url}/support/{SLUG}", headers={"connection": "close"})
    time.sleep(2 * SHARE_SECONDS)
    os.kill(processes(node.pid)[0], signal.SIGKILL)
    time.sleep(2 * SHARE_SECONDS)

    assert number(metrics(node.url), HOME) == ASKED


@pytest.mark.postgresql
def test_a_worker_answers_on_this_machine_alone(tmp_path: Path) -> None:
    shell, port = Shell(tmp_path / "data"), free_port()
    worker = shell.start("worker", "--metrics-port", str(port))
    try:
        deadline = time.monotonic() + 30
        text = ""
        while "parlour_database_up 1.0" not in text:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            try:
                text = metrics(f"http://127.0.0.1:{port}")
            except httpx.TransportError:
                continue
    finally:
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=30)

    assert number(text, "parlour_bus_connected") in (0, 1)
    assert worker.returncode == 0, said
    assert "Traceback" not in said
