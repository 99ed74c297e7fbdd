"""What `parlour doctor` looks at from outside: whether browsers reach the server past what is before it."""

import asyncio
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from parlour.cli.findings import Finding
from parlour.db.sqlite.file import is_owned
from parlour.settings import Settings

ANSWER_SECONDS = 4.0
REFUSAL_SECONDS = 1.0
"""In which a proxy says of a body, before any of it came, that it is too large; others wait for it."""
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "cGFybG91ci1kb2N0b3ItMQ==",
}
_PROXIES = "Let the proxy do what the files in deploy/ do."


async def address(settings: Settings) -> Finding:
    """What a customer's browser would meet. While no server runs, nothing can."""
    url = settings.base_url
    try:
        return await asyncio.to_thread(_met, url, settings.file_limit)
    except (OSError, HTTPException, _Refused) as error:
        running = not settings.is_postgresql and is_owned(settings.sqlite_path)
        silent = f"does not answer from here: {str(error) or type(error).__name__}"
        says = f"{url}/healthz {error if isinstance(error, _Refused) else silent}."
        remedy = "Look at DNS, the certificate and the proxy's log."
        return Finding(
            "address", "wrong" if running else "note", says, remedy if running else "Is a server running?"
        )


class _Refused(Exception):
    pass


def _met(url: str, file_limit: int) -> Finding:
    status = _asked(url, "GET", "/healthz", {})
    if status != 200:
        raise _Refused(f"is answered with {status}, and not by Parlour")
    if (status := _asked(url, "GET", "/realtime", {"Origin": url, **_UPGRADE})) != 101:
        says = f"{url} lets no WebSocket through ({status}): what is new appears late."
        return Finding("address", "wrong", says, _PROXIES)
    if _refuses(url, file_limit):
        says = f"{url} refuses a file of {file_limit:,} bytes before Parlour hears of it."
        return Finding("address", "wrong", says, f"{_PROXIES} In nginx that is client_max_body_size 0.")
    return Finding("address", "ok", f"{url} answers, lets WebSockets through and takes files.")


def _refuses(url: str, size: int) -> bool:
    try:
        return _asked(url, "POST", "/healthz", {"Content-Length": str(size)}, REFUSAL_SECONDS) == 413
    except (OSError, HTTPException):  # it waits for the body
        return False


def _asked(url: str, method: str, path: str, headers: dict[str, str], seconds: float = ANSWER_SECONDS) -> int:
    """The status of what is answered to a head alone."""
    place = urlsplit(url)
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    # Without a port it would look for one behind the last colon of an IPv6 address.
    connection = kind(place.hostname or "", place.port or kind.default_port, timeout=seconds)
    try:
        connection.putrequest(method, path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()
