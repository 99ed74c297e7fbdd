"""What is said of work in the background that came to nothing."""

import sys
from typing import Any

from parlour.kernel.errors import Overloaded


def report(log: Any, what: str, **facts: object) -> None:
    """Say in an `except` what went wrong and where: unless the database is away or busy, which every socket
    meets again and again, and which the database says itself, once for all of them.
    """
    error = sys.exception()
    if not isinstance(error, Overloaded | TimeoutError):
        log.error(what, exc_info=error, **facts)
