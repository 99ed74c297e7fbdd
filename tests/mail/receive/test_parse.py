"""A plain mail, and the traps that a mail's bytes can be."""

from datetime import UTC, datetime

import pytest

from parlour.kernel import clock
from parlour.mail.receive.parse import SIZE_LIMIT, parse
from parlour.mail.receive.parsed import Address, Kind
from tests.mail.receive.mails import file, html, mail, multipart, text

pytestmark = pytest.mark.sqlite  # before any database


def test_a_plain_mail_is_read_whole() -> None:
    read = parse(
        text(
            "It stops after an hour.\n\nAda\n",
            "Cc: Charles <charles@example.com>, notes@example.org",
            "Reply-To: ada.byron@example.org",
            "In-Reply-To: <nought@acme.example>",
            "References: <first@acme.example> <nought@acme.example>",
        )
    )

    assert read.subject == "The engine stops"
    assert read.sender == Address("Ada Byron", "ada@example.com")
    assert [each.address for each in read.to] == ["help@acme.example"]
    assert [each.address for each in read.cc] == ["charles@example.com", "notes@example.org"]
    assert [each.address for each in read.reply_to] == ["ada.byron@example.org"]
    assert read.message_id == "<one@example.com>"
    assert read.in_reply_to == ("<nought@acme.example>",)
    assert read.references == ("<first@acme.example>", "<nought@acme.example>")
    assert read.written_at == datetime(2026, 11, 3, 9, 15, tzinfo=UTC)
    assert read.text == read.reply == "It stops after an hour.\n\nAda"
    assert (read.html, read.attachments, read.bounce, read.defects) == ("", (), None, ())
    assert (read.kind, read.automatic, read.verified, read.odd_sender) == (Kind.PERSON, False, False, False)


@pytest.mark.parametrize(
    ("said", "charset", "words"),
    [
        ("koi8-u", "koi8-u", "Привіт, Їжак"),
        ("cp737", "cp737", "Καλημέρα"),
        ("X-UNKNOWN", "utf-8", "für"),
        ("cp-850", "cp850", "für"),
        ("windows-874", "cp874", "ขอบคุณ"),
        ("iso-8859-8-i", "iso8859-8", "שלום"),
        ("x-sjis", "cp932", "①髙"),
        ("ansi_x3.110-1983", "latin-1", "für"),
        ("x-mac-roman", "mac-roman", "für"),
        ("iso-8859-1", "cp1252", "“für” – 5 €"),
        ("us-ascii", "utf-8", "für"),
        ("gb2312", "gb18030", "镕基"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("shift_jis", "cp932", "①髙"),
        ("unicode_escape", "utf-8", "für"),
        ("idna", "utf-8", "für"),
        ("base64", "utf-8", "für"),
        ("iso-8859-1", "utf-8", "„für“ 5 €"),
        ("windows-1251", "utf-8", "Привет"),
    ],
)
def test_a_charset_is_taken_as_browsers_take_it(said: str, charset: str, words: str) -> None:
    assert parse(text(words, charset=charset, said=said)).text == words


def test_a_text_in_another_script_without_a_charset_is_guessed() -> None:
    words = "Здравствуйте, у меня не работает вход в личный кабинет уже второй день."

    assert parse(mail(body=words.encode("cp1251"))).text == words


def test_bytes_astray_in_utf_8_are_read_as_windows_means_them() -> None:
    content = "Größe: ".encode() + "für".encode("cp1252") + " viel länger".encode() * 4

    assert parse(mail("Content-Type: text/plain; charset=utf-8", body=content)).text.startswith("Größe: für")


def test_html_says_its_charset_itself() -> None:
    page = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2"></head>Łódź'

    read = parse(
        mail("Content-Type: text/html", "Content-Transfer-Encoding: 8bit", body=page.encode("iso-8859-2"))
    )

    assert (read.text, read.html) == ("Łódź", "Łódź")


def test_parts_inside_parts_inside_parts_are_all_found() -> None:
    inner = file("text/plain", b"deep", 'Content-Disposition: attachment; filename="deep.txt"')
    for depth in range(15):
        edge = f"edge{depth}".encode()
        inner = b"".join(
            [
                b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n" % (edge, edge),
                inner,
                b"\r\n--%s--" % edge,
            ]
        )

    assert [each.content for each in parse(multipart(inner)).attachments] == [b"deep"]


@pytest.mark.parametrize(
    ("line", "sender"),
    [
        ("From: Ada <ada@example.com>, b@example.com", ("Ada", "ada@example.com")),
        ("From: Friends: ada@example.com, b@example.com;", ("", "ada@example.com")),
        ("From: undisclosed-recipients:;", None),
        ("From: <>", ("", "")),
        (
            "From: =?utf-8?q?Ada=0D=0ABcc=3A_x=40example=2Ecom?= <ada@example.com>",
            ("Ada Bcc: x@example.com", "ada@example.com"),
        ),
        ("From: ((((", None),
        ('From: "Ada', ("Ada", "")),
        ("From: <@relay.example:ada@example.com>", ("", "ada@example.com")),
        ("From: ada@example.com (Ada Byron)", ("Ada Byron", "ada@example.com")),
        ("From: Ada <ada @ example.com>", ("Ada", "ada@example.com")),
        ("From: Ada <ada@example.com.>", ("Ada", "ada@example.com")),
        ('From: "Byron, Ada" <ada@example.com>', ("Byron, Ada", "ada@example.com")),
        ('From: Ada <"ada.b"@example.com>', ("Ada", "ada.b@example.com")),
        ("From: Ada <ada..b.@docomo.ne.jp>", ("Ada", "ada..b.@docomo.ne.jp")),
        ("From: =?utf-8?q?Byron=2C?= =?utf-8?q?_Ada?= <ada@example.com>", ("Byron, Ada", "ada@example.com")),
    ],
)
def test_a_sender_is_read_however_it_is_written(line: str, sender: tuple[str, str] | None) -> None:
    read = parse(mail(line, body="x")).sender

    assert (read and (read.name, read.address)) == sender


@pytest.mark.parametrize(
    "line",
    [
        "From: =?utf-8?b?YWdlbnRAYWNtZS5leGFtcGxl?=",
        "From: agent@acme.example <evil@x.example>",
        'From: "agent@acme.example" <evil@x.example>',
        'From: Agent <"agent@acme.example"@x.example>',
        'From: Agent <"agent"@acme.example@x.example>',
        "From: =?utf-8?q?agent=40acme.example?= <evil@x.example>",
        "From: <agent@acme.example> <evil@x.example>",
        "From: agent@acme.example\r\nFrom: evil@x.example",
        "From: a@example.com, agent@acme.example",
        "From: Agent",
        "From: agent@acme.example, <>",
        "X-From: nobody",
    ],
)
def test_an_odd_sender_is_never_taken_for_somebody_else(line: str) -> None:
    forged = "Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example"
    without = mail(line, forged, body="x").replace(b"From: Ada Byron <ada@example.com>\r\n", b"")

    read = parse(without, authserv_id="mx.acme.example")

    assert read.odd_sender
    assert not read.verified
    assert read.defects


@pytest.mark.parametrize("name", ['"ada@example.com"', "ada@example.com", "'Ada@Example.com'"])
def test_a_sender_that_repeats_its_address_as_its_name_is_not_odd(name: str) -> None:
    assert not parse(mail(f"From: {name} <ada@example.com>", body="x")).odd_sender


def test_an_address_is_compared_in_one_spelling() -> None:
    read = parse(mail("From: Ada <Ada.Byron@EXAMPLE.com>", "To: nobody@localhost", body="x"))

    assert read.sender is not None
    assert (read.sender.address, read.sender.mailbox) == ("Ada.Byron@EXAMPLE.com", "ada.byron@example.com")
    assert read.to[0].mailbox == ""


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ("=?utf-8?q?Wirklich=3F?= =?utf-8?q?_Ja!?=", "Wirklich? Ja!"),
        ("=?utf-8?q?What??=", "What?"),
        ("=?utf-8?b?4oK?= =?utf-8?b?rA==?=", "€"),
        ("=?utf-8?q?with spaces_in?= it", "with spaces in it"),
        ("=?utf-8?q?never ends", "=?utf-8?q?never ends"),
        ("=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("Grüße", "Grüße"),
        ("a\r\n b\r\n\tc", "a b c"),
    ],
)
def test_a_subject_is_read_however_it_is_encoded(said: str, subject: str) -> None:
    assert parse(mail(f"Subject: {said}", body="x")).subject == subject


@pytest.mark.parametrize(
    "date",
    ["Date: never", "Date:", "Date: 99 Foo 2026 99:99:99 +9999", "Date: Tue, 3 Nov 99999999 10:15:00 +0100"],
)
def test_a_date_that_is_none_is_left_out(date: str) -> None:
    assert parse(mail(date, body="x")).written_at is None


def test_nothing_is_written_in_the_future() -> None:
    with clock.at(datetime(2026, 11, 27, tzinfo=UTC)):
        read = parse(mail("Date: Fri, 1 Jan 2038 00:00:00 +0000", body="x"))

    assert read.written_at == datetime(2026, 11, 27, tzinfo=UTC)


def test_nothing_gets_out_that_no_database_takes() -> None:
    dirty = "A\0B\x1b[2J\ud800\u202e\x85C".encode("utf-8", "surrogatepass")
    read = parse(
        mail("Content-Type: text/plain; charset=utf-8", body=dirty).replace(
            b"The engine", b"\0\x07\xed\xa0\x80\xff"
        )
    )

    for words in (read.subject, read.text, read.reply):
        words.encode()
        assert not set(words) & set("\0\x07\x1b\u202e\x85")
    assert "C" in read.text


def test_text_that_was_folded_for_the_way_is_unfolded() -> None:
    folded = "This is one \nparagraph.\n\n> and this \n> is quoted\n-- \nAda\n"

    read = parse(mail("Content-Type: text/plain; charset=utf-8; format=flowed", body=folded))

    assert read.text == "This is one paragraph.\n\n> and this is quoted\n-- \nAda"
    assert read.reply == "This is one paragraph."


def test_delsp_says_that_the_fold_is_no_space() -> None:
    folded = "京都に行 \nきました"

    assert parse(
        mail('Content-Type: text/plain; charset=utf-8; format=Flowed; delsp="yes"', body=folded)
    ).text == ("京都に行きました")


@pytest.mark.parametrize(
    ("raw", "subject", "words"),
    [
        (b"From ada@example.com Tue Nov  3 10:15:00 2026\nSubject: Lamp\n\nHello", "Lamp", "Hello"),
        (b"Hello\nworld", "", "Hello\nworld"),
        (b"Subject: Lamp\nHello\nworld", "Lamp", "Hello\nworld"),
        (b"Subject: Lamp\r\rHello", "Lamp", "Hello"),
        (b"\nHello", "", "Hello"),
        (b" folded: x\nSubject: Lamp\n\nHello", "Lamp", "Hello"),
        (b"Subject: Lamp", "Lamp", ""),
        (b"\xef\xbb\xbfSubject: Lamp\n\nHello", "Lamp", "Hello"),
        (b"\r\n\r\nSUBJECT: Lamp\r\n\r\nHello", "Lamp", "Hello"),
        (b"\n\nFrom ada@example.com Tue Nov  3 10:15:00 2026\nSubject: Lamp\n\nHello", "Lamp", "Hello"),
        (b"\nPlease note: it is broken", "", "Please note: it is broken"),
        (b"Content-Type: text/plain; charset=iso-8859-2 (Polish)\n\n\xa3", "", "Ł"),
    ],
)
def test_a_header_ends_where_fields_do(raw: bytes, subject: str, words: str) -> None:
    read = parse(raw)

    assert (read.subject, read.text) == (subject, words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"Hello, this is no base64!", "Hello, this is no base64!"),
        (b"\r\nGr\xc3\xbc\xc3\x9fe\r\nZoe", "Gr\u00fc\u00dfe\nZoe"),
        (b"SGVsbG8=\r\n-- \r\nA list adds this.", "Hello"),
        (b"SGVsbG8h\r\n\r\n____\r\nA list adds this.\r\nhttps://list.example\r\n", "Hello!"),
        (b"SGVs\r\nbG8 h\r\n" + b"IEhlbGxv" * 8, "Hello!" + " Hello" * 8),
        (b" \r\n SGVsbG8= \r\n", "Hello"),
        (b"SGVsbG8", "Hello"),
        (b"", ""),
    ],
)
def test_what_only_says_that_it_is_base64_is_read_as_it_stands(body: bytes, words: str) -> None:
    header = ("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64")
    assert parse(mail(*header, body=body)).text == words


@pytest.mark.parametrize("said", ["quoted-printable", "Quoted-Printable (text)", '"quoted-printable" ; x'])
def test_how_a_part_is_encoded_may_be_said_with_a_comment(said: str) -> None:
    assert parse(mail(f"Content-Transfer-Encoding: {said}", body="f=C3=BCr")).text == "für"


def test_a_mail_without_anything_is_a_mail() -> None:
    read = parse(b"")

    assert (read.subject, read.sender, read.text, read.reply, read.attachments) == ("", None, "", "", ())


def test_what_is_larger_than_is_read_says_so() -> None:
    read = parse(mail(body=b"x\n" * (SIZE_LIMIT // 2 + 1)))

    assert read.subject == "The engine stops"
    assert "The mail is larger than is read." in read.defects


def test_html_alone_is_read_as_text_and_shown_safely() -> None:
    read = parse(
        html(
            '<p style="white-space: pre-wrap; position: fixed">  Two  spaces</p><script>alert(1)</script>'
            '<img src="cid:logo@example.com" onerror="x()"><a href="javascript:x()">here</a>'
            "<div style='display:none'>hidden</div>"
        )
    )

    assert read.text == "  Two  spaces\n\nhere"
    assert "alert" not in read.html
    assert "onerror" not in read.html
    assert "javascript:" not in read.html
    assert "position" not in read.html
    assert 'src="cid:logo@example.com"' in read.html
    assert '<p style="white-space:pre-wrap">  Two  spaces</p>' in read.html


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ("To view the message, please use an HTML compatible email viewer!", "My lamp is broken."),
        ("My HTML is broken.", "My HTML is broken."),
        ("My lamp is out of order.", "My lamp is out of order."),
    ],
)
def test_a_text_that_only_points_to_the_html_gives_way_to_it(plain: str, words: str) -> None:
    rich = "<p>My <b>HTML</b> is broken.</p>" if "My HTML" in plain else "<p>My lamp is broken.</p>"
    both = (f"Content-Type: text/plain\n\n{plain}", f"Content-Type: text/html\n\n{rich}")

    assert parse(multipart(*both, kind="alternative")).reply == words


NOTES = 'Content-Disposition: attachment; filename="notes.md"'


def test_markdown_is_read_as_the_text_that_it_is() -> None:
    words = "# The engine\n\n(It *stops*.)"
    alone = parse(mail("Content-Type: text/markdown; charset=utf-8; variant=CommonMark", body=words))
    marked = f"Content-Type: text/markdown\n\n{words}"
    page = "Content-Type: text/html\n\n<h1>The engine</h1>"
    beside_html = parse(multipart(marked, page, kind="alternative"))
    attached = parse(multipart("Content-Type: text/plain\n\nSee.", file("text/markdown", b"# No", NOTES)))

    assert (alone.text, alone.html, alone.attachments) == (words, "", ())
    assert (attached.text, [each.name for each in attached.attachments]) == ("See.", ["notes.md"])
    assert beside_html.text == words
    assert "<h1>" in beside_html.html
    assert beside_html.attachments == ()


def test_an_alternative_without_words_gives_way_to_the_one_that_has_some() -> None:
    read = parse(
        multipart(
            "Content-Type: text/plain\n\n \n",
            "Content-Type: text/html\n\n<p>Hello",
            kind="alternative",
        )
    )

    assert (read.text, read.html) == ("Hello", "<p>Hello</p>")
