"""The API's addresses."""

import sys

from starlette.routing import BaseRoute, Mount, Route, Router

from parlour.features.api import docs
from parlour.features.api.catalogue import HOME, by_path
from parlour.features.api.door import Door

__all__ = ["HOME", "mounted"]


def mounted() -> Mount:
    """What is too large says `operations.read_body`: the limit of all pages answers in plain text."""
    door = Door()
    routes: list[BaseRoute] = [
        Route(path.replace("_id}", "_id:id}"), door.endpoint(them), methods=[each.method for each in them])
        for path, them in by_path().items()
    ]
    told = [Route("/docs", docs.page), Route("/openapi.json", docs.document)]
    return Mount(HOME, app=Router([*routes, *told], redirect_slashes=False), max_body_size=sys.maxsize)
