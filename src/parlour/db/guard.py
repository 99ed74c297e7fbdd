"""A database that checks for itself who is acting."""

from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar

from parlour.kernel.access import Actor

T = TypeVar("T")


class Guard(Protocol):
    """It has to be told."""

    def admit(self, actor: Actor) -> None:
        """What is executed from now on is done in this name."""

    def first_say(self, words: str) -> None:
        """Say this before what is executed next."""

    @property
    def foresees(self) -> bool:
        """Whether statements may go ahead of their turn: all of this transaction reads one snapshot."""

    def foresee(self, unit: Hashable) -> bool:
        """Let what was asked for this lately travel with the next statement. Says whether anything was."""

    def noting(self, unit: Hashable, call: Callable[[], T]) -> T:
        """Remember what the call asks as what is asked for this."""

    def found_lately(self, unit: Hashable) -> Any:
        """What `note_found` was told of it last, or None."""

    def note_found(self, unit: Hashable, found: object) -> None: ...
