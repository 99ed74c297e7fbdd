"""What a form showed: so nobody takes back unseen what somebody else has saved since."""

import json
from hashlib import sha256

from parlour.kernel.errors import DomainError


class ChangedMeanwhile(DomainError):
    """Somebody else saved the same form after it was shown."""

    status = 409
    code = "changed_meanwhile"
    message = "Somebody else has changed this since you looked. Look at it again before you save."


def mark(*shown: str) -> str:
    """Goes with the form, and comes back with it."""
    return sha256(json.dumps(shown).encode()).hexdigest()[:16]


def insist(seen: str, *now: str) -> None:
    """Raises ChangedMeanwhile when `seen` is the mark of something else; nobody who saw none sends one."""
    if seen and seen != mark(*now):
        raise ChangedMeanwhile
