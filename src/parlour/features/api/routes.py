"""The API's addresses, and what can be done at each."""

import sys
from collections.abc import Mapping, Sequence
from itertools import groupby

from starlette.routing import BaseRoute, Mount, Route, Router

from parlour.features.api import contacts, tickets, workspace
from parlour.features.api.door import Door
from parlour.features.api.operations import Operation

HOME = "/api/v1"
OPERATIONS = [*workspace.OPERATIONS, *tickets.OPERATIONS, *contacts.OPERATIONS]


def by_path() -> Mapping[str, Sequence[Operation]]:
    """The operations of each address."""
    in_order = sorted(OPERATIONS, key=lambda operation: operation.path)
    return {path: list(them) for path, them in groupby(in_order, key=lambda operation: operation.path)}


def mounted() -> Mount:
    """What is too large says `operations.read_body`: the limit of all pages answers in plain text."""
    door = Door()
    routes: list[BaseRoute] = [
        Route(path.replace("_id}", "_id:id}"), door.endpoint(them), methods=[each.method for each in them])
        for path, them in by_path().items()
    ]
    return Mount(HOME, app=Router(routes, redirect_slashes=False), max_body_size=sys.maxsize)
