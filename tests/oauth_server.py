"""A provider that grants access by OAuth, on loopback: it checks PKCE, gives a new refresh token each time,
and ends a grant whose old one comes again, as the strict ones do.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from tests.receiver import Post, Receiver, http

CLIENT_ID, CLIENT_SECRET = "parlour-of-acme", "client-s3cret"


@dataclass
class OAuthServer:
    """Whoever is asked grants everything, unless `says_no`. `seconds`: how long an access token opens."""

    says_no: bool = False
    seconds: Any = 3600
    renewals: int = 0
    ended: bool = False
    codes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    access: dict[str, str] = field(default_factory=dict)

    async def __aenter__(self) -> "OAuthServer":
        self._receiver = await Receiver(self._answer).__aenter__()
        return self

    async def __aexit__(self, *how: object) -> None:
        await self._receiver.__aexit__(None, None, None)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._receiver.port}/{path}"

    async def consent(self, url: str) -> str:
        """Go where the page leads, as a browser does; where it is sent back to."""
        async with httpx.AsyncClient() as browser:
            return (await browser.get(url)).headers["location"]

    def end(self) -> None:
        """Somebody takes the grant back."""
        self.refresh.clear()
        self.access.clear()

    def _answer(self, post: Post) -> bytes:
        parts = urlsplit(post.target)
        answers: dict[str, Callable[[dict[str, str]], bytes]] = {
            "/authorize": self._authorize,
            "/token": self._token,
            "/introspect": self._introspect,
        }
        return answers[parts.path](dict(parse_qsl(parts.query or post.body.decode())))

    def _authorize(self, asked: dict[str, str]) -> bytes:
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert asked["code_challenge_method"] == "S256"
        said = {"state": asked["state"]}
        if self.says_no:
            said["error"] = "access_denied"
        else:
            said["code"] = token_urlsafe()
            self.codes[said["code"]] = asked
        return http(302, location=f"{asked['redirect_uri']}?{urlencode(said)}")

    def _token(self, asked: dict[str, str]) -> bytes:
        if (asked["client_id"], asked["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return http(401, json.dumps({"error": "invalid_client"}))
        user = self._of_code(asked) if "code" in asked else self._of_refresh(asked["refresh_token"])
        if user is None:
            return http(400, json.dumps({"error": "invalid_grant"}))
        access, refresh = token_urlsafe(3000), token_urlsafe()
        self.access[access], self.refresh[refresh] = user, user
        return http(
            200,
            json.dumps({"access_token": access, "refresh_token": refresh, "expires_in": self.seconds}),
        )

    def _of_code(self, asked: dict[str, str]) -> str | None:
        begun = self.codes.pop(asked["code"], None)
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if begun is None or begun["code_challenge"] != challenge:
            return None
        return begun["login_hint"] if begun["redirect_uri"] == asked["redirect_uri"] else None

    def _of_refresh(self, token: str) -> str | None:
        self.renewals += 1
        if token in self.used:
            self.ended = True
            self.end()
        self.used.add(token)
        return self.refresh.pop(token, None)

    def _introspect(self, asked: dict[str, str]) -> bytes:
        user = self.access.get(asked["token"])
        return http(200, json.dumps({"active": user is not None, "username": user or "nobody"}))
