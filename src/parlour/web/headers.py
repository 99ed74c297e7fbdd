"""The headers that every answer carries."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx"
)
ALWAYS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""`same-origin`, not `no-referrer`: with the latter browsers send `Origin: null` with a form."""
SANDBOX = "sandbox; default-src 'none'"
"""The policy of what strangers made: should a browser take it for a page after all, it can do nothing."""
FRAMING = CSP.replace("frame-ancestors", "frame-src 'self'; frame-ancestors")
"""The policy of a page that shows a frame of ours."""
_MAIL = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
SHOWN_MAIL = f"{_MAIL}img-src data:; frame-ancestors 'self'"
"""The policy of a stranger's HTML in such a frame: an origin of its own, no script, nothing fetched."""
SHOWN_MAIL_WITH_PICTURES = f"{_MAIL}img-src data: https: http:; frame-ancestors 'self'"
"""The same, with pictures from wherever it says, for somebody who has asked for them."""
SHOWN_ELSEWHERE = "cross-origin"
"""The resource policy of what mail programs on the web show on pages of their own."""
_POLICIES = (SANDBOX, FRAMING, SHOWN_MAIL, SHOWN_MAIL_WITH_PICTURES)
_OTHERWISE = {
    *((b"content-security-policy", each.encode()) for each in _POLICIES),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-resource-policy", SHOWN_ELSEWHERE.encode()),
}
"""What an answer may say in place of ours."""
TRANSPORT = "max-age=31536000"


class SecurityHeaders:
    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        fixed = {**ALWAYS, "Strict-Transport-Security": TRANSPORT} if secure else ALWAYS
        self.fixed = [(name.lower().encode(), value.encode()) for name, value in fixed.items()]
        self._names = {name for name, _ in self.fixed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._headed(message["headers"])
                MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _headed(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Ours in place of those given, but for the few that may be otherwise."""
        otherwise = dict(_OTHERWISE.intersection(headers))
        fixed = [(name, otherwise.get(name, value)) for name, value in self.fixed]
        return [*(header for header in headers if header[0].lower() not in self._names), *fixed]
