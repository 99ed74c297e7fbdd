"""Which jobs run beside each other, so that a slow other side holds up only its own."""

from enum import StrEnum


class Lane(StrEnum):
    """Each has slots of its own in every worker, whatever the others do."""

    MAIL = "mail"
    """What ends in a conversation with the mail server."""
    FILES = "files"
    """What waits for the store of files, or for the virus scanner."""
    WEBHOOKS = "webhooks"
    """What posts to the servers that workspaces name: one job for each server."""
    SLOW = "slow"
    """The same for servers that took their time when they were last asked: they wait for each other alone."""
    WORK = "work"
    """What needs nobody but the database."""

    @property
    def slots(self) -> int:
        """Jobs at once."""
        return 32 if self in (Lane.WEBHOOKS, Lane.SLOW) else 8


def lane_of(kind: str) -> Lane:
    """The lane of jobs of this kind."""
    group = kind.partition(".")[0]
    return Lane(group) if group in {*Lane} else Lane.WORK
