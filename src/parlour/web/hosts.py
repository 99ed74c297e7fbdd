"""Whose name a request may call us by: the base URL's, or this machine's own.

A name that somebody else made point here would otherwise be taken for ours: its pages would send an Origin
that fits. Probes ask by address, so what they look at answers under any name.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from parlour.kernel.errors import DomainError
from parlour.kernel.networks import plain_address
from parlour.web.errors import ForPrograms, for_programs

PROBES = ("/healthz", "/readyz", "/metrics")

log = structlog.get_logger(__name__)


class WrongHost(DomainError):
    status = 421
    code = "wrong_host"
    message = (
        "The request named another host than this Parlour's. Whoever runs it: set PARLOUR_BASE_URL to the "
        "address that is asked for, and let the proxy pass on the Host header."
    )


class KnownHosts:
    """`programs`: what tells a program of an error, by what the address begins with."""

    def __init__(self, app: ASGIApp, *, base_url: str, programs: Mapping[str, ForPrograms]) -> None:
        self.app = app
        self._base_url = base_url
        self._programs = programs
        self._own = urlsplit(base_url).hostname

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in PROBES or self.know(scope):
            await self.app(scope, receive, send)
            return
        log.warning("host.refused", host=Headers(scope=scope).get("host", ""), base_url=self._base_url)
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        if told := for_programs(self._programs, scope["path"]):
            await told(Request(scope), WrongHost())(scope, receive, send)
            return
        sentence = (
            f"This is Parlour at {self._base_url}, and the request named another host.\n"
            "Whoever runs it: set PARLOUR_BASE_URL to the address that people use, and let the proxy pass on "
            "the Host header.\n"
        )
        await PlainTextResponse(sentence, 421)(scope, receive, send)

    def know(self, scope: Scope) -> bool:
        """Whether the request came for us, by exactly one name."""
        hosts = Headers(scope=scope).getlist("host")
        name = _name_in(hosts[0]) if len(hosts) == 1 else ""
        return name in (self._own, "localhost") or _is_here(name)


def _is_here(name: str) -> bool:
    address = plain_address(name)
    return address is not None and address.is_loopback


def _name_in(host: str) -> str:
    """Of a Host header, without its port."""
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower().removesuffix(".")
