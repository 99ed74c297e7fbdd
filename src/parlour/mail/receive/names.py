"""What files are called: by their sender, or by us."""

import re

from parlour.kernel.graphemes import cut
from parlour.kernel.text import one_line

LIMIT = 120
"""Characters; the end stays, because it says what kind of file it is."""

_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FORBIDDEN = re.compile(r'[\x00-\x1f"*:<>?|]')
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")
_ENDINGS = {
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/rtf": "rtf",
    "application/pgp-signature": "asc",
    "application/pkcs7-signature": "p7s",
    "application/pkcs7-mime": "p7m",
    "application/ms-tnef": "dat",
    "audio/mpeg": "mp3",
    "image/jpeg": "jpg",
    "image/pjpeg": "jpg",
    "image/png": "png",
    "image/x-png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "image/heic": "heic",
    "message/rfc822": "eml",
    "message/delivery-status": "txt",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
    "text/rfc822-headers": "txt",
    "video/mp4": "mp4",
}


def file_name(said: str) -> str:
    """The last part of the path, on one line, with nothing that shows it as something else; or nothing."""
    last = re.split(r"[\\/]", said)[-1]
    plain = one_line(_FORBIDDEN.sub("_", _DIRECTIONS.sub("", last)))
    return _cut(plain) if plain.strip(". _") else ""


def made_up(media_type: str, number: int) -> str:
    """For what has no name: the kind and a number."""
    kind = "picture" if media_type.startswith("image/") else "attachment"
    ending = _ENDINGS.get(media_type, "bin")
    return f"{kind}-{number}.{ending}"


def of_message(subject: str, number: int) -> str:
    """An attached mail is called as its subject is."""
    return f"{cut(file_name(subject.replace('/', '-')), LIMIT - 4).rstrip(' .') or f'message-{number}'}.eml"


def _cut(name: str) -> str:
    if len(name) <= LIMIT:
        return name
    ending = _ENDING.search(name)
    return cut(name, LIMIT - 9).rstrip() + (ending[0] if ending else "")
