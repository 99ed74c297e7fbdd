"""Tickets, their comments and their tags."""

from collections.abc import Sequence
from typing import Any

from parlour.features.api.answers import Answer
from parlour.features.api.operations import BadQuery, Call
from parlour.features.api.v2 import taking, told, units
from parlour.features.api.v2.door import answer, read, taken
from parlour.features.api.v2.numbers import id_at
from parlour.features.api.v2.paging import MOST, asked, home_of, page
from parlour.features.api.v2.told import Json
from parlour.features.contacts import service as contacts
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Order, WholeTicket
from parlour.features.tickets.tags import service as tags
from parlour.kernel.access import permitted
from parlour.kernel.errors import NotFound
from parlour.web.counting import count
from parlour.web.limits import Limit

_ORDERS = {"": Order.CREATED, "created_at": Order.CREATED, "updated_at": Order.ACTIVITY, "id": Order.CREATED}


def number(call: Call) -> int:
    found: int = call.request.path_params["number"]
    return found


async def of_filters(call: Call, name: str, filters: Filters, tag: str | None = None, **also: str) -> Json:
    """The page that is asked for of such tickets, and with `also` in each."""
    home = home_of(call)
    run = call.read if listing.costs_the_same(filters) else call.scan

    async def step(after: Any, limit: int) -> tuple[Sequence[Json], Any]:
        try:
            found = await run(units.tickets_after, filters, tag, after, limit)
        except NotFound:
            raise BadQuery("this is no cursor of ours") from None
        return [{**told.ticket(home, each), **also} for each in found.tickets], found.next

    async def how_many() -> int:
        return await call.scan(units.how_many, filters, tag)

    return await page(call, name, step, how_many)


async def list_tickets(call: Call) -> Answer:
    """The newest first, which is the only way round that there is."""
    fields = asked(call)
    order = _ORDERS.get(fields.get("sort_by", fields.get("sort", "").removeprefix("-")))
    if order is None or fields.get("sort_order", "desc") != "desc":
        raise BadQuery("tickets come the newest first, by created_at or updated_at")
    return answer(await of_filters(call, "tickets", Filters(order=order)))


async def requested(call: Call) -> Answer:
    """Of one customer."""
    found = await call.read(contacts.contact, id_at(number(call)))
    return answer(await of_filters(call, "tickets", Filters(q=found.email)))


async def assigned(call: Call) -> Answer:
    """Of one agent."""
    return answer(await of_filters(call, "tickets", Filters(assignee=id_at(number(call)))))


async def show_ticket(call: Call) -> Answer:
    found = await call.read(units.ticket, number(call))
    return answer({"ticket": told.ticket(home_of(call), found)})


async def show_many(call: Call) -> Answer:
    """Those of the tickets that there are."""
    found = await call.read(units.these_tickets, ids_asked(call))
    return answer({"tickets": [told.ticket(home_of(call), each) for each in found], "count": len(found)})


def ids_asked(call: Call) -> list[int]:
    """Raises BadQuery."""
    said = [part for part in asked(call).get("ids", "").split(",") if part]
    if not said or len(said) > MOST or not all(part.isascii() and part.isdecimal() for part in said):
        raise BadQuery(f"ids are up to {MOST} numbers")
    return [int(part) for part in said if len(part) < 40]


def _done(call: Call, done: units.Done, status: int = 200, **headers: str) -> Answer:
    home = home_of(call)
    said = told.comment(home, done.said, public=done.public, customers=done.customers) if done.said else None
    whole = {"ticket": told.ticket(home, done.ticket), "audit": told.audit(done.ticket, said)}
    return answer(whole, status, **headers)


async def open_ticket(call: Call) -> Answer:
    new = taken(call.body, "ticket", taking.NewTicket)
    permitted(call.program.actor, units.open_ticket)
    await count(call.request, Limit.OPEN_BY_PROGRAM, call.program.actor.id)

    def opened(done: units.Done) -> Answer:
        return _done(call, done, 201, Location=f"{home_of(call)}/tickets/{done.ticket.number}.json")

    return await call.write(units.open_ticket, opened, new)


async def change_ticket(call: Call) -> Answer:
    wanted = taken(call.body, "ticket", taking.TicketChange)
    return await call.write(units.change_ticket, lambda done: _done(call, done), number(call), wanted)


async def list_comments(call: Call) -> Answer:
    """Public ones and private ones, the oldest first."""
    home = home_of(call)

    async def step(after: Any, limit: int) -> tuple[Sequence[Json], Any]:
        found = await call.read(units.comments, number(call), tuple(after or (0, 0)), limit)
        said = [
            told.comment(home, each, public=public, customers=found.customers)
            for each, public in found.messages
        ]
        return said, found.at

    return answer(await page(call, "comments", step))


async def list_tags(call: Call) -> Answer:
    """Those of the workspace."""
    found = await call.read(tags.every)
    named = [told.tag(each) for each in found]
    return answer({"tags": named, "count": len(named), "next_page": None, "previous_page": None})


async def tags_of_ticket(call: Call) -> Answer:
    return _tags(await call.read(units.ticket, number(call)))


def _tags(ticket: WholeTicket) -> Answer:
    return answer({"tags": [tag.name for tag in ticket.tags]})


async def set_tags(call: Call) -> Answer:
    return await _change_tags(call, taking.TicketChange(tags=_named(call)))


async def add_tags(call: Call) -> Answer:
    return await _change_tags(call, taking.TicketChange(additional_tags=_named(call)))


async def remove_tags(call: Call) -> Answer:
    return await _change_tags(call, taking.TicketChange(remove_tags=_named(call)))


def _named(call: Call) -> list[str]:
    return read(call.body, taking.Tags).tags


async def _change_tags(call: Call, wanted: taking.TicketChange) -> Answer:
    return await call.write(units.change_ticket, lambda done: _tags(done.ticket), number(call), wanted)
