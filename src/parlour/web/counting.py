"""Counting what somebody asks for with a form.

Only a form that is ours counts, and only from somebody who may do the thing: what a foreign page makes a
browser send, or a colleague without the right, would otherwise use up what others need. So `read_form` comes
first, then `permitted`, then `count`, then the act; or the act itself counts, once it knows who it is for.
"""

from starlette.requests import HTTPConnection, Request

from parlour.kernel.networks import network_of as network_of_host
from parlour.web.csrf import is_ours
from parlour.web.limit_units import Counting
from parlour.web.limits import Limit
from parlour.web.site import site


def network_of(connection: HTTPConnection) -> str:
    return network_of_host(connection.client.host if connection.client else "")


async def count(request: Request, limit: Limit, *who: str) -> None:
    """Raises TooMany, and counts nothing, when there were enough."""
    _insist(request)
    await site(request).limits.count(limit, *who)


def counting(request: Request, limit: Limit) -> Counting:
    """`count` for a unit that does what is limited: it calls what comes back, which raises TooMany."""
    _insist(request)
    return site(request).limits.counting(limit)


async def takes(request: Request, limit: Limit, *who: str) -> bool:
    """Count one use. False, and nothing counted, when there were enough: for what is told to nobody."""
    _insist(request)
    return await site(request).limits.takes(limit, *who)


def _insist(request: Request) -> None:
    if not is_ours(request):
        raise RuntimeError(f"{request.url.path} counts a form before it was read")
