"""Email addresses as people type them, and the names of hosts."""

import re

import idna

from parlour.kernel.errors import Invalid

_ADDRESS = re.compile(
    r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}"
    r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])"
)


def clean_email(text: str) -> str | None:
    """The address in its stored form (trimmed, lower case), or None when mail could not reach it.

    At most 254 characters (RFC 5321, section 4.5.3.1); no quoted local parts, no bare hosts.
    """
    address = text.strip().lower()
    if len(address) > 254 or ".." in address or not _ADDRESS.fullmatch(address):
        return None
    return address


def required_email(text: str) -> str:
    """`clean_email` of what has to be an address. Raises Invalid (`email`: required, invalid)."""
    address = clean_email(text)
    if address is None:
        raise Invalid({"email": "invalid" if text.strip() else "required"})
    return address


def ascii_host(host: str) -> str:
    """The name as DNS has it. Raises UnicodeError.

    By IDNA 2008: Python's own codec knows the rules before it, which make another host of `straße.example`.
    """
    return host if host.isascii() else idna.encode(host, uts46=True).decode()
