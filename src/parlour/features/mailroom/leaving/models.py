"""A mail server by which the answers of one mailbox leave."""

from dataclasses import dataclass, field
from uuid import UUID

from parlour.kernel.keyring import Sealed

PORTS = {"smtps": 465, "smtp+starttls": 587, "smtp": 25}


@dataclass(frozen=True, slots=True)
class OwnServer:
    mailbox_id: UUID
    scheme: str
    host: str
    port: int
    user: str
    password: Sealed = field(repr=False)
    provider: str = ""
    """Whose access to the mailbox opens it in place of a password."""
