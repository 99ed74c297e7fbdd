"""What `parlour doctor` finds."""

from dataclasses import dataclass
from typing import Literal

AS_THE_SERVER = "Run this as the user that the server runs as."

State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it stands in a sentence, and what to do."""

    about: str
    state: State
    says: str
    remedy: str = ""
