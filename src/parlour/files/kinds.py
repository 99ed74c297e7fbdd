"""What a file is, by its first bytes: a short table of what may be shown, and nothing else is believed."""

OTHER = "application/octet-stream"
HEIC = "image/heic"
HEAD = 64
"""Bytes that `kind_of` looks at."""

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_BRANDS = {
    b"avif": "image/avif",
    b"heic": HEIC,
    b"heix": HEIC,
    b"mif1": HEIC,
    b"M4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
    **dict.fromkeys(
        (
            b"isom",
            b"iso2",
            b"iso4",
            b"iso5",
            b"iso6",
            b"mp41",
            b"mp42",
            b"avc1",
            b"dash",
            b"M4V ",
            b"MSNV",
            b"3gp4",
            b"3gp5",
        ),
        "video/mp4",
    ),
}
"""The major brand of an ISO base media file, bytes 8 to 12."""

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""Those that are drawn anew, and are shown in place."""
PLAYED = frozenset(
    {"audio/mpeg", "audio/flac", "audio/ogg", "audio/wav", "audio/mp4", "video/mp4", "video/webm"}
)


def kind_of(head: bytes) -> str:
    """The media type that the bytes begin like, or OTHER."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], OTHER)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], OTHER)
    if len(head) > 2 and head[0] == 0xFF and head[1] in (0xFB, 0xF3, 0xF2, 0xFA):
        return "audio/mpeg"
    return OTHER


def is_picture(media_type: str) -> bool:
    return media_type in PICTURES


def is_played(media_type: str) -> bool:
    return media_type in PLAYED


def is_inline(media_type: str) -> bool:
    """Whether a browser may show it in place; everything else is downloaded."""
    return media_type in PICTURES or media_type in PLAYED
