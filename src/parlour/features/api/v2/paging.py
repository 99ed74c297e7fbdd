"""Pages of a list in both of Zendesk's ways: by a cursor, and counted, which reaches 1,000 results."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from parlour.features.api import cursors
from parlour.features.api.operations import BadQuery, Call
from parlour.features.api.v2.errors import TOO_FAR
from parlour.features.api.v2.told import Json
from parlour.kernel.errors import DomainError
from parlour.web.site import site

HOME = "/api/v2"
MOST = 100
REACH = 1_000
"""As far as Zendesk's own search counts."""

Step = Callable[[Any, int], Awaitable[tuple[Sequence[Json], Any]]]
"""What comes after a place, None for the beginning, so many at most; and the place behind, or None."""


class TooFar(DomainError):
    status = 422
    code = TOO_FAR
    message = "Pages that are counted reach 1,000 results: go on by page[size] and page[after] instead."


def home_of(call: Call) -> str:
    return f"{site(call.request).settings.base_url}{HOME}"


def asked(call: Call) -> dict[str, str]:
    """What the address asks for, each once. Raises BadQuery."""
    given = call.request.query_params.multi_items()
    fields = dict(given)
    if len(fields) != len(given) and not all(name.endswith("[]") for name, _ in given):
        raise BadQuery("a parameter comes twice")
    if any("\0" in value or "\ufffd" in value for value in fields.values()):
        raise BadQuery("a value is no text")
    return fields


class _Counted(Struct, frozen=True):
    page: int
    size: int


async def page(call: Call, name: str, step: Step, count: Callable[[], Awaitable[int]] | None = None) -> Json:
    """The list's page that is asked for, as `name`. Raises BadQuery, TooFar.

    `count`: how many there are in all, which only counted pages say.
    """
    fields = asked(call)
    if any(each.startswith("page[") for each in fields):
        return await _by_cursor(call, name, step, fields)
    size, number = _whole(fields, "per_page", MOST), _whole(fields, "page", 1)
    told = await _counted(call, name, step, _Counted(number, min(size, MOST)))
    if count is not None:
        told["count"] = await count()
    return told


def _whole(fields: dict[str, str], name: str, usual: int) -> int:
    said = fields.get(name, "")
    if not said:
        return usual
    if not (said.isascii() and said.isdecimal() and int(said[:9]) > 0 and len(said) <= 9):
        raise BadQuery(f"{name} is a number from 1 on")
    return int(said)


def _there(call: Call, fields: dict[str, str], **more: object) -> str:
    """The same list's address, further on."""
    query = {**fields, **{name: str(value) for name, value in more.items()}}
    path: str = call.request.scope["path"]
    return f"{site(call.request).settings.base_url}{path}?{urlencode(query)}"


async def _by_cursor(call: Call, name: str, step: Step, fields: dict[str, str]) -> Json:
    size = min(_whole(fields, "page[size]", MOST), MOST)
    sealed = fields.get("page[after]")
    place = cursors.unseal_place(call, _list(call), sealed)[0] if sealed else None
    items, after = await step(place, size)
    goes_on = None if after is None else cursors.seal_place(call, _list(call), after)
    links = {"next": _there(call, fields | {"page[after]": goes_on}) if goes_on else None, "prev": None}
    meta = {"has_more": goes_on is not None, "after_cursor": goes_on, "before_cursor": None}
    return {name: items, "meta": meta, "links": links}


def _list(call: Call) -> str:
    """A cursor is good for the list that it comes from, whatever page of it."""
    narrowed = sorted(each for each in asked(call).items() if not each[0].startswith("page"))
    return f"v2|{call.request.scope['path'].removesuffix('.json')}|{urlencode(narrowed)}"


async def _counted(call: Call, name: str, step: Step, this: _Counted) -> Json:
    if this.page * this.size > REACH:
        raise TooFar
    place: Any = None
    items: Sequence[Json] = []
    for number in range(1, this.page + 1):
        items, place = await step(place, this.size)
        if place is None:
            items = items if number == this.page else []
            break
    fields = asked(call)
    following = _there(call, fields, page=this.page + 1, per_page=this.size) if place is not None else None
    before = _there(call, fields, page=this.page - 1, per_page=this.size) if this.page > 1 else None
    return {name: items, "next_page": following, "previous_page": before}
