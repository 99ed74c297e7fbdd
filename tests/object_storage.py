"""A server that speaks S3, of the test's own: on a free loopback port, with one empty bucket."""

import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.daemon import Daemon
from tests.ports import free_port

BUCKET = "parlour-test"


class ObjectStorage(Daemon):
    """`environment` is what a program needs beside `url` to reach it."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"s3://{BUCKET}/kept/here"
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self.environment = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def command(self) -> Sequence[str | Path]:
        return (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port))

    def answers(self) -> bool:
        """It makes the bucket."""
        signed = {"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}
        try:
            return httpx.put(f"{self.endpoint}/{BUCKET}", headers=signed).status_code == 200
        except httpx.TransportError:
            return False
