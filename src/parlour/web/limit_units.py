"""A use of a limit that is counted by what is limited, in one transaction with it."""

from collections.abc import Callable
from functools import partial

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
        self._waiting: Callable[[], float] = lambda: 0.0

    def __call__(self, tx: Tx, *who: str) -> None:
        """Raises TooMany. Counts once, however often the unit runs."""
        self.asking(tx, *who)()

    def asking(self, tx: Tx, *who: str) -> Callable[[], None]:
        """In PostgreSQL it counts with what is asked next, here when what comes back is called, which raises
        TooMany.
        """
        key = self._key(*who)
        if name_of(tx) == "postgresql":
            self._waiting = windows.asking_to_take(tx, key, *self._rate)
        else:
            self._waiting = partial(self._take_here, key)
        return self._insist

    def _insist(self) -> None:
        if wait := self._waiting():
            raise TooMany(max(1, round(wait)))

    def _take_here(self, key: str) -> float:
        wait = 0.0 if self._counted else self._own.take(key, self._rate)
        self._counted = not wait
        return wait

    def give_back(self, tx: Tx, *who: str) -> None:
        """Instead of what `asking` gave: it turns out to be no use."""
        if name_of(tx) == "postgresql" and not self._waiting():
            windows.give_back(tx, self._key(*who))
