"""A Redis server of the test's own: on a free loopback port, keeping nothing, stopped and started at will."""

import atexit
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.live import free_port
from tests.servers import REDIS

READY_WITHIN = 10


class RedisServer:
    """Runs within the block. The port stays the same from one start to the next; what it knew is gone."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "RedisServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers."""
        program = REDIS.path()
        assert program, "Redis is not installed."
        words = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = subprocess.Popen(
            [program, *words, "--dir", str(self._folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        _started.add(self)
        deadline = time.monotonic() + READY_WITHIN
        while not self._answers():
            assert self._process.poll() is None, "Redis ended by itself."
            assert time.monotonic() < deadline, "Redis does not answer."
            time.sleep(0.02)

    def _answers(self) -> bool:
        client = Redis(port=self.port, socket_timeout=1, retry=Retry(NoBackoff(), 0))
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()

    def stop(self) -> None:
        """As a crash would: everybody's connection is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
        _started.discard(self)

    def freeze(self) -> None:
        """Answer nothing, close nothing: as a network that swallows everything."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


_started: set[RedisServer] = set()


@atexit.register
def _leave_nothing_behind() -> None:
    for server in list(_started):
        server.stop()
