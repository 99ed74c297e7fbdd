"""What stands below a reply and is none: signatures, the lines that telephones add, the footers of lists."""

import re
from collections.abc import Sequence

_DASHES = re.compile(r"\s*(?:--|––|—)\s*")
_FOOTER_LENGTH = 90
_LIST_RULE = re.compile(r"\s*_{20,}\s*")
_LIST_FOOTER_LINES = 10
_SIGNED_OFF = re.compile(r"[-–—]{1,2}\s?[^\W\d_a-z][\w'.-]*(?: [^\W\d_a-z][\w'.-]*){1,2}")
"""`-Jane Doe`."""
_LINK = re.compile(r"\s?[<(\[]https?://[^\s>)\]]*[>)\]]")
_NO_BRACKETS = str.maketrans("", "", "[]")
"""As `[Proton Mail](https://…)` has them."""
_ARMOUR = re.compile(
    r"\A\s*-----BEGIN PGP SIGNED MESSAGE-----\n(?:[\w-]{1,40}: [^\n]*\n){0,20}\n"
    r"(.*)\n-----BEGIN PGP SIGNATURE-----",
    re.DOTALL,
)
_ESCAPED_DASH = re.compile(r"^- (?=-)", re.MULTILINE)
_FOOTER = re.compile(
    r"(?i)(?:"
    r"sent (?:from|with|via|using)|get outlook for|envoyé (?:de|depuis|à partir|avec|via)"
    r"|(?:obtenez|téléchargez) outlook|gesendet (?:von|mit|aus|über|via)"
    r"|von meinem .{2,50} gesendet|diese nachricht wurde von .{2,50} gesendet"
    r"|(?:holen sie sich )?outlook für|enviado (?:desde|do|da|de|a partir|pelo|con)"
    r"|(?:obtener|obter|descargue) (?:o )?outlook|inviato (?:da|con|dal)"
    r"|(?:scarica|ottieni) outlook|verzonden (?:vanaf|met|via|van)|verstuurd (?:vanaf|met|via)"
    r"|skickat från|hämta outlook|sendt (?:fra|via|med)|få outlook|lähetetty|hanki outlook"
    r"|wysłan[eoy] (?:z|ze|przy)|pobierz outlook|отправлено (?:с|из)|надіслано (?:з|із)"
    r"|изпратено от|odesláno (?:z|ze)|odoslané (?:z|zo)|elküldve|küldve|trimis (?:de|din)"
    r"|στάλθηκε|poslano (?:z|s|iz|sa)|enviat des|dikirim dari|đã gửi từ|发自|發自|來自|从我的|從我的|נשלח מ"
    r"|أرسلت من|مرسل من|yahoo mail|.{2,40}(?:から送信|에서 보냄|gönderildi|ile gönder|ส่งจาก)"
    r")"
)
"""How telephones say what they are; a line that goes on as a sentence is none."""
_SENTENCE = re.compile(
    r"(?i)(?:(?:von meinem|diese nachricht wurde von) .{2,50} gesendet|sent with proton ?mail.{0,30})\."
)
"""The few that end like one."""


def is_footer(line: str) -> bool:
    """`Sent from my telephone`, alone on its line."""
    words = _LINK.sub("", line).translate(_NO_BRACKETS).strip(" *_\u200b\xa0")
    return _SENTENCE.fullmatch(words) is not None or (
        len(words) <= _FOOTER_LENGTH
        and not words.endswith((".", "!", "?", ",", ";", "。"))
        and _FOOTER.match(words) is not None
    )


def is_dashes(line: str) -> bool:
    """What stands above a signature (RFC 3676, section 4.3), whether or not the space at its end survived."""
    return _DASHES.fullmatch(line) is not None


def without_armour(text: str) -> str:
    """What somebody wrote and signed in the text itself (RFC 9580, section 7), whether or not it is true."""
    signed = _ARMOUR.match(text)
    return _ESCAPED_DASH.sub("", signed[1]) if signed else text


def without_list_footer(lines: Sequence[str]) -> list[str]:
    """A rule of underscores, some lines and an address of the web, at the very end, are a mailing list's."""
    kept = list(lines)
    for at in range(len(kept) - 1, max(-1, len(kept) - 1 - _LIST_FOOTER_LINES), -1):
        if _LIST_RULE.fullmatch(kept[at]):
            below = " ".join(kept[at + 1 :])
            return kept[:at] if "://" in below or "@" in below else kept
    return kept


def without_sign_off(lines: Sequence[str]) -> list[str]:
    """A name behind a dash, alone in the last paragraph."""
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    alone = len(kept) > 1 and not kept[-2].strip()
    return kept[:-1] if alone and _SIGNED_OFF.fullmatch(kept[-1].strip()) else kept
