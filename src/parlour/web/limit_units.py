"""A use of a limit that is counted by what is limited, in one transaction with it."""

from collections.abc import Callable

from parlour.db import windows
from parlour.db.database import Tx
from parlour.db.dialect import name_of
from parlour.kernel.errors import TooMany
from parlour.web.windows import OwnWindows, Rate


class Counting:
    """One use: counted in PostgreSQL with what is stored, so that of what is refused there is none; on SQLite
    in this process.
    """

    def __init__(self, key: Callable[..., str], rate: Rate, own: OwnWindows) -> None:
        self._key = key
        self._rate = rate
        self._own = own
        self._counted = False

    def __call__(self, tx: Tx, *who: str) -> None:
        """Raises TooMany. Counts once, however often the unit runs."""
        key = self._key(*who)
        if name_of(tx) == "postgresql":
            wait = windows.take(tx, key, *self._rate)
        else:
            wait = 0.0 if self._counted else self._own.take(key, self._rate)
            self._counted = not wait
        if wait:
            raise TooMany(max(1, round(wait)))
