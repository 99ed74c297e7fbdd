"""One socket's outgoing side: a bounded queue and whoever empties it.

A thousand of these wait at the same time, so an idle one is small: no timer, no task, no buffer.
The task that writes lives only while there is something to write, and a socket that takes a frame at once
needs none.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from time import monotonic
from typing import Any

from starlette.websockets import WebSocketDisconnect

from parlour.kernel.access import Actor
from parlour.realtime.budget import STUCK_AFTER, Budget
from parlour.realtime.protocol import (
    FRAMES_AT_ONCE,
    FRAMES_PER_SECOND,
    QUEUE_BYTES,
    QUEUE_FRAMES,
    REPLAY_BYTES,
    REPLAY_FRAMES,
    Close,
    Frame,
)

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
TAKE = "parlour.take"
"""The extension by which a server takes a frame's text at once, or says False: then it has to be sent."""


class Connection:
    """`scope` proves who this is, again and again; `actor` is what it proved last.

    What waits here, and what the socket is taking, counts in `budget`.
    """

    __slots__ = (
        "_budget",
        "_bytes",
        "_queue",
        "_rate",
        "_send",
        "_space",
        "_take",
        "_task",
        "_writer",
        "aborted",
        "actor",
        "closing",
        "heard_at",
        "missed",
        "recheck_at",
        "scope",
        "slice",
        "writing_since",
    )

    def __init__(self, send: Send, scope: Scope, actor: Actor, budget: Budget) -> None:
        self.scope = scope
        self.actor = actor
        self.closing: Close | None = None
        self.aborted = False
        self.missed = False
        """Whether something that is not stored was dropped and should be said again."""
        self.slice = 0
        self.heard_at = monotonic()
        self.recheck_at = 0.0
        self.writing_since: float | None = None
        self._send = send
        self._take: Callable[[str], bool] | None = (scope.get("extensions") or {}).get(TAKE)
        self._budget = budget
        self._queue: list[Frame] = []
        self._bytes = 0
        self._rate = 0.0
        self._writer: asyncio.Task[None] | None = None
        self._space: asyncio.Future[None] | None = None
        self._task = asyncio.current_task()

    def hear(self) -> bool:
        """Note that a frame came in. False when they come faster than anyone may talk."""
        now = self.heard_at = monotonic()
        self._rate = max(self._rate, now) + 1 / FRAMES_PER_SECOND
        return self._rate - now <= FRAMES_AT_ONCE / FRAMES_PER_SECOND

    def push(self, frame: Frame) -> None:
        """Queue a frame. One too many drops what is not stored, or closes with TOO_SLOW.

        Only a socket that does not take what it was given is slow: what one turn of the loop
        brings at once is not the client's fault.
        """
        if self.closing or (self._writer is None and self._take and self._take(frame.text)):
            return
        if self.writing_since is not None and self._full(frame):
            if not frame.durable:
                self.missed = True
                return
            self._drop_ephemeral()
            if self._full(frame):
                self.close(Close.TOO_SLOW)
                return
        self._queue.append(frame)
        self._charge(len(frame.text))
        self._write_soon()

    async def put(self, frame: Frame) -> None:
        """Queue a frame as soon as there is room for it: for a replay, which may be long."""
        while not self.closing and (len(self._queue) >= REPLAY_FRAMES or self._bytes >= REPLAY_BYTES):
            self._space = asyncio.get_running_loop().create_future()
            await self._space
        self.push(frame)

    def close(self, code: Close) -> None:
        """Say goodbye with `code` as the next and last thing. What was queued is forgotten: it is stored."""
        if self.closing:
            return
        self.closing = code
        self._forget()
        self._write_soon()

    def abort(self) -> None:
        """Let go of a socket that takes nothing any more, not even a goodbye."""
        self.closing = self.closing or Close.TOO_SLOW
        self.aborted = True
        self._forget()
        for task in (self._writer, self._task):
            if task is not None:
                task.cancel()

    def released(self) -> None:
        """The socket is gone; nothing will be written."""
        self.closing = self.closing or Close.GOING_AWAY
        self._forget()
        if self._writer is not None:
            self._writer.cancel()

    def _full(self, frame: Frame) -> bool:
        """Whether a socket that is not taking what it has may be given no more."""
        if len(self._queue) >= QUEUE_FRAMES or self._bytes + len(frame.text) > QUEUE_BYTES:
            return True
        return self._budget.exhausted and monotonic() - (self.writing_since or 0.0) > STUCK_AFTER

    def _drop_ephemeral(self) -> None:
        kept = [frame for frame in self._queue if frame.durable]
        self.missed = self.missed or len(kept) < len(self._queue)
        self._charge(-sum(len(frame.text) for frame in self._queue if not frame.durable))
        self._queue = kept

    def _forget(self) -> None:
        self._charge(-sum(len(frame.text) for frame in self._queue))
        self._queue = []
        self._wake()

    def _charge(self, by: int) -> None:
        self._bytes += by
        self._budget.change(by)

    def _wake(self) -> None:
        if self._space is not None and not self._space.done():
            self._space.set_result(None)
        self._space = None

    def _write_soon(self) -> None:
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._queue and not self.closing:
                frame = self._queue.pop(0)
                self.writing_since = monotonic()
                try:
                    await self._send({"type": "websocket.send", "text": frame.text})
                finally:
                    self._charge(-len(frame.text))
                self._wake()
            if self.closing:
                self.writing_since = monotonic()
                await self._send({"type": "websocket.close", "code": int(self.closing)})
        except (OSError, RuntimeError, WebSocketDisconnect):
            # The socket went away under our hands; its reader learns that by itself.
            self.closing = self.closing or Close.GOING_AWAY
            self._forget()
        finally:
            self.writing_since = None
            self._writer = None
