"""The URL of a receiver, as somebody types it."""

from urllib.parse import urlsplit

from parlour.kernel import text
from parlour.kernel.addresses import clean_host

URL_LIMIT = 2_000
"""Characters."""


def clean_url(typed: str, *, plain_http: bool) -> tuple[str, str]:
    """The one spelling in which it is kept, and what is wrong with it, empty for nothing: `required`,
    `too_long`, `not_a_url`, `credentials`, or `not_https` where it has to be encrypted.
    """
    typed = text.one_line(typed)
    if not typed:
        return typed, "required"
    if len(typed) > URL_LIMIT:
        return typed, "too_long"
    try:
        parts = urlsplit(typed)
        port = f":{parts.port}" if parts.port is not None else ""
        host = clean_host(parts.hostname or "")
    except ValueError:
        return typed, "not_a_url"
    rest = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    plain = rest.isascii() and rest.isprintable() and " " not in rest and not parts.fragment
    if parts.scheme not in ("http", "https") or not host or port == ":0" or not plain:
        return typed, "not_a_url"
    if "@" in parts.netloc:
        return typed, "credentials"
    if parts.scheme == "http" and not plain_http:
        return typed, "not_https"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{rest}", ""
