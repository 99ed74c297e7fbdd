"""What can go wrong, in the domain's words.

Each error carries an HTTP status, a stable code that programs may rely on, and a sentence a
customer can read. The pages translate the sentence; the code never changes.
"""

from typing import ClassVar


class DomainError(Exception):
    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    message: ClassVar[str] = "Something went wrong."
    retry_after: int | None = None
    """Seconds, when waiting helps."""


class NotFound(DomainError):
    """Missing, malformed, or somebody else's: the three look the same from outside."""

    status = 404
    code = "not_found"
    message = "We could not find that."


class Forbidden(DomainError):
    """The actor may see the thing but not do this to it."""

    status = 403
    code = "forbidden"
    message = "You do not have permission to do that."


class SignedOut(DomainError):
    """The page belongs to agents and nobody is signed in."""

    status = 401
    code = "signed_out"
    message = "Please sign in first."


class Conflict(DomainError):
    """The same `client_id` came again with other content: one of the two would be lost."""

    status = 409
    code = "conflict"
    message = "This message was already sent with different words."


class Invalid(DomainError):
    """What was typed cannot be taken. `problems` maps a field's name to a code for its message."""

    status = 422
    code = "invalid"
    message = "Please check what you typed."

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(problems)
        self.problems = problems


class TooMany(DomainError):
    """Over a limit."""

    status = 429
    code = "too_many"
    message = "That was a lot at once. Please wait a moment and try again."

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after: int = retry_after


class Overloaded(DomainError):
    """The writer's queue is full; nothing was stored."""

    status = 503
    code = "overloaded"
    message = "We are very busy right now. Please try again in a moment."


class Unreachable(Overloaded):
    """The database did not answer in time; nothing was stored."""


class StandbyAway(Overloaded):
    """The database waits for a copy of itself before it says that anything is stored."""


class StorageFull(Overloaded):
    """The disk takes nothing more, or nothing at all; nothing was stored."""

    code = "storage_full"
    message = "We cannot store anything at the moment, so nothing was saved. Please try again later."
