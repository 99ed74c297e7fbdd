"""Where we may be sent by whoever gives us a URL: to public addresses, unless the operator allows others.

What counts is the address that is connected to, never the name: a name may say something else a moment later,
and 127.0.0.1 has many spellings.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from parlour.kernel.networks import plain_address

Network = IPv4Network | IPv6Network

# IANA's registries of special-purpose addresses, and multicast: nobody is reached there from the internet.
# 168.63.129.16 is where machines in Microsoft's cloud are told about themselves.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "168.63.129.16/32",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_LOOKING_UP = ThreadPoolExecutor(64, "lookup")
"""Of their own, because a name server that says nothing holds its thread for half a minute."""


def is_public(host: str) -> bool:
    """Whether this address can be anybody's on the internet; an IPv4 one may stand in an IPv6 one."""
    address = plain_address(host)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if isinstance(address, IPv6Address):
        return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)
    return False


class Reach:
    """Where the operator lets us go: everywhere public, and to `private` networks besides."""

    def __init__(self, private: Iterable[Network] = ()) -> None:
        self._private = tuple(private)

    @property
    def is_wide(self) -> bool:
        """Whether there are receivers in the operator's own network: they may do without TLS."""
        return bool(self._private)

    def may(self, host: str) -> bool:
        address = plain_address(host)
        return is_public(host) or (
            address is not None and any(address in network for network in self._private)
        )


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, each once. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_LOOKING_UP, _addresses, host, port)
    return list(dict.fromkeys(found))


def _addresses(host: str, port: int) -> list[str]:
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
