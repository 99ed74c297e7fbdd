"""How mail leaves, in words, and a mail to oneself that proves it."""

from pathlib import Path

import pytest

from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.looking import look_into
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.mail.imap import Server
from tests.dovecot import PASSWORD, Dovecot
from tests.house import Browser, House, open_house
from tests.mailbox import delivered, text_of
from tests.post_office import PostOffice

ADA = "ada@acme.example"


def page_of(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings/mail"


async def try_it(house: House, desk: Browser) -> str:
    return (await desk.submit(page_of(house), {"send": "now"}, page=page_of(house))).text


async def test_without_a_mail_server_the_page_says_where_mail_goes(house: House, desk: Browser) -> None:
    page = await desk.get(page_of(house))
    tried = await try_it(house, desk)

    assert "There is no mail server" in page.text
    assert "The mail is a file in the folder now." in tried
    [mail] = delivered(house, ADA)
    assert mail["Subject"] == "A test mail from Acme Outdoor"
    assert "you asked for this test in the settings of Acme Outdoor" in text_of(mail)


async def test_a_test_mail_goes_through_the_server_and_no_secret_is_shown(tmp_path: Path) -> None:
    office = PostOffice()
    await office.open(password="s3cret-pass")
    url = office.url.replace("smtp://", "smtp://postmaster:s3cret-pass@")
    async with open_house(tmp_path, PARLOUR_SMTP_URL=url) as house, await house.sign_in() as desk:
        page, tried = (await desk.get(page_of(house))).text, await try_it(house, desk)
        await office.close()
        away = await try_it(house, desk)

    [mail] = office.mails
    assert mail["To"] == ADA
    assert "has taken the mail" in tried
    assert "The mail was not taken. Mails to customers would be kept and tried again." in away
    assert not any("s3cret-pass" in text or "postmaster" in text for text in (page, tried, away))


@pytest.mark.parametrize(
    ("command", "answer", "sentence"),
    [
        ("RCPT", "550 5.1.1 Nobody here", "The mail was refused, because of its address or its form."),
        ("MAIL", "451 Later, please", "The mail was not taken."),
    ],
)
async def test_what_the_server_answers_is_said(
    tmp_path: Path, command: str, answer: str, sentence: str
) -> None:
    office = PostOffice()
    await office.open()
    office.answers[command] = [answer]
    async with open_house(tmp_path, PARLOUR_SMTP_URL=office.url) as house, await house.sign_in() as desk:
        tried = await try_it(house, desk)
    await office.close()

    assert sentence in tried
    assert answer in tried


async def test_addresses_stand_there_with_how_their_mail_comes(house: House, desk: Browser) -> None:
    none = await desk.get(page_of(house))
    await house.as_system(mailboxes.add, "support@acme.example")
    page = await desk.get(page_of(house))

    assert "No mail comes in yet" in none.text
    assert "support@acme.example" in page.text
    assert "Brought by your mail server" in page.text


@pytest.mark.dovecot
async def test_a_mailbox_is_looked_into_and_what_is_wrong_is_said(house: House, desk: Browser) -> None:
    house.app.parlour.fetcher.stop()
    with Dovecot() as dovecot:
        dovecot.deliver("support", b"From: maria@example.com\r\nSubject: Tent\r\n\r\nIt leaks.\r\n")
        server = Server.at(dovecot.url("support"))
        found = await look_into(server, PASSWORD)
        keys = fetching.keyring(house.app.parlour.settings.secret_keys)
        facts = ("support@acme.example", server.url, PASSWORD, keys, found.place, clock.now())
        mailbox = await house.as_system(fetching.fetch_from, *facts)
        named = {"mailbox_id": str(mailbox.mailbox_id)}
        well = await desk.submit(page_of(house), named, page=page_of(house))
        dovecot.stop()
        ill = await desk.submit(page_of(house), named, page=page_of(house))
        await house.db.write(Actor.system(house.other.workspace_id), mailboxes.add, "help@other.example")
        [theirs] = await house.db.read(Actor.system(house.other.workspace_id), mailboxes.every)
        other = await desk.submit(page_of(house), {"mailbox_id": str(theirs.mailbox_id)}, page=page_of(house))

    assert "lets us in; one mail lies there." in well.text
    assert "circle-alert" in ill.text
    assert PASSWORD not in well.text + ill.text
    assert other.status_code == 404
