"""Waiting for a mail server's word: nothing that it has told already is waited for."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from parlour.mail.imap import Inbox, Server

pytestmark = pytest.mark.sqlite  # before any database

LONG = 20.0
TOLD = b"* 2 EXISTS\r\n"
WAYS = {
    "beside an answer": (TOLD, b"+ idling\r\n", b""),
    "in the same breath": (b"", b"+ idling\r\n" + TOLD, b""),
    "later": (b"", b"+ idling\r\n", TOLD),
}


class Telling:
    """An IMAP server with one mail, that tells of a second one beside an answer, or around its go-ahead."""

    def __init__(self, beside: bytes, going_ahead: bytes, later: bytes) -> None:
        self.answers = {
            b"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n",
            b"EXAMINE": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 2] x\r\n",
            b"UID SEARCH": b"* SEARCH 1\r\n",
            b"UID FETCH": b"* 1 FETCH (UID 1 BODY[] {2}\r\nhi)\r\n" + beside,
        }
        self.going_ahead, self.later = going_ahead, later
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        line, _ = self.listener.accept()
        with line, line.makefile("rb") as heard:
            line.sendall(b"* OK done\r\n")
            for asked in heard:
                tag, _, command = asked.strip().partition(b" ")
                if command == b"IDLE":
                    line.sendall(self.going_ahead)
                    time.sleep(0.1)
                    line.sendall(self.later)
                    heard.readline()
                said = [answer for begins, answer in self.answers.items() if command.startswith(begins)]
                line.sendall(b"".join(said) + tag + b" OK done\r\n")


@pytest.fixture(params=sorted(WAYS))
def server(request: pytest.FixtureRequest) -> Iterator[Telling]:
    telling = Telling(*WAYS[request.param])
    yield telling
    telling.listener.close()


def test_what_a_server_has_told_since_the_last_search_is_not_waited_for(server: Telling) -> None:
    inbox = Inbox(Server.at(f"imap://ada@127.0.0.1:{server.port}"), "x")
    inbox.open()
    try:
        assert inbox.uids_after(0) == [1]
        assert inbox.mail(1) == b"hi"
        began = time.monotonic()
        inbox.wait(LONG)
        assert time.monotonic() - began < LONG / 2
    finally:
        inbox.close()
