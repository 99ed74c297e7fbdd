"""What kind of mail it is: whether a person wrote it to us, and if not, who or what did.

By what mail programs and servers write into the header on purpose (RFC 3834, RFC 2919), not by its words.
"""

import json
import re
from collections.abc import Iterator, Sequence

from parlour.kernel.text import one_line
from parlour.mail.receive.charsets import decoded
from parlour.mail.receive.fields import Fields, parameters
from parlour.mail.receive.parsed import Bounce, Kind
from parlour.mail.receive.parts import Part

REACTION_LIMIT = 32
"""Characters: an emoji may be made of ten."""

_DAEMON = re.compile(r"(?i)(?:^|<|\s)(?:mailer[-_.]?daemon|mail[-_.]?daemon|post[-_.]?master)(?:@|>|\s|$)")
_ANSWERS_BY_ITSELF = {
    *("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-autoreply-from"),
    *("x-mail-autoreply", "x-vacation", "x-out-of-office", "x-ms-exchange-inbox-rules-loop"),
    "x-ms-exchange-generated-message-source",
}
_LISTS = {
    *("list-id", "list-post", "list-unsubscribe", "list-unsubscribe-post", "x-mailing-list", "mailing-list")
}
_BULK = {"bulk", "junk", "auto_reply"}
_AWAY = re.compile(
    r"(?i)\s*(?:auto(?:matic|mated)?[- ]?(?:re(?:ply|sponse)|antwort|svar)|automat\w*:?"
    r"|out of (?:the )?office|abwesenheit|abwesend|réponse automatique|respuesta automática"
    r"|risposta automatica|resposta automática|autosvar|automaattinen|自動返信|自动回复|自動回覆|автоответ)"
)


def every_part(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += reversed(part.parts)


def kind(fields: Fields, root: Part, *, returned: Bounce | None, own_hosts: Sequence[str]) -> Kind:
    """`fields` are those of the mail itself, `root` its parts, `returned` the report that was found in it."""
    types = {part.media_type for part in every_part(root)}
    host = fields.one("message-id").rpartition("@")[2].strip("<> \t").lower()
    if host and host in {own.lower() for own in own_hosts}:
        return Kind.LOOP
    if "message/feedback-report" in types:
        return Kind.COMPLAINT
    if "message/disposition-notification" in types or _report_type(root) == "disposition-notification":
        return Kind.RECEIPT
    if returned:
        return Kind.BOUNCE
    if reaction(root):
        return Kind.REACTION
    if _is_automatic(fields):
        return Kind.AUTOMATIC
    if any(fields.has(name) for name in _LISTS) or _precedence(fields) == "list":
        return Kind.LIST
    return Kind.PERSON


def _is_automatic(fields: Fields) -> bool:
    submitted = fields.one("auto-submitted").split(";")[0].split("(")[0].strip().lower()
    if submitted not in ("", "no"):
        return True
    if any(fields.has(name) for name in _ANSWERS_BY_ITSELF) or _precedence(fields) in _BULK:
        return True
    if is_from_nobody(fields) or comes_from_a_daemon(fields):
        return True
    # On its own this header only asks not to be answered; many programs that people write with send it.
    return fields.has("x-auto-response-suppress") and _AWAY.match(fields.words("subject")) is not None


def is_from_nobody(fields: Fields) -> bool:
    """The envelope's sender is empty, as in whatever must not be answered (RFC 5321, section 4.5.5)."""
    return any(value.strip() == "<>" for value in fields.every("return-path"))


def comes_from_a_daemon(fields: Fields) -> bool:
    senders = (*fields.every("from"), *fields.every("sender"))
    return any(_DAEMON.search(value) for value in senders) or any(
        "mailer-daemon" in value.lower() for value in fields.every("return-path")
    )


def _precedence(fields: Fields) -> str:
    return (fields.one("precedence") or fields.one("x-precedence")).strip().lower()


def _report_type(root: Part) -> str:
    media_type, said = parameters(root.fields.one("content-type"))
    return said.get("report-type", "").lower() if media_type == "multipart/report" else ""


def reaction(root: Part) -> str:
    """The emoji that the mail puts to an earlier one (RFC 9078; Gmail's own part), or nothing."""
    for part in every_part(root):
        said = ""
        if part.media_type == "text/vnd.google.email-reaction+json":
            said = _of_gmail(part.content()[:2_000])
        elif part.disposition[0] == "reaction":
            said = decoded(part.content()[:2_000], part.parameters.get("charset"))
        emoji = one_line(said).split(" ")[0]
        if 0 < len(emoji) <= REACTION_LIMIT:
            return emoji
    return ""


def _of_gmail(content: bytes) -> str:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    emoji = said.get("emoji") if isinstance(said, dict) else None
    return emoji if isinstance(emoji, str) else ""
