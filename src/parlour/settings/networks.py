"""Into which networks of its own a house lets people lead it, who are no operators of it."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from parlour.settings.values import BadSetting

EVERYWHERE = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))


def private_networks(name: str, value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks that are allowed besides all that is public: `yes` for every one. Raises BadSetting."""
    if value.lower() == "yes":
        return EVERYWHERE
    try:
        return tuple(ip_network(item.strip(), strict=False) for item in value.split(",") if item.strip())
    except ValueError:
        wrong = "must be yes, or networks with commas between them"
        raise BadSetting(name, wrong, "10.20.0.0/16") from None
