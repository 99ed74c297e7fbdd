"""What was newly written in a mail."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlour.kernel.text import is_visible, many_lines
from parlour.mail.receive.cut import newly_written

pytestmark = pytest.mark.sqlite  # before any database

REPLY = "Yes, please send a new one.\nIt is order no. 4711: the blue lamp.\n\nThank you!"


@pytest.mark.parametrize(
    "introduction",
    [
        "On Tue, 3 Nov 2026 at 10:15, Help <help@acme.example> wrote:",
        "On Nov 3, 2026, at 10:15 AM, Help Desk wrote:",
        (
            "On Tuesday, November 3, 2026 at 10:15:00 AM GMT+1, The Help Desk of Acme <\n"
            "help@acme.example> wrote:"
        ),
        "On Tuesday, November 3, 2026 at\n10:15 AM The Help Desk <\nhelp@acme.example> wrote:",
        "Am 03.11.2026 um 10:15 schrieb Hilfe:",
        'Am 03.11.2026 10:15 schrieb "Hilfe" <help@acme.example>:',
        "Le mar. 3 nov. 2026 à 10:15, Aide <help@acme.example> a\nécrit :",
        "El mar, 3 nov 2026 a las 10:15, Ayuda (<help@acme.example>) escribió:",
        "Em ter., 3 de nov. de 2026 às 10:15, Ajuda <help@acme.example> escreveu:",
        "Il giorno mar 3 nov 2026 alle ore 10:15 Aiuto <help@acme.example>\nha scritto:",
        "Op di 3 nov 2026 om 10:15 schreef Hulp <help@acme.example>:",
        "Op 3 nov. 2026 om 10:15 heeft Hulp het volgende geschreven:",
        "Den tis 3 nov. 2026 kl 10:15 skrev Hjälp <help@acme.example>:",
        "ti 3. marrask. 2026 klo 10.15 Apu (help@acme.example) kirjoitti:",
        "wt., 3 lis 2026 o 10:15 Pomoc <help@acme.example> napisał(a):",
        "Dne 03. 11. 26 v 10:15 Pomoc napsal(a):",
        "2026. 11. 03. 10:15 keltezéssel, Segítség írta:",
        "вт, 3 нояб. 2026 г. в 10:15, Помощь <help@acme.example>:",
        "Вторник, 3 ноября 2026, 10:15 +03:00 от Помощь <help@acme.example>:",
        "3 Kas 2026 Sal, saat 10:15 tarihinde Yardım <help@acme.example> şunu yazdı:",
        "Στις Τρί, 3 Νοε 2026 στις 10:15, ο χρήστης Help <help@acme.example> έγραψε:",
        "Missatge de Ajuda <help@acme.example> del dia dt., 3 de nov. 2026 a les 10:15:",
        "2026年11月3日(火) 10:15 ヘルプ <help@acme.example>:",
        "Help <help@acme.example> 于2026年11月3日周二 10:15写道：",
        "2026년 11월 3일 (화) 오전 10:15, 도움 <help@acme.example>님이 작성:",
        (
            "\u202b\u202aבתאריך יום ג׳, 3 בנוב׳ 2026 ב-10:15 מאת \u202aHelp\u202c\u200f "
            "<\u202ahelp@acme.example\u202c\u200f>:\u202c\u202c"
        ),
        "Vào Th 3, 3 thg 11, 2026 vào lúc 10:15 Help <help@acme.example> đã viết:",
        "Pada tanggal Sel, 3 Nov 2026 pukul 10.15 Help <help@acme.example> menulis:",
        "---- On Tue, 03 Nov 2026 10:15:00 +0100 Help <help@acme.example> wrote ----",
        "-----Original Message-----",
        "-------- Weitergeleitete Nachricht --------",
        "----- Messaggio originale -----",
        "-----Oprindelig meddelelse-----",
        "------------------ 原始邮件 ------------------",
        (
            "________________________________\nFrom: Help <help@acme.example>\n"
            "Sent: Tuesday, 3 November 2026 10:15\nTo: Ada\nSubject: Lamp"
        ),
        (
            "*Von:* Hilfe [mailto:help@acme.example]\n*Gesendet:* Dienstag, 3. November 2026 10:15\n"
            "*An:* Ada\n*Betreff:* Lampe"
        ),
        "差出人: Help <help@acme.example>\n送信日時: 2026年11月3日 10:15\n宛先: Ada\n件名: Lamp",
        "Od: Help <help@acme.example>\nWysłano: wtorek, 3 listopada 2026 10:15\nDo: Ada\nTemat: Lampa",
        (
            "Begin forwarded message:\n\nFrom: Help <help@acme.example>\nSubject: Lamp\n"
            "Date: 3 November 2026 at 10:15\nTo: Ada"
        ),
        "Gönderen: Help <help@acme.example>\nGönderildi: 3 Kasım 2026\nKime: Ada\nKonu: Lamba",
        "Sent from my iPhone",
        "Von meinem iPad gesendet",
        "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
        "Sent with Proton Mail secure email.",
        "Get Outlook for Android<https://aka.example/x>",
        "-- \nAda Byron\nLondon",
        "--\nAda Byron",
    ],
)
@pytest.mark.parametrize(
    "quoted", ["Hello Ada,\n\nShall we send a new lamp?\n\n-- \nHelp", "> Hello Ada,\n> shall we?\n"]
)
def test_what_follows_the_beginning_of_a_quotation_is_cut(introduction: str, quoted: str) -> None:
    assert newly_written(many_lines(f"{REPLY}\n\n{introduction}\n\n{quoted}")) == REPLY


@pytest.mark.parametrize(
    "words",
    [
        (
            "I flew from Berlin.\n\nFrom: Berlin\nTo: Munich\nDate: 3 November 2026, 10:15\nSeats: 2\n\n"
            "Can I change it?"
        ),
        "Name: Ada\nEmail: ada@example.com\nDate: 2026-11-03\nOrder: 4711\n\nWhere is it?",
        "As I said on the telephone:\n\nit does not work.",
        "Sent from my desk, this is what I see.\n\nIt is broken.",
        "The invoice:\n\nSent with the parcel.\n\nIs it lost?",
        "Steps:\n\n1. open it\n2. wait\n\n---\n\nThen it stops.",
        "The log says:\n\n----- worker -----\nstarted\n\nand that is all.",
        "Please answer to support@acme.example or ada@example.com:\n\nwhich is right?",
        "Do this:\n- one\n- two",
        "Is 5 > 4?\n\nI think so.",
        "He wrote me a letter.\nWhat now?",
        "Price: 10\nAmount: 3\nTotal: 30\n\nIs that right?",
        "Hi,\n\nmy address is ada@example.com\nand yours?",
        "First part.\n\n--\n\nSecond part:\n" + "\n".join(f"{number}. step" for number in range(9)),
        "Re: the meeting of 3.11.2026 at 10:15:\n\nI cannot come.",
    ],
)
def test_nothing_that_a_person_wrote_is_cut(words: str) -> None:
    assert newly_written(words) == words


def test_an_answer_below_the_quotation_is_kept() -> None:
    mail = "On 3 Nov 2026 at 10:15, Help wrote:\n> Shall we send one?\n>\n> Help\n\nYes, please."

    assert newly_written(mail) == "Yes, please."


def test_several_answers_keep_what_they_answer() -> None:
    mail = (
        "Hello,\n\nOn 3 Nov 2026 at 10:15, Help wrote:\n> Which colour?\n\nBlue.\n\n> Which size?\n\n"
        "Large.\n\n"
        "> Regards\n> Help"
    )

    assert newly_written(mail) == "Hello,\n\n> Which colour?\n\nBlue.\n\n> Which size?\n\nLarge."


def test_a_quotation_that_the_way_has_wrapped_leaves_no_ends() -> None:
    mail = (
        "Yes.\n\nOn 3 Nov 2026 at 10:15, Help wrote:\n"
        "> We have looked at what you told us and think that it would be best to send a new\n"
        "lamp to you.\n> Help"
    )

    assert newly_written(mail) == "Yes."


@pytest.mark.parametrize(
    "introduction",
    [
        "2026/11/3 Help <help@acme.example>",
        "Wiadomość napisana przez Help w dniu 3 lis 2026, o godz. 10:15:",
        "Quoting Help <help@acme.example>:",
        "Help wrote:",
    ],
)
def test_before_marks_less_is_needed(introduction: str) -> None:
    assert newly_written(f"Yes.\n\n{introduction}\n\n> Shall we?") == "Yes."


def test_an_address_that_is_wrapped_at_its_bracket_is_no_quotation() -> None:
    assert newly_written("Yes.\n\n3 Nov 2026 10:15 skrev Help <help@acme.example\n>:\n\n> Hello") == "Yes."


@pytest.mark.parametrize(
    "mail",
    [
        "> only a quotation\n> and nothing else",
        "-----Original Message-----\nFrom: a@b.example\n\nFor your information",
        "From: Help <help@acme.example>\nSent: 3 November 2026\nTo: Ada\nSubject: Lamp\n\nA forwarded mail",
        "--\nAda",
        "Sent from my iPhone",
    ],
)
def test_where_nothing_would_be_left_all_of_it_stays(mail: str) -> None:
    assert newly_written(mail) == mail


def test_the_footer_of_a_list_and_a_name_behind_a_dash_are_no_words_of_the_reply() -> None:
    mail = (
        "Thanks, that helps.\n\n-Ada Byron\n\n\n"
        "_______________________________________________\nusers mailing list\nusers@lists.example\n"
        "https://lists.example/"
    )

    assert newly_written(mail) == "Thanks, that helps."


LINES = st.sampled_from(
    [
        "",
        " ",
        "> quoted",
        ">> deeper",
        "On 3 Nov 2026 at 10:15, a@b.example wrote:",
        "-- ",
        "____",
        "From: a <a@b.example>",
        "Sent: 3 Nov 2026",
        "Subject: x",
        "To: y",
        "Sent from my phone",
        "-----Original Message-----",
        "words",
        "Ada:",
        "\u2066",
    ]
)


@settings(max_examples=300)
@given(st.lists(st.one_of(LINES, st.text(max_size=20)), max_size=14).map("\n".join).map(many_lines))
def test_a_reply_is_clean_and_empty_only_if_the_mail_is(mail: str) -> None:
    reply = newly_written(mail)

    assert is_visible(reply) == is_visible(mail)
    assert reply == many_lines(reply)


def test_what_is_signed_in_the_text_is_read_without_its_armour() -> None:
    signed = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nIt stops.\n\n- -- not that one\n\n"
        "On 3 November 2026, Help <help@acme.example> wrote:\n> Does it?\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQabc\n-----END PGP SIGNATURE-----\n"
    )

    assert newly_written(signed) == "It stops.\n\n-- not that one"


def test_a_footer_may_bring_its_link_in_brackets() -> None:
    footer = "Sent with [Proton Mail](https://proton.me/) secure email."

    assert newly_written(f"It stops.\n\n{footer}\n") == "It stops."
