"""A connection to a server that somebody named, who may not lead us into the operator's own network."""

import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address

May = Callable[[str], bool]
"""Whether this address, in digits, may be connected to."""


class NotAllowed(OSError):
    """The name leads to addresses alone that may not be connected to."""


def dial(host: str, port: int, *, patience: float, may: May) -> socket.socket:
    """To the first of the host's addresses that may be connected to and takes us.

    What counts is the address, never the name, which may say something else a moment later. Blocks for
    `patience` seconds an address. Raises NotAllowed, OSError.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    problem: OSError = NotAllowed(f"{host} is not a public address")
    for address in dict.fromkeys(str(each[4][0]) for each in found):
        if may(address):
            try:
                return socket.create_connection((address, port), timeout=patience)
            except OSError as error:
                problem = error
    raise problem


def is_this_machine(host: str) -> bool:
    """Nobody stands between."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def trusting_anybody() -> ssl.SSLContext:
    """What is encrypted, whoever is there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
