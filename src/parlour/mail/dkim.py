"""Signatures of a domain on our mails (DKIM, RFC 6376), and the record in DNS by which others check them.

The library comes with the first mail that is signed: most houses leave that to their mail server.
"""

import base64
import re
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from parlour.mail.headers import Folded

KEY_BITS = 2048
"""What RFC 8301 asks for at least, and the most that DNS carries everywhere."""
SIGNED = (
    *("From", "Subject", "Date", "To", "Reply-To", "Message-ID", "In-Reply-To", "References"),
    *("Auto-Submitted", "MIME-Version", "Content-Type"),
)
"""Each once more than it is there: whoever adds another one breaks the signature."""
_TAG = re.compile(r"([^=;]+)=([^;]*)")
PATIENCE = 10.0
"""Seconds for DNS to answer."""
_STRING = 255
"""Characters of a string in a TXT record (RFC 1035, section 3.3)."""


class NoAnswer(Exception):
    """DNS could not be asked; the message says why, and the next time may be better."""


def new_key() -> str:
    """A private key (PEM)."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def record_of(private_key: str) -> str:
    """What the TXT record has to say."""
    return f"v=DKIM1; k=rsa; p={_public(private_key)}"


def _public(private_key: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    public = load_pem_private_key(private_key.encode(), None).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def name_of(domain: str, selector: str) -> str:
    """Where in DNS the record stands."""
    return f"{selector}._domainkey.{domain}"


def zone_line(name: str, record: str) -> str:
    """The record as a zone file has it, in strings that are short enough."""
    strings = (f'"{record[start : start + _STRING]}"' for start in range(0, len(record), _STRING))
    return f"{name}. IN TXT ( {' '.join(strings)} )"


def asked(name: str) -> list[str]:
    """The TXT records that DNS has there now, the strings of each joined. Raises NoAnswer."""
    from dns import resolver
    from dns.exception import DNSException

    try:
        found = resolver.resolve(f"{name}.", "TXT", lifetime=PATIENCE)
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return []
    except DNSException as error:
        raise NoAnswer(str(error) or type(error).__name__) from None
    return [b"".join(record.strings).decode("ascii", "backslashreplace") for record in found]


def says(record: str, private_key: str) -> bool:
    """Whether this record lets others check what is signed with the key."""
    tags = {name.strip(): "".join(value.split()) for name, value in _TAG.findall(record)}
    fits = tags.get("v", "DKIM1") == "DKIM1" and tags.get("k", "rsa") == "rsa"
    return fits and tags.get("p") == _public(private_key)


def sign(wire: EmailMessage, domain: str, selector: str, private_key: str) -> None:
    """Put a signature on the mail, of the very bytes that go over the wire: nothing is changed after it."""
    import dkim

    to = wire["To"].addresses[0].username
    raw = wire.as_bytes(policy=SMTP if to.isascii() else SMTPUTF8)  # as the mailer's library writes them
    headers = [name for name in SIGNED for _ in range(len(wire.get_all(name, [])) + 1)]
    signature = dkim.sign(
        raw,
        selector.encode(),
        domain.encode(),
        private_key.encode(),
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[name.encode() for name in headers],
    )
    name, _, value = signature.decode().partition(":")
    wire[name] = Folded(name, value.strip())
