"""Mailboxes whose owner grants access at their provider by OAuth, and how that access is renewed."""

import asyncio
import html
import math
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from parlour.features.mailroom import service as ledger
from parlour.features.mailroom.fetching import fetcher, oauth, service
from parlour.features.mailroom.fetching.models import Claim
from parlour.features.mailroom.fetching.oauth import Grant, GrantOver, Provider
from parlour.features.mailroom.fetching.opening import Opener
from parlour.kernel.access import Role
from parlour.kernel.keyring import Unreadable
from parlour.mail.imap import Token
from tests.dovecot import Dovecot
from tests.house import Browser, House, open_house
from tests.oauth_server import CLIENT_ID, CLIENT_SECRET, OAuthServer
from tests.post_office import PostOffice

pytestmark = pytest.mark.dovecot

SUPPORT = "support@acme.example"


@pytest.fixture
async def provider() -> AsyncIterator[OAuthServer]:
    async with OAuthServer() as server:
        yield server


@pytest.fixture
async def office(provider: OAuthServer) -> AsyncIterator[PostOffice]:
    """The provider's own, which takes its tokens."""
    office = PostOffice()
    office.tokens = provider.access
    await office.open(password="none opens it")
    yield office
    await office.close()


@pytest.fixture
async def dovecot(
    provider: OAuthServer, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Dovecot]:
    """It asks the provider whose a token is; the provider's mailboxes lie there."""
    with Dovecot(provider.url("introspect")) as server:
        here = Provider(
            "Google",
            provider.url("authorize"),
            provider.url("token"),
            "mail",
            f"imap://127.0.0.1:{server.port}",
            office.url,
        )
        monkeypatch.setitem(oauth.PROVIDERS, "google", here)
        yield server


@pytest.fixture
async def near(tmp_path: Path) -> AsyncIterator[House]:
    client = f"{CLIENT_ID}:{CLIENT_SECRET}"
    private = "127.0.0.0/8"
    async with open_house(tmp_path, PARLOUR_MAILBOXES_PRIVATE=private, PARLOUR_OAUTH_GOOGLE=client) as house:
        yield house


def mail_of(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings/mail"


def link_in(page: str) -> str:
    found = re.search(r'<a href="([^"]*/authorize\?[^"]*)"', page)
    assert found, page
    return html.unescape(found[1])


async def offered(house: House, desk: Browser, address: str = SUPPORT) -> str:
    """Where the page of a new address leads."""
    return link_in((await desk.get(f"{mail_of(house)}/new?address={address}&way=imap")).text)


async def come_back(provider: OAuthServer, desk: Browser, link: str) -> tuple[int, str]:
    """Through the provider and back; what is answered in the end, and where one is then."""
    back = await provider.consent(link)
    on = await desk.get(back)
    answer = await desk.get(on.headers.get("location", back))
    while answer.status_code == 303:
        answer = await desk.get(answer.headers["location"])
    return answer.status_code, answer.text


async def connect(house: House, provider: OAuthServer) -> UUID:
    async with await house.sign_in() as desk:
        status, text = await come_back(provider, desk, await offered(house, desk))
    assert (status, "The address is added." in text) == (200, True), text
    [mailbox_id] = await house.as_system(service.standings)
    return mailbox_id


async def came(house: House, subject: str) -> None:
    async with asyncio.timeout(30):
        while [each.subject for each in (await house.as_system(ledger.ledger)).mails] != [subject]:
            await asyncio.sleep(0.05)


async def kept(house: House, mailbox_id: UUID) -> Claim:
    return await house.as_system(service.account, mailbox_id)


def opener_of(house: House) -> Opener:
    """As another process has it."""
    parlour = house.app.parlour
    keys = service.keyring(parlour.settings.secret_keys)
    return Opener(house.db, keys, parlour.own_servers.reach, parlour.settings.oauth)


async def age(house: House, mailbox_id: UUID) -> Claim:
    """As if the access had ended an hour ago."""
    keys = service.keyring(house.app.parlour.settings.secret_keys)
    claimed = await kept(house, mailbox_id)
    grant = Grant.of(service.password_of(claimed, keys))
    old = service.seal(Grant(grant.refresh, grant.access, 1).text, mailbox_id, "google", keys)
    await house.as_system(service.reseal, claimed, old)
    return await kept(house, mailbox_id)


async def test_an_owner_connects_a_mailbox_whose_mail_then_comes(
    near: House, provider: OAuthServer, dovecot: Dovecot
) -> None:
    mailbox_id = await connect(near, provider)
    dovecot.deliver(SUPPORT, b"From: maria@example.com\r\nSubject: Tent\r\n\r\nIt leaks.\r\n")
    await came(near, "Tent")
    async with await near.sign_in() as desk:
        page = await desk.get(f"{mail_of(near)}/{mailbox_id}")
        tried = await desk.submit(
            f"{mail_of(near)}/{mailbox_id}/test", {"test": "now"}, page=f"{mail_of(near)}/{mailbox_id}"
        )

    assert "Connect again with Google" in page.text
    assert "lets us in; one mail lies there." in tried.text
    assert not any(secret in page.text for secret in (CLIENT_SECRET, *provider.access, *provider.refresh))


async def test_answers_leave_by_the_provider_with_the_access_that_was_granted(
    near: House, provider: OAuthServer, dovecot: Dovecot, office: PostOffice
) -> None:
    mailbox_id = await connect(near, provider)
    here = f"{mail_of(near)}/{mailbox_id}"
    async with await near.sign_in() as desk:
        offer = (await desk.get(here)).text
        saved = await desk.submit(f"{here}/server", {"out_provider": "google"}, page=here)
        page = (await desk.get(here)).text
        await age(near, mailbox_id)
        tried = await desk.submit(f"{here}/test", {"test": "now"}, page=here)
        provider.end()
        await age(near, mailbox_id)
        over = await desk.submit(f"{here}/test", {"test": "now"}, page=here)

    assert "Send by Google" in offer
    assert saved.headers.get("location") == f"{here}?saved=sends", saved.text
    assert f"By 127.0.0.1, from {SUPPORT}." in page
    assert "Send by Google" not in page
    assert "127.0.0.1 has taken the mail." in tried.text
    assert {user for user, _ in office.logins} == {SUPPORT}
    assert len({token for _, token in office.logins}) == 2, "the second was got anew"
    [mail] = office.mails
    assert SUPPORT in mail["From"]
    assert "Google has ended the access to this mailbox. Connect it again." in over.text


async def test_what_the_provider_does_not_let_send_is_said_and_not_kept(
    near: House, provider: OAuthServer, dovecot: Dovecot, office: PostOffice
) -> None:
    mailbox_id = await connect(near, provider)
    office.tokens = {}
    here = f"{mail_of(near)}/{mailbox_id}"
    async with await near.sign_in() as desk:
        refused = await desk.submit(f"{here}/server", {"out_provider": "google"}, page=here)
        page = (await desk.get(here)).text

    assert refused.status_code == 422
    assert f"127.0.0.1 does not let us send for {SUPPORT}: 535" in refused.text
    assert 'href="#out_grant"' in refused.text
    assert "Send by Google" in page


async def test_whoever_tells_the_provider_no_reads_that_nothing_was_connected(
    near: House, provider: OAuthServer, dovecot: Dovecot
) -> None:
    provider.says_no = True
    async with await near.sign_in() as desk:
        status, text = await come_back(provider, desk, await offered(near, desk))

    assert status == 422
    assert "The provider was told no, so nothing was connected." in text
    assert await near.as_system(service.standings) == {}


async def test_a_code_is_taken_only_in_the_session_that_went_for_it(
    near: House, provider: OAuthServer, dovecot: Dovecot
) -> None:
    """Else somebody could make an owner's browser connect a mailbox of theirs."""
    await near.add_agent("grace@acme.example", Role.ADMIN)
    async with await near.sign_in() as desk, await near.sign_in("grace@acme.example") as other:
        link = await offered(near, desk)
        elsewhere, _ = await come_back(provider, other, link)
        back = await provider.consent(link)
        changed = await desk.get(back.replace("state=", "state=x"))
        on = (await desk.get(back)).headers["location"]
        desk.cookies.set("parlour_session", other.cookies["parlour_session"], domain="parlour.test")
        switched = await desk.get(on)

    assert (elsewhere, changed.status_code, switched.status_code) == (400, 400, 400)
    assert await near.as_system(service.standings) == {}


async def test_the_verifier_of_a_code_stays_with_us(
    near: House, provider: OAuthServer, dovecot: Dovecot
) -> None:
    """What a thief reads along the way gets nothing for the code."""
    async with await near.sign_in() as desk:
        asked = parse_qs(urlsplit(await offered(near, desk)).query)
        other = await offered(near, desk)
        code = parse_qs(urlsplit(await provider.consent(other)).query)["code"][0]
        stolen = f"{mail_of(near)}/granted?state={asked['state'][0]}&code={code}"
        answer = await desk.get(stolen)

    assert answer.status_code == 422
    assert asked["code_challenge"][0] not in asked["state"][0]
    assert await near.as_system(service.standings) == {}


async def test_two_processes_renew_once_and_both_get_in(
    near: House, provider: OAuthServer, dovecot: Dovecot
) -> None:
    """The provider ends a grant whose old refresh token comes a second time."""
    mailbox_id = await connect(near, provider)
    near.app.parlour.fetcher.stop()
    claimed = await age(near, mailbox_id)
    renewals = provider.renewals
    tokens = await asyncio.gather(*(opener_of(near).secret_of(claimed) for _ in range(4)))

    assert provider.renewals == renewals + 1
    assert not provider.ended
    assert len({each.text for each in tokens if isinstance(each, Token)}) == 1
    await opener_of(near).secret_of(await age(near, mailbox_id))
    assert (provider.renewals, provider.ended) == (renewals + 2, False)


@pytest.mark.parametrize("seconds", [math.inf, math.nan, -1, 10**30, "an hour", None, [60]])
async def test_however_long_access_is_said_to_last_it_is_renewed_within_a_day(
    near: House, provider: OAuthServer, dovecot: Dovecot, seconds: Any
) -> None:
    provider.seconds = seconds
    mailbox_id = await connect(near, provider)
    keys = service.keyring(near.app.parlour.settings.secret_keys)
    grant = Grant.of(service.password_of(await kept(near, mailbox_id), keys))

    assert 0 < grant.until - time.time() <= 24 * 60 * 60


async def test_a_renewal_is_stored_though_whoever_asked_is_gone(
    near: House, provider: OAuthServer, dovecot: Dovecot
) -> None:
    mailbox_id = await connect(near, provider)
    near.app.parlour.fetcher.stop()
    claimed, opener = await age(near, mailbox_id), opener_of(near)
    asking = asyncio.create_task(opener.secret_of(claimed))
    async with asyncio.timeout(30):
        while not opener._renewals:  # noqa: SLF001 the moment between the question and its answer
            await asyncio.sleep(0)
    asking.cancel()
    await opener.settled()
    await opener_of(near).secret_of(await age(near, mailbox_id))

    assert not provider.ended


async def test_a_grant_that_was_taken_back_is_said_and_can_be_given_again(
    near: House, provider: OAuthServer, dovecot: Dovecot
) -> None:
    mailbox_id = await connect(near, provider)
    near.app.parlour.fetcher.stop()
    provider.end()
    claimed = await age(near, mailbox_id)
    with pytest.raises(GrantOver, match="Google has ended the access to this mailbox"):
        await opener_of(near).secret_of(claimed)
    renewals = provider.renewals
    with pytest.raises(GrantOver):
        await opener_of(near).secret_of(await kept(near, mailbox_id))
    asked_no_more = provider.renewals == renewals
    async with await near.sign_in() as desk:
        page = f"{mail_of(near)}/{mailbox_id}"
        over = await desk.submit(f"{page}/test", {"test": "now"}, page=page)
        _, text = await come_back(provider, desk, link_in(over.text))

    assert asked_no_more
    assert "Google has ended the access to this mailbox." in over.text
    assert "Mail is fetched from there from now on." in text
    assert list(await near.as_system(service.standings)) == [mailbox_id]
    assert isinstance(await opener_of(near).secret_of(await kept(near, mailbox_id)), Token)


async def test_mail_comes_on_though_the_mail_server_takes_the_token_no_more(
    near: House, provider: OAuthServer, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after somebody signed out everywhere: the next try comes with another token."""
    monkeypatch.setattr(fetcher, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(fetcher, "FIRST_DELAY", timedelta(milliseconds=20))
    monkeypatch.setattr(fetcher, "REFUSED_DELAY", timedelta(milliseconds=20))
    await connect(near, provider)
    dovecot.stop()
    provider.access.clear()
    dovecot.start()
    dovecot.deliver(SUPPORT, b"From: maria@example.com\r\nSubject: Tent\r\n\r\nIt leaks.\r\n")
    await came(near, "Tent")

    assert provider.renewals
    assert not provider.ended


async def test_a_grant_is_no_password(near: House, provider: OAuthServer, dovecot: Dovecot) -> None:
    """What knows of passwords alone, as the release before does, tells it to no mail server."""
    mailbox_id = await connect(near, provider)
    claimed = await kept(near, mailbox_id)
    keys = service.keyring(near.app.parlour.settings.secret_keys)

    with pytest.raises(Unreadable):
        keys.open(claimed.password.text, mailbox_id.hex)


async def test_nothing_is_offered_where_the_house_is_no_client_or_the_provider_another(
    near: House, tmp_path: Path
) -> None:
    async with await near.sign_in() as desk:
        microsoft = await desk.get(f"{mail_of(near)}/new?address=acme@outlook.com&way=imap")
        gmail = await desk.get(f"{mail_of(near)}/new?address=acme@gmail.com&way=imap")
    async with open_house(tmp_path / "none") as house, await house.sign_in() as elsewhere:
        no_client = await elsewhere.get(f"{mail_of(house)}/new?address=acme@gmail.com&way=imap")

    assert "Connect with Google" in gmail.text
    assert "Connect with" not in microsoft.text
    assert "Connect with" not in no_client.text
