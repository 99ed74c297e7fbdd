"""Mail servers that say more than anybody asked for, or never come to the end of it."""

import imaplib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from parlour.features.mailroom.fetching.looking import look_into
from parlour.mail import imap_client
from parlour.mail.imap import Inbox, Server, ServerTrouble

pytestmark = pytest.mark.sqlite  # before any database

LIMIT = 1024 * 1024
ENDLESS = {
    "a greeting": (b"", b"x" * 4_096),
    "what it can": (b"CAPABILITY", b"* CAPABILITY X\r\n" * 100),
    "numbers of mails": (b"UID SEARCH", b"* SEARCH " + b"1 " * 100 + b"\r\n"),
    "a mail": (b"UID FETCH", b"* 1 FETCH (UID 1 BODY[] {4000000000}\r\n" + b"x" * 4_096),
    "mails": (b"UID FETCH", b"* 1 FETCH (UID 1 FLAGS ())\r\n" * 100),
    "news": (b"IDLE", b"+ idling\r\n" + b"* 5 EXISTS\r\n" * 100),
}
SAID = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n",
    b"EXAMINE": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 2] x\r\n",
    b"UID SEARCH": b"* SEARCH 1\r\n",
    b"UID FETCH": b"* 1 FETCH (UID 1 BODY[] {2}\r\nhi)\r\n",
}


class Endless:
    """An IMAP server that answers one command, or greets, without an end; `pause` seconds between pieces."""

    def __init__(self, command: bytes, piece: bytes, pause: float = 0.0) -> None:
        self.said = 0
        self._command, self._piece, self._pause = command, piece, pause
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.server = Server.at(f"imap://ada@127.0.0.1:{self.listener.getsockname()[1]}")
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            line, _ = self.listener.accept()
            with line, line.makefile("rb") as heard:
                if not self._command:
                    self._go_on(line)
                line.sendall(b"* OK done\r\n")
                for asked in heard:
                    tag, _, command = asked.strip().partition(b" ")
                    if command.startswith(self._command):
                        self._go_on(line)
                    begun = [each for each in SAID if command.startswith(each) and each != self._command]
                    line.sendall(b"".join(SAID[each] for each in begun) + tag + b" OK done\r\n")

    def _go_on(self, line: socket.socket) -> None:
        while True:
            line.sendall(self._piece)
            self.said += len(self._piece)
            time.sleep(self._pause)


class Once(Endless):
    """A server with an end: `found` is what a search finds."""

    def __init__(self, found: bytes) -> None:
        super().__init__(b"UID SEARCH", found)

    def _go_on(self, line: socket.socket) -> None:
        line.sendall(self._piece)


@pytest.fixture(params=sorted(ENDLESS))
def endless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endless]:
    monkeypatch.setattr(imap_client, "ANSWER_LIMIT", LIMIT)
    monkeypatch.setattr(imaplib, "_MAXLINE", LIMIT)
    server = Endless(*ENDLESS[request.param])
    yield server
    server.listener.close()


def fetch_and_wait(inbox: Inbox) -> None:
    inbox.open()
    inbox.uids_after(0)
    inbox.mail(1)
    inbox.wait(20.0)


def test_a_server_that_says_too_much_is_left_before_it_fills_the_memory(endless: Endless) -> None:
    inbox = Inbox(endless.server, "x")
    with pytest.raises(ServerTrouble) as trouble:
        fetch_and_wait(inbox)
    inbox.cut()
    inbox.close()

    assert trouble.value.about == "server"
    assert endless.said < 64 * LIMIT, "what lies in buffers on the way is all that may have been said besides"


def test_a_mailbox_with_more_mails_than_the_library_takes_numbers_of_is_looked_into() -> None:
    numbers = range(1_000_000, 1_200_000)
    found = b"* SEARCH " + b" ".join(b"%d" % each for each in numbers) + b"\r\n"
    server = Once(found)
    inbox = Inbox(server.server, "x")
    inbox.open()
    uids = inbox.uids_after(0)
    inbox.close()
    server.listener.close()

    assert len(found) > 1_000_000
    assert uids == [*numbers]


def test_every_line_is_read_by_the_library_which_may_have_more_in_a_buffer_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in Python 3.14, where whoever reads from `file` beside it loses what lies there."""
    lines, readline = list[bytes](), imaplib.IMAP4.readline

    def noted(self: imaplib.IMAP4) -> bytes:
        lines.append(readline(self))
        return lines[-1]

    monkeypatch.setattr(imaplib.IMAP4, "readline", noted)
    server = Once(SAID[b"UID SEARCH"])
    inbox = Inbox(server.server, "x")
    inbox.open()
    inbox.uids_after(0)
    inbox.close()
    server.listener.close()

    assert lines[0] == b"* OK done\r\n"
    assert SAID[b"UID SEARCH"] in lines


async def test_a_server_that_says_a_little_for_ever_keeps_nobody_waiting() -> None:
    server = Endless(b"CAPABILITY", b"* CAPABILITY X\r\n", pause=0.1)
    with pytest.raises(ServerTrouble) as trouble:
        await look_into(server.server, "x", patience=1.0)
    server.listener.close()

    assert (trouble.value.about, str(trouble.value)) == ("silence", "127.0.0.1 comes to no end of an answer.")
