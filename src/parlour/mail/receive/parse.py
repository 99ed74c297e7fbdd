"""A mail's bytes, read. Never raises for any bytes; bounded in time, memory, depth and number of parts.

What stands in a mail is a claim. What is odd about one is told (`odd_sender`, `defects`), not mended; the raw
mail stays the truth, and whoever calls keeps it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from parlour.kernel import clock
from parlour.kernel.graphemes import cut
from parlour.kernel.text import one_line
from parlour.mail.receive import bounces, calendar, charsets, judge, tnef
from parlour.mail.receive.addresses import addresses, list_address, posted_by, sender
from parlour.mail.receive.authentication import vouched_for
from parlour.mail.receive.body import Body, body_of
from parlour.mail.receive.fields import Fields
from parlour.mail.receive.files import attachment, is_tnef, named, opened, sealed, unpacked
from parlour.mail.receive.ids import message_ids
from parlour.mail.receive.leaves import leaves
from parlour.mail.receive.parsed import Attachment, Kind, Parsed
from parlour.mail.receive.parts import Budget, Part, tree

SIZE_LIMIT = 40 * 1024 * 1024
"""Bytes of a mail that are read; the rest is only kept. 25 MB of files are 34 MB on their way."""
SUBJECT_LIMIT = 1_000
UNREADABLE = "This mail cannot be read; it is kept as it came."
"""What is left to say where this program itself is at fault."""
_DATE_LIMIT = 100
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to")


def parse(raw: bytes, *, authserv_id: str = "", own_hosts: Sequence[str] = ()) -> Parsed:
    """Read a mail.

    `authserv_id` is the name under which our own mail server writes Authentication-Results; without one
    nobody is verified. `own_hosts` are those of our own Message-IDs.
    """
    try:
        return _parse(raw[:SIZE_LIMIT], authserv_id, own_hosts, whole=len(raw) <= SIZE_LIMIT)
    except Exception:  # a fault of ours must stop neither the mailbox nor those who look at what came
        return Parsed(odd_sender=True, defects=(UNREADABLE,))


def _parse(raw: bytes, authserv_id: str, own_hosts: Sequence[str], *, whole: bool) -> Parsed:
    budget = Budget()
    outer = tree(raw, budget)
    root, fields = opened(outer, budget), outer.fields
    found = leaves(root)
    packed = {
        number: tnef.unpacked(part.content()) for number, part in enumerate(found.files) if is_tnef(part)
    }
    first = next((each for each in packed.values() if each), tnef.Unpacked())
    body = body_of(found, first.text, first.html)
    files = list(_files(found.files, packed, body))
    if not body.text:
        body.text = body.reply = _appointment(files) or sealed(root)
    returned = bounces.found(fields, root, body.text)
    kind = judge.kind(fields, root, returned=returned, own_hosts=own_hosts)
    header = _of_header(fields, authserv_id)
    return replace(
        header,
        text=body.text,
        reply=body.reply,
        passes_on=judge.passes_on(header.subject),
        html=body.html,
        attachments=tuple(files),
        kind=kind,
        list_address=list_address(fields) if kind is Kind.LIST else "",
        posted_by=posted_by(fields) if kind is Kind.LIST else None,
        bounce=returned if kind is Kind.BOUNCE else None,
        complained_of=bounces.original_id(root, body.text) if kind is Kind.COMPLAINT else "",
        reaction=judge.reaction(root) if kind is Kind.REACTION else "",
        defects=(*header.defects, *_bounds(budget, body, whole=whole)),
    )


def _of_header(fields: Fields, authserv_id: str) -> Parsed:
    """A mail without a body."""
    who, odd = sender(fields)
    return Parsed(
        subject=cut(one_line(fields.words("subject")), SUBJECT_LIMIT),
        sender=who,
        to=addresses(fields.every("to")),
        cc=addresses(fields.every("cc")),
        reply_to=addresses(fields.every("reply-to")),
        delivered_to=addresses([value for name in _DELIVERED for value in fields.every(name)]),
        written_at=_written_at(fields),
        message_id=next(iter(message_ids(fields.one("message-id"))), ""),
        in_reply_to=message_ids(fields.one("in-reply-to")),
        references=message_ids(fields.one("references")),
        verified=not odd and vouched_for(fields, who, authserv_id),
        odd_sender=bool(odd),
        defects=tuple(odd),
    )


def _files(
    parts: Sequence[Part], packed: dict[int, tnef.Unpacked | None], body: Body
) -> Iterator[Attachment]:
    """In their order; a winmail.dat that can be read gives way to what is in it, and what stood in the text
    comes last.
    """
    number = 1
    for at, part in enumerate(parts):
        inside = packed.get(at)
        within = list(unpacked(inside, number, body.pictures)) if inside else []
        if not within and not (inside and (inside.text or inside.html)):
            within = [attachment(part, number, body.pictures)]
        number += len(within)
        yield from within
    for name, content in body.files:
        yield named(charsets.decoded(name, guess=True), content, number)
        number += 1


def _appointment(files: Sequence[Attachment]) -> str:
    """In words, for a mail that has no others."""
    calendars = (each for each in files if each.media_type == "text/calendar")
    return next(
        (calendar.in_words(charsets.decoded(each.content[: calendar.LIMIT])) for each in calendars), ""
    )


def _written_at(fields: Fields) -> datetime | None:
    said = clock.moment_said(fields.one("date")[:_DATE_LIMIT])
    return min(said, clock.now()) if said else None


def _bounds(budget: Budget, body: Body, *, whole: bool) -> list[str]:
    said = []
    if not whole:
        said.append("The mail is larger than is read.")
    if budget.exhausted:
        said.append("The mail has more parts, or deeper ones, than are read.")
    if body.cut_short:
        said.append("The text is longer than is read.")
    return said
