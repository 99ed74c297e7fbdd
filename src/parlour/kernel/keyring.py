"""The keys under which secrets are kept that the server has to read again.

They are derived from `PARLOUR_SECRET_KEY`, which stands in no database: whoever has a copy of the data alone
cannot read them.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY_BYTES = 32


class Unreadable(Exception):
    """Sealed with a key that this server does not have, or for somebody else."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """`key` names the key and tells nothing of it."""

    text: str = field(repr=False)
    key: str


class Keyring:
    """Seals with the first key; opens with any of them, so that a key can be replaced without a break.

    The ciphers come with the first secret: a house that keeps none has 7 MB more for other things.
    """

    def __init__(self, secret_keys: Sequence[bytes], purpose: str) -> None:
        self._secret_keys = secret_keys
        self._purpose = purpose

    @cached_property
    def _derived(self) -> list[bytes]:
        return [_derived(secret, self._purpose) for secret in self._secret_keys]

    @cached_property
    def current(self) -> str:
        """The name of the key that seals."""
        return hashlib.sha256(b"name of " + self._derived[0]).hexdigest()[:16]

    @cached_property
    def _fernet(self) -> "MultiFernet":
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(key) for key in self._derived])

    def seal(self, secret: str, owner: str) -> Sealed:
        """For this owner: moved to another one's row, it does not open."""
        return Sealed(self._fernet.encrypt(f"{owner} {secret}".encode()).decode(), self.current)

    def open(self, sealed: str, owner: str) -> str:
        """Raises Unreadable."""
        from cryptography.fernet import InvalidToken

        try:
            whose, _, secret = self._fernet.decrypt(sealed).decode().partition(" ")
        except InvalidToken:
            raise Unreadable from None
        if whose != owner:
            raise Unreadable
        return secret


def _derived(secret: bytes, purpose: str) -> bytes:
    """A key of its own for each purpose (RFC 5869), so that none can stand in for another."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    made = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"parlour {purpose}".encode())
    return base64.urlsafe_b64encode(made.derive(secret))
