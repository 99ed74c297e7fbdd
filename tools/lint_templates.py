"""Check every template: nothing that the content security policy refuses, and no word outside `_()`.

The browser would refuse an inline script only when somebody opens that page; a forgotten word would stay
English in every language. Both show here instead, as file:line.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("src/parlour/web/templates", "src/parlour/features/*/templates", "src/parlour/mail/templates")

# Said the same in every language: the product's name, and the rest of an address after an expression.
UNTRANSLATED = re.compile(r"\bParlour\b|(?<=\ue000)/[\w/-]+")
UNTRANSLATED_TAGS = {"kbd"}

# Macros and blocks that print attributes, or a part of one, instead of text.
ATTRIBUTE_PARTS = ("attaching", "describe", "frame", "limited", "within")

SPOKEN_ATTRIBUTES = {
    "alt",
    "aria-description",
    "aria-label",
    "aria-placeholder",
    "aria-roledescription",
    "aria-valuetext",
    "label",
    "placeholder",
    "title",
}
SPOKEN_METAS = {"description", "og:description", "og:title"}
BUTTONS = {"button", "reset", "submit"}

STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
JINJA = re.compile(
    r"(?P<comment>\{#.*?#\})"
    rf"|(?P<code>\{{\{{(?:{STRING}|[^'\"])*?\}}\}}|\{{%(?:{STRING}|[^'\"])*?%\}})",
    re.DOTALL,
)
ATTRIBUTE_PART = re.compile(
    rf"\{{%-?\s*(?:macro|block)\s+(?:{'|'.join(ATTRIBUTE_PARTS)})\b.*?%\}}"
    r"(?P<attributes>.*?)(?=\{%-?\s*end(?:macro|block))",
    re.DOTALL,
)
# Stands where an expression was; not a letter, and not empty either.
EXPRESSION = "\ue000"
# A string in an expression is words when it looks like them, or when the argument it is given to is spoken.
CAPITALISED = re.compile(r"[A-Z][a-z]")
SPOKEN_ARGUMENT = re.compile(r"\b(?:alt|aria_label|caption|heading|hint|label|placeholder|title)\s*=\s*$")
TRANSLATED = re.compile(r"(?<!\w)_\(\s*$")


@dataclass(frozen=True, order=True)
class Problem:
    """A finding at a line, counted from 1."""

    line: int
    message: str


HEADER = range(1, 4)
"""Lines of a mail's template among which its headers are."""


def problems(name: str, source: str) -> list[Problem]:
    """Everything wrong in one template; `name` tells pages from mails, HTML from text."""
    found = list(words_in_expressions(source))
    rest = without_jinja(source)
    if name.endswith(".txt"):
        found += words_in_plain_text(rest)
    else:
        page = Page(styled=name.startswith("mail/"))
        page.feed(rest)
        page.close()
        found += page.found
    return sorted(found)


def without_jinja(source: str) -> str:
    """The source with each Jinja construct replaced by something neutral; line numbers stay the same."""

    def neutral(match: re.Match[str]) -> str:
        stand_in = EXPRESSION if match[0].startswith("{{") else " "
        return stand_in + "\n" * match[0].count("\n")

    return JINJA.sub(neutral, ATTRIBUTE_PART.sub(r"<attributes \g<attributes>>", source))


def words_in_expressions(source: str) -> Iterator[Problem]:
    """Words given to a macro or printed as they are, such as `{{ button("Send") }}`."""
    for construct in JINJA.finditer(source):
        if construct["code"] is None:
            continue
        for string in re.finditer(STRING, construct[0]):
            before, text = construct[0][: string.start()], string[0][1:-1]
            if TRANSLATED.search(before):
                continue
            if CAPITALISED.match(plain(text)) or (SPOKEN_ARGUMENT.search(before) and has_words(text)):
                line = source.count("\n", 0, construct.start() + string.start()) + 1
                yield Problem(line, f"the string {string[0]} is not in _()")


def words_in_plain_text(text: str) -> Iterator[Problem]:
    """Words in the text part of a mail; the names of its headers, `Subject` and `From`, are no words."""
    for number, line in enumerate(text.split("\n"), start=1):
        spoken = line.removeprefix("Subject:").removeprefix("From:") if number in HEADER else line
        if has_words(spoken):
            yield Problem(number, f"the text {shown(spoken)} is not in _()")


def plain(text: str) -> str:
    return UNTRANSLATED.sub("", text).strip()


def has_words(text: str) -> bool:
    return any(character.isalpha() for character in plain(text))


def shown(text: str) -> str:
    """The text in one line of a message, short and quoted."""
    line = " ".join(text.replace(EXPRESSION, "…").split())
    return f'"{line[:50]}…"' if len(line) > 50 else f'"{line}"'


class Page(HTMLParser):
    """Reads one HTML template whose Jinja has been taken out and collects what is wrong in it."""

    def __init__(self, *, styled: bool = False) -> None:
        """`styled`: a mail, which no policy is sent with, brings its own style sheet."""
        super().__init__()
        self.styled = styled
        self.found: list[Problem] = []
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open_tags.append(tag)
        self.check_tag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.check_tag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close back to the matching tag: void tags such as `<br>` never close themselves."""
        if tag in self.open_tags:
            while self.open_tags.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        inside = self.open_tags[-1] if self.open_tags else ""
        if inside == "script" and data.strip():
            self.report("an inline <script> body; scripts come from files")
        if inside in {"script", "style"} or not UNTRANSLATED_TAGS.isdisjoint(self.open_tags):
            return
        for lines_below, line in enumerate(data.split("\n")):
            if has_words(line):
                self.report(f"the text {shown(line)} is not in _()", lines_below=lines_below)
                return

    def check_tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "style" and not self.styled:
            self.report("a <style> element; styles come from files")
        values = {name: value or "" for name, value in attrs}
        for name, value in values.items():
            if refusal := refused(name, value):
                self.report(refusal)
            if spoken(tag, name, values) and has_words(value):
                self.report(f"the attribute {name}={shown(value)} is not in _()")

    def report(self, message: str, *, lines_below: int = 0) -> None:
        self.found.append(Problem(self.getpos()[0] + lines_below, message))


def refused(name: str, value: str) -> str | None:
    """Why this attribute must not stand there: the content security policy would refuse it, mostly."""
    if name == "style":
        return "a style= attribute; use a class"
    if name == "maxlength":
        return "the attribute maxlength, which cuts what is pasted without a word; use limited()"
    if name.startswith("hx-on"):
        return f"the attribute {name}; behaviour lives in TypeScript"
    if name.startswith("on"):
        return f"the event attribute {name}; behaviour lives in TypeScript"
    if re.match(r"\s*(?:js|javascript):", value):
        return f"code in {name} (js:); behaviour lives in TypeScript"
    return None


def spoken(tag: str, name: str, values: dict[str, str]) -> bool:
    """Whether people read or hear this attribute."""
    if name in SPOKEN_ATTRIBUTES:
        return True
    if name == "content":
        return tag == "meta" and (values.get("name") or values.get("property")) in SPOKEN_METAS
    if name == "value":
        return tag == "input" and values.get("type") in BUTTONS
    # Words that the scripts show, such as data-failed="Not sent".
    return name.startswith("data-") and CAPITALISED.match(plain(values[name])) is not None


def templates(root: Path) -> list[Path]:
    """Every template below `root`, pages and mails."""
    return sorted(
        path
        for folder in FOLDERS
        for path in root.glob(f"{folder}/**/*")
        if path.is_file() and path.suffix in {".html", ".txt", ".svg", ".xml"}
    )


def name_of(path: Path) -> str:
    """What says whether it is a mail's: `mail/layout.html`."""
    return f"{path.parent.parent.name}/{path.name}"


def main(root: Path = ROOT) -> int:
    """Print each problem as file:line; 1 when there is one."""
    paths = templates(root)
    count = 0
    for path in paths:
        for problem in problems(name_of(path), path.read_text(encoding="utf-8")):
            count += 1
            print(f"{path.relative_to(root)}:{problem.line}: {problem.message}")
    print(f"Templates: {len(paths)} read, {count} problems.")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
