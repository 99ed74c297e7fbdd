"""Access to a mailbox that its owner grants us at their provider: OAuth's authorisation code with PKCE
(RFC 6749, 7636), and its renewal.
"""

import base64
import hashlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from parlour.kernel import clock
from parlour.kernel.graphemes import cut
from parlour.kernel.text import one_line
from parlour.mail.imap import Server, ServerTrouble
from parlour.outbound.addresses import Reach
from parlour.outbound.receiver import NoAnswer, Receiver
from parlour.settings.oauth import OAuthClient

EARLY = timedelta(minutes=2)
"""So long before its end an access token is renewed: a turn at a mailbox begins with it."""
_USUAL_SECONDS = 3600
"""For which an access token opens, where the provider says nothing that can be."""
_LONGEST_SECONDS = 24 * 60 * 60
_ANSWER_LIMIT = 64 * 1024
"""Bytes: Microsoft's tokens are some thousand long each."""
_SAID = 200


class Provider(msgspec.Struct, frozen=True):
    """`more` asks for access that lasts, beyond what every provider takes. `imap` is where its mailboxes lie:
    their tokens go to no other place but `smtp`, by which their mail leaves.
    """

    name: str
    authorize: str
    token: str
    scope: str
    imap: str
    smtp: str
    more: Mapping[str, str] = msgspec.field(default_factory=dict)


_OUTLOOK = "https://outlook.office.com"
PROVIDERS = {
    "google": Provider(
        "Google",
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        "https://mail.google.com/",
        "imaps://imap.gmail.com",
        "smtp+starttls://smtp.gmail.com:587",
        {"access_type": "offline", "prompt": "consent"},
    ),
    "microsoft": Provider(
        "Microsoft",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        f"{_OUTLOOK}/IMAP.AccessAsUser.All {_OUTLOOK}/SMTP.Send offline_access",
        "imaps://outlook.office365.com",
        "smtp+starttls://smtp.office365.com:587",
    ),
}
_ANY_TENANT = "common"


@dataclass(frozen=True, slots=True)
class Grant:
    """`access` opens the mailbox until `until`, in seconds since 1970; `refresh` gets the next one. Without a
    `refresh` the provider has taken the grant back.
    """

    refresh: str = field(repr=False)
    access: str = field(repr=False)
    until: int

    @property
    def opens(self) -> bool:
        return bool(self.access) and self.until > (clock.now() + EARLY).timestamp()

    @property
    def text(self) -> str:
        return json.dumps([self.refresh, self.access, self.until])

    @staticmethod
    def of(text: str) -> "Grant":
        return Grant(*json.loads(text))


class GrantOver(ServerTrouble):
    """The provider gives no access any more: somebody has to grant it anew."""

    def __init__(self, provider: str) -> None:
        name = PROVIDERS[provider].name
        super().__init__("grant", f"{name} has ended the access to this mailbox. Connect it again.")


def server_of(provider: str, address: str) -> Server:
    return Server.at(PROVIDERS[provider].imap, address)


def consent_url(
    provider: str, client: OAuthClient, *, address: str, state: str, verifier: str, back: str
) -> str:
    """Where the owner of the address is asked. `verifier` is told when the code is exchanged, and before that
    only its digest.
    """
    there = PROVIDERS[provider]
    asked = {
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": back,
        "scope": there.scope,
        "state": state,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
        "login_hint": address,
        **there.more,
    }
    return f"{_at(there.authorize, client)}?{urlencode(asked)}"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _at(url: str, client: OAuthClient) -> str:
    return url.format(tenant=quote(client.tenant or _ANY_TENANT, safe=""))


class Exchange:
    """One provider's answers to codes and to grants."""

    def __init__(self, provider: str, client: OAuthClient, reach: Reach) -> None:
        self._provider = provider
        self._client = client
        self._reach = reach
        self._name = PROVIDERS[provider].name

    async def granted(self, code: str, *, verifier: str, back: str) -> Grant:
        """For the code that a browser brought. Raises ServerTrouble."""
        facts = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        grant = await self._ask({**facts, "code_verifier": verifier})
        if not grant.refresh:
            raise ServerTrouble("grant", f"{self._name} gives no access that lasts. Connect it again.")
        return grant

    async def renewed(self, refresh: str) -> Grant:
        """The grant as it is from now on; `refresh` may be good for nothing any more. Raises GrantOver,
        ServerTrouble.
        """
        grant = await self._ask({"grant_type": "refresh_token", "refresh_token": refresh})
        return Grant(grant.refresh or refresh, grant.access, grant.until)

    async def _ask(self, facts: Mapping[str, str]) -> Grant:
        url = _at(PROVIDERS[self._provider].token, self._client)
        us = {"client_id": self._client.client_id, "client_secret": self._client.secret}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        async with Receiver(url, self._reach, ssl.create_default_context, limit=_ANSWER_LIMIT) as receiver:
            try:
                answer = await receiver.post(urlencode({**facts, **us}).encode(), headers)
            except NoAnswer as error:
                why = f"{error.failure} ({error})" if str(error) else error.failure
                host = urlsplit(url).hostname
                raise ServerTrouble("line", f"{host} gives no answer: {why}.") from None
        said = _fields(answer.body)
        if answer.status == 200 and isinstance(said.get("access_token"), str):
            return _grant(said)
        code = cut(one_line(str(said.get("error") or f"HTTP {answer.status}")), _SAID)
        if code == "invalid_grant":
            raise GrantOver(self._provider)
        raise ServerTrouble("server", f"{self._name} gives no access: {code}.")


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _grant(said: Mapping[str, Any]) -> Grant:
    try:
        seconds = int(said.get("expires_in", _USUAL_SECONDS))
    except (TypeError, ValueError, OverflowError):
        seconds = 0
    refresh = said.get("refresh_token")
    until = int(clock.now().timestamp()) + (seconds if 0 < seconds <= _LONGEST_SECONDS else _USUAL_SECONDS)
    return Grant(refresh if isinstance(refresh, str) else "", said["access_token"], until)
