"""How mail leaves, in words, and a mail to oneself that proves it."""

from pathlib import Path

import pytest

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
