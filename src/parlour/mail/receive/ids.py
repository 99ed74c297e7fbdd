"""Message-IDs, as they stand in headers (RFC 5322, section 3.6.4)."""

import re

from parlour.kernel.text import one_line

LIMIT = 100
"""Of one header: the first, which began the thread, and the newest of the others."""

_ID = re.compile(r"<([^<>\s]{1,900})>")
_BARE = re.compile(r"(?<![^<>\s,;])[^<>\s,;@]{1,400}@[^<>\s,;]{1,400}")


def message_ids(value: str) -> tuple[str, ...]:
    """Each as `<…>`, without repetition; programs that forget the brackets are understood."""
    found = _ID.findall(value) or _BARE.findall(value)
    once = [f"<{each}>" for each in dict.fromkeys(map(one_line, found)) if each]
    return tuple(once if len(once) <= LIMIT else [once[0], *once[1 - LIMIT :]])
