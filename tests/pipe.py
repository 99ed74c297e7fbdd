"""The pipe of a mail server: a script that hands a mail to `parlour mail receive`, and its answer back."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests import launcher

_SCRIPT = """#!/bin/sh
answer=$(curl --silent --header Expect: --header "To: $1" --data-binary @- http://127.0.0.1:{port}/) \\
    || exit 75
echo "$answer" | tail -n +2
exit "$(echo "$answer" | head -n 1)"
"""


class Pipe:
    """Within the block the script works, or asks to be brought the mail again.

    A mail server starts it as a user without rights, who may read neither this checkout nor the tests'
    folders. So it hands the mail to this process, which starts the program as such a script would.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """The program's."""
        self.answers: list[int] = []
        """What the program ended with, mail by mail."""
        pipe = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                code, said = pipe._take(self.headers["To"], raw, environment)
                answer = f"{code}\n{said}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def script(self) -> str:
        """Its text. It is given the recipient."""
        return _SCRIPT.format(port=self._server.server_port)

    def _take(self, to: str, raw: bytes, environment: Mapping[str, str]) -> tuple[int, str]:
        typed = raw.decode("utf-8", "surrogateescape")
        done = launcher.run(["mail", "receive", "--to", to], environment, typed=typed)
        self.answers.append(done.returncode)
        return done.returncode, done.stderr
