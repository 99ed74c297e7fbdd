"""What `parlour doctor` finds."""

from typing import Literal

from msgspec import Struct

AS_THE_SERVER = "Run this as the user that the server runs as."

State = Literal["ok", "note", "wrong"]


class Finding(Struct, frozen=True):
    """What was looked at, how it stands in a sentence, and what to do."""

    about: str
    state: State
    says: str
    remedy: str = ""
