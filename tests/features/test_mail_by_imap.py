"""Mailboxes are fetched from a real IMAP server, each mail once, whatever happens to line and server."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from parlour.db.database import Tx
from parlour.db.schema import fetched_mailboxes
from parlour.features.mailroom import service as ledger
from parlour.features.mailroom import sorting
from parlour.features.mailroom.fetching import fetcher, service, turn
from parlour.features.mailroom.fetching.fetcher import Fetcher
from parlour.features.mailroom.fetching.looking import look_into
from parlour.features.mailroom.fetching.models import Standing
from parlour.features.mailroom.fetching.service import TakenOver
from parlour.features.mailroom.fetching.turn import Pace, Turn
from parlour.features.mailroom.models import Mail, Outcome
from parlour.kernel import clock
from parlour.kernel.access import Actor
from parlour.kernel.keyring import Keyring
from parlour.mail.imap import Inbox, Server
from tests.dovecot import PASSWORD, Dovecot
from tests.house import Browser, House
from tests.mailbox import delivered, text_of
from tests.mailbox import mails as mailed
from tests.until import until

pytestmark = pytest.mark.dovecot

SUPPORT, SALES = "support@acme.example", "sales@acme.example"
BY_TELLING = Pace(patience=20, wait=55)
"""What comes in time was told of, not found by asking."""
IMPATIENT = Pace(patience=20, wait=0.3)


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with Dovecot() as server:
        yield server


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(fetcher, "FIRST_DELAY", timedelta(milliseconds=20))
    monkeypatch.setattr(fetcher, "LONGEST_DELAY", timedelta(milliseconds=100))


def mail(number: int, words: str = "It leaks.") -> bytes:
    header = f"From: maria@example.com\r\nTo: {SUPPORT}\r\nSubject: Tent {number}\r\n"
    return f"{header}Message-ID: <{number}@example.com>\r\n\r\n{words}\r\n".encode()


async def fetch(
    house: House,
    dovecot: Dovecot,
    address: str = SUPPORT,
    port: int | None = None,
    since: datetime | None = None,
) -> UUID:
    """From now on, or since then, from the mailbox of the same name."""
    server = Server.at(dovecot.url(address.partition("@")[0], port))
    found = await look_into(server, PASSWORD, since=since)
    keys = service.keyring(house.app.parlour.settings.secret_keys)
    facts = (address, server.url, PASSWORD, keys, found.place, since or clock.now())
    mailbox = await house.as_system(service.fetch_from, *facts)
    return mailbox.mailbox_id


@asynccontextmanager
async def fetching(house: House, pace: Pace, keys: Sequence[bytes] = ()) -> AsyncIterator[None]:
    """At another pace than the house's own, and perhaps with other keys."""
    parlour = house.app.parlour
    parlour.fetcher.stop()
    keys = keys or parlour.settings.secret_keys
    other = Fetcher(house.db, parlour.files.store, keys, parlour.own_servers.reach, pace=pace)
    running = asyncio.create_task(other.run())
    try:
        yield
    finally:
        other.stop()
        await running


async def mails(house: House) -> list[Mail]:
    """That were read, the oldest first."""
    found = (await house.as_system(ledger.ledger)).mails
    return [each for each in reversed(found) if each.outcome is not Outcome.WAITING]


async def read(house: House, count: int) -> list[Mail]:
    async with asyncio.timeout(30):
        while len(found := await mails(house)) < count:
            await asyncio.sleep(0.05)
    return found


async def standing(house: House, mailbox_id: UUID) -> Standing:
    return (await house.as_system(service.standings))[mailbox_id]


async def failed(house: House, mailbox_id: UUID) -> Standing:
    async with asyncio.timeout(30):
        while not (found := await standing(house, mailbox_id)).error:
            await asyncio.sleep(0.05)
    return found


async def test_a_mail_is_fetched_as_soon_as_the_server_tells_of_it_and_left_as_it_was(
    house: House, dovecot: Dovecot
) -> None:
    old = dovecot.deliver("support", mail(1, "Before anybody fetched here."))
    proxy = Proxy(dovecot.port)
    await proxy.open()
    await fetch(house, dovecot, port=proxy.port)
    async with fetching(house, BY_TELLING):
        await until(lambda: proxy.waits == 1)  # from here on nobody asks by himself
        dovecot.deliver("support", mail(2))
        found = await read(house, 1)
    await proxy.close()

    assert [each.subject for each in found] == ["Tent 2"]
    assert {each.outcome for each in found} == {Outcome.OPENED}
    lying = [path.name for path in dovecot.mails("support")]
    assert len(lying) == 2
    assert lying[0].startswith(old.name)
    assert not any("S" in name.partition(":2,")[2] for name in lying), "none is marked as seen"


async def test_what_has_lain_there_for_days_becomes_a_ticket_that_is_confirmed_to_nobody(
    house: House, dovecot: Dovecot
) -> None:
    """Where a mailbox is fetched with a past, others have answered most of that long ago."""
    dovecot.deliver("support", mail(1).replace(b"maria", b"long.ago"), days_ago=20)
    dovecot.deliver("support", mail(2), days_ago=1)
    await fetch(house, dovecot, since=clock.now() - timedelta(days=30))
    async with fetching(house, IMPATIENT):
        found = await read(house, 2)
        await mailed(house, "maria@example.com")

    assert {(each.subject, each.outcome, each.reason) for each in found} == {
        ("Tent 1", Outcome.OPENED, sorting.LATE),
        ("Tent 2", Outcome.OPENED, ""),
    }
    assert delivered(house, "long.ago@example.com") == []


async def test_a_line_that_has_died_silently_is_given_up(house: House, dovecot: Dovecot) -> None:
    proxy = Proxy(dovecot.port)
    await proxy.open()
    await fetch(house, dovecot, port=proxy.port)
    async with fetching(house, Pace(patience=1, wait=0.3)):
        dovecot.deliver("support", mail(1))
        await read(house, 1)
        proxy.hush()
        dovecot.deliver("support", mail(2))
        await read(house, 2)
    await proxy.close()


class Proxy:
    """Stands before a server. What is connected when it hushes says nothing more, and stays connected."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.waits = 0
        """How often the server has said that it will tell what comes."""
        self._server_port = server_port
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, onward = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers += [writer, onward]
        for source, to in ((reader, onward), (behind, writer)):
            self._pumps.add(asyncio.create_task(self._pump(source, to)))

    async def _pump(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await source.read(65536):
                self.waits += piece.count(b"+ idling")
                to.write(piece)
                await to.drain()
            to.close()

    def hush(self) -> None:
        for each in self._pumps:
            each.cancel()
        self._pumps.clear()

    async def close(self) -> None:
        self.hush()
        self._listener.close()
        for writer in self._writers:
            writer.transport.abort()


async def test_after_its_restart_a_server_is_fetched_from_again(house: House, dovecot: Dovecot) -> None:
    mailbox_id = await fetch(house, dovecot)
    async with fetching(house, BY_TELLING):
        dovecot.deliver("support", mail(1))
        await read(house, 1)
        dovecot.stop()
        told = await failed(house, mailbox_id)
        dovecot.deliver("support", mail(2))
        dovecot.start()
        await read(house, 2)

    assert "127.0.0.1" in told.error
    assert (await standing(house, mailbox_id)).error == ""


async def test_mails_under_new_uids_are_known_again(house: House, dovecot: Dovecot) -> None:
    dovecot.deliver("support", mail(1, "Before anybody fetched here."), days_ago=2)
    await fetch(house, dovecot)
    async with fetching(house, IMPATIENT):
        dovecot.deliver("support", mail(2))
        dovecot.deliver("support", mail(3))
        await read(house, 2)
        dovecot.stop()
        dovecot.forget_uids("support")
        dovecot.deliver("support", mail(4))
        dovecot.start()
        await read(house, 3)
        dovecot.deliver("support", mail(5))
        found = await read(house, 4)

    assert {each.subject for each in found} == {"Tent 2", "Tent 3", "Tent 4", "Tent 5"}
    assert {each.outcome for each in found} == {Outcome.OPENED}


async def test_a_mailbox_that_fails_says_why_and_stops_no_other(house: House, dovecot: Dovecot) -> None:
    await fetch(house, dovecot, SALES)
    broken = await fetch(house, dovecot)
    keys = service.keyring(house.app.parlour.settings.secret_keys)
    stored = (await house.as_system(service.account, broken)).password.text
    await house.as_system(give_password, broken, "wrong", keys)
    async with fetching(house, IMPATIENT):
        told = await failed(house, broken)
        dovecot.deliver("sales", mail(1))
        await read(house, 1)

    assert told.error == "127.0.0.1 refuses the user support or the password: Authentication failed."
    assert PASSWORD not in stored


async def test_of_two_that_fetch_the_same_mails_each_mail_is_stored_by_one(
    house: House, dovecot: Dovecot
) -> None:
    mailbox_id = await fetch(house, dovecot)
    house.app.parlour.fetcher.stop()
    for number in range(12):
        dovecot.deliver("support", mail(number))
    claimed = await house.as_system(service.account, mailbox_id)
    files, memory = house.app.parlour.files.store, asyncio.Semaphore(2)
    turns = [
        Turn(
            house.db,
            files,
            clock.new_id(),
            claimed,
            Inbox(Server.at(claimed.url), PASSWORD),
            Pace(turn=0),
            memory,
        )
        for _ in range(2)
    ]
    ends = await asyncio.gather(*(each.run() for each in turns), return_exceptions=True)

    assert {*map(type, ends)} == {TakenOver, type(None)}
    assert sorted(each.subject for each in await read(house, 12)) == sorted(f"Tent {n}" for n in range(12))
    assert len((await house.as_system(ledger.ledger)).mails) == 12
    kept = [path for path in Path(files.where).rglob("*") if path.is_file()]
    assert len(kept) == 12, "what the other one stored in vain is gone"


async def test_what_is_expunged_between_two_questions_is_passed_over(house: House, dovecot: Dovecot) -> None:
    paths = [dovecot.deliver("support", mail(number)) for number in range(3)]
    inbox = Inbox(Server.at(dovecot.url("support")), PASSWORD)
    await asyncio.to_thread(inbox.open)
    uids = await asyncio.to_thread(inbox.uids_after, 0)
    [lying] = [path for path in dovecot.mails("support") if path.name.startswith(paths[1].name)]
    lying.unlink()
    await asyncio.to_thread(inbox.uids_after, 0)

    assert [each.uid for each in await asyncio.to_thread(inbox.envelopes, uids)] == [uids[0], uids[2]]
    assert await asyncio.to_thread(inbox.mail, uids[1]) is None
    assert await asyncio.to_thread(inbox.mail, uids[2]) == mail(2)
    inbox.close()


async def test_a_mail_that_the_server_cannot_hand_out_is_noted_and_the_next_one_comes(
    house: House, dovecot: Dovecot
) -> None:
    await fetch(house, dovecot)
    async with fetching(house, IMPATIENT):
        dovecot.deliver("support", mail(1), readable=False)
        dovecot.deliver("support", mail(2))
        found = await read(house, 2)

    assert {each.outcome: each.subject for each in found} == {
        Outcome.QUARANTINED: "",
        Outcome.OPENED: "Tent 2",
    }
    assert turn.UNREAD in {each.reason for each in found}


async def test_tries_at_a_mail_are_counted_from_the_first_at_it(house: House, dovecot: Dovecot) -> None:
    """An outage before, or another mail, takes none of them: else one broken line would give the mail up."""
    house.app.parlour.fetcher.stop()
    mailbox_id, holder, counted = await fetch(house, dovecot), uuid4(), []
    for stuck_uid in (0, 0, 0, 7, 7, 0, 8):
        await house.db.write(Actor.system(), service.claim, holder, lease=timedelta(seconds=30), limit=1)
        failed = partial(service.note_failure, stuck_uid=stuck_uid, again=timedelta(0))
        await house.as_system(failed, mailbox_id, holder, "The line broke.")
        counted.append((await standing(house, mailbox_id)).failures)

    assert counted == [1, 2, 3, 1, 2, 3, 1]


async def test_of_a_mail_that_is_too_large_the_beginning_is_said(
    house: House, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "SIZE_LIMIT", 300_000)
    await fetch(house, dovecot)
    async with fetching(house, IMPATIENT):
        dovecot.deliver("support", mail(1, "It leaks. " + "It really does. " * 20_000))
        [found] = await read(house, 1)

    assert found.outcome is Outcome.OPENED
    assert found.reason == sorting.CUT_SHORT
    assert found.size < 300_000 < (found.whole_size or 0)


async def test_a_password_outlives_the_key_it_was_sealed_with(house: House, dovecot: Dovecot) -> None:
    mailbox_id = await fetch(house, dovecot)
    old, new = house.app.parlour.settings.secret_key, b"n" * 40
    for keys, count in (((new, old), 1), ((new,), 2)):
        dovecot.deliver("support", mail(count))
        async with fetching(house, IMPATIENT, keys):
            await read(house, count)

    async with fetching(house, IMPATIENT, [old]):
        assert (await failed(house, mailbox_id)).error == service.NO_KEY


def give_password(tx: Tx, mailbox_id: UUID, password: str, keys: Keyring) -> None:
    claimed = service.account(tx, mailbox_id)
    service.reseal(tx, claimed, keys.seal(password, mailbox_id.hex))


async def test_a_mailbox_that_is_silent_for_long_is_told_of_everywhere(
    house: House, dovecot: Dovecot, desk: Browser
) -> None:
    mailbox_id = await fetch(house, dovecot)
    dovecot.stop()
    async with fetching(house, IMPATIENT):
        await failed(house, mailbox_id)
    page = f"/workspace/{house.workspace.workspace_id}/mail"
    assert "No mail comes from" not in (await desk.get(page)).text
    await house.as_system(look_was, mailbox_id, clock.now() - timedelta(minutes=11))

    shown = (await desk.get(page)).text
    assert f"No mail comes from {SUPPORT}" in shown
    assert "127.0.0.1" in shown
    assert b"parlour_mailboxes_silent 1.0" in await house.app.parlour.metrics.text()
    [(_, found)] = await house.db.scan(Actor.system(), service.silent)
    assert found.mailbox_id == mailbox_id, "the operator is told by doctor"


async def test_what_comes_in_thousands_is_no_silence_while_it_comes(
    house: House, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look at all of it may take hours; here it breaks off at the last mail."""
    monkeypatch.setattr(turn, "BATCH", 1)
    mailbox_id = await fetch(house, dovecot)
    house.app.parlour.fetcher.stop()
    for number in range(3):
        dovecot.deliver("support", mail(number), readable=number < 2)
    await house.as_system(look_was, mailbox_id, clock.now() - timedelta(minutes=61))
    async with fetching(house, IMPATIENT):
        await failed(house, mailbox_id)

    assert not (await standing(house, mailbox_id)).is_silent


async def test_owners_hear_of_an_outage_once_and_of_its_end(house: House, dovecot: Dovecot) -> None:
    """By the house's own mail server, whatever the mailbox does."""
    mailbox_id = await fetch(house, dovecot)
    dovecot.stop()
    await house.as_system(look_was, mailbox_id, clock.now() - timedelta(minutes=61))
    async with fetching(house, IMPATIENT):
        [told] = await mailed(house, "ada@acme.example")
        before = (await standing(house, mailbox_id)).failures
        async with asyncio.timeout(30):
            while (await standing(house, mailbox_id)).failures < before + 3:
                await asyncio.sleep(0.05)
        dovecot.start()
        told_of = await mailed(house, "ada@acme.example", 2)
        async with asyncio.timeout(30):
            while (await standing(house, mailbox_id)).error:
                await asyncio.sleep(0.05)

    assert told["Subject"] == f"No mail comes from {SUPPORT}"
    assert "Nothing listens at 127.0.0.1" in text_of(told)
    assert [mail["Subject"] for mail in told_of[1:]] == [f"Mail comes from {SUPPORT} again"]


def look_was(tx: Tx, mailbox_id: UUID, at: datetime) -> None:
    this = fetched_mailboxes.c.mailbox_id == mailbox_id
    here = fetched_mailboxes.c.workspace_id == tx.workspace_id
    tx.execute(update(fetched_mailboxes).where(here, this).values(looked_at=at))
