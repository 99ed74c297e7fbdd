"""As whom a house signs in at providers that let programs in by OAuth alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from parlour.settings.values import BadSetting


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """What a provider knows the house by. `tenant` is whose accounts alone it signs in, at Microsoft."""

    client_id: str
    secret: str = field(repr=False)
    tenant: str = ""

    def __str__(self) -> str:
        return f"{self.tenant}{'/' if self.tenant else ''}{self.client_id}:(hidden)"


def oauth_client(given: Mapping[str, str], name: str, *, tenants: bool = False) -> OAuthClient | None:
    """Of `id:secret`, with `tenants` perhaps of `tenant/id:secret`. Raises BadSetting, without the value."""
    if name not in given:
        return None
    place, _, secret = given[name].partition(":")
    tenant, _, client_id = place.rpartition("/")
    right = "tenant/id:secret" if tenants else "id:secret"
    if not (client_id and secret) or not (place + secret).isascii() or " " in place + secret:
        raise BadSetting(name, "must be the client's id and its secret with a colon between them", right)
    if "/" in tenant or (tenant and not tenants):
        raise BadSetting(name, "has a client's id with a slash in it", right)
    return OAuthClient(client_id, secret, tenant)
