"""A mailbox may have a mail server of its own: what is answered there leaves by it, and by no other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft
from parlour.features.tickets.outgoing import service as outgoing
from parlour.kernel import clock
from tests.house import Browser, House, open_house
from tests.mailbox import delivered
from tests.post_office import PostOffice
from tests.until import until

SUPPORT, MARIA = "support@acme.example", "maria@example.com"
PASSWORD = "s3cret-pass"


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    office = PostOffice()
    await office.open(password=PASSWORD)
    yield office
    await office.close()


@pytest.fixture
async def near(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose people may name servers on this machine."""
    async with open_house(tmp_path, PARLOUR_MAILBOXES_PRIVATE="127.0.0.0/8") as house:
        yield house


def server(office: PostOffice, **others: str) -> dict[str, str]:
    port = office.url.rpartition(":")[2]
    typed = {"out_host": "127.0.0.1", "out_port": port, "out_encryption": "smtp", "out_user": "postmaster"}
    return {**typed, "out_password": PASSWORD, **others}


def home(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings/mail"


async def address(house: House, desk: Browser) -> str:
    """Where the settings of a new address are."""
    new = f"{home(house)}/new"
    added = await desk.submit(new, {"address": SUPPORT, "way": "api"}, page=new)
    return added.headers["location"].partition("?")[0]


async def test_answers_leave_by_the_mailboxs_own_server(near: House, office: PostOffice) -> None:
    async with await near.sign_in() as desk:
        here = await address(near, desk)
        saved = await desk.submit(f"{here}/server", server(office), page=here)
        page = await desk.get(here)
        tested = await desk.submit(f"{here}/test", {"test": "now"}, page=here)
        await opened(near)
        await until(lambda: len(office.mails) == 2)

    test, confirmation = office.mails
    assert saved.headers["location"] == f"{here}?saved=sends"
    assert "By 127.0.0.1, from support@acme.example." in page.text
    assert PASSWORD not in page.text
    assert "127.0.0.1 has taken the mail." in tested.text
    assert SUPPORT in test["From"]
    assert confirmation["To"] == MARIA
    assert SUPPORT in confirmation["From"]
    assert delivered(near, MARIA) == [], "the house's own road has carried none of it"


async def opened(house: House) -> UUID:
    """A ticket whose customer is mailed about it."""
    draft = Draft("The tent", "It leaks.", MARIA, clock.new_id())
    return (await house.as_system(tickets.open_ticket, draft)).ticket.ticket_id


async def test_while_it_fails_its_answers_wait_and_no_other_server_takes_them(
    near: House, office: PostOffice
) -> None:
    async with await near.sign_in() as desk:
        here = await address(near, desk)
        await desk.submit(f"{here}/server", server(office), page=here)
        office.answers["MAIL"] = ["451 4.3.0 The queue is full"] * 100
        await opened(near)
        deferred = await said(near)
        office.answers.clear()
        await desk.submit(f"{here}/server/drop", {"drop": "now"}, page=here)

    assert deferred == "451 4.3.0 The queue is full"
    assert delivered(near, MARIA) == []


async def said(house: House) -> str:
    """By the server that did not take the only mail."""
    async with asyncio.timeout(30):
        while True:
            for mail in (await house.as_system(outgoing.page)).mails:
                if mail.said:
                    return mail.said
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"out_password": "guess"}, "127.0.0.1 refuses the user postmaster or the password"),
        ({"out_port": "9"}, "Nothing listens at 127.0.0.1, port 9."),
        ({"out_host": "10.0.0.1"}, "10.0.0.1 leads to no public address."),
        ({"out_password": ""}, "Enter the password"),
        ({"out_host": ""}, "Enter the name of the server"),
    ],
)
async def test_what_is_wrong_with_it_is_said_and_nothing_is_kept(
    near: House, office: PostOffice, wrong: dict[str, str], sentence: str
) -> None:
    async with await near.sign_in() as desk:
        here = await address(near, desk)
        refused = await desk.submit(f"{here}/server", server(office, **wrong), page=here)
        page = await desk.get(here)

    assert refused.status_code == 422
    assert sentence in refused.text
    assert PASSWORD not in refused.text
    assert "By the mail server of the house" in page.text


@pytest.mark.parametrize(
    ("implicit", "encryption", "sentence"),
    [
        (False, "smtp+starttls", "is not valid: self-signed certificate"),
        (None, "smtp+starttls", "127.0.0.1 does not let us send: SMTP STARTTLS extension not supported"),
        (None, "smtps", "No TLS with 127.0.0.1, port "),
    ],
    ids=["its own certificate", "no TLS at all", "TLS expected at once"],
)
async def test_what_is_wrong_with_its_tls_is_said_before_any_password(
    near: House, certificate: Path, implicit: bool | None, encryption: str, sentence: str
) -> None:
    office = PostOffice()
    await office.open(certificate=None if implicit is None else certificate, password=PASSWORD)
    async with await near.sign_in() as desk:
        here = await address(near, desk)
        refused = await desk.submit(f"{here}/server", server(office, out_encryption=encryption), page=here)
    await office.close()

    assert refused.status_code == 422
    assert sentence in refused.text
    assert 'id="out_encryption-error"' in refused.text
    assert office.logins == []


@pytest.mark.parametrize(("implicit", "encryption"), [(True, "smtps"), (False, "smtp+starttls")])
async def test_answers_leave_by_its_tls(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch, implicit: bool, encryption: str
) -> None:
    """Its certificate is one that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    office = PostOffice()
    await office.open(certificate=certificate, implicit=implicit, password=PASSWORD)
    async with (
        open_house(tmp_path, PARLOUR_MAILBOXES_PRIVATE="127.0.0.0/8") as house,
        await house.sign_in() as desk,
    ):
        here = await address(house, desk)
        typed = server(office, out_host="localhost", out_encryption=encryption)
        saved = await desk.submit(f"{here}/server", typed, page=here)
        tested = await desk.submit(f"{here}/test", {"test": "now"}, page=here)
    await office.close()

    assert saved.headers.get("location") == f"{here}?saved=sends", saved.text
    assert "localhost has taken the mail." in tested.text
    assert len(office.mails) == 1
    assert set(office.logins) == {("postmaster", PASSWORD)}


async def test_its_kept_password_goes_to_no_other_server_or_user(near: House, office: PostOffice) -> None:
    async with await near.sign_in() as desk:
        here = await address(near, desk)
        await desk.submit(f"{here}/server", server(office), page=here)
        kept = await desk.submit(f"{here}/server", server(office, out_password=""), page=here)
        elsewhere = server(office, out_password="", out_host="localhost")
        other = await desk.submit(f"{here}/server", elsewhere, page=here)

    assert kept.headers["location"] == f"{here}?saved=sends"
    assert "Enter the password" in other.text


async def test_an_address_of_the_houses_own_domain_is_the_operators_to_give(tmp_path: Path) -> None:
    """Two workspaces share it: mails of either would come from where the house's own do."""
    async with (
        open_house(tmp_path, PARLOUR_MAIL_FROM="support@house.example") as house,
        await house.sign_in() as desk,
    ):
        new = f"{home(house)}/new"
        refused = await desk.submit(new, {"address": "billing@house.example", "way": "api"}, page=new)

    assert "Only whoever runs this Parlour adds this address" in refused.text
