"""From bytes to words, whatever they say that they are. Nothing here raises.

What a mail declares is taken as browsers take it (https://encoding.spec.whatwg.org/#names-and-labels):
`iso-8859-1` is what Windows makes of it, `gb2312` is all of gb18030.
"""

import codecs
import encodings
import re
from encodings.aliases import aliases
from pkgutil import iter_modules

_AS_BROWSERS = {
    **dict.fromkeys(("ascii", "usascii", "ansix341968", "unicode"), "utf_8"),
    **dict.fromkeys(("iso88591", "latin1", "l1", "cp819"), "cp1252"),
    **dict.fromkeys(("iso88599", "latin5", "l5"), "cp1254"),
    **dict.fromkeys(("iso885911", "tis620", "windows874", "cp874", "xwindows874"), "cp874"),
    **dict.fromkeys(("iso88598", "iso88598i", "iso88598e", "logical", "visual"), "iso8859_8"),
    **dict.fromkeys(("iso88596i", "iso88596e"), "iso8859_6"),
    **dict.fromkeys(("gb2312", "gbk", "xgbk", "cp936", "gb231280", "euccn", "chinese", "xeuccn"), "gb18030"),
    **dict.fromkeys(("euckr", "ksc5601", "ksc56011987", "ksc56011989", "korean", "ksx1001"), "cp949"),
    **dict.fromkeys(("shiftjis", "xsjis", "sjis", "mskanji", "windows31j", "shiftjisx"), "cp932"),
    **dict.fromkeys(("iso2022jp", "cp50220", "cp50221", "csiso2022jp"), "iso2022_jp_ext"),
    **dict.fromkeys(("big5", "xxbig5", "cnbig5", "big5eten"), "big5hkscs"),
    **dict.fromkeys(("xmacroman", "macintosh", "mac", "macroman"), "mac_roman"),
    **dict.fromkeys(("xmaccyrillic", "xmacukrainian"), "mac_cyrillic"),
    **dict.fromkeys(("unicode11utf7", "xunicode20utf7"), "utf_7"),
    **dict.fromkeys(("unicode11utf8", "utf8mb4", "utf8mb3", "xunicode20utf8"), "utf_8"),
    **dict.fromkeys(("hzgb2312",), "hz"),
    **dict.fromkeys(("ansix31101983",), "latin_1"),
}
_NO_WORDS = {
    *("base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"),
    *("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"),
    *("aliases", "charmap"),
}
"""Codecs of Python that make no words of bytes, or take time that grows with the square of them."""
_CODECS = {re.sub(r"[^a-z0-9]", "", name): codec for name, codec in aliases.items()} | {
    re.sub(r"[^a-z0-9]", "", codec): codec
    for codec in (*aliases.values(), *(module.name for module in iter_modules(encodings.__path__)))
}
"""Those without another name, such as koi8_u, stand among the modules alone."""
_MARKS = {codecs.BOM_UTF8: "utf_8_sig", codecs.BOM_UTF16_LE: "utf_16", codecs.BOM_UTF16_BE: "utf_16"}
_OF_SINGLE_BYTES = ("cp125", "iso8859", "koi8", "latin", "mac_", "cp437", "cp85", "cp86")
"""How the names of codecs begin of which each byte is a letter. What is UTF-8 throughout would be nonsense in
any of them: far more programs say one of these and write the other.
"""
_HIGH = re.compile(rb"[\x80-\xff]+")
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{1,40})""", re.IGNORECASE)
_META_WITHIN = 1_024
"""Bytes, as browsers look for it."""
_STRAY = 0.05
"""Up to so much of a text may be no UTF-8 and it is still UTF-8, with strays in it."""
_FOREIGN = 0.25
"""From so many high bytes on it is in no Latin script."""
_SAMPLE = 4_096
_GUESSED = [
    "gb18030",
    "big5",
    "cp932",
    "euc_jp",
    "cp949",
    "cp1251",
    "koi8_r",
    "cp1253",
    "cp1255",
    "cp1256",
    "cp874",
]


def known(label: str | None) -> str | None:
    """The codec that this name of a charset stands for, or None."""
    name = re.sub(r"[^a-z0-9]", "", re.split(r"[\s(;,]", (label or "").strip()[:80])[0].lower())
    name = name.removeprefix("charset")
    codec = (
        _AS_BROWSERS.get(name)
        or _CODECS.get(name)
        or _CODECS.get(name.replace("windows", "cp", 1))
        or _CODECS.get(name.removeprefix("x").removeprefix("cs"))
    )
    return None if codec in _NO_WORDS else codec


def of_html(content: bytes) -> str | None:
    """What the HTML itself says that it is written in."""
    found = _META.search(content[:_META_WITHIN])
    return found[1].decode("ascii", "ignore") if found else None


def decoded(content: bytes, declared: str | None = None, *, guess: bool = False) -> str:
    """As it is declared, unless that is plainly UTF-8; else UTF-8; else UTF-8 with strays; else Windows-1252.

    `guess`: what is in no Latin script is looked at first, which takes some hundredths of a second.
    """
    for mark, codec in _MARKS.items():
        if content.startswith(mark) and (text := _strictly(content, codec)) is not None:
            return text
    said = known(declared)
    if b"\x1b$" in content[:_SAMPLE] and said in (None, "cp1252", "utf_8"):
        said = "iso2022_jp_ext"
    if said and said.startswith(_OF_SINGLE_BYTES) and (text := _strictly(content, "utf_8")) is not None:
        return text
    if said and (text := _strictly(content, said)) is not None:
        return text
    if said == "cp1252":
        return _as_windows(content)
    text = _strictly(content, "utf_8")
    return _forgivingly(content, said, guess=guess) if text is None else text


def _strictly(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def _as_windows(content: bytes) -> str:
    return content.decode("cp1252", "parlour.latin1")


def _forgivingly(content: bytes, codec: str | None, *, guess: bool) -> str:
    if codec and codec != "utf_8":
        return content.decode(codec, "replace")
    lost = len(content) - len(content.decode("utf_8", "ignore").encode())
    if lost <= _STRAY * len(content):
        return content.decode("utf_8", "parlour.cp1252")
    return (_guessed(content) if guess else None) or _as_windows(content)


def _guessed(content: bytes) -> str | None:
    """Only for what cannot be in a Latin script: there the guess is nearly always right."""
    sample = content[:_SAMPLE]
    if sum(map(len, _HIGH.findall(sample))) < _FOREIGN * len(sample):
        return None
    from charset_normalizer import from_bytes

    try:
        best = from_bytes(sample, cp_isolation=_GUESSED, explain=False).best()
    except Exception:  # a guess must not cost the mail
        return None
    return content.decode(best.encoding, "replace") if best else None


def _stray_as_windows(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    stray = error.object[error.start : error.end]
    return _as_windows(stray), error.end


def _stray_as_latin1(error: UnicodeError) -> tuple[str, int]:
    """Five bytes mean nothing in Windows-1252; browsers keep them as controls, and those are cleaned away."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin_1"), error.end


codecs.register_error("parlour.cp1252", _stray_as_windows)
codecs.register_error("parlour.latin1", _stray_as_latin1)
