"""Which jobs run beside each other, so that a slow other side holds up only its own."""

from enum import StrEnum


class Lane(StrEnum):
    """Each has slots of its own in every worker, whatever the others do."""

    MAIL = "mail"
    """What ends in a conversation with the mail server."""
    FILES = "files"
    """What waits for the store of files, or for the virus scanner."""
    WORK = "work"
    """What needs nobody but the database."""


def lane_of(kind: str) -> Lane:
    """The lane of jobs of this kind."""
    group = kind.partition(".")[0]
    return Lane(group) if group in (Lane.MAIL, Lane.FILES) else Lane.WORK
