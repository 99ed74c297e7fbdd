"""Where somebody comes from: the address itself, and the network that is counted as one."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_TRANSLATED = (
    IPv6Network("64:ff9b::/96"),  # RFC 6052
    IPv6Network("::ffff:0:0:0/96"),  # RFC 2765
)
"""Networks in which the last four bytes are an IPv4 address."""


def is_place(said: str) -> bool:
    """Whether it is a host and a port, as `127.0.0.1:2525`."""
    host, _, port = said.rpartition(":")
    return bool(host) and port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536


def plain_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address; the IPv4 one where an IPv6 address only holds it, mapped, translated or tunnelled.

    Otherwise all of IPv4 would stand in one /64. None for what is no address, as the peer of a Unix socket.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    through_teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or through_teredo or address


def network_of(host: str) -> str:
    """An IPv4 address; of IPv6 the /64 that one household or server gets."""
    address = plain_address(host)
    return address.exploded[:19] if isinstance(address, IPv6Address) else str(address or host)


def as_peers(network: IPv4Network | IPv6Network) -> list[str]:
    """The network as the peers in it appear, also on a socket that takes IPv4 and IPv6 alike."""
    if isinstance(network, IPv6Network):
        return [str(network)]
    mapped = ip_network(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
    return [str(network), str(mapped)]
