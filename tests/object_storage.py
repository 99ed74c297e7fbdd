"""A server that speaks S3, of the test's own: on a free loopback port, with one empty bucket."""

import atexit
import subprocess
import sys
import time
from types import TracebackType

import httpx

from tests.live import free_port

READY_WITHIN = 30
BUCKET = "parlour-test"


class ObjectStorage:
    """Runs within the block. `environment` is what a program needs beside `url` to reach it."""

    def __init__(self) -> None:
        self.url = f"s3://{BUCKET}/kept/here"
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        self.environment = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "ObjectStorage":
        port = self.endpoint.rpartition(":")[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.stop)
        deadline = time.monotonic() + READY_WITHIN
        while not self._makes_bucket():
            assert self._process.poll() is None, "The S3 server ended by itself."
            assert time.monotonic() < deadline, "The S3 server does not answer."
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _makes_bucket(self) -> bool:
        try:
            signed = {"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}
            return httpx.put(f"{self.endpoint}/{BUCKET}", headers=signed).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        atexit.unregister(self.stop)
