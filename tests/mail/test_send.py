import asyncio
import re
import ssl
import stat
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from parlour.db.outbox import Postponed, Undeliverable
from parlour.kernel import clock
from parlour.mail.relay import REMEMBERED, RelayRefuses
from parlour.mail.send import FolderMailer, Mail, SmtpMailer, mailer_for
from parlour.settings import Settings
from tests.post_office import PostOffice, parse

SENDER = "support@desk.example"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


async def test_a_mail_arrives_as_text_with_an_html_alternative(office: PostOffice, mail: Mail) -> None:
    await SmtpMailer(office.url, SENDER).send(mail)

    [arrived] = office.mails
    assert arrived.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]
    assert body(arrived, "plain") == "Open the ticket.\r\n"
    assert body(arrived, "html") == "<p>Open the ticket.</p>\r\n"


async def test_a_mail_says_who_sent_it_and_that_a_machine_did(office: PostOffice, mail: Mail) -> None:
    with clock.at(NOON):
        await SmtpMailer(office.url, SENDER).send(mail)

    [arrived] = office.mails
    assert arrived["From"] == "Acme <support@desk.example>"
    assert arrived["To"] == "mary@example.test"
    assert arrived["Subject"] == "Ticket #7 at Acme"
    assert arrived["Message-ID"] == "<0192-abc@desk.example>"
    assert arrived["Date"].datetime == NOON
    assert arrived["Auto-Submitted"] == "auto-generated"
    suppressed = arrived["X-Auto-Response-Suppress"].split(", ")
    assert "OOF" in suppressed
    assert not {"All", "NDR"} & {*suppressed}, "whoever sent it has to hear that it did not arrive"
    assert "Reply-To" not in arrived
    assert office.envelopes[0].mail_from == SENDER
    assert office.envelopes[0].rcpt_tos == ["mary@example.test"]


async def test_headers_of_its_own_travel_with_a_mail(office: PostOffice, mail: Mail) -> None:
    await SmtpMailer(office.url, SENDER).send(replace(mail, headers={"X-Ticket": "7"}))

    assert office.mails[0]["X-Ticket"] == "7"


async def test_words_of_any_script_arrive_unharmed_over_an_ascii_wire(office: PostOffice, mail: Mail) -> None:
    name = 'Büro "Ω", ' + "東京サポート" * 12
    text = "Grüße — " + "слово " * 300 + "\n.\nend\n"

    await SmtpMailer(office.url, SENDER).send(
        replace(mail, sender_name=name, subject=f"Тикет: {name}", text=text)
    )

    content = office.envelopes[0].content
    assert isinstance(content, bytes)
    headers = message_from_bytes(content)
    assert str(make_header(decode_header(headers["From"]))) == f"{name} <{SENDER}>"
    assert str(make_header(decode_header(headers["Subject"]))) == f"Тикет: {name}"
    assert body(office.mails[0], "plain").replace("\r\n", "\n") == text
    assert content.isascii()
    assert max(map(len, content.splitlines())) <= 998


@pytest.mark.parametrize(
    "address",
    [
        "mary@example.test\r\nBcc: all@example.test",
        "mary@example.test\nRCPT TO:<all@example.test>",
        "mary@example.test, all@example.test",
        "mary@example.test> SIZE=1 <x@example.test",
        "Mary <mary@example.test>",
        '"mary\r\n"@example.test',
        "mary@example.test\x00",
        "mary",
        "",
    ],
)
def test_an_address_that_is_more_than_one_address_makes_no_mail(address: str, mail: Mail) -> None:
    with pytest.raises(Undeliverable):
        replace(mail, to=address)


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Hello\r\nBcc: all@example.test"},
        {"sender": "support@desk.example\r\nBcc: all@example.test"},
        {"sender": "support@desk.example, all@example.test"},
        {"sender_name": "Acme\nBcc: all@example.test"},
        {"message_id": "<a@b>\r\nBcc: all@example.test"},
        {"headers": {"X-Note": "one\r\nBcc: all@example.test"}},
        {"headers": {"X-Note: one\r\nBcc": "all@example.test"}},
    ],
    ids=["subject", "sender", "two senders", "sender's name", "message id", "value", "name of a header"],
)
def test_no_header_can_start_another_one(change: dict[str, str], mail: Mail) -> None:
    with pytest.raises(Undeliverable):
        replace(mail, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("RCPT", "550 no such mailbox"),
        ("RCPT", "550 5.1.1 no such mailbox"),
        ("RCPT", "550 5.4.1 recipient address rejected"),
        ("RCPT", "552 5.2.2 mailbox is full"),
        ("RCPT", "553 mailbox name not allowed"),
        ("RCPT", "556 5.1.10 the domain takes no mail"),
        ("DATA", "550 5.1.1 no such mailbox"),
        ("DATA", "552 5.3.4 too large"),
    ],
)
async def test_a_final_no_about_the_recipient_or_the_mail_is_undeliverable_in_the_servers_words(
    command: str, answer: str, office: PostOffice, mail: Mail
) -> None:
    office.answers[command] = [answer]

    with pytest.raises(Undeliverable, match=answer):
        await SmtpMailer(office.url, SENDER).send(mail)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("MAIL", "553 not you"),
        ("MAIL", "550 5.7.1 sender rejected"),
        ("RCPT", "554 transaction failed"),
        ("RCPT", "554 5.7.1 relay access denied"),
        ("RCPT", "550 5.7.1 blocked by a list"),
        ("RCPT", "550 5.1.8 sender's domain not found"),
        ("RCPT", "530 5.7.0 authenticate first"),
        ("RCPT", "550 5.3.2 system not accepting mail"),
        ("DATA", "554 5.7.1 looks like spam"),
        ("DATA", "554 transaction failed"),
    ],
)
async def test_a_final_no_about_us_postpones_and_is_said_once(
    command: str, answer: str, office: PostOffice, mail: Mail
) -> None:
    mailer = SmtpMailer(office.url, SENDER)
    office.answers[command] = [answer, answer]
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(RelayRefuses, match=answer):
                await mailer.send(mail)
        refused = mailer.refusing
        await mailer.send(mail)

    assert (refused, mailer.refusing) == (True, False)
    assert [line["event"] for line in logs] == [
        "mail.relay_refuses",
        "mail.relay_accepts_again",
        "mail.sent",
    ]


@pytest.mark.parametrize(
    ("command", "answer"), [("MAIL", "421 later"), ("RCPT", "451 greylisted"), ("DATA", "452 disk is full")]
)
async def test_a_no_for_now_postpones_in_the_servers_words(
    command: str, answer: str, office: PostOffice, mail: Mail
) -> None:
    office.answers[command] = [answer]

    with pytest.raises(Postponed, match=answer):
        await SmtpMailer(office.url, SENDER).send(mail)


async def test_one_no_for_every_recipient_is_about_us_after_all(office: PostOffice, mail: Mail) -> None:
    mailer = SmtpMailer(office.url, SENDER)
    office.nobody = "550 5.1.1 no such user"
    outcomes = [await outcome(mailer, to_number(mail, number)) for number in (1, 2, 3, 1)]

    assert [type(each) for each in outcomes] == [Undeliverable, Undeliverable, RelayRefuses, RelayRefuses]
    assert [sorted(each.wronged) for each in outcomes[2:]] == [  # type: ignore[union-attr]
        ["<1@desk.example>", "<2@desk.example>"],
        [],
    ]


@pytest.mark.parametrize("no", ["550 5.1.1 no such user", "550 no such user"])
async def test_any_number_of_dead_addresses_is_not_about_us_while_the_server_takes_our_own(
    no: str, office: PostOffice, mail: Mail
) -> None:
    mailer = SmtpMailer(office.url, SENDER)
    office.nobody, office.somebody = no, {SENDER}
    with capture_logs() as logs:
        outcomes = [await outcome(mailer, to_number(mail, number)) for number in range(10)]

    assert {type(each) for each in outcomes} == {Undeliverable}
    assert (mailer.refusing, logs, office.copies) == (False, [], [])


async def test_a_server_that_takes_our_own_again_has_recovered(office: PostOffice, mail: Mail) -> None:
    mailer = SmtpMailer(office.url, SENDER)
    office.nobody = "550 5.1.1 no such user"
    for number in (1, 2, 3):
        await outcome(mailer, to_number(mail, number))
    refused = mailer.refusing
    office.somebody = {SENDER}

    assert isinstance(await outcome(mailer, to_number(mail, 4)), Undeliverable)
    assert (refused, mailer.refusing) == (True, False)


async def test_of_many_refused_mails_the_newest_come_back(office: PostOffice, mail: Mail) -> None:
    mailer = SmtpMailer(office.url, SENDER)
    office.nobody = "550 5.1.1 no such user"
    again = REMEMBERED + 20
    for number in range(again):
        await outcome(mailer, replace(mail, message_id=f"<{number}@desk.example>"))
    last = [await outcome(mailer, to_number(mail, number)) for number in (again, again + 1)][-1]

    assert isinstance(last, RelayRefuses)
    assert last.wronged == {f"<{number}@desk.example>" for number in range(21, again + 1)}


async def test_a_mail_that_was_taken_between_leaves_the_no_to_its_recipient(
    office: PostOffice, mail: Mail
) -> None:
    mailer = SmtpMailer(office.url, SENDER)
    no = "550 5.1.1 no such user"
    office.answers["RCPT"] = [no, no, "250 OK", no, no]
    outcomes = [await outcome(mailer, to_number(mail, number)) for number in (1, 2, 3, 4, 5)]

    assert [type(each) for each in outcomes] == [
        Undeliverable,
        Undeliverable,
        type(None),
        Undeliverable,
        Undeliverable,
    ]


def to_number(mail: Mail, number: int) -> Mail:
    return replace(mail, to=f"c{number}@example.test", message_id=f"<{number}@desk.example>")


async def outcome(mailer: SmtpMailer, mail: Mail) -> Exception | None:
    try:
        await mailer.send(mail)
    except (Undeliverable, RelayRefuses) as error:
        return error
    return None


@pytest.mark.parametrize("greeting", ["554 no service for you", "550 go away"])
async def test_a_server_that_turns_everybody_away_at_the_door_postpones(greeting: str, mail: Mail) -> None:
    async def turn_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{greeting}\r\n".encode())
        await writer.drain()
        writer.close()

    door = await asyncio.start_server(turn_away, "127.0.0.1", 0)
    async with door:
        port = door.sockets[0].getsockname()[1]
        with pytest.raises(RelayRefuses, match=greeting):
            await SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER).send(mail)


async def test_a_server_that_is_down_postpones(office: PostOffice, mail: Mail) -> None:
    await office.close()

    with pytest.raises(Postponed, match=f"127.0.0.1 on port {office.port}"):
        await SmtpMailer(office.url, SENDER).send(mail)


async def test_a_server_that_hangs_up_after_taking_the_mail_has_taken_it(
    office: PostOffice, mail: Mail
) -> None:
    office.answers["DATA"] = ["250 taken and gone"]

    await SmtpMailer(office.url, SENDER).send(mail)

    assert len(office.mails) == 1


async def test_a_connection_is_encrypted_when_the_server_offers_it(
    closed_office: PostOffice, certificate: Path, mail: Mail
) -> None:
    await closed_office.open(certificate=certificate)

    await SmtpMailer(closed_office.url, SENDER).send(mail)

    assert closed_office.encrypted == [True]


async def test_a_server_without_encryption_gets_the_mail_as_it_is(office: PostOffice, mail: Mail) -> None:
    await SmtpMailer(office.url, SENDER).send(mail)

    assert office.encrypted == [False]


async def test_smtps_is_encrypted_from_the_start(
    closed_office: PostOffice, certificate: Path, mail: Mail
) -> None:
    await closed_office.open(certificate=certificate, implicit=True)

    await SmtpMailer(f"smtps://127.0.0.1:{closed_office.port}", SENDER).send(mail)

    assert len(closed_office.mails) == 1


async def test_encryption_that_is_demanded_is_not_done_without(office: PostOffice, mail: Mail) -> None:
    with pytest.raises(Postponed, match="STARTTLS"):
        await SmtpMailer(office.url.replace("smtp:", "smtp+starttls:"), SENDER).send(mail)

    assert office.mails == []


async def test_where_encryption_is_demanded_a_wrong_certificate_is_refused_on_this_machine_too(
    closed_office: PostOffice, certificate: Path, mail: Mail
) -> None:
    await closed_office.open(certificate=certificate)

    with pytest.raises(Postponed, match=r"The certificate of 127\.0\.0\.1 is not valid: self-signed"):
        await SmtpMailer(closed_office.url.replace("smtp:", "smtp+starttls:"), SENDER).send(mail)

    assert closed_office.mails == []


async def test_where_encryption_is_demanded_a_right_certificate_lets_the_mail_through(
    closed_office: PostOffice, certificate: Path, mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    await closed_office.open(certificate=certificate)

    await SmtpMailer(f"smtp+starttls://localhost:{closed_office.port}", SENDER).send(mail)

    assert closed_office.encrypted == [True]


async def test_whom_this_machine_trusts_is_read_once_for_all_mails(
    closed_office: PostOffice, certificate: Path, mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    await closed_office.open(certificate=certificate)
    read, reads = ssl.create_default_context, []

    def note(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        reads.append(args)
        return read(*args, **kwargs)

    monkeypatch.setattr(ssl, "create_default_context", note)
    mailer = SmtpMailer(f"smtp+starttls://localhost:{closed_office.port}", SENDER)
    for _ in range(3):
        await mailer.send(mail)
    await SmtpMailer(f"smtp://localhost:{closed_office.port}", SENDER).send(mail)

    assert closed_office.encrypted == [True] * 4
    assert len(reads) == 1


def elsewhere(office: PostOffice, login: str = "") -> str:
    """The resolver reads 127.1 as this machine; for us it is a name like any other machine's."""
    return f"smtp://{login}127.1:{office.port}"


async def test_a_server_elsewhere_must_prove_its_name(
    closed_office: PostOffice, certificate: Path, mail: Mail
) -> None:
    await closed_office.open(certificate=certificate)

    with pytest.raises(Postponed, match="certificate"):
        await SmtpMailer(elsewhere(closed_office), SENDER).send(mail)


async def test_a_password_does_not_cross_the_network_in_the_clear(
    closed_office: PostOffice, mail: Mail
) -> None:
    await closed_office.open(password="secret")

    with pytest.raises(Postponed, match="STARTTLS"):
        await SmtpMailer(elsewhere(closed_office, "ada:secret@"), SENDER).send(mail)

    assert closed_office.logins == []


async def test_name_and_password_are_decoded_from_the_url(closed_office: PostOffice, mail: Mail) -> None:
    await closed_office.open(password="p@ss/wörd%")

    url = f"smtp://ada%40desk.example:p%40ss%2Fw%C3%B6rd%25@127.0.0.1:{closed_office.port}"
    await SmtpMailer(url, SENDER).send(mail)

    assert closed_office.logins == [("ada@desk.example", "p@ss/wörd%")]
    assert len(closed_office.mails) == 1


async def test_a_wrong_password_postpones_because_an_operator_can_mend_it(
    closed_office: PostOffice, mail: Mail
) -> None:
    await closed_office.open(password="right")

    with pytest.raises(Postponed, match="535") as refusal:
        await SmtpMailer(f"smtp://ada:wrong-one@127.0.0.1:{closed_office.port}", SENDER).send(mail)

    assert "wrong-one" not in str(refusal.value)


@pytest.mark.parametrize(
    ("host", "written"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
    ],
)
async def test_a_host_in_another_script_is_written_as_dns_has_it(
    office: PostOffice, mail: Mail, host: str, written: str
) -> None:
    """Never as `strasse.example`, which belongs to somebody else."""
    await SmtpMailer(office.url, SENDER).send(replace(mail, to=f"mary@{host}"))

    assert office.envelopes[0].rcpt_tos == [f"mary@{written}"]


async def test_a_mailbox_in_another_script_is_undeliverable_to_a_server_that_cannot(
    office: PostOffice, mail: Mail
) -> None:
    with pytest.raises(Undeliverable, match="SMTPUTF8"):
        await SmtpMailer(office.url, SENDER).send(replace(mail, to="märy@example.test"))


@pytest.mark.parametrize(
    ("answer", "means"),
    [(b"550 5.1.1 Empf\xe4nger unbekannt\x07", Undeliverable), (b"451 4.3.0 Sp\xe4ter", Postponed)],
)
async def test_a_refusal_in_a_charset_of_its_own_can_be_stored_and_shown(
    mail: Mail, answer: bytes, means: type[Exception]
) -> None:
    async def refuse(from_us: asyncio.StreamReader, to_us: asyncio.StreamWriter) -> None:
        for reply in (b"220 Hello", b"250 Hello", b"250 OK", answer):
            to_us.write(reply + b"\r\n")
            await from_us.readline()
        to_us.write(b"221 Bye\r\n")
        to_us.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as office:
        port = office.sockets[0].getsockname()[1]
        with pytest.raises(means) as refusal:
            await SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER).send(mail)

    assert str(refusal.value) == answer.decode("ascii", "replace").rstrip("\x07")


async def test_without_a_server_a_mail_becomes_a_file(tmp_path: Path, mail: Mail) -> None:
    with clock.at(NOON), capture_logs() as logs:
        await FolderMailer(tmp_path / "mail", SENDER).send(mail)

    [file] = (tmp_path / "mail").iterdir()
    assert file.name == "20261122T120000.000000Z-0192-abc.eml"
    written = parse(file.read_bytes())
    assert written["To"] == "mary@example.test"
    assert body(written, "html") == "<p>Open the ticket.</p>\r\n"
    assert [(line["event"], line["file"]) for line in logs] == [("mail.written", str(file))]


async def test_of_mails_that_become_files_together_one_that_cannot_harms_no_other(
    tmp_path: Path, mail: Mail
) -> None:
    mailer = FolderMailer(tmp_path, SENDER)
    unwritable = replace(mail, message_id=f"<{'long' * 100}@desk.example>")
    answers = await asyncio.gather(*map(mailer.send, (mail, unwritable, mail)), return_exceptions=True)

    assert [type(each) for each in answers] == [type(None), OSError, type(None)]
    assert len(list(tmp_path.iterdir())) == 2


async def test_a_mail_in_a_file_is_for_its_owner_only(tmp_path: Path, mail: Mail) -> None:
    await FolderMailer(tmp_path / "mail", SENDER).send(mail)

    [file] = (tmp_path / "mail").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_mailbox_in_another_script_fits_in_a_file(tmp_path: Path, mail: Mail) -> None:
    await FolderMailer(tmp_path, SENDER).send(replace(mail, to="märy@example.test"))

    [file] = tmp_path.iterdir()
    assert parse(file.read_bytes())["To"].addresses[0].addr_spec == "märy@example.test"


async def test_the_settings_choose_between_server_and_folder(
    tmp_path: Path, office: PostOffice, mail: Mail
) -> None:
    environment = {"PARLOUR_DATA_DIR": str(tmp_path), "PARLOUR_BASE_URL": "https://desk.example"}
    await mailer_for(Settings.from_environment(environment)).send(mail)
    await mailer_for(Settings.from_environment({**environment, "PARLOUR_SMTP_URL": office.url})).send(mail)

    [file] = (tmp_path / "mail").iterdir()
    assert parse(file.read_bytes())["From"] == office.mails[0]["From"] == "Acme <support@desk.example>"


def test_a_mail_keeps_its_words_out_of_the_log(mail: Mail) -> None:
    assert not re.search("Open the ticket", repr(mail))
