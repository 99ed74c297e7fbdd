"""How mail leaves, in words, and a mail to oneself that proves it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from parlour.features.mailroom import service as ledger
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.looking import look_into
from parlour.features.mailroom.models import Mail
from parlour.features.mailroom.models import Outcome as Became
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.mail.imap import Server
from tests.dovecot import PASSWORD, Dovecot
from tests.house import Browser, House, open_house
from tests.mailbox import delivered, text_of
from tests.post_office import PostOffice

ADA = "ada@acme.example"
SUPPORT = "support@acme.example"


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
async def test_an_operators_mailbox_is_looked_into_and_what_is_wrong_is_said(
    house: House, desk: Browser
) -> None:
    """It may lie on this machine: nobody but the operator has said so."""
    house.app.parlour.fetcher.stop()
    with Dovecot() as dovecot:
        dovecot.deliver("support", b"From: maria@example.com\r\nSubject: Tent\r\n\r\nIt leaks.\r\n")
        server = Server.at(dovecot.url("support"))
        found = await look_into(server, PASSWORD)
        keys = fetching.keyring(house.app.parlour.settings.secret_keys)
        facts = (SUPPORT, server.url, PASSWORD, keys, found.place, clock.now())
        mailbox = await house.as_system(fetching.fetch_from, *facts)
        here = f"{page_of(house)}/{mailbox.mailbox_id}"
        well = await desk.submit(f"{here}/test", {"test": "now"}, page=here)
        dovecot.stop()
        ill = await desk.submit(f"{here}/test", {"test": "now"}, page=here)
        await house.db.write(Actor.system(house.other.workspace_id), mailboxes.add, "help@other.example")
        [theirs] = await house.db.read(Actor.system(house.other.workspace_id), mailboxes.every)
        other = await desk.submit(f"{page_of(house)}/{theirs.mailbox_id}/test", {"test": "now"}, page=here)

    assert "lets us in; one mail lies there." in well.text
    assert "circle-alert" in ill.text
    assert PASSWORD not in well.text + ill.text
    assert other.status_code == 404


# ------------------------------------------------------------------------------------ mailboxes of their own


@pytest.fixture
async def near(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose people may name servers on this machine, as they may in a network of their own."""
    async with open_house(tmp_path, PARLOUR_MAILBOXES_PRIVATE="127.0.0.0/8") as house:
        yield house


def account(dovecot: Dovecot, **others: str) -> dict[str, str]:
    facts = {"host": "127.0.0.1", "port": str(dovecot.port), "encryption": "imap", "user": "support"}
    return {"way": "imap", "address": SUPPORT, "password": PASSWORD, "folder": "INBOX", **facts, **others}


@pytest.mark.dovecot
async def test_an_owner_adds_a_mailbox_whose_mail_then_comes(near: House) -> None:
    with Dovecot() as dovecot:
        dovecot.deliver("support", b"From: old@example.com\r\nSubject: Long ago\r\n\r\nOld.\r\n")
        async with await near.sign_in() as desk:
            new = f"{page_of(near)}/new"
            added = await desk.submit(new, account(dovecot), page=new)
            page = await desk.get(added.headers["location"])
            dovecot.deliver("support", b"From: maria@example.com\r\nSubject: Tent\r\n\r\nIt leaks.\r\n")
            await opened(near)
    [mail] = await mail_of(near)

    assert added.status_code == 303
    assert "Fetched from 127.0.0.1 for support, folder INBOX" in page.text
    assert PASSWORD not in page.text
    assert mail.subject == "Tent"


async def opened(house: House) -> None:
    """A mail has become a ticket."""
    async with asyncio.timeout(30):
        while [each.outcome for each in await mail_of(house)] != [Became.OPENED]:
            await asyncio.sleep(0.05)


async def mail_of(house: House) -> Sequence[Mail]:
    return (await house.as_system(ledger.ledger)).mails


@pytest.mark.dovecot
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "guess"}, "refuses the user support or the password"),
        ({"folder": "Nowhere"}, "does not open the folder Nowhere"),
        ({"encryption": "imaps"}, "No TLS with 127.0.0.1"),
        ({"host": "nobody.invalid"}, "The name nobody.invalid is not known"),
        ({"host": "10.0.0.1"}, "10.0.0.1 leads to no public address."),
    ],
)
async def test_what_is_wrong_with_an_account_is_said_and_nothing_is_kept(
    near: House, wrong: dict[str, str], sentence: str
) -> None:
    with Dovecot() as dovecot:
        async with await near.sign_in() as desk:
            new = f"{page_of(near)}/new"
            refused = await desk.submit(new, account(dovecot, **wrong), page=new)

    assert refused.status_code == 422
    assert sentence in refused.text
    assert f'value="{wrong.get("host", "127.0.0.1")}"' in refused.text, "what was typed stays"
    assert PASSWORD not in refused.text
    assert await near.as_system(mailboxes.every) == []


async def test_where_nothing_listens_it_is_said(near: House) -> None:
    typed = {"way": "imap", "address": SUPPORT, "host": "127.0.0.1", "port": "9", "encryption": "imaps"}
    async with await near.sign_in() as desk:
        new = f"{page_of(near)}/new"
        refused = await desk.submit(new, {**typed, "password": PASSWORD}, page=new)

    assert "Nothing listens at 127.0.0.1, port 9." in refused.text


async def test_nobody_is_led_into_the_operators_network(house: House, desk: Browser) -> None:
    new = f"{page_of(house)}/new"
    typed = {"way": "imap", "address": SUPPORT, "host": "localhost", "port": "143", "password": PASSWORD}
    inside = await desk.submit(new, {**typed, "encryption": "imap+starttls"}, page=new)
    plain = await desk.submit(new, {**typed, "encryption": "imap"}, page=new)

    assert "localhost leads to no public address." in inside.text
    assert "Choose how the connection is encrypted" in plain.text


@pytest.mark.dovecot
async def test_a_kept_password_goes_to_no_other_server_or_user(near: House) -> None:
    with Dovecot() as dovecot:
        async with await near.sign_in() as desk:
            new = f"{page_of(near)}/new"
            added = await desk.submit(new, account(dovecot), page=new)
            here = added.headers["location"].partition("?")[0]
            kept = await desk.submit(here, account(dovecot, password=""), page=new)
            other_user = await desk.submit(here, account(dovecot, password="", user="sales"), page=new)
            other_host = await desk.submit(here, account(dovecot, password="", host="localhost"), page=new)

    assert kept.headers["location"] == f"{here}?saved=changed"
    assert "Enter the password" in other_user.text
    assert "Enter the password" in other_host.text


@pytest.mark.dovecot
async def test_both_directions_are_tried_in_one_click(near: House) -> None:
    with Dovecot() as dovecot:
        async with await near.sign_in() as desk:
            new = f"{page_of(near)}/new"
            added = await desk.submit(new, account(dovecot), page=new)
            here = added.headers["location"].partition("?")[0]
            well = await desk.submit(f"{here}/test", {"test": "now"}, page=here)
            dovecot.stop()
            ill = await desk.submit(f"{here}/test", {"test": "now"}, page=here)

    assert "127.0.0.1 lets us in; 0 mails lie there." in well.text
    assert "The mail is a file in the folder now." in well.text
    assert f"Nothing listens at 127.0.0.1, port {dovecot.port}." in ill.text
    assert "The mail is a file in the folder now." in ill.text


@pytest.mark.dovecot
async def test_a_mailbox_is_stopped_and_removed_and_its_mails_stay(near: House) -> None:
    with Dovecot() as dovecot:
        async with await near.sign_in() as desk:
            new = f"{page_of(near)}/new"
            added = await desk.submit(new, account(dovecot), page=new)
            here = added.headers["location"].partition("?")[0]
            dovecot.deliver("support", b"From: maria@example.com\r\nSubject: Tent\r\n\r\nIt leaks.\r\n")
            await opened(near)
            await desk.submit(f"{here}/stop", {"stop": "now"}, page=here)
            stopped = await desk.get(here)
            await desk.submit(f"{here}/remove", {"remove": "now"}, page=here)
            gone = await desk.get(here)
            other = Actor.system(near.other.workspace_id)
            with pytest.raises(mailboxes.AddressTaken):
                await near.db.write(other, mailboxes.add, SUPPORT)
            again = await desk.submit(new, account(dovecot), page=new)

    assert "Brought by your programs, through the API" in stopped.text
    assert gone.status_code == 404
    assert [mail.address for mail in await mail_of(near)] == [SUPPORT]
    assert again.headers["location"].partition("?")[0] == here, "what it was before it is again"


async def test_an_address_that_nothing_came_to_is_anybodys_once_removed(house: House, desk: Browser) -> None:
    new = f"{page_of(house)}/new"
    added = await desk.submit(new, {"address": SUPPORT, "way": "api"}, page=new)
    taken = await desk.submit(new, {"address": SUPPORT, "way": "api"}, page=new)
    here = added.headers["location"].partition("?")[0]
    await desk.submit(f"{here}/remove", {"remove": "now"}, page=here)
    theirs = await house.db.write(Actor.system(house.other.workspace_id), mailboxes.add, SUPPORT)

    assert "This address is already in use here." in taken.text
    assert theirs.address == SUPPORT


async def test_what_a_mail_server_brings_is_the_operators_to_give_where_several_share_it(
    house: House, desk: Browser
) -> None:
    """The house has two workspaces: either could read what the other is sent."""
    new = f"{page_of(house)}/new"
    asked = await desk.get(f"{new}?address={SUPPORT}&way=server")
    refused = await desk.submit(new, {"address": SUPPORT, "way": "server"}, page=new)
    await desk.submit(new, {"address": SUPPORT, "way": "api"}, page=new)
    arrivals = Arrivals(house.db, house.app.parlour.files.store)
    brought = await arrivals.accept(b"From: maria@example.com\r\n\r\nIt leaks.\r\n", [SUPPORT])

    assert "Only whoever runs this Parlour adds this address" in refused.text
    assert "Only whoever runs this Parlour" in asked.text
    assert brought == []


async def test_the_servers_of_known_providers_are_filled_in(house: House, desk: Browser) -> None:
    known = await desk.get(f"{page_of(house)}/new?address=acme@gmail.com&way=imap")
    unknown = await desk.get(f"{page_of(house)}/new?address={SUPPORT}&way=imap")
    wrong = await desk.get(f"{page_of(house)}/new?address=acme&way=imap")

    refusing = await desk.get(f"{page_of(house)}/new?address=acme@outlook.com&way=imap")

    assert 'value="imap.gmail.com"' in known.text
    assert "an app password" in known.text
    assert "lets no program in with a password any more" in refusing.text
    assert 'name="host" type="text" value=""' in unknown.text
    assert "Enter a whole address" in wrong.text
