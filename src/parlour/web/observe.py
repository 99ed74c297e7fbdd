"""What operators see of requests: a line each, and how many they are."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parlour.web.metrics import Metrics

log = structlog.get_logger("parlour.request")


class Observe:
    """Outermost of all, so that it sees what was really answered."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status, answered = 500, False

        async def note_status(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status = message["status"]
            answered = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        except Exception:
            if not answered:
                raise
            # Raised further, it would end a connection on which the next request may be on its way.
            log.exception("request.failed", method=scope["method"], path=scope["path"])
        finally:
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        self.metrics.answered(scope.get("endpoint"), status, seconds)
        if not scope["path"].startswith(("/static/", "/healthz", "/readyz", "/metrics")):
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 1),
                client=scope["client"][0] if scope.get("client") else "",
            )
