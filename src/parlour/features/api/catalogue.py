"""All operations of the API, by their addresses."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from parlour.features.api import changes, contacts, files, mail, tickets, webhooks, workspace
from parlour.features.api.operations import HOME, Operation

__all__ = ["HOME", "OPERATIONS", "by_path"]

OPERATIONS = [
    *workspace.OPERATIONS,
    *tickets.OPERATIONS,
    *files.OPERATIONS,
    *contacts.OPERATIONS,
    *mail.OPERATIONS,
    *changes.OPERATIONS,
    *webhooks.OPERATIONS,
]


def by_path() -> Mapping[str, Sequence[Operation]]:
    """In the order in which they are told of."""
    return {path: list(them) for path, them in groupby(OPERATIONS, key=lambda operation: operation.path)}
