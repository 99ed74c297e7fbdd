"""Tickets, and what is said in them."""

import re
from collections.abc import Sequence
from itertools import repeat
from uuid import UUID

from parlour.features.api import cursors, shapes, units
from parlour.features.api.answers import Answer, answer, encoded, listed
from parlour.features.api.operations import HOME, BadQuery, Call, Operation
from parlour.features.tickets import service as tickets
from parlour.features.tickets.changes import TicketMerged
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Order, Sent, Stage, Status, WholeTicket, Whose
from parlour.files.scan import Scan
from parlour.kernel import clock, text
from parlour.kernel.access import permitted
from parlour.kernel.errors import Conflict, DomainError, Invalid, NotFound
from parlour.kernel.kept import Kept
from parlour.kernel.messages import Attachment, Message
from parlour.web.counting import count
from parlour.web.errors import BadRequest
from parlour.web.limits import Limit
from parlour.web.site import site

ITEMS = 2_000
"""Tickets that are kept as lists give them: programs ask for the same ones over and over."""


class VersionNeeded(DomainError):
    status = 428
    code = "version_needed"
    message = "Say which version of the ticket you have seen: If-Match with its ETag, or * for any."


class BadVersion(BadRequest):
    code = "bad_version"
    message = 'If-Match holds no version: send the ETag of the ticket, such as "3", or *.'


def desk_at(base_url: str, workspace_id: UUID) -> str:
    """What leads to a ticket at the desk, less its id."""
    return f"{base_url}/workspace/{workspace_id}/tickets/"


def desk_of(call: Call) -> str:
    actor = call.program.actor
    assert actor.workspace_id is not None
    return desk_at(site(call.request).settings.base_url, actor.workspace_id)


def ticket_shape(desk: str, ticket: WholeTicket) -> shapes.Ticket:
    return shapes.Ticket(
        ticket_id=ticket.ticket_id,
        number=ticket.number,
        subject=ticket.subject,
        description=ticket.description,
        status=ticket.status,
        priority=ticket.priority,
        email=ticket.email,
        contact=shapes.Who(ticket.contact_id, ticket.contact_name or "") if ticket.contact_id else None,
        assignee_id=ticket.assignee_id,
        tags=[tag.name for tag in ticket.tags],
        version=ticket.version,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        last_message_at=ticket.last_message_at,
        waiting_since=ticket.waiting_since,
        snoozed_until=ticket.snoozed_until,
        merged_into=ticket.merged_into,
        url=f"{desk}{ticket.ticket_id}",
    )


_items = Kept(
    lambda pairs: [encoded(ticket_shape(desk, ticket)) for ticket, desk in pairs], most=ITEMS, length=len
)


def _answer(call: Call, whole: WholeTicket, status: int = 200) -> Answer:
    etag = {"ETag": f'"{whole.version}"'}
    if status == 201:
        etag["Location"] = f"{HOME}/tickets/{whole.ticket_id}"
    return answer(ticket_shape(desk_of(call), whole), status, **etag)


async def list_tickets(call: Call) -> Answer:
    """List tickets.

    The newest first, or the most urgent, narrowed by what you ask for. With a `cursor` the list goes on as it
    was asked for: the other parameters need not come again, and must not be others.
    """
    asked, after = cursors.unseal(call, "tickets")
    filters = _filters(asked, after)
    run = call.read if listing.costs_the_same(filters) else call.scan
    try:
        page = await run(units.ticket_page, filters, asked.tag)
    except NotFound:
        raise BadQuery("this is no cursor of ours") from None
    goes_on = cursors.seal(call, "tickets", asked, page.next) if page.next else None
    desk = desk_of(call)
    return listed(_items.each(page.tickets, repeat(desk)), goes_on)


def _filters(asked: shapes.TicketQuery, after: str | None) -> Filters:
    status = asked.status
    return Filters(
        status=None if status is None else Stage(status) if status in {*Stage} else Status(status),
        priority=asked.priority,
        assignee=_whose(asked.assignee_id),
        waiting=asked.waiting,
        q=text.one_line(asked.q),
        order=Order(asked.sort),
        limit=asked.limit,
        after=after,
    )


def _whose(asked: str | None) -> UUID | Whose | None:
    if asked is None:
        return None
    return Whose.NOBODY if asked == "none" else UUID(asked)


async def open_ticket(call: Call) -> Answer:
    """Open a ticket for somebody.

    The description is what you say to them first; they are mailed it with a link to the ticket. It begins
    `open`, and nobody's unless you name an assignee. With `from_customer` it is what they say, as when a
    contact form passes it on: the ticket begins `new`, they are mailed that it has arrived, and agents are
    told; that it came by your key stands in its history. It brings the `files` that were uploaded for it
    without a `ticket_id`. A key opens 600 tickets an hour at most.
    """

    def opened(made: tuple[WholeTicket, bool]) -> Answer:
        whole, repeat = made
        return _answer(call, whole, 200 if repeat else 201)

    actor = call.program.actor
    permitted(actor, units.open_ticket)
    await count(call.request, Limit.OPEN_BY_PROGRAM, actor.id)
    return await call.write(units.open_ticket, opened, call.body)


async def get_ticket(call: Call) -> Answer:
    """Read a ticket.

    Its ETag is its version.
    """
    return _answer(call, await call.read(units.ticket, call.id("ticket_id")))


async def change_ticket(call: Call) -> Answer:
    """Change a ticket.

    Only what you send changes: status, priority, assignee, or all of its tags. Say in `If-Match` which
    version you have seen; when somebody has changed it since, nothing happens, and the answer is 412 with the
    version that it has now. `If-Match: *` changes it whatever it is.
    """
    seen = _versions(call.request.headers.getlist("if-match"))
    return await call.write(
        units.change_ticket, lambda whole: _answer(call, whole), call.id("ticket_id"), call.body, seen
    )


async def merge_ticket(call: Call) -> Answer:
    """Merge a ticket into another one.

    The answer is the one that goes on. The other is closed and names it in `merged_into`; no message moves,
    and what its customer writes from now on lands in the one that goes on. Tickets of two people are merged
    only where you say so in `two_people`. The same again does nothing.
    """
    return await call.write(
        units.merge_ticket, lambda whole: _answer(call, whole), call.id("ticket_id"), call.body
    )


async def unmerge_ticket(call: Call) -> Answer:
    """Undo the merging of a ticket.

    It stands alone again, in the status that it had. Of one that does already, nothing changes.
    """
    return await call.write(units.unmerge_ticket, lambda whole: _answer(call, whole), call.id("ticket_id"))


_ETAGS = re.compile(r'[\s,]*(?:W/)?"[^"]*"(?:\s*,[\s,]*(?:W/)?"[^"]*")*[\s,]*')
_ETAG = re.compile(r'(?<!W/)"([0-9]{1,15})"')


def _versions(lines: Sequence[str]) -> list[int] | None:
    """Those that may be changed; None for any. A weak one is the same as none (RFC 9110, 13.1.1).

    Lines of the same name are one list, in which nothing may stand between two commas (5.3, 5.6.1).
    """
    if not lines:
        raise VersionNeeded
    header = ", ".join(lines)
    if header.strip() == "*":
        return None
    if not _ETAGS.fullmatch(header):
        raise BadVersion
    return [int(found) for found in _ETAG.findall(header)]


# ---------------------------------------------------------------------------------------------- messages


def file_shape(file: Attachment) -> shapes.File:
    scan = "unscanned" if file.scan == Scan.UNSCANNABLE else file.scan
    return shapes.File(file.file_id, file.name, file.media_type, file.size, scan)  # type: ignore[arg-type]


def message_shape(message: Message) -> shapes.Message:
    return shapes.Message(
        message_id=message.message_id,
        seq=message.seq,
        content=message.content,
        sender_type=message.sender_type,  # type: ignore[arg-type]  # one of the three, as the table insists
        sender_name=message.sender_name,
        client_id=message.client_id,
        files=[file_shape(each) for each in message.files],
        created_at=message.created_at,
    )


async def list_messages(call: Call) -> Answer:
    """Read what was said in a ticket.

    The oldest first. To hear what is new, ask again `after` the highest `seq` that you have.
    """
    room = f"messages|{call.id('ticket_id')}"
    asked, after = cursors.unseal(call, room)
    start = asked.after if after is None else after
    found = await call.read(
        units.messages, call.id("ticket_id"), note=asked.note, after=start, limit=asked.limit
    )
    last = found.messages[-1].seq if found.messages else found.head
    goes_on = cursors.seal(call, room, asked, last) if last < found.head else None
    return answer(shapes.MessageList([message_shape(each) for each in found.messages], goes_on))


async def send_message(call: Call) -> Answer:
    """Answer in a ticket, or write a note.

    An answer goes to the customer, under the name of the key; a note is for agents alone. Who is named in it
    with `@` is told. It brings the `files` that were uploaded for it. The same `client_id` again answers with
    the first message.
    """
    new: shapes.NewMessage = call.body
    unit = tickets.add_note if new.note else tickets.send_message

    def sent(made: Sent) -> Answer:
        return answer(message_shape(made.message), 200 if made.repeat else 201)

    client_id = new.client_id or clock.new_id()
    return await call.write(unit, sent, call.id("ticket_id"), new.content, client_id, file_ids=new.files)


_NEW_TICKET = {
    "subject": "The parcel is late",
    "description": "We have asked the carrier, and write again tomorrow.",
    "email": "maria@example.com",
    "priority": "high",
}
_CHANGES = (tickets.UnknownTicket, Invalid, TicketMerged)

OPERATIONS = [
    Operation("GET", "/tickets", list_tickets, shapes.TicketList, query=shapes.TicketQuery),
    Operation(
        "POST",
        "/tickets",
        open_ticket,
        shapes.Ticket,
        role="agent",
        takes=shapes.NewTicket,
        status=201,
        refusals=(Invalid, Conflict),
        example=_NEW_TICKET,
    ),
    Operation("GET", "/tickets/{ticket_id}", get_ticket, shapes.Ticket, refusals=(tickets.UnknownTicket,)),
    Operation(
        "PATCH",
        "/tickets/{ticket_id}",
        change_ticket,
        shapes.Ticket,
        role="agent",
        takes=shapes.TicketChange,
        refusals=(BadVersion, *_CHANGES, units.Overtaken, VersionNeeded),
        if_match=True,
        example={"status": "pending", "priority": "low"},
    ),
    Operation(
        "POST",
        "/tickets/{ticket_id}/merge",
        merge_ticket,
        shapes.Ticket,
        role="agent",
        takes=shapes.Merging,
        refusals=(tickets.UnknownTicket, Invalid),
        example={"into": "0198c0de-5eed-7000-8000-000000004711"},
    ),
    Operation(
        "POST",
        "/tickets/{ticket_id}/unmerge",
        unmerge_ticket,
        shapes.Ticket,
        role="agent",
        refusals=(tickets.UnknownTicket,),
    ),
    Operation(
        "GET",
        "/tickets/{ticket_id}/messages",
        list_messages,
        shapes.MessageList,
        query=shapes.MessageQuery,
        refusals=(tickets.UnknownTicket,),
    ),
    Operation(
        "POST",
        "/tickets/{ticket_id}/messages",
        send_message,
        shapes.Message,
        role="agent",
        takes=shapes.NewMessage,
        status=201,
        refusals=(*_CHANGES, tickets.TicketClosed, Conflict),
        example={"content": "It arrives on Tuesday."},
    ),
]
