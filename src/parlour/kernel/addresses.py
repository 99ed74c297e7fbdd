"""Email addresses as people type them, and the names of hosts."""

import re
import unicodedata
from contextlib import suppress
from ipaddress import ip_address

import idna

from parlour.kernel import text
from parlour.kernel.errors import Invalid

LOCAL_LIMIT, LIMIT = 64, 254
"""Octets, as an address goes over the wire (RFC 5321, section 4.5.3.1; RFC 3696, erratum 1690)."""
TYPED_LIMIT = 1_000
"""Characters that are looked at: an address, and whatever came along when it was pasted."""

_LOCAL = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+")
_HOST = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])", re.ASCII)
_SERVER = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_DOTS_ANYWHERE = frozenset({"docomo.ne.jp", "ezweb.ne.jp", "au.com"})
"""Providers that have given addresses such as `a..b.@…`, which other servers know in quotes alone."""
_PLAIN = re.compile(r"[^.]+(?:\.[^.]+)*")
_WIDE = re.compile("[\u3002\uff01-\uff61]")


def clean_email(typed: str) -> str | None:
    """The address in the one spelling that is stored and compared, or None when mail could not reach it.

    Lower case, NFC, without what nobody sees; letters of full width are plain ones (as RFC 8265 maps
    names), and the host stands in the letters that it is read in, whether typed so or as `xn--…`.
    No quoted local parts, no bare hosts.
    """
    if len(typed) > TYPED_LIMIT:
        return None
    local, at, host = _parts(typed)
    try:
        host = readable_host(host)
        wire = ascii_host(host)
    except UnicodeError:
        return None
    octets = len(local.encode())
    if octets > LOCAL_LIMIT or octets + len(at + wire) > LIMIT:
        return None
    if ".." in local and wire not in _DOTS_ANYWHERE:
        return None
    return f"{local}@{host}" if _LOCAL.fullmatch(local) and _HOST.fullmatch(wire) else None


def beginning_of_email(typed: str) -> str:
    """How the stored spelling of an address begins of which this much was typed."""
    local, at, host = _parts(typed)
    try:
        return local + at + readable_host(host)
    except UnicodeError:
        return local + at + unicodedata.normalize("NFC", host.lower())


def _parts(typed: str) -> tuple[str, str, str]:
    """The local part as it is stored, the @, and a host."""
    plain = _WIDE.sub(_narrow, text.without_invisible(text.storable(typed))).strip()
    local, at, host = plain.rpartition("@")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower()), at, host


def required_email(typed: str) -> str:
    """`clean_email` of what has to be an address. Raises Invalid (`email`: required, invalid)."""
    address = clean_email(typed)
    if address is None:
        raise Invalid({"email": "invalid" if text.is_visible(typed) else "required"})
    return address


def mailbox_of(address: str) -> str:
    """Where mail to a clean address ends up, for counting: what stands after a plus makes no other one.

    So most servers have it (RFC 5233). What else one of them takes for the same, as dots, is not known here.
    """
    local, _, host = address.rpartition("@")
    return f"{local.partition('+')[0] or local}@{host}"


def on_the_wire(address: str) -> str:
    """A clean address as mail servers take it: the host as DNS has it, and dots that stand where none may in
    quotes (RFC 5321, section 4.1.2). Raises UnicodeError.
    """
    local, _, host = address.rpartition("@")
    written = local if _PLAIN.fullmatch(local) else f'"{local}"'
    return f"{written}@{ascii_host(host)}"


def ascii_host(host: str) -> str:
    """The name as DNS has it. Raises UnicodeError.

    By IDNA 2008: Python's own codec knows the rules before it, which make another host of `straße.example`.
    """
    return host if host.isascii() else idna.encode(host, uts46=True).decode()


def clean_host(typed: str) -> str:
    """A server as DNS has its name, or its address in digits; empty for what can be neither.

    An address that is good on one of this machine's own lines alone (`fe80::1%eth0`) is none.
    """
    try:
        host = ascii_host(text.one_line(typed).lower().strip("[]"))
    except UnicodeError:
        return ""
    with suppress(ValueError):
        return str(ip_address(host)) if "%" not in host else ""
    return host if _SERVER.fullmatch(host) else ""


def readable_host(host: str) -> str:
    """The name in the letters of its own language, in lower case. Raises UnicodeError."""
    return ".".join(map(_readable_label, ascii_host(host).lower().split(".")))


def _readable_label(label: str) -> str:
    """A label that DNS may have but IDNA 2008 does not know, such as one of emoji, stays as it is."""
    if not label.startswith("xn--"):
        return label
    try:
        readable = idna.ulabel(label)
        return readable if idna.alabel(readable).decode() == label else label
    except idna.IDNAError:
        return label


def _narrow(found: re.Match[str]) -> str:
    return "." if found[0] in "\u3002\uff0e\uff61" else unicodedata.normalize("NFKC", found[0])
