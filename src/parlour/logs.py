"""One log for the whole process, on stderr: ours, uvicorn's and every library's.

No query strings, no secrets: fields named like one are hidden, and so are passwords and fragments
inside URLs (the fragment of a customer's link is the key to a ticket), wherever they turn up.
"""

import json
import logging
import os
import re
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from typing import Any, Literal, TextIO

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from parlour.kernel.errors import StorageFull, Unreachable

HIDDEN = "[hidden]"

_SECRET_NAME = re.compile(
    r"password|passwd|secret|token|cookie|authorization|csrf|payload|api_?key", re.IGNORECASE
)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_FRAGMENT = re.compile(r"(https?://[^\s#\"'<>]+#)[^\s\"'<>]+")
_SOCKET = '%s - "WebSocket %s" '
_NO_NEWS = ("connection open", "connection closed")
_QUOTED = re.compile(r"[ \t\r\n=\"']")
_REQUEST_FIELDS = ("client", "method", "path", "status")


class Episode:
    """A trouble that many meet at once: a line when it begins, each minute of it, and when it is over."""

    QUIET_SECONDS = 5.0
    """Nothing of it for so long, and it is over: some get through in the midst of most."""
    SAY_AGAIN_SECONDS = 60.0

    def __init__(self, log: Any, began: str, ended: str) -> None:
        self._log = log
        self._began = began
        self._ended = ended
        self._lock = threading.Lock()
        self._since: float | None = None
        self._newest = 0.0
        self._say_at = 0.0

    def begins(self, **facts: object) -> None:
        """Somebody met it. Any thread may say so."""
        with self._lock:
            self._newest = time.monotonic()
            if self._since is None:
                self._since = self._newest
            elif self._newest < self._say_at:
                return
            self._say_at = self._newest + self.SAY_AGAIN_SECONDS
        self._log.error(self._began, **facts)

    def ends(self) -> None:
        """Somebody met it no more."""
        with self._lock:
            began = self._since
            if began is None or time.monotonic() - self._newest < self.QUIET_SECONDS:
                return
            lasted, self._since = self._newest - began, None
        self._log.info(self._ended, seconds=round(lasted, 1))


class _Lines:
    """Where our own finished lines go: by way of the standard library each would cost twice as much."""

    def __init__(self, out: TextIO, name: str = "parlour") -> None:
        self._out = out
        self.name = name

    def write(self, line: str) -> None:
        """Whatever becomes of it: who has something to say has something else to do."""
        with suppress(OSError, ValueError):
            self._out.write(f"{line}\n")
            self._out.flush()

    debug = info = warning = error = critical = write


def configure(log_format: Literal["text", "json"], *, stream: TextIO | None = None) -> None:
    """Set logging up for this process. Start uvicorn with `log_config=None`, or it undoes this."""
    out = stream or sys.stderr
    render = _renderer(log_format, out)
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    handler = logging.StreamHandler(out)
    handler.addFilter(_plain_access_line)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(_REQUEST_FIELDS), *shared],
            processors=[ProcessorFormatter.remove_processors_meta, render],
        )
    )
    structlog.configure(
        processors=[leave_out_what_was_told, *shared, render],
        logger_factory=lambda *name: _Lines(out, *name),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    # No line shows which code spoke, in which thread: to look would cost more than the line.
    logging._srcfile = None  # noqa: SLF001 as the library's manual says
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.INFO)


@cache
def _is_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def leave_out_what_was_told(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A database that is away, or full, is told of once, in a line of its own: not by all who meet it."""
    met = event.get("exc_info")
    error = sys.exc_info()[1] if met is True else met[1] if isinstance(met, tuple) else met
    if isinstance(error, Unreachable | StorageFull):
        raise structlog.DropEvent
    return event


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace what must not be read later, by the field's name and inside every text."""
    for name, value in event.items():
        if _is_secret(name):
            event[name] = HIDDEN
        elif isinstance(value, str) and "://" in value:
            event[name] = _FRAGMENT.sub(rf"\1{HIDDEN}", _USERINFO.sub(f"{HIDDEN}@", value))
    return event


def _renderer(log_format: Literal["text", "json"], out: TextIO) -> Processor:
    if log_format == "json":
        encode = json.JSONEncoder(ensure_ascii=False, default=repr).encode
        return lambda _, __, event: encode(event)
    if out.isatty() and not os.environ.get("NO_COLOR"):
        return ConsoleRenderer(colors=True, exception_formatter=plain_traceback)
    return _in_text


def _in_text(_: WrappedLogger, __: str, event: EventDict) -> str:
    """A line as people at a terminal get it, but for its colours, at half of the cost."""
    names = ("timestamp", "level", "event", "logger", "exception")
    when, level, what, who, raised = (event.pop(name, "") for name in names)
    facts = [f"{name}={_as_text(event[name])}" for name in sorted(event)]
    line = " ".join([f"{when} [{level:9}] {what!s:30} [{who}]", *facts])
    return f"{line}\n{raised}" if raised else line


def _as_text(value: object) -> str:
    return value if isinstance(value, str) and not _QUOTED.search(value) else repr(value)


def _plain_access_line(record: logging.LogRecord) -> bool:
    """Turn uvicorn's lines about requests and sockets into fields, and cut query strings from all it says."""
    if record.name == "uvicorn.error" and record.msg in _NO_NEWS:
        return False
    if record.name.startswith("uvicorn") and isinstance(record.args, tuple):
        record.args = tuple(map(_without_query, record.args))
        if str(record.msg).startswith(_SOCKET):
            client, path = record.args[:2]
            status = record.args[2] if len(record.args) > 2 else 403 if "403" in record.msg else 101
            record.__dict__.update(client=str(client).rpartition(":")[0], path=path, status=status)
            record.msg, record.args = "socket", ()
        if record.name == "uvicorn.access" and len(record.args) == 5:
            client, method, path, _, status = record.args
            record.__dict__.update(client=client, method=method, path=path, status=status)
            record.msg, record.args = "request", ()
    return True


def _without_query(part: Any) -> Any:
    return part.partition("?")[0] if isinstance(part, str) and part.startswith("/") else part
