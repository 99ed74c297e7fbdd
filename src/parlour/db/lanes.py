"""Which jobs run beside each other, so that a slow other side holds up only its own."""

from enum import StrEnum


class Lane(StrEnum):
    """Each has slots of its own in every worker, whatever the others do."""

    MAIL = "mail"
    """What ends in a conversation with the mail server."""
    WORK = "work"
    """What needs nobody but the database."""


def lane_of(kind: str) -> Lane:
    """The lane of jobs of this kind."""
    return Lane.MAIL if kind.startswith("mail.") else Lane.WORK
