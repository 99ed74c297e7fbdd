"""A room as a page shows it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from minijinja import Markup, escape

from parlour.features.chat.models import CONTENT_LIMIT, History
from parlour.features.contacts.models import Contact
from parlour.features.conversation.attachments import file_views
from parlour.features.conversation.timeline import Origin, Timeline
from parlour.features.tickets.outgoing.models import QUIET, Delivery, Outcome
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission
from parlour.kernel.kept import Kept, KeptTogether
from parlour.kernel.messages import Attachment, Message
from parlour.web.render import exactly, initials, linkify, when

TOLD_CUSTOMERS = ("status:resolved", "status:reopened", "status:closed")
"""What a customer reads of a ticket's changes; every other one only holds its place in the log."""
TOLD_EVERYBODY = ("withdrawn:", "merged_into:", "unmerged:", "merged:", "let_go:")
"""What both sides read: of a file, whose id and name follow, and of another ticket, whose number follows."""
MESSAGES = 2_000
"""Messages that are kept as they were shown."""
LOGS = 300
LONGEST = 20_000
"""Characters of the messages of one of so many logs that are kept."""


def delivery_fields(seq: int, delivery: Delivery) -> dict[str, Any]:
    """How the mail stands that a message went out with, for pages of agents."""
    return {**delivery._asdict(), "seq": seq, "outcome": delivery.outcome.value}


def message_view(message: Message, actor: Actor) -> dict[str, Any]:
    return _view(message, *_seen_by(message, actor))


def _seen_by(message: Message, actor: Actor) -> tuple[bool, bool]:
    """Whether it is the actor's own, and whether it says nothing to them."""
    if message.sender_type != "system":
        return message.sender_id == actor.id, False
    customer = actor.side == "customer"
    own_change = customer and message.sender_name in (actor.name, actor.id)
    told = message.content in TOLD_CUSTOMERS or message.content.startswith(TOLD_EVERYBODY)
    return own_change, customer and not told


def _view(message: Message, mine: bool, untold: bool) -> dict[str, Any]:
    """Plain values: an object is slow to answer a template."""
    return {
        "message_id": str(message.message_id),
        "seq": message.seq,
        "content": message.content,
        "sender_type": message.sender_type,
        "sender_id": message.sender_seen_as,
        "sender_name": message.sender_name,
        "client_id": str(message.client_id) if mine and message.client_id else "",
        "created_at": message.created_at,
        "at": exactly(message.created_at),
        "when": when(message.created_at),
        "mine": mine,
        "untold": untold,
        # What only its place in the log says; one that holds no more than its place has nothing of it.
        "day": "",
        "first_unread": False,
        "grouped": False,
        "receipt": "",
        "initials": "",
        "blocked": False,
        "html": "",
        "files": [file._asdict() for file in message.files],
        "delivery": None,
        "merged": 0,
        "mail": "",
    }


class _Place(NamedTuple):
    """What is to be known of a message that it does not say itself: who looks, and what stands around it.

    `known`: what agents see of a message that is signed with the customer's address, the name, and whether
    they were blocked when they wrote. `called`: one's own names, to be marked in it. `files_url`: where its
    files lie, if it has any or was a mail. `delivery`: of the mail that it went out with, if agents look at
    one of theirs.
    `origin`: the merged ticket in which it was said, if it was.
    """

    mine: bool
    untold: bool
    internal: bool
    first_unread: bool
    day: str = ""
    grouped: bool = False
    receipt: str = ""
    known: tuple[str, bool] | None = None
    called: tuple[str, ...] = ()
    files_url: str = ""
    delivery: Delivery | None = None
    origin: Origin | None = None


def _in_log(message: Message, place: _Place) -> dict[str, Any]:
    view = _view(message, place.mine, place.untold)
    view["internal"], view["first_unread"] = place.internal, place.first_unread
    view["merged"] = place.origin.number if place.origin else 0
    if place.untold:
        return view
    view["sender_name"], view["blocked"] = place.known or (message.sender_name, False)
    view["day"], view["grouped"], view["receipt"] = place.day, place.grouped, place.receipt
    view["initials"] = "" if place.mine else initials(view["sender_name"])
    view["html"] = _marked(message.content, place.called) if place.called else linkify(message.content)
    view["files"] = file_views(message.files, place.files_url)
    if place.known and _was_mail(message):
        view["mail"] = f"{place.files_url.removesuffix('files')}mails/{message.client_id}"
    view["delivery"] = place.delivery and delivery_fields(message.seq, place.delivery)
    return view


_shown = Kept(
    lambda pairs: [_in_log(message, place) for message, place in pairs],
    most=MESSAGES,
    length=lambda view: len(view["content"]),
)


def _as_known(writer: Contact, message: Message) -> tuple[str, bool] | None:
    if message.sender_name != writer.email:
        return (message.sender_name, False) if message.sender_type == "customer" else None
    blocked = writer.blocked_at is not None and message.created_at >= writer.blocked_at
    return writer.name or writer.email, blocked


class _Around(NamedTuple):
    """What a log shows beside its messages and the name of the customer who wrote them.

    The first message that `new` names (a room and the number before) begins what is unread. `notes` is the
    room of the notes, `called` whom to look for in them, and `seen` how far one's own have come. `origins`:
    of the rooms that are merged tickets'.
    """

    actor: Actor
    seen: int
    new: frozenset[tuple[UUID, int]]
    files_url: str
    notes: UUID | None
    called: tuple[str, ...]
    deliveries: tuple[tuple[int, Delivery], ...]
    origins: tuple[tuple[UUID, Origin], ...]


_logs: KeptTogether[list[dict[str, Any]]] = KeptTogether(
    most=LOGS, length=lambda views: sum(len(view["content"]) for view in views), longest=LONGEST
)


def _log(
    messages: Sequence[Message],
    actor: Actor,
    *,
    seen: int,
    new: Iterable[tuple[UUID, int]],
    files_url: str,
    notes: UUID | None = None,
    writer: Contact | None = None,
    called: Iterable[str] = (),
    deliveries: Mapping[int, Delivery] = MappingProxyType({}),
    origins: Mapping[UUID, Origin] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """The messages, with what `_Around` says of them; `writer` is the customer, if they are known."""
    told, merged = tuple(deliveries.items()), tuple(origins.items())
    around = _Around(actor, seen, frozenset(new), files_url, notes, tuple(called), told, merged)
    return _logs.made(
        [writer, *messages], around, lambda: _shown.each(messages, _places(messages, writer, around))
    )


def _places(messages: Sequence[Message], writer: Contact | None, around: _Around) -> list[_Place]:
    actor, seen, new, files_url, notes, called, *_ = around
    origins = dict(around.origins)
    first = next((m for m in messages if (m.room_id, m.seq - 1) in new), None) if new else None
    day, before = None, None
    places: list[_Place] = []
    for message in messages:
        mine, untold = _seen_by(message, actor)
        origin = origins.get(message.room_id)
        internal = origin.internal if origin else notes is not None and message.room_id == notes
        placed = mine, untold, internal, message is first
        if untold:
            places.append(_Place(*placed, origin=origin))
            continue
        at, today = message.created_at, message.created_at.date()
        together = internal, origin, message.sender_seen_as, today, at.hour, at.minute // 10
        grouped = together == before and message is not first  # the same person within ten minutes
        known = _as_known(writer, message) if writer else None
        marked = called if internal and not mine and "@" in message.content else ()
        begun = "" if today == day else today.isoformat()
        files = _files_of(origin, files_url) if message.files or (known and _was_mail(message)) else ""
        places.append(_Place(*placed, begun, grouped, "", known, marked, files, origin=origin))
        day, before = today, together
    told = _deliveries(messages, places, dict(around.deliveries))
    for number, more in (*_receipts(messages, places, seen), *told):
        places[number] = places[number]._replace(**more)
    return places


def _was_mail(message: Message) -> bool:
    """Mails are known by ids that are made of their Message-IDs, not at random as those of browsers."""
    return message.client_id is not None and message.client_id.version == 5


def _files_of(origin: Origin | None, files_url: str) -> str:
    """Where its files lie, from where those of the ticket do."""
    if origin is None:
        return files_url
    above, slash, _ = files_url.removesuffix("/files").rpartition("/")
    return f"{above}{slash}{origin.ticket_id}/files"


def _receipts(
    messages: Sequence[Message], places: Sequence[_Place], seen: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The last of one's own that has come so far, in each room, says so."""
    last: dict[tuple[bool, str], int] = {}
    for number, (message, place) in enumerate(zip(messages, places, strict=True)):
        if place.mine and not place.origin and message.sender_type != "system":
            last[place.internal, "seen" if message.seq <= seen and not place.internal else "sent"] = number
    for (_, receipt), number in last.items():
        yield number, {"receipt": receipt}


def _deliveries(
    messages: Sequence[Message], places: Sequence[_Place], found: Mapping[int, Delivery]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """What agents said shows how its mail fares; what goes well, the last of it alone."""
    quiet: dict[Outcome, tuple[int, dict[str, Any]]] = {}
    if not found:
        return
    for number, (message, place) in enumerate(zip(messages, places, strict=True)):
        delivery = found.get(message.seq)
        if delivery is None or message.sender_type != "agent" or place.internal or place.origin:
            continue
        told = number, {"delivery": delivery}
        if delivery.outcome in QUIET:
            quiet[delivery.outcome] = told
        else:
            yield told
    yield from quiet.values()


def _marked(content: str, names: Sequence[str]) -> str:
    """As it is shown, with one's own names behind an `@` marked."""
    mine = "|".join(map(re.escape, names))
    pieces = re.split(rf"(?<![\w/])(@(?:{mine}))(?!\w)", content, flags=re.IGNORECASE)
    shown = (f"<mark>{escape(each)}</mark>" if at % 2 else linkify(each) for at, each in enumerate(pieces))
    return Markup("".join(map(str, shown)))


def unread_after(messages: Sequence[Message], read_upto: int, actor: Actor) -> int | None:
    """Where the separator goes: after this sequence number, when somebody else spoke beyond the mark."""
    first = next(
        (
            m.seq
            for m in messages
            if m.seq > read_upto and m.sender_id != actor.id and m.sender_type != "system"
        ),
        None,
    )
    return None if first is None or not read_upto else first - 1


def holds_unread(history: History, actor: Actor) -> bool:
    """Whether somebody else has spoken beyond the actor's mark. Whoever leaves no marks has none."""
    return actor.may(Permission.TICKET_REPLY) and any(
        m.seq > history.read_upto and m.sender_type != "system" and m.sender_id != actor.id
        for m in history.messages
    )


def _reader(actor: Actor) -> dict[str, Any]:
    """Who looks at the room. A customer's id is an address, which pages do not need to know."""
    return {
        "side": actor.side,
        "me": "customer" if actor.side == "customer" else actor.id,
        "my_name": actor.name,
        "told": " ".join(TOLD_CUSTOMERS),
    }


def _new_in(history: History, actor: Actor, new_after: int | None) -> set[tuple[UUID, int]]:
    """After which number of the room something is new: `new_after`, or the actor's own mark."""
    if new_after is None:
        new_after = unread_after(history.messages, history.read_upto, actor)
    return set() if new_after is None else {(history.room.room_id, new_after)}


_EMPTY: dict[str, Any] = {"draft": "", "problem": None, "writer": None, "called": ()}


def _room(
    history: History,
    actor: Actor,
    *,
    is_open: bool,
    page_url: str,
    chat_url: str,
    client_id: UUID | None = None,
    staged: Sequence[Attachment] = (),
    **as_they_are: Any,
) -> dict[str, Any]:
    """What there is to know of a room beside its messages."""
    internal = history.room.internal
    return {
        "room_id": history.room.room_id,
        "epoch": history.epoch,
        "internal": internal,
        "head": history.upto,
        "read_upto": max(history.upto, history.read_upto),
        "open": is_open,
        "newest": not history.has_newer,
        "unread": holds_unread(history, actor),
        "seen": 0 if internal else history.seen.get(actor.other_side, 0),
        "can_write": actor.may(Permission.NOTE_WRITE if internal else Permission.TICKET_REPLY),
        "page_url": page_url,
        "chat_url": chat_url,
        "files_url": chat_url.rpartition("/")[0] + "/files",
        "client_id": client_id or clock.new_id(),
        "content_limit": CONTENT_LIMIT,
        "staged": [file._asdict() for file in staged],
        **_reader(actor),
        **(_EMPTY | as_they_are),
    }


def room_view(
    history: History, actor: Actor, *, page_url: str, new_after: int | None = None, **more: Any
) -> dict[str, Any]:
    """What chat/room.html shows. Older pages are at `page_url`; what follows `new_after` is new.

    `more`: is_open, chat_url, socket_url, new_ticket_url; of the composer draft, problem, client_id;
    files_url where a shorter one leads to what is beside chat_url.
    """
    view = _room(history, actor, page_url=page_url, **more)
    new = _new_in(history, actor, new_after)
    view["messages"] = _log(history.messages, actor, seen=view["seen"], new=new, files_url=view["files_url"])
    view["older"] = f"{page_url}?before={history.messages[0].seq}" if history.has_older else None
    return view


def timeline_view(
    found: Timeline,
    actor: Actor,
    *,
    page_url: str,
    public: Mapping[str, Any],
    notes: Mapping[str, Any],
    new_after: int | None = None,
    writer: Contact | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What chat/room.html shows of both rooms: the public one with all messages, and the notes' own.

    `writer` is the customer, if they are known. `public` and `notes` are what `room_view` calls `more`, and
    what only an agent's answer needs; `called` among those of the notes, how these can call who looks.
    """
    room = _room(found.public, actor, page_url=page_url, **public)
    aside = _room(found.notes, actor, page_url=page_url, **notes)
    new = _new_in(found.public, actor, new_after) | _new_in(found.notes, actor, None)
    room["writer"] = writer
    room["messages"] = _log(
        found.messages,
        actor,
        seen=room["seen"],
        new=new,
        files_url=room["files_url"],
        notes=aside["room_id"],
        writer=writer,
        called=aside["called"],
        deliveries=found.deliveries,
        origins=found.origins,
    )
    before = found.before
    on = "&" if "?" in page_url else "?"
    room["older"] = before and f"{page_url}{on}before={before.public}&notes={before.notes}"
    room["gathers"] = bool(found.origins)
    if before and before.merged:
        room["older"] += f"&merged={'.'.join(map(str, before.merged))}"
    room["newest"] = aside["newest"] = not found.has_newer
    return room, aside
