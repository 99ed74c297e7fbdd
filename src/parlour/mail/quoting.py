"""What an answer by mail answers, as it stands below it: so much that its reader knows what it is about."""

from datetime import datetime
from typing import NamedTuple

from parlour.kernel.graphemes import cut
from parlour.kernel.messages import Message

LINES = 40
CHARACTERS = 2000


class Quotation(NamedTuple):
    """`is_all`: nothing of what was said is left out."""

    sender_name: str
    created_at: datetime
    content: str
    is_all: bool

    @property
    def lines(self) -> list[str]:
        return self.content.split("\n")


def quotation(message: Message) -> dict[str, object] | None:
    """Plain values, of which templates know the fields. None for a message without words."""
    if not message.content:
        return None
    content = "\n".join(cut(message.content, CHARACTERS).split("\n")[:LINES])
    found = Quotation(message.sender_name, message.created_at, content, content == message.content)
    return {**found._asdict(), "lines": found.lines}
