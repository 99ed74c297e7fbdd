"""What hangs on a mail, as files: with a name, whatever theirs is, and taken out of what wraps them."""

from collections.abc import Collection, Iterator
from urllib.parse import unquote

from parlour.kernel.text import one_line
from parlour.mail.receive import names, smime, tnef
from parlour.mail.receive.fields import decoded_words, header_at
from parlour.mail.receive.judge import every_part
from parlour.mail.receive.parsed import Attachment
from parlour.mail.receive.parts import Budget, Part, tree

_SIGNATURES_INSIDE = 3
_PGP = {"multipart/encrypted", "application/pgp-encrypted"}
_MESSAGES = ("message/rfc822", "message/global")


def opened(root: Part, budget: Budget) -> Part:
    """The mail, or what was signed in it."""
    for _ in range(_SIGNATURES_INSIDE):
        if not smime.is_opaque(root):
            break
        inside = smime.signed_content(root.content())
        if not inside:
            break
        root = tree(inside, budget)
    return root


def sealed(root: Part) -> str:
    """What is said of a mail whose words only somebody with a key can read; nothing where there is none."""
    kinds = {part.media_type for part in every_part(root)}
    if not kinds.isdisjoint(_PGP):
        return "This mail is encrypted (PGP): its words are in its file, for programs that have the key."
    if smime.is_opaque(root) and smime.is_encrypted(root.content()):
        return "This mail is encrypted (S/MIME): its words are in its file, for programs that have the key."
    return ""


def is_tnef(part: Part) -> bool:
    return part.media_type in ("application/ms-tnef", "application/vnd.ms-tnef") or (
        said_name(part).lower() == "winmail.dat"
    )


def said_name(part: Part) -> str:
    """As the mail has it, in the ways that programs write it."""
    said = part.disposition[1].get("filename") or part.parameters.get("name") or ""
    return decoded_words(said)


def attachment(part: Part, number: int, shown: Collection[str]) -> Attachment:
    """The part as a file; `shown` are the pictures that the HTML asks for."""
    content = part.content()
    name = names.file_name(said_name(part))
    if not name and part.media_type in _MESSAGES:
        name = names.of_message(header_at(content, 0, len(content))[0].words("subject"), number)
    content_id = one_line(part.fields.one("content-id").strip(" <>"))[:300]
    return Attachment(
        name=name or names.made_up(part.media_type, number),
        media_type=part.media_type,
        content=content,
        content_id=content_id,
        inline=_is_shown(content_id, name, shown),
    )


def named(name: str, content: bytes, number: int) -> Attachment:
    """Of which no more is known."""
    media_type = "application/octet-stream"
    return Attachment(names.file_name(name) or names.made_up(media_type, number), media_type, content)


def _is_shown(content_id: str, name: str, shown: Collection[str]) -> bool:
    return bool((content_id and content_id in shown) or (name and name in shown))


def asked_for(sources: Iterator[str]) -> set[str]:
    """The names in the addresses of pictures that stand in the mail itself (RFC 2392), or are bare names."""
    found = set()
    for source in sources:
        scheme, colon, rest = source.partition(":")
        if not colon:
            found.add(unquote(source))
        elif scheme.lower() == "cid":
            found.add(unquote(rest).strip(" <>"))
    return found


def unpacked(files: tnef.Unpacked, first: int, shown: Collection[str]) -> Iterator[Attachment]:
    """The files of a winmail.dat."""
    for number, file in enumerate(files.files, first):
        media_type = file.media_type.strip().lower()
        name = names.file_name(file.name)
        content_id = one_line(file.content_id.strip(" <>"))[:300]
        yield Attachment(
            name=name or names.made_up(media_type, number),
            media_type=media_type if "/" in media_type else "application/octet-stream",
            content=file.content,
            content_id=content_id,
            inline=_is_shown(content_id, name, shown),
        )
