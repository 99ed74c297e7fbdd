import asyncio
import io
import json
import logging
import pty
import re
from collections.abc import Iterator
from os import fdopen
from typing import Any

import httpx
import pytest
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from parlour import logs
from parlour.kernel.errors import StorageFull, Unreachable
from parlour.logs import Episode

LINK = "https://desk.example/support/acme/access#s3cret-code"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_is_one_object_a_line(stream: io.StringIO) -> None:
    logs.configure("json", stream=stream)

    structlog.get_logger("parlour.mail").info("mail.sent", server="mäil\nhost")

    [line] = lines(stream)
    assert (line["event"], line["server"], line["level"]) == ("mail.sent", "mäil\nhost", "info")
    assert line["logger"] == "parlour.mail"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])


@pytest.mark.parametrize("error", [Unreachable, StorageFull])
def test_what_the_database_has_told_of_is_told_once(stream: io.StringIO, error: type[Exception]) -> None:
    logs.configure("json", stream=stream)
    database, log = (
        Episode(structlog.get_logger("parlour.db"), "away", "back"),
        structlog.get_logger("parlour"),
    )

    for _ in range(3):
        database.begins(why="gone")
        try:
            raise error
        except error:
            log.exception("a heartbeat failed")
    database.ends()  # only just

    assert [line["event"] for line in lines(stream)] == ["away"]


def test_what_goes_on_is_told_again_now_and_then(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Episode, "SAY_AGAIN_SECONDS", 0.0)
    logs.configure("json", stream=stream)
    database = Episode(structlog.get_logger("parlour.db"), "away", "back")

    for _ in range(2):
        database.begins(why="gone")

    assert [line["event"] for line in lines(stream)] == ["away", "away"]


def test_text_into_a_file_has_no_colours(stream: io.StringIO) -> None:
    logs.configure("text", stream=stream)

    structlog.get_logger("parlour.mail").info("mail.sent", server="mail.example")

    assert "mail.sent" in stream.getvalue()
    assert "server=mail.example" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_line_of_text_is_that_of_a_terminal_without_its_colours(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    said = {"server": "mail.example", "words": "it's\nno", "times": 3, "error": None, "path": "/a b"}
    for renderer in (plain, None):
        with monkeypatch.context() as patch:
            if renderer:
                patch.setattr(logs, "_renderer", lambda *_, renderer=renderer: renderer)
            logs.configure("text", stream=stream)
            log = structlog.stdlib.get_logger("parlour.mail").new()
            log.info("mail.sent", **said)
            logging.getLogger("some.library").warning("%s is low", "disk")
            try:
                raise ValueError("two\nlines")
            except ValueError:
                log.exception("mail.failed", **said)

    found = re.sub(r"\d{4}-\d\d-\d\dT\S+Z", "now", stream.getvalue())
    assert found[: len(found) // 2] == found[len(found) // 2 :]


def test_text_on_a_terminal_has_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    ours, theirs = pty.openpty()
    with fdopen(theirs, "w") as terminal, fdopen(ours, "rb", buffering=0) as screen:
        logs.configure("text", stream=terminal)
        structlog.get_logger("parlour.mail").info("mail.sent")
        terminal.flush()

        assert b"\x1b[" in screen.read(4096)


def test_other_libraries_speak_through_the_same_log(stream: io.StringIO) -> None:
    logs.configure("json", stream=stream)

    logging.getLogger("some.library").warning("%s is low", "disk")

    [line] = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("disk is low", "warning", "some.library")


def test_what_only_developers_want_stays_out(stream: io.StringIO) -> None:
    logs.configure("json", stream=stream)

    structlog.get_logger("parlour.mail").debug("mail.drafted")
    logging.getLogger("some.library").debug("thinking")

    assert lines(stream) == []


def test_a_log_that_nobody_takes_stops_nothing(stream: io.StringIO) -> None:
    logs.configure("json", stream=stream)
    stream.close()

    structlog.get_logger("parlour.mail").info("mail.sent")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_stay_out_wherever_they_turn_up(log_format: Any, stream: io.StringIO) -> None:
    logs.configure(log_format, stream=stream)
    log = structlog.get_logger("parlour")

    log.info("one", password="s3cret-code", access_token="s3cret-code", payload={"code": "s3cret-code"})
    log.info("two", url="smtp://ada:s3cret-code@mail.example", link=LINK)
    logging.getLogger("some.library").warning("cannot fetch %s", LINK)
    try:
        raise ValueError(f"bad link {LINK}")
    except ValueError:
        log.exception("three")

    assert "s3cret-code" not in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert "mail.example" in stream.getvalue()


def test_a_traceback_shows_no_variables(stream: io.StringIO) -> None:
    logs.configure("text", stream=stream)

    try:
        code = "s3cret" + "-code"
        raise ValueError(len(code))
    except ValueError:
        structlog.get_logger("parlour").exception("failed")

    assert "Traceback" in stream.getvalue()
    assert "s3cret-code" not in stream.getvalue()


async def test_a_request_is_a_line_without_its_query_string(stream: io.StringIO) -> None:
    logs.configure("json", stream=stream)

    async with serving() as port, httpx.AsyncClient() as browser:
        await browser.get(f"http://127.0.0.1:{port}/support/acme?token=s3cret-code")

    [line] = [line for line in lines(stream) if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"], line["level"]) == (
        "GET",
        "/support/acme",
        204,
        "info",
    )
    assert line["client"].startswith("127.0.0.1:")
    assert "s3cret-code" not in str(said_by_the_server(stream))


async def test_a_socket_is_a_line_without_its_query_string(stream: io.StringIO) -> None:
    logs.configure("json", stream=stream)

    async with serving() as port, connect(f"ws://127.0.0.1:{port}/realtime?ticket=s3cret-code"):
        pass

    [line] = [line for line in lines(stream) if line["event"] == "socket"]
    assert (line["client"], line["path"], line["status"]) == ("127.0.0.1", "/realtime", 101)
    assert "s3cret-code" not in str(said_by_the_server(stream))


def said_by_the_server(stream: io.StringIO) -> list[dict[str, Any]]:
    """Without the lines of the browser, which lives in this process too."""
    return [line for line in lines(stream) if line["logger"].startswith("uvicorn")]


class serving:  # noqa: N801 reads as a verb: async with serving()
    """The smallest site on a real uvicorn, started as Parlour starts it."""

    async def __aenter__(self) -> int:
        async def page(_: Request) -> Response:
            return Response(status_code=204)

        async def socket(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.close()

        site = Starlette(routes=[Route("/support/acme", page), WebSocketRoute("/realtime", socket)])
        config = uvicorn.Config(site, port=0, log_config=None, ws="websockets-sansio", lifespan="off")
        self._server = uvicorn.Server(config)
        self._running = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        await self._running
