"""`parlour erase`: afterwards nothing in the whole database tells of the person; all else is as it was."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, update

from parlour.db import erasure, owner, schema
from parlour.db.database import Tx
from parlour.db.erasure import ERASED, Counts, Erasure
from parlour.features.contacts import service as contacts
from parlour.features.mailroom import service as ledger
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.models import Outcome
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Draft, Filters, Status, Ticket
from parlour.features.workspaces import audit
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Actor
from tests import postgres_server
from tests.attaching import WORDS, desk_of, room_of, say
from tests.features.test_export import exported, rows
from tests.house import Browser, House
from tests.mailbox import mails
from tests.shell import Shell, sentence
from tests.tickets import ada, words

MARIA = "maria@example.com"
SUPPORT = "support@acme.example"
KEY = b"a key of this test"
SECRETS = ("maria", "Silva", "zanzibar")
"""Her address, her name, and a word that is in all that was said in her tickets or by her."""


def begins(house: House) -> erasure.Begin:
    settings = house.app.parlour.settings
    if not settings.is_postgresql:
        return owner.on_sqlite(settings.sqlite_path)
    name = settings.database_url.rsplit("/", 1)[1]
    return owner.on_postgresql(postgres_server.server().owner_url(name))


def work(house: House, begin: erasure.Begin | None = None) -> Erasure:
    here = house.workspace.workspace_id
    instead = erasure.pseudonym(KEY, here, MARIA)
    return Erasure(begin or begins(house), here, MARIA, instead, lambda _, __: None)


def everything(house: House) -> Iterator[tuple[str, str]]:
    """Each row of each table, with the table's name; what only mixes words up is asked for in its own way."""
    settings = house.app.parlour.settings
    if settings.is_postgresql:
        name = settings.database_url.rsplit("/", 1)[1]
        with postgres_server.server().admin_connection(name) as admin:
            tables = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                for row in admin.execute(f'SELECT t::text FROM "{table}" t'.encode()):  # noqa: S608
                    yield str(table), str(row[0])
        return
    with closing(sqlite3.connect(settings.sqlite_path)) as file:
        for (table,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not table.startswith(("ticket_search_terms", "ticket_search_")):
                for row in file.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                    yield table, str(row)


def telling(house: House) -> list[tuple[str, str]]:
    """Rows that still say something of her. The other workspace's are none of this one's."""
    there = house.other.workspace_id
    return [
        (table, row)
        for table, row in everything(house)
        if any(secret in row for secret in SECRETS) and there.hex not in row and str(there) not in row
    ]


def of_the_other(house: House) -> list[str]:
    """What is kept for the other workspace, less its jobs, and what these make."""
    there = house.other.workspace_id.hex
    rows = [
        row for table, row in everything(house) if table not in ("outbox", "outgoing_mails", "access_links")
    ]
    return sorted(row for row in rows if there in row.replace("-", ""))


async def read(house: House, mail: EmailMessage) -> None:
    assert await Arrivals(house.db, house.app.parlour.files.store).accept(mail.as_bytes(), [SUPPORT])
    async with asyncio.timeout(30):
        while (await house.as_system(ledger.ledger)).mails[0].outcome is Outcome.WAITING:
            await asyncio.sleep(0.01)


@pytest.fixture
async def hers(house: House, visitor: Browser, desk: Browser) -> Ticket:
    """A ticket of hers with words, a note and a file; a mail of hers in a ticket of Ben's; a name; the same
    person in another workspace.
    """
    hers = await house.open_ticket(visitor, email=MARIA, subject="To zanzibar", description="A zanzibar")
    await say(visitor, room_of(hers), ("zanzibar.txt", WORDS), content="My zanzibar ticket")
    await desk.submit(f"{desk_of(hers)}/notes", words("zanzibar again"), page=desk_of(hers))
    await desk.submit(f"{desk_of(hers)}/chat", words("Dear Maria Silva, zanzibar it is"), page=desk_of(hers))
    await house.as_system(contacts.remember, MARIA, "maria zanzibar", typed=True)
    known = await house.as_system(contacts.at, MARIA)
    assert known is not None
    for name in ("Mary Silva", "Maria Silva"):
        await house.db.write(ada(house), contacts.change, known.contact_id, name, "")
    await house.as_system(mailboxes.add, SUPPORT)
    await house.open_ticket(house.browser(), email="ben@example.com", subject="A tent", description="Oak")
    [answered] = await mails(house, "ben@example.com")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Maria Silva <{MARIA}>", SUPPORT, "Re: A tent"
    mail["Message-ID"], mail["In-Reply-To"] = "<maria.1@example.com>", answered["Message-ID"]
    mail.set_content("Not the zanzibar one.")
    await read(house, mail)
    draft = Draft("Elsewhere", "zanzibar", MARIA, uuid4())
    await house.db.write(Actor.visitor(house.other.workspace_id), tickets.open_ticket, draft)
    return hers


async def test_nothing_in_the_database_tells_of_her_afterwards_and_counts_stay(
    house: House, hers: Ticket, desk: Browser
) -> None:
    before = {table for table, _ in telling(house)}
    assert before >= {"tickets", "messages", "contacts", "mails", "files", "ticket_search"}
    elsewhere = of_the_other(house)

    would = await asyncio.to_thread(work(house).count)
    done = await asyncio.to_thread(work(house).run)

    assert done == would == Counts(tickets=1, messages=4, files=1, elsewhere=1, mails=1, contacts=1)
    assert telling(house) == []
    assert of_the_other(house) == elsewhere
    now = await house.as_system(tickets.ticket, hers.ticket_id)
    assert (now.number, now.subject, now.status) == (hers.number, ERASED, Status.CLOSED)
    assert now.email.endswith("@erased.invalid")
    page = await desk.get(desk_of(hers))
    assert page.status_code == 200
    assert ERASED in page.text
    assert (await desk.get(f"/workspace/{house.workspace.workspace_id}/mail")).status_code == 200
    assert await asyncio.to_thread(work(house).run) == Counts()


async def test_a_mail_of_hers_that_is_brought_again_opens_nothing(house: House, hers: Ticket) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Maria Silva <{MARIA}>", SUPPORT, "Mine"
    mail["Message-ID"] = "<maria.2@example.com>"
    mail.set_content("Of zanzibar.")
    await read(house, mail)
    assert (await house.as_system(ledger.ledger)).mails[0].outcome is Outcome.OPENED
    await asyncio.to_thread(work(house).run)
    await read(house, mail)

    assert (await house.as_system(ledger.ledger)).mails[0].outcome is Outcome.DUPLICATE


async def test_others_are_found_as_before_and_she_is_not(house: House, hers: Ticket) -> None:
    def found(typed: str) -> Callable[..., list[UUID]]:
        return lambda tx: [row.ticket_id for row in listing.workspace_tickets(tx, Filters(q=typed)).rows]

    [bens] = await house.as_system(found("oak"))
    assert hers.ticket_id in await house.as_system(found("zanzibar"))

    await asyncio.to_thread(work(house).run)

    for typed in ("zanzibar", "silva", "maria"):
        assert await house.as_system(found(typed)) == [], typed
    for typed in ("oak", "tent", "ben@example.com"):
        assert await house.as_system(found(typed)) == [bens], typed


async def test_her_browser_and_her_links_open_nothing_and_her_files_are_deleted(
    house: House, hers: Ticket, visitor: Browser
) -> None:
    folder = Path(house.app.parlour.settings.files_url)
    before = [path for path in folder.rglob("*") if path.is_file()]
    assert (await visitor.get(room_of(hers))).status_code == 200

    await asyncio.to_thread(work(house).run)

    assert (await visitor.get(room_of(hers))).status_code in (403, 404)
    async with asyncio.timeout(30):
        while any(path.exists() for path in before):
            await asyncio.sleep(0.05)


class Killed(BaseException):
    """In place of a kill: nothing comes after it."""


def only(house: House, steps: int) -> erasure.Begin:
    """As many steps as that, and then no more."""
    begin, left = begins(house), iter(range(steps))

    def counted() -> AbstractContextManager[Connection]:
        if next(left, None) is None:
            raise Killed
        return begin()

    return counted


async def test_what_was_broken_off_anywhere_is_completed_by_doing_it_again(
    house: House, hers: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "STEP", 1)
    await house.as_system(_is_called, hers.ticket_id, "zanzibar's own")

    steps = 1
    while True:
        try:
            await asyncio.to_thread(work(house, only(house, steps)).run)
            break
        except Killed:
            steps += 3

    assert steps > 10
    assert telling(house) == []


async def test_an_export_tells_no_name_of_a_ticket_that_is_erased_while_the_rest_is_not(
    house: House, hers: Ticket, tmp_path: Path
) -> None:
    """Until the end the ticket keeps it, as what the traces elsewhere are found by."""
    await house.as_system(_is_called, hers.ticket_id, "zanzibar's own")
    steps = 0
    while (await house.as_system(tickets.ticket, hers.ticket_id)).email == MARIA:
        steps += 1
        with suppress(Killed):
            await asyncio.to_thread(work(house, only(house, steps)).run)

    made = await exported(house, tmp_path / "acme.zip")

    [row] = [each for each in rows(made, "tickets") if each["ticket_id"] == str(hers.ticket_id)]
    assert [table for table, kept in telling(house) if "zanzibar's own" in kept and ERASED in kept] == [
        "tickets"
    ]
    assert (row["typed_name"], "zanzibar" in str(row)) == (None, False)


def _is_called(tx: Tx, ticket_id: UUID, name: str) -> None:
    """By a name that nothing but her ticket says is hers, and that the trail has, too."""
    hers = {"workspace_id": tx.workspace_id, "ticket_id": ticket_id}
    tx.execute(update(schema.tickets).filter_by(**hers).values(typed_name=name))
    audit.record(tx, "contact_named", before="somebody", after=name)


def test_the_command_says_what_it_would_do_and_what_it_did(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    assert shell.run("workspace", "create", "acme", "--name", "Acme").returncode == 0
    more = []
    if postgres_server.ON_POSTGRESQL:
        name = shell.environment["PARLOUR_DATABASE_URL"].rsplit("/", 1)[1]
        more = ["--owner-url", postgres_server.server().owner_url(name)]

    would = shell.run("erase", "--workspace", "acme", "--email", MARIA, "--dry-run", *more)
    done = shell.run("erase", "--workspace", "acme", "--email", MARIA, *more)

    assert would.returncode == done.returncode == 0, would.stderr + done.stderr
    assert would.stdout.splitlines()[-1] == "Nothing was changed."
    assert "@erased.invalid" in done.stdout
    assert "no email address" in sentence(shell.run("erase", "--workspace", "acme", "--email", "maria"))
    assert "no workspace" in sentence(shell.run("erase", "--workspace", "acne", "--email", MARIA, *more))
