"""Where the mailboxes of well-known providers lie, by the domain of the address."""

from msgspec import Struct


class Provider(Struct, frozen=True):
    """`imap` speaks TLS at port 993, `smtp` TLS from the first byte at 465 or STARTTLS at 587."""

    imap: str
    smtp: str
    smtp_port: int = 465
    takes_passwords: bool = True
    grants: str = ""
    """By which name it grants access by OAuth."""


_GOOGLE = Provider("imap.gmail.com", "smtp.gmail.com", grants="google")
_MICROSOFT = Provider(
    "outlook.office365.com", "smtp.office365.com", 587, takes_passwords=False, grants="microsoft"
)
_APPLE = Provider("imap.mail.me.com", "smtp.mail.me.com", 587)
_YAHOO = Provider("imap.mail.yahoo.com", "smtp.mail.yahoo.com")
_YANDEX = Provider("imap.yandex.com", "smtp.yandex.com")
_GMX_DE = Provider("imap.gmx.net", "mail.gmx.net")

_BY_DOMAIN = {
    "gmail.com": _GOOGLE,
    "googlemail.com": _GOOGLE,
    "outlook.com": _MICROSOFT,
    "hotmail.com": _MICROSOFT,
    "live.com": _MICROSOFT,
    "msn.com": _MICROSOFT,
    "icloud.com": _APPLE,
    "me.com": _APPLE,
    "mac.com": _APPLE,
    "yahoo.com": _YAHOO,
    "ymail.com": _YAHOO,
    "aol.com": Provider("imap.aol.com", "smtp.aol.com"),
    "fastmail.com": Provider("imap.fastmail.com", "smtp.fastmail.com"),
    "fastmail.fm": Provider("imap.fastmail.com", "smtp.fastmail.com"),
    "gmx.de": _GMX_DE,
    "gmx.net": _GMX_DE,
    "gmx.com": Provider("imap.gmx.com", "mail.gmx.com"),
    "web.de": Provider("imap.web.de", "smtp.web.de", 587),
    "t-online.de": Provider("secureimap.t-online.de", "securesmtp.t-online.de"),
    "mailbox.org": Provider("imap.mailbox.org", "smtp.mailbox.org"),
    "posteo.de": Provider("posteo.de", "posteo.de"),
    "yandex.com": _YANDEX,
    "yandex.ru": _YANDEX,
    "mail.ru": Provider("imap.mail.ru", "smtp.mail.ru"),
    "zoho.com": Provider("imap.zoho.com", "smtp.zoho.com"),
    "zohomail.com": Provider("imap.zoho.com", "smtp.zoho.com"),
}


def provider_of(address: str) -> Provider | None:
    return _BY_DOMAIN.get(address.rpartition("@")[2])
