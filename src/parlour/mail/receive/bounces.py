"""A mail that says that a mail of ours did not arrive: for whom, why, and whether it ever will.

Most servers say it in fields (RFC 3464). The others say it in words, each its own; what they share is that a
mail daemon writes, that the address stands at the head of a line, and that the other server's code is quoted.
"""

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from parlour.kernel.graphemes import cut
from parlour.kernel.text import one_line
from parlour.mail.receive import charsets
from parlour.mail.receive.fields import Fields, as_bytes, header_at, parameters
from parlour.mail.receive.ids import message_ids
from parlour.mail.receive.judge import comes_from_a_daemon, every_part, is_from_nobody
from parlour.mail.receive.parsed import Bounce
from parlour.mail.receive.parts import Part

LIMIT = 64 * 1024
"""Bytes of a report that are read: what was sent follows in it."""
SAID_LIMIT = 500

_ADDRESS = r"(?:\"[^\s\"]{1,64}\"|[^\s<>()\[\]\",;:]{1,64})@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
_ENHANCED = re.compile(r"(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_REPLY = re.compile(r"(?<![\d.:@/-])([45])[0-5]\d(?=[ \n-])")
_FIRST_ON_LINE = re.compile(
    rf"^[ \t]*(?:[*•-][ \t]*)?(?:(?!from|sender|cc|reply)\w{{1,20}}:[ \t]*)?"
    rf"[\"'<(]{{0,2}}({_ADDRESS})[\"'>)]{{0,2}}"
    rf"(?:<mailto:[^\s>]*>)?[ \t]*(?:[:;(,].*)?$",
    re.MULTILINE | re.IGNORECASE,
)
_ASKED_FOR = re.compile(rf"RCPT TO:?[ \t]*<?({_ADDRESS})>?", re.IGNORECASE)
_ANY = re.compile(rf"<?({_ADDRESS})>?")
_FIELD = re.compile(
    r"(Received|Return-Path|Message-ID|From|To|Date|Subject|MIME-Version|Content-Type):", re.IGNORECASE
)
_GROUP = re.compile(r"\n[ \t]*\n")
_NOT_FINAL = re.compile(r"(?i)delay|deferr|temporar|warning|retri|verzögert|retard|ritardo|задерж|遅延|延迟")
_EXPIRED = re.compile(
    r"(?i)expired|timed? ?out|time exceeded|too long|for the last \d+ (?:second|hour|day)|for more than"
)
_FAILED = re.compile(
    r"(?i)deliver|fail|return|reject|undeliv|unknown|bounce|unzustell|zustell|échec|remis|distribu|entreg|consegna"
    r"|bezorg|doručen|dostarcz|доставлен|недостав|送信|配信|エラー|退信|退回|未送达"
)
_SYSTEM = re.compile(r"(?i)mail deliver|system admin|mail(?:er)? system|delivery (?:sub)?system|interscan")
"""What servers call themselves that do not write as a mailer daemon."""
_FAILED_SUBJECT = re.compile(
    r"(?i)\s*(?:undeliver|non[- ]?deliver|delivery (?:status|fail|has failed|report|problem|error|notif)"
    r"|failed? mail|(?:mail|message) (?:delivery|system|not|could not) ?(?:fail|err|status|deliver|be)"
    r"|failure notice|returned (?:mail|to sender|message)|mail (?:was )?returned|warning: (?:message|could)"
    r"|unzustellbar|nicht zustellbar|non remis|échec|non distribu|no se (?:pudo|puede) entregar"
    r"|não (?:foi )?entreg|mancata consegna|onbestelbaar|niet bezorgd|недостав|не доставлен)"
)
_ID_LINE = re.compile(r"^Message-ID:[ \t]*(<[^<>\s]{1,400}>)", re.IGNORECASE | re.MULTILINE)
_OF_SNS = re.compile(r'"notificationType"\s*:\s*"Bounce"')


def found(fields: Fields, root: Part, text: str) -> Bounce | None:
    """The report in a mail with these fields, parts and words; of several recipients the first lost one."""
    text = text[:LIMIT]
    if _OF_SNS.search(text[:500]):
        return _by_sns(text)
    if not _is_report(fields, root, text):
        return None
    told = [group for part in every_part(root) if _is_status(part) for group in _groups(_words(part))]
    told = told or [group for group in _groups(text) if group.has("final-recipient")]
    if told and any(_recipient(group) for group in told):
        known = _by_fields(told)
    else:
        known = _by_words(fields, root, text)
    return known and replace(known, message_id=original_id(root, text))


def _is_report(fields: Fields, root: Part, text: str) -> bool:
    _, said = parameters(fields.one("content-type"))
    if said.get("report-type", "").lower() == "delivery-status" or fields.has("x-failed-recipients"):
        return True
    nobody = fields.has("from") and "@" not in fields.one("from")
    if nobody or comes_from_a_daemon(fields) or any(_is_status(part) for part in every_part(root)):
        return True
    by_itself = is_from_nobody(fields) or fields.one("auto-submitted").lower().startswith("auto-")
    zone = _before_original(text)
    comes_back = _original(root) is not None or zone != text
    if _SYSTEM.search(fields.words("from")):
        return by_itself or comes_back or _FAILED_SUBJECT.match(fields.words("subject")) is not None
    # People, too, write of what was not delivered, and bring a mail along: they quote no server's code.
    quotes_code = _ENHANCED.search(zone) or _REPLY.search(zone)
    failed = _FAILED_SUBJECT.match(fields.words("subject"))
    return failed is not None and bool(by_itself or (comes_back and quotes_code))


def _is_status(part: Part) -> bool:
    return part.media_type in ("message/delivery-status", "message/global-delivery-status")


def _words(part: Part) -> str:
    return charsets.decoded(part.content()[:LIMIT], part.parameters.get("charset")).replace("\r\n", "\n")


def _groups(words: str) -> Iterator[Fields]:
    """The fields of each recipient, and of the mail as a whole."""
    for group in _GROUP.split(words):
        raw = as_bytes(group.strip())
        yield header_at(raw, 0, len(raw))[0]


# ------------------------------------------------------------------------------------ what is told in fields
def _by_fields(told: Sequence[Fields]) -> Bounce | None:
    """None where every recipient got it, or where it was only handed on."""
    lost = [group for group in told if _recipient(group) and _action(group) in ("failed", "delayed", "")]
    lost.sort(key=lambda group: _action(group) == "delayed")
    return _of_group(lost[0]) if lost else None


def _of_group(group: Fields) -> Bounce:
    delayed = _action(group) == "delayed"
    kind, typed, words = group.one("diagnostic-code").partition(";")
    said = one_line(words if typed else kind)
    status = _status(group.one("status"), said, "4.0.0" if delayed else "5.0.0")
    return Bounce(_recipient(group), status, _is_permanent(status) and not delayed, cut(said, SAID_LIMIT))


def _action(group: Fields) -> str:
    return group.one("action").split(";")[0].split("(")[0].strip().lower()


def _recipient(group: Fields) -> str:
    """As we wrote it, before anybody forwarded it."""
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        kind, _, address = group.one(name).rpartition(";")
        if address and kind.strip().lower() != "x400":
            known = _ANY.search(address)
            if known:
                return one_line(known[1])
    return ""


def _status(told: str, said: str, otherwise: str) -> str:
    """The more exact of what is told: the other server's reply outweighs a status without a reason."""
    status, enhanced, reply = _ENHANCED.search(told), _ENHANCED.search(said), _REPLY.search(said)
    if status and status.group(2, 3) != ("0", "0"):
        return status[0]
    if enhanced:
        return enhanced[0]
    if reply:
        return f"{reply[1]}.0.0"
    return status[0] if status else otherwise


def _is_permanent(status: str) -> bool:
    return status.startswith("5")


# ------------------------------------------------------------------------------------- what is told in words
def _by_words(fields: Fields, root: Part, text: str) -> Bounce | None:
    zone = _before_original(text)
    subject = fields.words("subject")
    reply = _ENHANCED.search(zone) or _REPLY.search(zone)
    if not (reply or _FAILED.search(subject) or _FAILED.search(zone)):
        return None
    recipient, at = _recipient_in(fields, root, zone)
    if not recipient:
        return None
    below = zone[at:]
    waits = _NOT_FINAL.search(subject) or (_NOT_FINAL.search(zone) and not _REPLY.search(zone))
    enhanced = _ENHANCED.search(below) or _ENHANCED.search(zone)
    said = enhanced or _REPLY.search(below) or _REPLY.search(zone)
    otherwise = "4.0.0" if waits else "4.4.7" if _EXPIRED.search(zone) else "5.0.0"
    status = enhanced[0] if enhanced else f"{said[1]}.0.0" if said else otherwise
    line = cut(one_line(said.string[said.start() :].split("\n\n")[0]), SAID_LIMIT) if said else ""
    return Bounce(one_line(recipient), status, _is_permanent(status), line)


def _before_original(text: str) -> str:
    """What the server wrote, without the mail that comes back: that begins with a header."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if _FIELD.match(line) and sum(_FIELD.match(each) is not None for each in lines[at : at + 12]) >= 3:
            return "\n".join(lines[:at])
    return text


def _recipient_in(fields: Fields, root: Part, zone: str) -> tuple[str, int]:
    """And where in the words it stands: what is said of it stands below."""
    if named := _ANY.search(fields.one("x-failed-recipients")):
        return named[1], max(0, zone.find(named[1]))
    own = {each.lower() for name in ("to", "from", "sender") for each in _ANY.findall(fields.one(name))}
    for pattern in (_ASKED_FOR, _FIRST_ON_LINE, _ANY):
        candidates = list(pattern.finditer(zone))
        foreign = [each for each in candidates if each[1].lower() not in own]
        if candidates:
            best = (foreign or candidates)[0]
            return best[1].rstrip("."), best.start()
    returned = _original(root)
    to = _ANY.search(returned.one("to")) if returned else None
    return (to[1], 0) if to else ("", 0)


def _by_sns(text: str) -> Bounce | None:
    """Amazon's notice of a bounce, in JSON that a mail program may have wrapped."""
    joined = "".join(text.split("\n"))
    recipient = re.search(rf'"emailAddress"\s*:\s*"[^"]{{0,100}}?({_ADDRESS})', joined)
    if recipient is None:
        return None
    permanent = re.search(r'"bounceType"\s*:\s*"Permanent"', joined) is not None
    told = re.search(r'"status"\s*:\s*"([45]\.\d{1,3}\.\d{1,3})"', joined)
    status = told[1] if told else "5.0.0" if permanent else "4.0.0"
    return Bounce(one_line(recipient[1]), status, permanent)


# ----------------------------------------------------------------------------------- the mail that came back
def _original(root: Part) -> Fields | None:
    for part in every_part(root):
        if part.media_type in (
            "message/rfc822",
            "message/global",
            "text/rfc822-headers",
            "message/rfc822-headers",
        ):
            content = part.content()[:LIMIT]
            return header_at(content, 0, len(content))[0]
    return None


def original_id(root: Part, text: str) -> str:
    """The Message-ID of the mail that a report brings along, or nothing."""
    returned = _original(root)
    known = message_ids(returned.one("message-id")) if returned else ()
    in_words = _ID_LINE.search(text)
    return known[0] if known else one_line(in_words[1]) if in_words else ""
