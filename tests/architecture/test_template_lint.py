from pathlib import Path

import pytest

from tools.lint_templates import Problem, main, problems

REFUSED = {
    "inline script": ("<script>alert(1)</script>", "an inline <script> body"),
    "data in a script": ('<script type="application/json">{{ room }}</script>', "an inline <script> body"),
    "style element": ("<style>p { color: red }</style>", "a <style> element"),
    "style attribute": ('<p style="color: red"></p>', "a style= attribute"),
    "style attribute from an expression": ('<p style="{{ colour }}"></p>', "a style= attribute"),
    "silent limit": ('<input name="q" maxlength="200">', "the attribute maxlength"),
    "event attribute": ('<p onclick="go()"></p>', "the event attribute onclick"),
    "htmx event attribute": ('<p hx-on:click="go()"></p>', "the attribute hx-on:click"),
    "htmx script value": ('<p hx-vals="js:{a: 1}"></p>', "code in hx-vals"),
    "script address": ('<a href="javascript:go()"></a>', "code in href"),
    "text": ("<p>Open a ticket</p>", 'the text "Open a ticket"'),
    "text beside an expression": ("<p>{{ count }} tickets</p>", 'the text "… tickets"'),
    "text in a block": ("{% if a %}yes{% endif %}", 'the text "yes"'),
    "text in another script": ("<p>Добро</p>", 'the text "Добро"'),
    "title": ('<a title="Next"></a>', "the attribute title"),
    "placeholder": ('<input placeholder="Email">', "the attribute placeholder"),
    "aria-label": ('<nav aria-label="Pages"></nav>', "the attribute aria-label"),
    "alt": ('<img alt="A door" />', "the attribute alt"),
    "label": ('<optgroup label="mine"></optgroup>', "the attribute label"),
    "description of the page": ('<meta name="description" content="Ask us">', "the attribute content"),
    "button": ('<input type="submit" value="Send">', "the attribute value"),
    "words for scripts": ('<p data-failed="Not sent"></p>', "the attribute data-failed"),
    "string given to a macro": ('{{ button("Send") }}', 'the string "Send"'),
    "string given to a spoken argument": ("{% call field(label='subject') %}{% endcall %}", "'subject'"),
    "title printed by an attribute macro": (
        "{% macro describe() %} title='Next'{% endmacro %}",
        "the attribute title",
    ),
    "string after a translated one": ('{{ field(_("Name"), "Given") }}', 'the string "Given"'),
}

ALLOWED = {
    "script from a file": '<script type="module" src="{{ asset("portal.js") }}"></script>',
    "translated text": '<p>{{ _("Open a ticket") }}</p>',
    "translated attribute": "<a title=\"{{ _('Next') }}\"></a>",
    "translated over two lines": '<p>{{ _(\n  "Ticket {number}", number=ticket.number) }}</p>',
    "the product's name": "<title>{{ title }} · Parlour</title>",
    "names of keys": "<p><kbd>Ctrl</kbd>+<kbd>Enter</kbd></p>",
    "signs and entities": "<p>{{ a }}&nbsp;· 12&hellip; #{{ b }}</p>",
    "comments": "{# don't say this #}<!-- nor this -->",
    "names that nobody reads": '<input type="hidden" name="csrf" value="token" data-room="abc">',
    "arguments that nobody reads": '{{ icon("send", class="size-4") }}',
    "the page's other facts": '<!doctype html><meta name="viewport" content="width=device-width">',
    "attributes printed by a macro": '{% macro describe(a) -%} aria-invalid="true"{%- endmacro %}',
    "a block in an attribute": '<body class="{% block frame %}flex{% endblock %}">',
    "a block for an attribute": "{% block frame %}h-dvh{% endblock %}",
    "braces in a string": '{{ "}}" }}',
}


def test_a_mail_may_bring_a_style_sheet_and_nothing_else_of_the_kind() -> None:
    assert problems("mail/layout.html", REFUSED["style element"][0]) == []
    assert problems("mail/layout.html", REFUSED["style attribute"][0])


@pytest.mark.parametrize(("source", "message"), REFUSED.values(), ids=REFUSED)
def test_it_refuses(source: str, message: str) -> None:
    found = problems("page.html", source)

    assert [problem.line for problem in found] == [1]
    assert message in found[0].message


@pytest.mark.parametrize("source", ALLOWED.values(), ids=ALLOWED)
def test_it_allows(source: str) -> None:
    assert problems("page.html", source) == []


def test_a_problem_names_its_own_line_below_a_construct_of_several_lines() -> None:
    source = "{# one\ntwo #}\n<p>\n  {{ _('fine') }}\n\n  Forgotten\n</p>"

    assert problems("page.html", source) == [Problem(6, 'the text "Forgotten" is not in _()')]


def test_it_finds_words_in_the_text_of_a_mail() -> None:
    source = "Subject: {{ _('Your ticket') }}\n\n{{ link }}\nBye"

    assert problems("mail.txt", source) == [Problem(4, 'the text "Bye" is not in _()')]


def test_an_address_in_a_mail_is_not_words() -> None:
    assert problems("mail.txt", "Subject:\n{{ portal }}/access/again") == []


def test_it_finds_words_in_the_subject_of_a_mail() -> None:
    assert problems("mail.txt", "Subject: Hello") == [Problem(1, 'the text "Hello" is not in _()')]


@pytest.mark.parametrize("folder", ["web/templates/ui", "features/desk/templates", "mail/templates"])
def test_it_reads_the_templates_of(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = tmp_path / "src/parlour" / folder / "page.html"
    template.parent.mkdir(parents=True)
    template.write_text("\nHello\n", encoding="utf-8")

    assert main(tmp_path) == 1
    assert f'src/parlour/{folder}/page.html:2: the text "Hello" is not in _()' in capsys.readouterr().out
