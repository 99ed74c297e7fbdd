"""Headers that hold people's words, folded here: the standard library's own folding loses spaces between
encoded words. RFC 2047 has readers drop the white space between two of them.
"""

import re
import textwrap
from email.header import Header
from email.headerregistry import Address
from email.policy import Policy

LINE = 76
"""Characters; RFC 5322 asks for 78 at most, with which the library would fold once more."""
_PLAIN = re.compile(r"(?!.*=\?)[!-~]{1,60}(?: [!-~]{1,60})*")
"""One space between words that fit on a line, and nothing that looks encoded."""


def words(name: str, text: str) -> str:
    """The text of the header `name`, in lines. Decoded, it is `text` again, every space of it."""
    if not text or _PLAIN.fullmatch(text):
        if len(f"{name}: {text}") <= LINE:
            return text
        indented = textwrap.wrap(
            text, LINE, initial_indent=" " * len(f"{name}: "), subsequent_indent=" ", break_on_hyphens=False
        )
        return "\r\n".join(indented).strip()
    return _encoded(name, text)


def mailbox(name: str, display: str, address: str) -> str:
    """An address in the name of somebody."""
    if not display:
        return address
    if display.isascii() and _PLAIN.fullmatch(display):
        local, _, host = address.rpartition("@")
        one = str(Address(display, local, host))
        if len(f"{name}: {one}") <= LINE:
            return one
    return f"{_encoded(name, display)}\r\n <{address}>"


class Folded(str):
    """A header's value in lines that stay as they are: the library encodes a word that fits on none, and a
    Message-ID of which it makes that is nobody's any more.
    """

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str, value: str) -> "Folded":
        self = super().__new__(cls, value)
        self.name = name
        return self

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def message_ids(name: str, ids: str) -> Folded:
    """A line for each: most programs have some that are longer than half of one."""
    return Folded(name, "\r\n ".join(ids.split()))


def _encoded(name: str, text: str) -> str:
    """All of it, so that every space stands inside of an encoded word."""
    return Header(text, "utf-8", LINE, name).encode(linesep="\r\n")
