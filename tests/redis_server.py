"""A Redis server of the test's own: on a free loopback port, keeping nothing, stopped and started at will."""

from collections.abc import Sequence
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.daemon import Daemon
from tests.ports import free_port
from tests.servers import REDIS


class RedisServer(Daemon):
    """The port stays the same from one start to the next; what it knew is gone."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = folder

    def command(self) -> Sequence[str | Path]:
        here = ("--port", str(self.port), "--bind", "127.0.0.1")
        return (REDIS.installed(), *here, "--save", "", "--appendonly", "no")

    def answers(self) -> bool:
        client = Redis(port=self.port, socket_timeout=1, retry=Retry(NoBackoff(), 0))
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()
