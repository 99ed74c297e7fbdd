"""Whether our own mail server vouches for the sender: DMARC, as Authentication-Results has it (RFC 8601)."""

import re

from parlour.kernel.addresses import readable_host
from parlour.mail.receive.fields import Fields
from parlour.mail.receive.parsed import Address

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|[();"\\]|[^();"\\]+', re.DOTALL)
_PLAIN = re.compile(r"[\w.@-]{1,400}")
_RESULT = re.compile(r"\s*([\w-]+)\s*(?:/\s*\d+\s*)?=\s*(\w+)(.*)", re.DOTALL)
_PROPERTY = re.compile(r"(?<![\w.-])([\w.-]{1,40})\s{0,9}=\s{0,9}([^\s;]{1,400})")


def vouched_for(fields: Fields, sender: Address | None, authserv_id: str) -> bool:
    """Whether the newest result of the server with this name is that the sender's domain stands for the mail.

    Anybody can write the header under any name: what another server has said counts for nothing, and our own
    must remove what comes in under its name (section 5). Without a result of DMARC, a valid signature of the
    very domain will do.
    """
    if not authserv_id or sender is None or sender.odd:
        return False
    domain = _host(sender.address.rpartition("@")[2])
    for value in fields.every("authentication-results"):
        server, *results = _between_semicolons(value)
        if server.split()[:1] and server.split()[0].lower() == authserv_id.lower():
            return bool(domain) and _stands(results, domain)
    return False


def _stands(results: list[str], domain: str) -> bool:
    said: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for result in results:
        if found := _RESULT.fullmatch(result):
            properties = {name.lower(): value for name, value in _PROPERTY.findall(found[3])}
            said.setdefault(found[1].lower(), []).append((found[2].lower(), properties))
    if "dmarc" in said:
        return all(
            verdict == "pass" and _host(properties.get("header.from", domain)) == domain
            for verdict, properties in said["dmarc"]
        )
    return any(
        verdict == "pass"
        and domain in (_host(properties.get("header.d", "")), _host(properties.get("header.i", "")))
        for verdict, properties in said.get("dkim", [])
    )


def _host(name: str) -> str:
    try:
        return readable_host(name.rpartition("@")[2].rstrip("."))
    except UnicodeError:
        return ""


def _between_semicolons(value: str) -> list[str]:
    """Without comments, and without quoted words that are more than a name: both hold what strangers sent (an
    envelope's sender, a signature's `i=`), and nothing in them may pass for a result. Where it cannot be told
    surely which words are whose, there is nothing but the server's name.
    """
    kept, depth = list[str](), 0
    for token in _TOKEN.finditer(value):
        said, quoted = token[0], token[1]
        if said in ("(", ")"):
            depth += 1 if said == "(" else -1
            said = " "
        elif said[0] in '"\\':
            if depth or quoted is None:
                depth = -1
            said = quoted if quoted and _PLAIN.fullmatch(quoted) else "?"
        elif depth:
            continue
        if depth < 0:
            break
        kept.append(said)
    parts = "".join(kept).split(";")
    return parts[:1] if depth else parts
