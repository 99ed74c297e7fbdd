"""Names of files as strangers give them, and as headers may carry them."""

import re
import unicodedata
from urllib.parse import quote

from parlour.kernel.graphemes import cut

NAME_LIMIT = 150
"""Characters, and bytes of what it may become on a disk are below 255 then for most scripts."""
BYTES_LIMIT = 240

_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f"*:<>?|\\/]')
_UNSEEN = ("Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp")


def safe_name(name: str, otherwise: str = "file") -> str:
    """One name without path, control, bidi or other unseen characters, that fits on every disk; never empty.

    The ending stays when the name is cut. Joiners inside emoji and scripts that need them go too: a name is
    no prose.
    """
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(
        each for each in unicodedata.normalize("NFC", last) if unicodedata.category(each) not in _UNSEEN
    )
    plain = " ".join(_UNSAFE.sub(" ", seen).split()).strip(". ")
    if not plain:
        return otherwise
    stem, dot, ending = plain.rpartition(".")
    if not stem or len(ending) > 10:
        stem, dot, ending = plain, "", ""
    tail = dot + ending
    while len(stem + tail) > NAME_LIMIT or len((stem + tail).encode()) > BYTES_LIMIT:
        stem = cut(stem, len(stem) - 1)
    return stem.rstrip(". ") + tail or otherwise


def content_disposition(name: str, *, inline: bool) -> str:
    """The header's value for a safe name: a plain one for old programs, the real one beside it (RFC 6266)."""
    kind = "inline" if inline else "attachment"
    simple = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    simple = re.sub(r"[^A-Za-z0-9 ._()-]", "_", simple).strip(". ") or "file"
    return f"{kind}; filename=\"{simple}\"; filename*=UTF-8''{quote(name, safe='')}"
