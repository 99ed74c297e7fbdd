"""What was newly written in a mail: its text without what it quotes, and without signatures.

By structure: lines behind `>`; a line that names a date or an address and ends like "… wrote:"; a block of
`From: … Subject: …`; a rule of dashes around "Original Message". Words of many languages help.
Whatever is left out is in the whole text, and where nothing would be left all of it stays.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from parlour.kernel.text import is_visible, many_lines
from parlour.mail.receive.attribution import LINES as INTRODUCTION_LINES
from parlour.mail.receive.attribution import introduction_ending_at
from parlour.mail.receive.quoted_header import header_block_at, is_rule, is_title, titled_rule
from parlour.mail.receive.signature import (
    is_dashes,
    is_footer,
    without_armour,
    without_list_footer,
    without_sign_off,
)

LINES = 3_000
"""Within so many lines a quotation that reaches to the end is looked for: nobody writes as many above it."""
SIGNATURE_LINES = 8

_QUOTED = re.compile(r"[\s\ufffc]{0,3}>")
_MARKS = re.compile(r"[\s\ufffc]{0,3}>[>\s]*")
_BROKEN_ADDRESS = re.compile(r"(<[^\s<>]{1,250}@[^\s<>]{1,250})\n>(?=[^\n]{0,30}[:：]?\s*\n)")
"""Wrapped just before its last bracket, which then looks like the mark of a quoted line."""
_WRAPPED_FROM = 60
"""Characters: a quoted line as long as this may have been wrapped, and its end stands without a mark."""


class _Block(Struct):
    """Lines of one kind, one after another."""

    quoted: bool
    lines: list[str]

    @property
    def visible(self) -> bool:
        return is_visible("\n".join(self.lines))


def newly_written(text: str) -> str:
    """The reply in a clean text (`kernel.text.many_lines`). Empty only if the text is."""
    written = without_armour(text)
    lines = _with_marks_on_wrapped_ends(_BROKEN_ADDRESS.sub(r"\1>", written).split("\n"))
    lines = _before_whole_quotation(without_list_footer(lines))
    blocks = _blocks(lines)
    kept = [line for block in _answers(blocks) for line in block.lines]
    reply = many_lines("\n".join(without_sign_off(_without_rules_at_end(kept))))
    return reply if is_visible(reply) else text


def _is_quoted(line: str) -> bool:
    return _QUOTED.match(line) is not None


def _with_marks_on_wrapped_ends(lines: list[str]) -> list[str]:
    """A program that wrapped a quoted line left its end without a mark."""
    marked = list(lines)
    for at in range(1, len(lines) - 1):
        above, line, below = marked[at - 1], lines[at], lines[at + 1]
        if _is_quoted(line) or not (_is_quoted(above) and _is_quoted(below) and line.strip()):
            continue
        ended = above.rstrip().endswith((".", ":", ";", ",")) and not line[:1].islower()
        if len(above) >= _WRAPPED_FROM > len(line) and not above.rstrip().endswith(("?", "!")) and not ended:
            marked[at] = f"> {line}"
    return marked


def _before_whole_quotation(lines: list[str]) -> list[str]:
    """Everything above what begins a quotation, or a signature, that reaches to the end."""
    for at, line in enumerate(lines[:LINES]):
        if not line.strip() or _is_quoted(line):
            continue
        start = _whole_quotation_at(lines, at)
        if start is not None:
            written = lines[:start]
            return _without_rules_at_end(written) if is_visible("\n".join(written)) else lines
    return lines


def _whole_quotation_at(lines: Sequence[str], at: int) -> int | None:
    """Where it begins, if this line shows it."""
    line = lines[at]
    if titled_rule(line) or is_footer(line) or header_block_at(lines, at):
        return at
    if is_dashes(line) and _signs_off(lines, at):
        return at
    if _next_is_quoted(lines, at + 1):
        return None
    return introduction_ending_at(lines, at, before_marks=False)


def _signs_off(lines: Sequence[str], at: int) -> bool:
    """Two dashes and a space do (RFC 3676); without the space they may part what somebody wrote."""
    if lines[at].endswith("-- "):
        return True
    below = 0
    for number in range(at + 1, len(lines)):
        line = lines[number]
        begins = _is_quoted(line) or titled_rule(line) or header_block_at(lines, number)
        if begins or introduction_ending_at(lines, number, before_marks=False) is not None:
            return True
        below += bool(line.strip())
        if below > SIGNATURE_LINES:
            return False
    return True


def _next_is_quoted(lines: Sequence[str], at: int) -> bool:
    return next((_is_quoted(line) for line in lines[at : at + 20] if line.strip()), False)


def _without_rules_at_end(lines: list[str]) -> list[str]:
    """The rule above a quotation, and "Begin forwarded message:", belong to it."""
    kept = list(lines)
    while kept and (not kept[-1].strip() or is_rule(kept[-1])):
        kept.pop()
    if kept and is_title(kept[-1]):
        kept.pop()
    return kept


def _blocks(lines: list[str]) -> list[_Block]:
    """Quotations, with the sentence above each, and what stands between them."""
    blocks: list[_Block] = []
    for line in lines:
        quoted = _is_quoted(line) or (not line.strip() and bool(blocks) and blocks[-1].quoted)
        if blocks and blocks[-1].quoted == quoted:
            blocks[-1].lines.append(line)
        else:
            blocks.append(_Block(quoted, [line]))
    return blocks


def _answers(blocks: list[_Block]) -> list[_Block]:
    """What was written; between several answers, that to which each is one stays."""
    answered = {
        number
        for number, (block, below) in enumerate(pairwise([*blocks, _Block(quoted=True, lines=[])]))
        if block.quoted and not below.quoted and below.visible
    }
    kept: list[_Block] = []
    written = False
    for number, block in enumerate(blocks):
        if not block.quoted:
            kept.append(block)
            written = written or block.visible
            continue
        introduced = _take_introduction(kept) or _holds_its_introduction(block)
        placed = written and not introduced
        if number in answered and (placed or len(answered) > 1):
            kept.append(block)
        elif kept and kept[-1].lines and kept[-1].lines[-1].strip():
            kept.append(_Block(quoted=False, lines=[""]))
    return kept


def _holds_its_introduction(block: _Block) -> bool:
    """Some programs quote the sentence along with what it begins."""
    lines = [_MARKS.sub("", line) for line in block.lines[:INTRODUCTION_LINES]]
    return any(introduction_ending_at(lines, at, before_marks=True) == 0 for at in range(len(lines)))


def _take_introduction(kept: list[_Block]) -> bool:
    """Whether the sentence that begins a quotation stood above it; it goes."""
    if not kept or kept[-1].quoted:
        return False
    lines = kept[-1].lines
    end = next((at for at in range(len(lines) - 1, -1, -1) if lines[at].strip()), None)
    start = None if end is None else introduction_ending_at(lines, end, before_marks=True)
    if start is None:
        return False
    kept[-1] = _Block(quoted=False, lines=lines[:start])
    return True
