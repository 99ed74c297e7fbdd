"""A mail's HTML as a page of its own, for a frame that lets nothing out or in."""

import base64
import re
from collections.abc import Mapping
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

from parlour.mail.receive.parsed import Attachment, Parsed

PICTURES_LIMIT = 8 * 1024 * 1024
"""Bytes of pictures that a page brings along; what is more is only in the files."""
_KINDS = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_SOURCE = re.compile(r'(<img\b[^>]*?\ssrc=")([^"]*)(")')
_STYLE = (
    "body{margin:0;padding:16px;background:#fff;color:#111;font:14px/1.5 system-ui,sans-serif;"
    "overflow-wrap:break-word}img{max-width:100%;height:auto}table{max-width:100%}"
)


class Shown(NamedTuple):
    """`page`: no more than a frame needs, for it is part of another page. `remote`: it has pictures that are
    elsewhere.
    """

    page: str
    remote: bool


def shown(parsed: Parsed) -> Shown:
    """`parsed.html`, which is clean already, with the pictures that the mail itself brings."""
    pictures = {each.content_id.strip("<>"): each for each in parsed.attachments if each.content_id}
    left = [PICTURES_LIMIT]
    body = _SOURCE.sub(lambda found: _with_picture(found, pictures, left), parsed.html)
    remote = any(found[2].startswith(("http:", "https:")) for found in _SOURCE.finditer(body))
    return Shown(
        f'<!doctype html><meta charset="utf-8"><title>Mail</title><base target="_blank">'
        f"<style>{_STYLE}</style><body>{body}",
        remote,
    )


def _with_picture(found: re.Match[str], pictures: Mapping[str, Attachment], left: list[int]) -> str:
    before, source, after = found.groups()
    scheme, _, name = unescape(source).partition(":")
    picture = pictures.get(unquote(name).strip("<>")) if scheme.lower() == "cid" else None
    if picture is None or picture.media_type not in _KINDS or picture.size > left[0]:
        return found[0]
    left[0] -= picture.size
    return f"{before}data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}{after}"
