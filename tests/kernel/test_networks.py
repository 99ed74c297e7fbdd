"""What counts as one network, and how an address looks that came in another one's clothes."""

from ipaddress import IPv4Network, ip_address, ip_network

import pytest

from parlour.kernel.networks import as_peers, network_of, plain_address


@pytest.mark.parametrize(
    "host",
    [
        "203.0.113.7",
        "::ffff:203.0.113.7",
        "::FFFF:cb00:7107",
        "64:ff9b::203.0.113.7",
        "::ffff:0:203.0.113.7",
        "2002:cb00:7107:1::5",
        "2001:0:c000:201:0:ffff:34ff:8ef8",
    ],
)
def test_an_ipv4_address_is_one_network_however_it_is_written(host: str) -> None:
    assert network_of(host) == "203.0.113.7"


def test_two_mapped_addresses_are_two_networks() -> None:
    assert network_of("::ffff:203.0.113.7") != network_of("::ffff:203.0.113.8")


def test_a_household_is_one_network_of_ipv6() -> None:
    one, two, other = map(network_of, ("2001:db8:1:2::3", "2001:db8:1:2:ffff::9", "2001:db8:1:3::3"))

    assert one == two != other


@pytest.mark.parametrize("host", ["", "testclient", "fe80::1%eth0"])
def test_any_peer_has_a_network(host: str) -> None:
    assert network_of(host) == ("fe80:0000:0000:0000" if host.startswith("fe80") else host)


def test_a_public_address_stays_public_in_another_form() -> None:
    address = plain_address("::ffff:8.8.8.8")

    assert address
    assert not address.is_private


def test_a_trusted_network_is_known_on_a_socket_for_both_families() -> None:
    networks = [ip_network(peers) for peers in as_peers(IPv4Network("10.0.0.0/8"))]
    known = [any(ip_address(host) in each for each in networks) for host in ("10.1.2.3", "::ffff:10.1.2.3")]

    assert known == [True, True]
