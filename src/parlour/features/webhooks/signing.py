"""Signatures by which a receiver knows that we sent this, as Standard Webhooks 1.0.0 has them."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping, Sequence
from uuid import UUID

_PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def signed(event_id: UUID, timestamp: int, body: bytes, keys: Sequence[str]) -> Mapping[str, str]:
    """The headers of one try: `timestamp` is its moment, in seconds. A signature with each of the secrets."""
    known_as, at = str(event_id), str(timestamp)
    said = f"{known_as}.{at}.".encode() + body
    return {
        "webhook-id": known_as,
        "webhook-timestamp": at,
        "webhook-signature": " ".join([_signature(said, key) for key in keys]),
    }


def _signature(said: bytes, secret: str) -> str:
    digest = hmac.digest(_key(secret), said, "sha256")
    return f"v1,{binascii.b2a_base64(digest, newline=False).decode()}"


def _key(secret: str) -> bytes:
    return binascii.a2b_base64(secret.removeprefix(_PREFIX))
