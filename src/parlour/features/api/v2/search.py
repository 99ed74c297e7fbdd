"""Zendesk's search, as far as our lists can be narrowed. What they cannot is refused, never left out."""

import re

from msgspec import Struct, field
from msgspec.structs import replace

from parlour.features.api.answers import Answer
from parlour.features.api.operations import BadQuery, Call
from parlour.features.api.v2 import units
from parlour.features.api.v2.door import answer
from parlour.features.api.v2.paging import asked
from parlour.features.api.v2.taking import PRIORITIES, STATUSES
from parlour.features.api.v2.tickets import of_filters
from parlour.features.api.v2.users import of_address
from parlour.features.tickets.models import COUNT_LIMIT, Filters, Order, Stage, Whose
from parlour.features.workspaces import service as workspaces

_TERM = re.compile(r'(-?)(?:([a-z_]+)(<=|>=|[:<>]))?(?:"([^"]*)"|(\S+))')
_MOST = 1_000
"""Characters."""
_ORDERS = {
    "": Order.ACTIVITY,
    "created_at": Order.CREATED,
    "updated_at": Order.ACTIVITY,
    "priority": Order.PRIORITY,
}


class _Asked(Struct, frozen=True):
    filters: Filters = field(default_factory=Filters)
    words: tuple[str, ...] = ()
    tag: str | None = None
    kind: str = "ticket"
    assignee: str | None = None


def _read(query: str) -> _Asked:
    """Raises BadQuery."""
    if len(query) > _MOST:
        raise BadQuery(f"a search has up to {_MOST:,} characters")
    found = _Asked()
    for minus, name, sign, quoted, plain in _TERM.findall(query):
        value = quoted or plain
        if minus:
            raise BadQuery("a search cannot leave things out")
        found = _narrowed(found, name, sign, value) if name else replace(found, words=(*found.words, value))
    return found


def _narrowed(found: _Asked, name: str, sign: str, value: str) -> _Asked:
    filters = found.filters
    if (name, sign, value) == ("status", "<", "solved"):
        return replace(found, filters=_once(filters, status=Stage.ACTIVE))
    if sign != ":":
        raise BadQuery(f"{name}{sign} cannot be searched for; status<solved can")
    if name == "type" and value in ("ticket", "user"):
        return replace(found, kind=value)
    if name == "status" and value in STATUSES:
        return replace(found, filters=_once(filters, status=STATUSES[value]))
    if name == "priority" and value in PRIORITIES:
        return replace(found, filters=_once(filters, priority=PRIORITIES[value]))
    if name == "tags" and found.tag is None:
        return replace(found, tag=value)
    if name == "assignee" and found.assignee is None:
        return replace(found, assignee=value)
    if name in ("requester", "email", "subject", "description"):
        return replace(found, words=(*found.words, value))
    raise BadQuery(f"{name}:{value} cannot be searched for, or comes twice")


def _once(filters: Filters, **more: object) -> Filters:
    if any(getattr(filters, name) is not None for name in more):
        raise BadQuery(f"{', '.join(more)} comes twice")
    return replace(filters, **more)  # by the names above


async def _tickets(call: Call, found: _Asked) -> Filters:
    fields = asked(call)
    order = _ORDERS.get(fields.get("sort_by", ""))
    if order is None or fields.get("sort_order", "desc") != "desc":
        raise BadQuery("results come the newest or most urgent first: by created_at, updated_at or priority")
    filters = replace(found.filters, order=order, q=" ".join(found.words))
    if found.assignee is None:
        return filters
    if found.assignee == "none":
        return replace(filters, assignee=Whose.NOBODY)
    people = await call.read(workspaces.members)
    named = {str(each.user_id.int): each for each in people} | {each.email: each for each in people}
    if found.assignee.casefold() not in named:
        raise BadQuery("assignee is none, or the id or address of a member")
    return replace(filters, assignee=named[found.assignee.casefold()].user_id)


async def search(call: Call) -> Answer:
    """Tickets, or people by how their address begins."""
    found = _read(asked(call).get("query", ""))
    if found.kind == "user":
        return answer(await of_address(call, "results", " ".join(found.words), result_type="user"))
    filters = await _tickets(call, found)
    return answer(await of_filters(call, "results", filters, found.tag, result_type="ticket"))


async def count(call: Call) -> Answer:
    """Up to 1,000: nobody counts on."""
    found = _read(asked(call).get("query", ""))
    if found.kind == "user":
        raise BadQuery("only tickets are counted")
    many = await call.scan(units.how_many, await _tickets(call, found), found.tag)
    return answer({"count": min(many, COUNT_LIMIT)})
