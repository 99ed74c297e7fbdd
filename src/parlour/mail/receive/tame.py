"""HTML made small enough to be read: what could take an HTML parser minutes, or all memory, stays outside.

Browsers' rules reopen every unclosed `<font>` in each new paragraph, so that 14 kB become 200 MB. Here tags
are told apart as those rules do (https://html.spec.whatwg.org/#tokenization), once, from front to back; what
they mean, and whether they may be shown, is decided afterwards by others.
"""

import re

DEPTH = 200
"""Elements inside one another."""
_STYLES_DEPTH = 40
_REOPENED = 60_000
"""Elements that a parser may have to make anew."""
LIMIT = 512 * 1024
"""Characters that are read."""

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_REST_OF_TAG = re.compile(
    r"""(?:[\s/]+|[^\s/>][^\s/>=]*+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"'][^\s>]*|(?=>)))?)*+>"""
)
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))|<[!?/][^>]*(?:>|\Z)", re.DOTALL)
_LONE_AMPERSAND = re.compile(r"&(?!#?\w{1,32};|(?:nbsp|amp|lt|gt|quot)\b)")


def tags(names: str) -> set[str]:
    """Many of them on one line."""
    return set(names.split())


_STYLES = tags("a b big code em font i nobr s small strike strong tt u")
_EMPTY = tags(
    "area base basefont bgsound br col embed hr image img input keygen link meta param source track wbr"
)
_UNREAD = tags("script style title textarea xmp iframe noembed noframes plaintext")
"""Their content is no markup, and nothing to read."""
_LEFT_OUT = tags(
    "svg math template select option optgroup frameset frame noscript object applet marquee html head "
    "body form button"
)
"""They change the rules for what stands in them, or say nothing."""
_CELLS = {"td", "th", "caption"}


class _Tamer:
    def __init__(self, html: str) -> None:
        self.html = html
        self.kept: list[str] = []
        self.depth = 0
        self.styles = 0
        self.floors = [0]
        self.reopened = 0

    def run(self) -> tuple[str, bool]:
        """The HTML, and whether all of it."""
        html, at = self.html, 0
        while (found := html.find("<", at)) >= 0 and self.reopened <= _REOPENED:
            self.kept.append(html[at:found])
            at = self._past(found)
        if self.reopened > _REOPENED:
            return "".join(self.kept), False
        return "".join([*self.kept, html[at:]]), True

    def _past(self, at: int) -> int:
        """Deals with what begins with this `<`; says where it ends."""
        tag = _TAG.match(self.html, at)
        if tag is None:
            comment = _COMMENT.match(self.html, at)
            if comment is None:
                self.kept.append("&lt;")
            return comment.end() if comment else at + 1
        rest = _REST_OF_TAG.match(self.html, tag.end())
        if rest is None:
            return len(self.html)
        name = tag[2].lower()
        if name in _UNREAD:
            return rest.end() if tag[1] else self._past_unread(name, rest.end())
        if name not in _LEFT_OUT and (self._closes(name) if tag[1] else self._opens(name)):
            self.kept.append(self.html[at : rest.end()])
        return rest.end()

    def _past_unread(self, name: str, at: int) -> int:
        end = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(self.html, at)
        return end.start() if end else len(self.html)

    def _opens(self, name: str) -> bool:
        if name in _EMPTY:
            return True
        if name in _STYLES:
            if self.styles >= _STYLES_DEPTH:
                return False
            self.styles += 1
            return True
        self.reopened += self.styles
        if self.depth >= DEPTH:
            return False
        self.depth += 1
        if name == "table":
            self.floors.append(self.floors[-1])
        elif name in _CELLS:
            self.floors[-1] = self.styles  # what was opened outside of a cell is not closed in it
        return True

    def _closes(self, name: str) -> bool:
        if name in _STYLES:
            self.styles = max(self.floors[-1], self.styles - 1)
            return True
        self.reopened += self.styles
        self.depth = max(0, self.depth - 1)
        if name == "table" and len(self.floors) > 1:
            self.floors.pop()
        return True


def tamed(html: str) -> tuple[str, bool]:
    """HTML that says the same, and whether that is all of it."""
    html = _LONE_AMPERSAND.sub("&amp;", html[: LIMIT + 1])
    calm, all_of_it = _Tamer(html[:LIMIT]).run()
    return calm, all_of_it and len(html) <= LIMIT
