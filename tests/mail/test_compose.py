import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from parlour import mail as mail_package
from parlour.db.outbox import Undeliverable
from parlour.mail.compose import compose
from parlour.mail.threads import message_id
from parlour.web.render import Renderer

JOB = UUID("0192f000-0000-7000-8000-000000000001")
ID = message_id(JOB, "desk.example")
CONFIRMATION: dict[str, Any] = {
    "workspace": {"name": "Acme", "slug": "acme"},
    "ticket": {"number": 7, "subject": "BUY PILLS", "description": "http://evil.example"},
    "link": "https://desk.example/support/acme/access#s3cret-code",
    "code": "s3cret-code",
    "days": 7,
    "answerable": False,
    "portal": "https://desk.example/support/acme",
    "thread": "",
    "called": "Acme",
    "signature": "",
    "auto_reply": "",
}
FRESH_LINKS: dict[str, Any] = {
    "workspace": {"name": "Acme", "slug": "acme"},
    "tickets": [
        {
            "number": number,
            "subject": "BUY PILLS",
            "link": f"https://desk.example/support/acme/access#code-{number}",
            "code": f"code-{number}",
            "opened_at": datetime(2026, 11, number, 19, 21, tzinfo=UTC),
        }
        for number in (9, 4)
    ],
    "days": 7,
    "answerable": False,
    "portal": "https://desk.example/support/acme",
    "older": 0,
}
TEMPLATES = {"confirmation": CONFIRMATION, "fresh_links": FRESH_LINKS}
SAID = SimpleNamespace(
    sender_name="Ada",
    created_at=datetime(2026, 11, 9, tzinfo=UTC),
    content="Hello",
    files=[{"name": "receipt.pdf"}],
    enclosed=[],
    doubtful=[],
)
WITH_NAMES: dict[str, dict[str, Any]] = {
    **TEMPLATES,
    "invitation": {
        **CONFIRMATION,
        "invited_by": "Ada",
        "role": "agent",
        "page": "https://desk.example/invite",
    },
    "replies": {**CONFIRMATION, "replies": [SAID], "earlier": 0, "quoted": None},
    "first_word": {**CONFIRMATION, "replies": [SAID], "earlier": 0},
    "test": CONFIRMATION,
    "told": {
        **CONFIRMATION,
        "lines": [
            {"kind": "assigned", "times": 1, "who": "Ada", "number": 7, "subject": "Late", "link": "x"}
        ],
        "more": 2,
        "desk": "https://desk.example/workspace/7",
    },
}


def test_a_message_id_is_the_same_for_every_attempt_of_a_job() -> None:
    assert ID == "<0192f000-0000-7000-8000-000000000001@desk.example>"


def test_a_confirmation_holds_the_link_the_code_and_how_long_they_work(renderer: Renderer) -> None:
    mail = compose(renderer, "confirmation", "mary@example.test", ID, CONFIRMATION)

    assert mail.subject == "Your ticket at Acme (#7)"
    for words in (mail.text, mail.html):
        assert "You opened ticket #7 at Acme." in words
        assert "7 days" in words
    assert "\nhttps://desk.example/support/acme/access#s3cret-code\n" in mail.text
    assert "\ns3cret-code\n" in mail.text
    assert "\nhttps://desk.example/support/acme/access\n" in mail.text
    assert 'access#s3cret-code"' in mail.html
    assert "<code>s3cret-code</code>" in mail.html


def test_fresh_links_name_every_ticket_by_its_number(renderer: Renderer) -> None:
    mail = compose(renderer, "fresh_links", "mary@example.test", ID, FRESH_LINKS)

    assert mail.subject == "Your tickets at Acme"
    for words in (mail.text, mail.html):
        for number in (9, 4):
            assert f"Open ticket #{number}" in words
            assert f"Opened on {number} Nov 2026, 19:21 UTC" in words
            assert f"access#code-{number}" in words
    assert "Code: code-9" in mail.text
    assert "<code>code-4</code>" in mail.html


@pytest.mark.parametrize(("template", "context"), TEMPLATES.items(), ids=TEMPLATES)
def test_a_mail_says_nothing_that_a_visitor_typed(
    template: str, context: dict[str, Any], renderer: Renderer
) -> None:
    mail = compose(renderer, template, "mary@example.test", ID, context)

    assert "PILLS" not in mail.subject + mail.text + mail.html
    assert "evil" not in mail.text + mail.html


@pytest.mark.parametrize(("template", "context"), TEMPLATES.items(), ids=TEMPLATES)
def test_a_mail_brings_no_script_or_picture_and_suits_phones_and_both_themes(
    template: str, context: dict[str, Any], renderer: Renderer
) -> None:
    html = compose(renderer, template, "mary@example.test", ID, context).html

    for forbidden in ("style=", "<script", "<img", "bgcolor", "<link", "url(", "@import"):
        assert forbidden not in html
    for needed in ('name="color-scheme" content="light dark"', "width=device-width", "font-size: 16px"):
        assert needed in html
    assert "@media (prefers-color-scheme: dark)" in html


@pytest.mark.parametrize(("template", "context"), TEMPLATES.items(), ids=TEMPLATES)
def test_a_workspaces_name_is_only_words(template: str, context: dict[str, Any], renderer: Renderer) -> None:
    named = {**context, "workspace": {"name": "<b>A&B</b>\r\nBcc: all@example.test", "slug": "acme"}}
    named.pop("called", None)

    mail = compose(renderer, template, "mary@example.test", ID, named)

    assert mail.sender_name.replace("\u2060", "") == "<b>A&B</b> Bcc: all@example.test"
    assert "\n" not in mail.subject
    assert "<b>" not in mail.html


@pytest.mark.parametrize(
    "name",
    [
        "evil.example/login",
        "http://evil.example",
        "HTTPS://127.0.0.1:8000/x",
        "www.evil。example",
        "bank@evil.example",
        "Acme\r\n\r\nVisit http://evil.example now",
        "Acme\u2028Visit mailto:me@evil.example",
        "A" * 70 + " evil.example " + "B" * 70,
    ],
)
@pytest.mark.parametrize("template", WITH_NAMES)
def test_a_name_stays_in_its_place_and_is_no_link(template: str, name: str, renderer: Renderer) -> None:
    """Names are a stranger's to choose: of a workspace one is invited to, of the agent who answers."""
    plain = WITH_NAMES[template]
    named = {**plain, "workspace": {**plain["workspace"], "name": name}, "invited_by": name, "called": name}
    named["replies"] = [
        SimpleNamespace(**{**vars(SAID), "sender_name": name, "files": [{"name": name[:99]}]})
    ]
    named["lines"] = [{**line, "who": name} for line in plain.get("lines", [])]

    usual = compose(renderer, template, "mary@example.test", ID, plain)
    mail = compose(renderer, template, "mary@example.test", ID, named)

    assert len(mail.text.splitlines()) == len(usual.text.splitlines())
    for words in (mail.subject, mail.sender_name, mail.text, mail.html):
        ours = unescape(words).replace("https://desk.example", "")
        assert not re.search(r"(?i)https?://|mailto:\w|\w[.。]example|@evil|0\.0|www\.\w", ours)
        assert len(re.findall("B", words)) < 60


@pytest.mark.parametrize("template", ["replies", "first_word"])
def test_what_an_agent_says_comes_under_the_tickets_subject(template: str, renderer: Renderer) -> None:
    subject = "Заказ  № 12, عاجل " + "long " * 30
    about = {**WITH_NAMES["replies"], "ticket": {"number": 7, "subject": subject.strip()}}

    mail = compose(renderer, template, "mary@example.test", ID, about)

    assert mail.subject.removeprefix("Re: ") == f"\u2068{' '.join(subject.split())}\u2069 (#7)"
    assert mail.sender_name == "Ada at Acme"
    assert mail.text.startswith("Hello\n")


def test_an_answer_keeps_its_spaces_and_each_line_its_direction(renderer: Renderer) -> None:
    said = "  if (x):\n\tgo  on\n\nمرحبا، الطلب ORD-12\nsee https://acme.example  now"
    answer = {**WITH_NAMES["replies"], "replies": [SimpleNamespace(**{**vars(SAID), "content": said})]}

    mail = compose(renderer, "replies", "mary@example.test", ID, answer)
    lines = re.findall('<div dir="auto">(.*)</div>', mail.html)
    there = '<a href="https://acme.example" rel="noopener noreferrer nofollow" target="_blank">'

    assert mail.text.startswith(f"{said}\n\n")
    assert lines == [
        "\u00a0 if (x):",
        "\u00a0\u00a0\u00a0\u00a0go\u00a0 on",
        "<br>",
        "مرحبا، الطلب ORD-12",
        f"see {there}https://acme.example</a>\u00a0 now",
    ]


def test_an_address_that_mail_cannot_reach_is_refused(renderer: Renderer) -> None:
    with pytest.raises(Undeliverable):
        compose(renderer, "confirmation", "mary@example.test\nBcc: all@example.test", ID, CONFIRMATION)


def test_a_template_must_begin_with_its_subject() -> None:
    def render(name: str, /, **_: Any) -> str:
        return "Hello\n\nNo subject here.\n" if name.endswith(".txt") else "<p></p>"

    with pytest.raises(ValueError, match="Subject"):
        compose(render, "broken", "mary@example.test", ID, CONFIRMATION)


def test_what_was_said_stands_in_the_text_letter_by_letter(renderer: Renderer) -> None:
    said = "In HTML a slash is &#x2f; or &sol;, and 1/2 is a half. <b>"
    reply = SimpleNamespace(**{**vars(SAID), "content": said})
    mail = compose(renderer, "replies", "m@example.test", ID, {**WITH_NAMES["replies"], "replies": [reply]})

    assert said in mail.text
    assert said in unescape(mail.html)


def test_files_of_an_answer_are_named_and_lie_in_the_conversation(renderer: Renderer) -> None:
    alone = SimpleNamespace(**{**vars(SAID), "content": ""})

    mail = compose(
        renderer, "replies", "m@example.test", ID, {**WITH_NAMES["replies"], "replies": [SAID, alone]}
    )

    name = "receipt.\u2060pdf"
    told = f"Files, which are in the conversation:\n- {name}\n\nAda, 9 Nov 2026, 00:00 UTC\n"
    assert mail.text.startswith(f"Hello\n\n{told}\n{told}\n")
    assert mail.html.count('access#s3cret-code"><bdi>receipt.\u2060pdf</bdi></a></li>') == 2


def test_a_files_name_is_whole_however_long_it_is(renderer: Renderer) -> None:
    name = f"{'quarterly_report_' * 8}.pdf"
    along = SimpleNamespace(**{**vars(SAID), "enclosed": [{"name": name}], "files": [{"name": name}]})

    mail = compose(renderer, "replies", "m@example.test", ID, {**WITH_NAMES["replies"], "replies": [along]})

    shown = name.replace(".pdf", ".\u2060pdf")
    assert mail.text.count(shown) == 2
    assert mail.html.count(f"<bdi>{shown}</bdi>") == 2


@pytest.mark.parametrize("template", ["confirmation", "auto_reply"])
def test_what_is_answered_by_itself_stands_in_no_paragraph_that_its_lines_would_end(
    template: str, renderer: Renderer
) -> None:
    said = {**CONFIRMATION, "auto_reply": "We read it.\n\nOn Monday."}

    html = compose(renderer, template, "m@example.test", ID, said).html

    assert "We read it." in html
    assert not re.search(r"<p>\s*<div", html)


_HEADING = re.compile(r'<h1|role="heading" aria-level="1"')
TEMPLATES_OF_MAILS = Path(mail_package.__file__).parent / "templates"
NAMES = sorted(path.stem for path in TEMPLATES_OF_MAILS.glob("*.txt") if path.stem != "told_words")


@pytest.mark.parametrize("name", NAMES)
def test_every_mail_has_a_heading_or_begins_with_what_was_said(name: str) -> None:
    """Then the workspace's name above it is the heading."""
    own = (TEMPLATES_OF_MAILS / f"{name}.html").read_text()
    alternatives = own.split("{% else %}\n<h1>")

    assert '{% extends "mail/layout.html" %}' in own
    assert own.count("<h1>") == (0 if "said(replies" in own else len(alternatives))


@pytest.mark.parametrize(("template", "context"), WITH_NAMES.items())
def test_a_mail_as_it_is_sent_has_one_heading(
    template: str, context: dict[str, Any], renderer: Renderer
) -> None:
    html = compose(renderer, template, "mary@example.test", ID, context).html

    assert len(_HEADING.findall(html)) == html.count('role="main"') == 1
