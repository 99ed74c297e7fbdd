"""What every request may use, made once by the composition root."""

from typing import cast
from uuid import UUID

from msgspec import Struct
from starlette.requests import HTTPConnection

from parlour.db.database import Database
from parlour.settings import Settings
from parlour.web.assets import Assets
from parlour.web.limits import Limits
from parlour.web.render import Renderer


class Site(Struct, frozen=True):
    settings: Settings
    db: Database
    assets: Assets
    renderer: Renderer
    limits: Limits
    portals: dict[str, UUID]
    """Workspaces in which tickets were opened lately, by where their portals are: nothing to rely on without
    asking.
    """


def site(request: HTTPConnection) -> Site:
    return cast(Site, request.app.state.site)


def db(request: HTTPConnection) -> Database:
    return site(request).db
