"""Secrets that are given away once and kept here only as their hash."""

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits, as text for an address, a cookie or a mail."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is kept of a secret that nobody can guess, so that it needs neither salt nor a slow hash."""
    return hashlib.sha256(secret.strip().encode()).hexdigest()
