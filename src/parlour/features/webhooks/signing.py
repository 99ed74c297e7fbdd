"""Signatures by which a receiver knows that we sent this, as Standard Webhooks 1.0.0 has them."""

import base64
import hashlib
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
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(str(event_id), timestamp, body, key) for key in keys),
    }


def _signature(event_id: str, timestamp: int, body: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
