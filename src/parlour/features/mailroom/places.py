"""Where a mail server is, as somebody types it."""

import re
from contextlib import suppress
from ipaddress import ip_address

from parlour.kernel.addresses import ascii_host
from parlour.kernel.text import one_line

_HOST = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


def host_in(typed: str) -> str:
    """As DNS has it, or an address in digits; empty for what is neither."""
    try:
        host = ascii_host(one_line(typed).lower().strip("[]"))
    except UnicodeError:
        return ""
    with suppress(ValueError):
        return str(ip_address(host))
    return host if _HOST.fullmatch(host) else ""


def port_in(typed: str, usual: int) -> int | None:
    """None for what is no port."""
    typed = one_line(typed) or str(usual)
    plain = typed.isascii() and typed.isdecimal() and int(typed[:6]) < 65536
    return int(typed) if plain else None
