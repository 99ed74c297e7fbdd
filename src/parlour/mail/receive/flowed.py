"""Text whose lines were folded for the way (RFC 3676, section 4)."""

import re

_LINE = re.compile(r"(>*)( ?)(.*)")
SIGNATURE = "-- "


def unfolded(text: str, *, deletes_space: bool) -> str:
    """Paragraphs as they were written; a quoted line keeps its marks, `> ` for each."""
    kept: list[str] = []
    depth_before, open_line = 0, False
    for line in text.split("\n"):
        marks, _, words = _LINE.fullmatch(line.rstrip("\r")).groups()  # type: ignore[union-attr]
        depth = len(marks)
        flows = words.endswith(" ") and words != SIGNATURE
        if flows and deletes_space:
            words = words[:-1]
        if open_line and depth == depth_before and words != SIGNATURE:
            kept.append(words)
        else:
            kept.append(("\n" if kept else "") + (">" * depth + " " if depth else "") + words)
        depth_before, open_line = depth, flows
    return "".join(kept)
