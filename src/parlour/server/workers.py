"""Several processes that serve one listening socket."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

import structlog

END_SECONDS = 17.0
"""How long a process of ours may take to end before it is killed: as long as it drains, and some more."""
LOOK_SECONDS = 0.1
QUICK_DEATH = 2.0
"""Seconds. A process that ends sooner is not replaced at once: it would end again."""
NEVER_STARTED = 3
"""The exit code of a process that could not begin, as uvicorn's own."""

log = structlog.get_logger(__name__)


class Workers:
    """Several processes that serve one listening socket. One that dies is replaced; SIGTERM ends all.

    The socket stays open while any of them is exchanged, so that no connection that waits is refused.
    """

    def __init__(self, count: int, serve: Callable[[], bool], listener: socket.socket) -> None:
        """`serve` runs in each process until that is told to end; False says that it never began.

        `listener` is this process's own copy of the socket, which is closed as soon as the others are to end.
        """
        self._serve = serve
        self._listener = listener
        self._born: dict[int, float] = {}
        self._due = [0.0] * count
        self._replacing = False
        self._ending = False
        self._alive, self._ours = os.pipe()

    def run(self) -> bool:
        """Until SIGTERM or SIGINT. False when a process could not begin."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end)
        began = True
        while began and not self._ending:
            for due in [due for due in self._due if due <= time.monotonic()]:
                self._due.remove(due)
                self._start()
            time.sleep(LOOK_SECONDS)
            began = self._look()
        self._end_all()
        return began

    def _end(self, _: int, __: FrameType | None) -> None:
        self._ending = True

    def _start(self) -> None:
        process = os.fork()
        if process == 0:
            self._become_a_worker()
        self._born[process] = time.monotonic()

    def _become_a_worker(self) -> None:
        """Never returns."""
        code = 1
        try:
            os.setpgid(0, 0)  # Ctrl C is for the parent, which tells us once
            os.close(self._ours)
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, signal.SIG_DFL)
            threading.Thread(target=self._end_with_the_parent, daemon=True).start()
            code = 0 if self._serve() else NEVER_STARTED
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except BaseException:
            log.exception("a web process failed")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _end_with_the_parent(self) -> None:
        os.read(self._alive, 1)  # nobody writes; it returns when the parent is gone
        os.kill(os.getpid(), signal.SIGTERM)

    def _look(self) -> bool:
        """Note who ended and has to be replaced. False when the first of them could not begin."""
        for process, born in list(self._born.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if not ended:
                continue
            del self._born[process]
            code = os.waitstatus_to_exitcode(status)
            if code == NEVER_STARTED and not self._replacing:
                return False
            log.error("process.ended", process=process, code=code, now="another one takes its place")
            self._replacing = True
            self._due.append(max(time.monotonic(), born + QUICK_DEATH))
        return True

    def _end_all(self) -> None:
        self._listener.close()  # or what arrives now would wait here for nobody
        for process in self._born:
            os.kill(process, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        while self._born:
            late = time.monotonic() > deadline
            for process in list(self._born):
                if late:
                    os.kill(process, signal.SIGKILL)
                if os.waitpid(process, 0 if late else os.WNOHANG)[0]:
                    del self._born[process]
            time.sleep(LOOK_SECONDS)
