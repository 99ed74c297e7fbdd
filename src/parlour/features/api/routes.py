"""The API's addresses."""

from starlette.routing import BaseRoute, Mount, Route, Router

from parlour.features.api import docs
from parlour.features.api.catalogue import HOME, by_path
from parlour.features.api.door import Door
from parlour.web.body_limit import OWN_LIMITS

__all__ = ["HOME", "mounted"]


def mounted() -> Mount:
    """What is too large says each operation as it reads."""
    door = Door()
    routes: list[BaseRoute] = [
        Route(path.replace("_id}", "_id:id}"), door.endpoint(them), methods=[each.method for each in them])
        for path, them in by_path().items()
    ]
    told = [Route("/docs", docs.page), Route("/openapi.json", docs.document)]
    return Mount(HOME, app=Router([*routes, *told], redirect_slashes=False), middleware=OWN_LIMITS)
