"""Work that waits for a mail server, in threads that nobody waits for when the process ends."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

from parlour.mail.imap import Inbox, ServerTrouble

P = ParamSpec("P")
R = TypeVar("R")


class OneThread:
    """Does one thing after the other with a mailbox, for as long as somebody has something to do."""

    def __init__(self, inbox: Inbox, within: float) -> None:
        """`within`: the seconds that one thing may take, however steadily the server says a little more."""
        self._inbox = inbox
        self._within = within
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name="imap", daemon=True).start()

    def _work(self) -> None:
        while (next_one := self._waiting.get()) is not None:
            next_one()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Who is cancelled meanwhile does not stop it. Raises ServerTrouble when it takes too long."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[R] = loop.create_future()

        def work() -> None:
            try:
                result = function(*args, **kwargs)
            except Exception as error:
                tell(partial(ended.set_exception, error))
            else:
                tell(partial(ended.set_result, result))

        def tell(say: Callable[[], None]) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(lambda: None if ended.done() else say())

        self._waiting.put(work)
        try:
            async with asyncio.timeout(self._within):
                return await ended
        except TimeoutError:
            self._inbox.cut()
            raise ServerTrouble("silence", f"{self._inbox.host} comes to no end of an answer.") from None

    def end(self, last: Callable[[], None]) -> None:
        """Do this after all else, and then nothing more."""
        self._waiting.put(last)
        self._waiting.put(None)
