"""HTML, as a reader sees it, and what a mail program marked in it as quoted."""

import pytest

from parlour.mail.receive.html import as_text
from parlour.mail.receive.parse import parse
from parlour.mail.receive.tame import tamed
from tests.mail.receive.mails import html, multipart

pytestmark = pytest.mark.sqlite  # before any database


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>One<p>Two<br>three", "One\n\nTwo\nthree"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<div>One<div>Two</div>Three</div>", "One\nTwo\nThree"),
        ("<ul><li>a<li>b</ul><ol start=3><li>c<li>d</ol>", "- a\n- b\n\n3. c\n4. d"),
        ("<ol start=x><li>a</ol>", "1. a"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("<pre>  a\n   b</pre>", "  a\n   b"),
        ("a   b\n c&nbsp;d", "a b c\xa0d"),
        ("<a href='https://x.example/y'>here</a>", "here <https://x.example/y>"),
        ("<a href='https://x.example/'>x.example</a>", "x.example"),
        ("<a href='mailto:a@b.example'>a@b.example</a>", "a@b.example"),
        ("<img alt='A cat' src='https://x.example/'><img src=x>", "[A cat]"),
        ("seen<span style='color:red; display : none'>hidden <b>too</b></span>", "seen"),
        ("<style>p{}</style><title>T</title><script>x</script><!-- c -->seen", "seen"),
        ("<blockquote>other<blockquote>older</blockquote></blockquote>mine", "> other\n>\n>> older\n\nmine"),
        ("1 &lt; 2 &amp; 3", "1 < 2 & 3"),
        ("1 < 2 & 3", "1 < 2 & 3"),
        ("<p>a</div></b></p>b", "a\n\nb"),
        ("", ""),
    ],
)
def test_html_is_read_as_a_reader_sees_it(page: str, text: str) -> None:
    assert as_text(tamed(page)[0]).text == text


def test_what_lies_deep_is_read_all_the_same() -> None:
    deep = "<div>" * 5_000 + "down here" + "</div>" * 5_000 + "<p>and up again"

    read = parse(html(deep))

    assert read.text == "down here\n\nand up again"
    assert "and up again" in read.html


QUOTED = "On 3 Nov 2026 Help wrote:<br>Shall we send one?"


@pytest.mark.parametrize(
    "page",
    [
        f'<div>Yes</div><br><div class="gmail_quote gmail_quote_container"><div>{QUOTED}</div></div>',
        f'Yes<div class="gmail_extra">{QUOTED}</div>',
        f'Yes<div class="moz-cite-prefix">Help wrote:</div><blockquote type="cite">{QUOTED}</blockquote>',
        f'<div>Yes</div><p id="appendonsend"></p><hr><div id="divRplyFwdMsg">{QUOTED}</div>more',
        f'<div>Yes</div><div id="x_divRplyFwdMsg">{QUOTED}</div>more',
        f'Yes<hr id="stopSpelling">{QUOTED}',
        f'Yes<div class="yahoo_quoted" id="yahoo_quoted_1">{QUOTED}</div>',
        f'Yes<div class="protonmail_quote">{QUOTED}</div>',
        f'Yes<div name="quote">{QUOTED}</div>',
        f'Yes<div id="mail-editor-reference-message-container">{QUOTED}</div>',
        f"Yes<br><br>On 3 Nov 2026, &lt;help@acme.example&gt; wrote:<blockquote>{QUOTED}</blockquote>",
        (
            "<p class=MsoNormal>Yes</p><div style='border:none;border-top:solid #E1E1E1 "
            "1.0pt'><p><b>From:</b> Help "
            "&lt;help@acme.example&gt;<br><b>Sent:</b> 3 November 2026<br><b>To:</b> "
            "Ada<br><b>Subject:</b> Lamp</p></div>Hi"
        ),
        f'Yes<div class="gmail_signature">Ada<br>London</div><div class="gmail_quote">{QUOTED}</div>',
    ],
)
def test_what_a_mail_program_marks_as_quoted_is_no_part_of_the_reply(page: str) -> None:
    assert parse(html(page)).reply == "Yes"


def test_an_answer_inside_a_quotation_stays_with_what_it_answers() -> None:
    page = (
        '<blockquote type="cite">Which colour?</blockquote>Blue.<blockquote type="cite">Which '
        "size?</blockquote>Large."
        '<blockquote type="cite">Regards</blockquote>'
    )

    assert parse(html(page)).reply == "> Which colour?\n\nBlue.\n\n> Which size?\n\nLarge."


def test_an_answer_below_the_quotation_stays_where_the_program_puts_it_into_the_same_box() -> None:
    page = (
        '<div class="gmail_quote"><div class="gmail_attr">On 3 Nov 2026 Help wrote:</div>'
        '<blockquote class="gmail_quote">Shall we send one?</blockquote><div><br></div><div>Yes</div></div>'
    )

    assert parse(html(page)).reply == "Yes"
    assert parse(html(f"<div>Hello</div>{page}")).reply == "Hello\n\nYes"


def test_the_marks_of_the_html_say_what_the_plain_text_does_not() -> None:
    read = parse(
        multipart(
            "Content-Type: text/plain\n\nYes\n\nShall we?",
            'Content-Type: text/html\n\nYes<div class="gmail_quote"><blockquote>Shall we?</blockquote></div>',
            kind="alternative",
        )
    )

    assert (read.text, read.reply) == ("Yes\n\nShall we?", "Yes")
