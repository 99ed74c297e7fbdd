"""Secrets that are given away once and kept here only as their hash."""

import base64
import hashlib
import hmac
import secrets


def new_secret() -> str:
    """256 random bits, as text for an address, a cookie or a mail."""
    return secrets.token_urlsafe(32)


def derived_secret(key: bytes, *purpose: str) -> str:
    """As long and as hard to guess as a new one, but the same again for the same purpose."""
    digest = hmac.digest(key, "|".join(("secret", *purpose)).encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def hash_of(secret: str) -> str:
    """What is kept of a secret that nobody can guess, so that it needs neither salt nor a slow hash."""
    return hashlib.sha256(secret.strip().encode()).hexdigest()
