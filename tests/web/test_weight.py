"""What pages cost, so that it stays so: statements and bytes, which a slow machine does not change."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from datetime import timedelta
from itertools import count, cycle
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, insert, select, update
from sqlalchemy.engine import Engine

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.outbox import Ended
from parlour.db.postgres.answering import Answering
from parlour.db.postgres.link import Link
from parlour.db.schema import files, messages
from parlour.features.conversation.units import seen
from parlour.features.tickets import changes
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Draft, Priority
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.web.assets import CODINGS, File
from parlour.web.render import Renderer
from tests.house import Browser, House
from tests.meter import asking_anew
from tests.tickets import place

PAGES = {
    "list": ("desk", "/workspace/{workspace}/tickets", 6, 53_000),
    "search": ("desk", "/workspace/{workspace}/tickets?q=parc", 15, 56_000),
    "dashboard": ("desk", "/workspace/{workspace}", 5, 28_000),
    "ticket": ("desk", "/workspace/{workspace}/tickets/{ticket}", 15, 60_000),
    "conversation": ("visitor", "/support/acme/ticket/{ticket}/chat", 6, 40_500),
    "portal": ("visitor", "/support/acme", 4, 5_000),
    "new ticket": ("visitor", "/support/acme/ticket/new", 1, 9_200),
}
"""Whose it is, where it is, and the most statements and bytes with 25 tickets or 50 messages on it."""
ROUND_TRIPS = {
    "list": 1,
    "search": 3,
    "dashboard": 1,
    "ticket": 1,
    "conversation": 1,
    "portal": 4,
    "new ticket": 1,
}
"""To PostgreSQL, for each page: who it is, and all that the page asked when it was shown last. BEGIN,
who acts and COMMIT travel with them."""
SEARCH_TRIPS = 2
"""For words that nobody has asked for yet."""
STATEMENTS = {
    "a ticket": 15,
    "a customer's word": 11,
    "an agent's word": 13,
    "to find a job": 2,
    "its mail": 7,
}
TRIPS = {
    "a ticket": 2,
    "a customer's word": 3,
    "an agent's word": 3,
    "another priority": 4,
    "what an agent has read": 2,
    "to find a job": 1,
    "its mail": 3,
}
"""To PostgreSQL, of what these write, with their commits; none of what reads before."""
MAILS_TOGETHER = (3, 36)
"""Trips for the mails of eight tickets, when nothing else is stored: what they find out, what they store, and
that they went out; each of the eight took as many. And all that is said to PostgreSQL for them.
"""
ENDS = (1, 6)
"""The same of one transaction more, into which their ends may fall."""
SENDING = {"a customer's": (6, 1), "an agent's": (5, 1)}
"""Trips to PostgreSQL and transactions of a word that a page's script sends: all that is asked for it."""
OPENING = (2, 1, 26)
"""The same of a form that opens a ticket, and all that is said to PostgreSQL for it."""
WITH_FILES = 60_100
"""Bytes of the conversation with a picture at each of its messages."""
FIRST_VISIT = 56_000
"""Bytes over the wire: the page, its style sheet, script, font and icons."""


@pytest.fixture
async def furnished(house: House, visitor: Browser) -> dict[str, str]:
    """25 tickets, one of them with 50 messages."""
    for number in range(24):
        async with house.browser(f"127.0.1.{number}") as other:
            await house.open_ticket(other, subject=f"Parcel {number}", email=f"m{number}@example.com")
    ticket = await house.open_ticket(visitor)
    customer = Actor.customer(house.workspace.workspace_id, ticket.ticket_id, ticket.email)
    for number in range(49):
        words = f"Message {number} about the parcel"
        await house.db.write(customer, tickets.send_message, ticket.ticket_id, words, uuid4())
    return {"workspace": str(house.workspace.workspace_id), "ticket": str(ticket.ticket_id)}


def bring_pictures(tx: Tx, ticket_id: UUID) -> None:
    """One at each message of the ticket."""
    room = tickets.ticket(tx, ticket_id).chat_room_id
    here = (messages.c.workspace_id == tx.workspace_id) & (messages.c.room_id == room)
    for seq in tx.execute(select(messages.c.seq).where(here)).scalars().all():
        file_id = clock.new_id()
        where = {"workspace_id": tx.workspace_id, "file_id": file_id, "room_id": room, "seq": seq}
        what = {"name": f"photo {seq}.png", "media_type": "image/png", "width": 800, "height": 600}
        keys = {"storage_key": f"{file_id}", "thumbnail_key": f"{file_id}-small", "has_thumbnail": True}
        whose = {"uploader": "maria@example.com", "uploader_kind": "customer", "created_at": clock.now()}
        size = {"size": 20_000, "counted": 20_000, "scan": "clean"}
        tx.execute(insert(files).values(where | what | keys | whose | size))
    tx.execute(update(messages).where(here).values(files=1))


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that run meanwhile, wherever, were anything stored before each page."""
    found: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with asking_anew():
            yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_page_takes_no_more_statements_and_bytes_than_it_did(
    house: House, visitor: Browser, furnished: dict[str, str]
) -> None:
    """The least of some visits: in any of them the house itself may ask for something."""
    await house.app.parlour.worker.stop()  # it looks for jobs now and then
    spent = {}
    async with aclosing(await house.sign_in()) as desk:
        for name, (who, address, *_) in PAGES.items():
            browser = desk if who == "desk" else visitor
            visits = []
            for _ in range(4):
                with counted() as statements:
                    page = await browser.get(address.format(**furnished))
                assert page.status_code == 200
                visits.append(len(statements))
            spent[name] = (min(visits), len(page.content))

    for name, (_, _, most, bytes_) in PAGES.items():
        assert spent[name][0] <= most, (name, spent[name])
        assert spent[name][1] <= bytes_, (name, spent[name])


async def test_a_word_and_a_ticket_and_its_mail_take_no_more_statements_than_they_did(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    worker = house.app.parlour.worker
    await worker.stop()
    here = house.workspace.workspace_id
    maria = Actor.customer(here, ticket.ticket_id, ticket.email)
    ada = Actor.agent(here, house.ada, Role.OWNER, "Ada Moreau")
    draft = Draft("A tent", "It leaks.", "ole@example.com", uuid4())
    say = tickets.send_message
    await house.db.write(ada, say, ticket.ticket_id, "We look into it", uuid4())  # and it is open now
    spent = {}
    with counted() as statements:
        await house.db.write(Actor.visitor(here), tickets.open_ticket, draft)
        spent["a ticket"] = drained(statements)
        await house.db.write(maria, say, ticket.ticket_id, "Thank you", uuid4())
        spent["a customer's word"] = drained(statements)
        await house.db.write(ada, say, ticket.ticket_id, "You are welcome", uuid4())
        spent["an agent's word"] = drained(statements)
        wanted = {Lane.MAIL: 1}
        [job], _ = (await house.as_system(outbox.take, wanted, lease=timedelta(minutes=1), running=[]))()
        spent["to find a job"] = drained(statements)
        await worker._run(job)  # noqa: SLF001 nothing else runs beside it
        spent["its mail"] = drained(statements)

    assert {what: took for what, took in spent.items() if took > STATEMENTS[what]} == {}


def drained(statements: list[str]) -> int:
    took = len(statements)
    statements.clear()
    return took


@pytest.mark.postgresql
async def test_a_page_asks_postgresql_no_more_often_than_it_did(
    house: House, visitor: Browser, furnished: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is asked for the page counts: its units run in the context of its request. The least of some
    visits, because in any of them another thread may connect. The list goes on behind its first page.
    """
    await house.open_ticket(visitor, subject="One more")
    asked: ContextVar[list[object] | None] = ContextVar("asked", default=None)
    wait, spent = Answering.wait, {}

    def note(line: Answering, *args: Any, **kwargs: Any) -> Any:
        if (those := asked.get()) is not None:
            those.append(line)
        return wait(line, *args, **kwargs)

    monkeypatch.setattr(Answering, "wait", note)
    async with aclosing(await house.sign_in()) as desk:
        for name, (who, address, *_) in PAGES.items():
            browser = desk if who == "desk" else visitor
            visits: list[list[object]] = [[] for _ in range(6)]
            with asking_anew():
                for those in visits:
                    asked.set(those)
                    await browser.get(address.format(**furnished))
            spent[name] = min(map(len, visits))

    assert {name: trips for name, trips in spent.items() if trips > ROUND_TRIPS[name]} == {}


@pytest.mark.postgresql
async def test_a_search_for_words_that_nobody_asked_for_yet_takes_two_questions(
    house: House, visitor: Browser, furnished: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they stand, and which tickets these are; the menu is as it was, and is not asked for in vain. The
    least of some visits, because in any of them another thread may connect.
    """
    asked: ContextVar[list[bytes] | None] = ContextVar("asked", default=None)
    put_along: ContextVar[list[bytes] | None] = ContextVar("put_along", default=None)
    go, put = Answering._go, Answering._put  # noqa: SLF001 each of the first is waited for
    kinds = {
        "in every ticket": ["parcel", "parce", "parc", "par", "parcel Parcel", "Parcel parce"],
        "in one": ["parcel 7", "7 parcel", "Parcel 7", "parcel 17", "17 parcel", "Parcel 17"],
        "in none": ["nobody", "nothing", "nowhere", "never", "no parcel", "parcel no"],
    }
    address, spent, menus = f"/workspace/{furnished['workspace']}/tickets", {}, {}

    def note(line: Answering, words: bytes, *args: Any) -> Any:
        if (those := asked.get()) is not None:
            those.append(words)
        return go(line, words, *args)

    def note_put(line: Answering, words: bytes, *args: Any, **kwargs: Any) -> Any:
        if (those := put_along.get()) is not None:
            those.append(words)
        return put(line, words, *args, **kwargs)

    await house.app.parlour.worker.stop()
    monkeypatch.setattr(Answering, "_go", note)
    monkeypatch.setattr(Answering, "_put", note_put)
    async with aclosing(await house.sign_in()) as desk:
        for kind, each in kinds.items():
            visits: list[list[bytes]] = []
            along: list[list[bytes]] = []
            for words in each:
                await desk.get(address)
                visits.append([])
                along.append([])
                asked.set(visits[-1])
                put_along.set(along[-1])
                await desk.get(address, params={"q": words})
            spent[kind] = min(map(len, visits))
            menus[kind] = min(sum(b"saved_views" in words for words in visit) for visit in along)

    assert max(spent.values()) <= SEARCH_TRIPS, spent
    assert max(menus.values()) == 0, menus


async def writing(house: House, visitor: Browser) -> dict[str, Callable[[], Awaitable[Any]]]:
    """What stores something, each time anew; to be done in this order."""
    ticket = await house.open_ticket(visitor)
    worker = house.app.parlour.worker
    await worker.stop()
    here = house.workspace.workspace_id
    maria, ada = (
        Actor.customer(here, ticket.ticket_id, ticket.email),
        Actor.agent(here, house.ada, Role.OWNER, "Ada Moreau"),
    )
    found: list[Any] = []
    numbers, priorities = count(1), cycle((Priority.HIGH, Priority.LOW))

    async def find() -> None:
        wanted = {Lane.MAIL: 1}
        found.append(await house.as_system(outbox.take, wanted, lease=timedelta(minutes=1), running=[]))

    def turn(tx: Tx) -> None:
        changes.set_priority(tx, list(tickets.locked_all(tx, [ticket.ticket_id])), next(priorities))

    say = tickets.send_message
    return {
        "a ticket": lambda: house.db.write(
            Actor.visitor(here),
            tickets.open_ticket,
            Draft("A tent", "It leaks.", f"{uuid4().hex}@example.com", uuid4()),
        ),
        "a customer's word": lambda: house.db.write(maria, say, ticket.ticket_id, "Thank you", uuid4()),
        "an agent's word": lambda: house.db.write(ada, say, ticket.ticket_id, "You are welcome", uuid4()),
        "another priority": lambda: house.db.write(ada, turn),
        "what an agent has read": lambda: house.db.write(ada, seen, ticket.chat_room_id, next(numbers)),
        "to find a job": find,
        "its mail": lambda: worker._run(found[-1]()[0][0]),  # noqa: SLF001 nothing else runs beside it
    }


@pytest.mark.postgresql
async def test_what_writes_asks_postgresql_no_more_often_than_it_did(
    house: House, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The least of some runs, because in any of them another thread may connect."""
    waited: ContextVar[list[object]] = ContextVar("waited")
    wait = Answering.wait

    def note(line: Answering, *args: Any, **kwargs: Any) -> Any:
        waited.get([]).append(line)
        return wait(line, *args, **kwargs)

    acts = await writing(house, visitor)
    monkeypatch.setattr(Answering, "wait", note)
    trips: dict[str, list[list[object]]] = {what: [] for what in acts}
    for _ in range(10):
        for what, act in acts.items():
            trips[what].append([])
            waited.set(trips[what][-1])
            await act()

    spent = {what: min(map(len, each)) for what, each in trips.items()}
    assert {what: number for what, number in spent.items() if number > TRIPS[what]} == {}


@pytest.mark.postgresql
async def test_mails_that_come_together_ask_postgresql_as_often_as_one(
    house: House, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The least of some, as above. Ends of jobs may fall into two transactions."""
    acts, worker = await writing(house, visitor), house.app.parlour.worker
    waited: ContextVar[list[str]] = ContextVar("waited")
    _note_calls(monkeypatch, waited, "trip", Answering, "wait")
    _note_calls(monkeypatch, waited, "statement", Answering, "_put")
    spent = []
    for _ in range(6):
        for _ in range(8):
            await acts["a ticket"]()
        taken = await house.as_system(outbox.take, {Lane.MAIL: 8}, lease=timedelta(minutes=1), running=[])
        jobs, _due = taken()
        waited.set([])
        ended = await asyncio.gather(*map(worker._run, jobs))  # noqa: SLF001 nothing else runs beside it
        assert ended == [Ended.FINISHED] * 8
        spent.append(tuple(map(waited.get().count, ("trip", "statement"))))

    trips, statements = min(spent)
    assert trips <= MAILS_TOGETHER[0] + ENDS[0], spent
    assert statements <= MAILS_TOGETHER[1] + ENDS[1], spent


@pytest.mark.postgresql
async def test_a_word_that_a_page_sends_is_one_transaction(
    house: House, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who says it and whether that is too much are asked in it. The least of some words, as above."""
    ticket = await house.open_ticket(visitor)
    await house.app.parlour.worker.stop()
    done: ContextVar[list[str]] = ContextVar("done")
    _note_calls(monkeypatch, done, "trip", Answering, "wait")
    _note_calls(monkeypatch, done, "transaction", Link, "begin")
    spent = {}
    async with aclosing(await house.sign_in()) as desk:
        rooms = {
            "a customer's": (visitor, f"/support/acme/ticket/{ticket.ticket_id}/chat"),
            "an agent's": (desk, f"{place(house, ticket)}/chat"),
        }
        for whose, (browser, room) in rooms.items():
            headers = {"x-csrf-token": await browser.csrf("/support/acme"), "accept": "application/json"}
            words: list[list[str]] = [[] for _ in range(8)]
            for those in words:
                done.set(those)
                said = {"content": "Hello", "client_id": str(uuid4())}
                assert (await browser.post(room, data=said, headers=headers)).status_code == 201
            least = min(words, key=len)
            spent[whose] = (least.count("trip"), least.count("transaction"))

    assert {whose: took for whose, took in spent.items() if took > SENDING[whose]} == {}


@pytest.mark.postgresql
async def test_opening_a_ticket_is_one_transaction(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose portal it is, and whether that is too much, are asked in it. The least of some, as above."""
    await house.app.parlour.worker.stop()
    done: ContextVar[list[str]] = ContextVar("done")
    _note_calls(monkeypatch, done, "trip", Answering, "wait")
    _note_calls(monkeypatch, done, "transaction", Link, "begin")
    _note_calls(monkeypatch, done, "statement", Answering, "_put")
    opened: list[list[str]] = [[] for _ in range(8)]
    for number, those in enumerate(opened):
        async with house.browser() as browser:
            token = await browser.csrf("/support/acme/ticket/new")
            words = {"subject": f"Parcel {number}", "description": "It is late.", "email": "m@example.com"}
            form = {**words, "csrf": token, "client_id": str(uuid4())}
            done.set(those)
            assert (await browser.post("/support/acme/ticket/new", data=form)).status_code == 303

    least = min(opened, key=len)
    assert tuple(map(least.count, ("trip", "transaction", "statement"))) == OPENING


def _note_calls(
    patch: pytest.MonkeyPatch, done: ContextVar[list[str]], what: str, kind: type, name: str
) -> None:
    """Of this method, in whichever thread, for whoever asked for them."""
    call = getattr(kind, name)

    def note(*args: Any, **kwargs: Any) -> Any:
        done.get([]).append(what)
        return call(*args, **kwargs)

    patch.setattr(kind, name, note)


@pytest.mark.sqlite
async def test_files_cost_a_conversation_one_statement(
    house: House, visitor: Browser, furnished: dict[str, str]
) -> None:
    await house.app.parlour.worker.stop()
    await house.as_system(bring_pictures, UUID(furnished["ticket"]))
    _, address, most, _ = PAGES["conversation"]
    await visitor.get(address.format(**furnished))
    with counted() as statements:
        page = await visitor.get(address.format(**furnished))

    assert page.text.count('data-kind="picture"') > 50
    assert len(statements) <= most + 1
    assert len(page.content) <= WITH_FILES


async def test_what_is_as_it_was_is_not_drawn_again(
    house: House, visitor: Browser, furnished: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    draw = Renderer.__call__

    def note(renderer: Renderer, name: str, /, **context: Any) -> str:
        drawn.append(name)
        return draw(renderer, name, **context)

    async with aclosing(await house.sign_in()) as desk:
        for name in ("list", "ticket", "conversation"):
            who, address, *_ = PAGES[name]
            browser = desk if who == "desk" else visitor
            await browser.get(address.format(**furnished))
            with monkeypatch.context() as patch:
                patch.setattr(Renderer, "__call__", note)
                await browser.get(address.format(**furnished))

    assert drawn == ["desk/tickets.html", "desk/ticket.html", "portal/chat.html"]


async def test_a_row_that_one_list_has_shown_is_drawn_for_no_other_and_for_no_search(
    furnished: dict[str, str], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    draw = Renderer.__call__
    address = f"/workspace/{furnished['workspace']}/tickets"

    def note(renderer: Renderer, name: str, /, **context: Any) -> str:
        drawn.append(name)
        return draw(renderer, name, **context)

    async with aclosing(await house.sign_in()) as desk:
        first = await desk.get(address)
        with monkeypatch.context() as patch:
            patch.setattr(Renderer, "__call__", note)
            shown = [
                await desk.get(address, params=asked)
                for asked in ({"sort": "created"}, {"status": "active", "sort": "priority"}, {"q": "parcel"})
            ]

    assert [page.text.count("data-ticket-row") for page in (first, *shown)] == [25] * 4
    assert shown[-1].text.count("<mark>") == 25
    assert [name for name in drawn if "row" in name] == []


def sent(file: File) -> int:
    return len(CODINGS["br"](file.plain) if file.shrinks else file.plain)


async def test_a_customers_first_visit_is_light(house: House, visitor: Browser) -> None:
    page = await visitor.get("/support/acme")
    assets = house.app.parlour.site.assets.files
    fetched = [file for name, file in assets.items() if f"/{name}" in page.text.replace("favicon-news", "")]
    weight = len(page.content) + sum(map(sent, fetched))

    assert len(fetched) == 5
    assert weight <= FIRST_VISIT
