"""What is quoted below an answer is cut again when it comes back, whatever mail program brings it."""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from html import escape
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from parlour.kernel import clock
from parlour.kernel.messages import Message
from parlour.mail.compose import compose
from parlour.mail.quoting import CHARACTERS, LINES, quotation
from parlour.mail.receive.parse import parse
from parlour.mail.send import Mail
from parlour.web.render import Renderer

AT = datetime(2026, 11, 9, tzinfo=UTC)
ROOM = UUID(int=1)
NEW = {
    "a line": "The blue one.",
    "several": "The blue one, I think.\n\nOr is it green?\n- poles\n- pegs",
    "Arabic": "\u0627\u0644\u0623\u0632\u0631\u0642 \u0645\u0646 \u0641\u0636\u0644\u0643\u060c ORD-12",
    "Japanese": "\u9752\u3044\u65b9\u3067\u3059\u3002",
}
ANSWERS = {
    "a line": "Which tent is it?",
    "a list": "Please try:\n1. dry it\n2. send it, by Friday:\n> to us\n\nFrom: here\nSubject: it",
    "Hebrew": "\u05d0\u05d9\u05d6\u05d4 \u05d0\u05d5\u05d4\u05dc?",
}


def said(content: str, sender: str = "Maria Weber") -> Message:
    return Message(clock.new_id(), ROOM, 1, content, "customer", "m@example.com", sender, None, AT)


def answer(renderer: Renderer, content: str, quoted: str = "My tent leaks.\n> since May") -> Mail:
    context: dict[str, Any] = {
        "workspace": {"name": "Acme", "slug": "acme"},
        "ticket": {"number": 7, "subject": "Tent"},
        "link": "https://desk.example/support/acme/access#s3cret-code",
        "code": "s3cret-code",
        "days": 7,
        "answerable": True,
        "portal": "https://desk.example/support/acme",
        "thread": "Re: Tent",
        "replies": [
            SimpleNamespace(
                sender_name="Ada", created_at=AT, content=content, files=[], enclosed=[], doubtful=[]
            )
        ],
        "earlier": 0,
        "called": "Acme",
        "signature": "Yours, Ada\n-- \nAcme: tents & more",
        "quoted": quotation(said(quoted)),
    }
    return compose(renderer, "replies", "m@example.com", "<a@desk.example>", context)


def marked(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def thunderbird(new: str, mail: Mail) -> tuple[str, str]:
    return f"{new}\n\nAm 09.11.26 um 01:00 schrieb Ada at Acme:\n{marked(mail.text)}", ""


def apple(new: str, mail: Mail) -> tuple[str, str]:
    intro = "On 9 Nov 2026, at 01:00, Ada at Acme <support@acme.example> wrote:"
    cite = f'<blockquote type="cite"><div>{intro}</div>{body(mail)}</blockquote>'
    html = f"<div>{markup(new)}</div><div><br>{cite}</div>"
    return f"{new}\n\n> {intro}\n> \n{marked(mail.text)}", html


def gmail(new: str, mail: Mail) -> tuple[str, str]:
    intro = "On Mon, Nov 9, 2026 at 1:00 AM Ada at Acme <support@acme.example>\nwrote:"
    html = (
        f'<div dir="auto">{markup(new)}</div><br><div class="gmail_quote">'
        f'<div dir="ltr" class="gmail_attr">{escape(intro)}<br></div>'
        f'<blockquote class="gmail_quote">{body(mail)}</blockquote></div>'
    )
    return f"{new}\n\n{intro}\n\n{marked(mail.text)}", html


def outlook(new: str, mail: Mail) -> tuple[str, str]:
    head = (
        "From: Ada at Acme <support@acme.example>\nSent: Monday, November 9, 2026 1:00 AM\nTo: M\nSubject: T"
    )
    html = f'<div>{markup(new)}</div><div id="divRplyFwdMsg">{markup(head)}</div><div>{body(mail)}</div>'
    return f"{new}\n\n________________________________\n{head}\n\n{mail.text}", html


def markup(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def body(mail: Mail) -> str:
    found = re.search(r"(?s)<body[^>]*>(.*)</body>", mail.html)
    assert found
    return found[1]


@pytest.mark.parametrize("form", ["text", "html"])
@pytest.mark.parametrize("new", NEW)
@pytest.mark.parametrize("said_before", ANSWERS)
@pytest.mark.parametrize("program", [thunderbird, apple, gmail, outlook])
def test_of_an_answer_to_our_answer_only_the_new_words_are_left(
    program: Any, said_before: str, new: str, form: str, renderer: Renderer
) -> None:
    text, html = program(NEW[new], answer(renderer, ANSWERS[said_before]))
    back = EmailMessage()
    back["From"], back["Subject"] = "m@example.com", "Re: Tent"
    back.set_content(text)
    if form == "html":
        if not html:
            return
        back.set_content(html, subtype="html")

    assert parse(back.as_bytes()).reply == NEW[new]


def test_our_own_mail_is_cut_to_what_the_agent_said(renderer: Renderer) -> None:
    """As another desk reads it that has written to this one."""
    mail = answer(renderer, ANSWERS["a line"])
    back = EmailMessage()
    back["From"] = "support@acme.example"
    back.set_content(mail.text)
    reply = parse(back.as_bytes()).reply

    assert reply.startswith(ANSWERS["a line"])
    assert "My tent leaks" not in reply


def test_what_was_answered_stands_below_as_it_was_written(renderer: Renderer) -> None:
    mail = answer(renderer, "Hello", "  two  spaces\n\u0645\u0631\u062d\u0628\u0627 <b>")

    assert mail.text.endswith("Maria Weber wrote:\n\n>   two  spaces\n> \u0645\u0631\u062d\u0628\u0627 <b>\n")
    assert '<blockquote type="cite" class="gmail_quote">\n<div dir="auto">' in mail.html
    assert "\u0645\u0631\u062d\u0628\u0627 &lt;b&gt;" in mail.html


@pytest.mark.parametrize("long", ["word " * 2000, "line\n" * 500])
def test_of_a_long_message_the_beginning_is_quoted(long: str, renderer: Renderer) -> None:
    quoted = quotation(said(long))
    assert quoted
    assert len(str(quoted["content"])) <= CHARACTERS
    assert str(quoted["content"]).count("\n") < LINES
    assert answer(renderer, "Hello", long).text.endswith("\n> \u2026\n")
