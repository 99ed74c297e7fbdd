"""What somebody at a page takes to their provider, to grant us access to a mailbox, and what comes back."""

import base64
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request

from parlour.features.accounts.models import Desk
from parlour.features.accounts.profile.service import public_id
from parlour.features.mailroom.fetching.oauth import PROVIDERS, consent_url
from parlour.features.mailroom.fetching.providers import provider_of
from parlour.kernel.secrets import derived_secret, new_secret
from parlour.web.seal import seal, unseal
from parlour.web.site import site

BACK = "/auth/mailbox"
"""Which a provider has to know, the same for every workspace."""
_PURPOSE = "mailbox grant"
_SECONDS = 30 * 60


class Offer(Struct, frozen=True):
    """`url` leads to the provider, which sends the browser back to BACK."""

    provider: str
    name: str
    url: str


class Begun(Struct, frozen=True):
    """`session` names whose the page was from which somebody went."""

    workspace_id: UUID
    session: str
    provider: str
    address: str


def offers(request: Request, desk: Desk, address: str, granted: str = "") -> list[Offer]:
    """Of the providers at which the house is a client: the one that has granted already; else the one of the
    address, or every one where it is in a domain that nobody knows.
    """
    known = provider_of(address)
    only = granted or (known.grants if known else None)
    clients = site(request).settings.oauth
    return [_offer(request, desk, address, each) for each in clients if only in (None, each)]


def _offer(request: Request, desk: Desk, address: str, provider: str) -> Offer:
    facts = (desk.workspace_id.hex, _session(desk), provider, _in_letters(address), new_secret())
    state = seal(request, _PURPOSE, *facts, seconds=_SECONDS)
    url = consent_url(
        provider,
        site(request).settings.oauth[provider],
        address=address,
        state=state,
        verifier=verifier_of(request, state),
        back=back_to(request),
    )
    return Offer(provider, PROVIDERS[provider].name, url)


def begun(request: Request) -> Begun | None:
    """What the browser brings back, if it has it from us, and not for too long."""
    facts = unseal(request, _PURPOSE, request.query_params.get("state", ""))
    if facts is None:
        return None
    workspace_id, session, provider, address, _ = facts
    return Begun(UUID(workspace_id), session, provider, _from_letters(address))


def is_of(found: Begun, desk: Desk) -> bool:
    """Whether it was taken from this very desk, in this very session."""
    return (found.workspace_id, found.session) == (desk.workspace_id, _session(desk))


def back_to(request: Request) -> str:
    return f"{site(request).settings.base_url}{BACK}"


def verifier_of(request: Request, state: str) -> str:
    """PKCE's, which nobody can tell from the state that goes through the browser."""
    return derived_secret(site(request).settings.secret_key, _PURPOSE, state)


def _session(desk: Desk) -> str:
    return public_id(desk.person.session_hash)


def _in_letters(address: str) -> str:
    return base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")


def _from_letters(letters: str) -> str:
    return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4)).decode()
