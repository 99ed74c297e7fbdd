"""The demo: what a newcomer finds in it, told once and read by every test here."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from parlour import demo
from parlour.app import create_app
from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.db.sqlite import SqliteDatabase
from parlour.features.accounts import service as accounts
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.models import Invitation
from parlour.features.chat import service as chat
from parlour.features.chat.models import History
from parlour.features.contacts import service as contacts
from parlour.features.tickets.canned import service as canned
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Priority, Reply, SavedView, Status, TicketRow
from parlour.features.tickets.views import service as views
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Workspace
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.messages import Message
from parlour.realtime.protocol import REPLAY_LIMIT
from parlour.web.linkify import split_links
from tests.house import Browser, settings_for

OLDEST = timedelta(weeks=5)
PEOPLE = {"Ada Moreau": "ada", "Ben Okafor": "ben", "Chloé Tanaka": "chloe", "Viv Lindqvist": "viv"}
NOBODYS_DOMAIN = re.compile(r"(?:^|\.)(?:example|example\.(?:com|net|org))$")


@dataclass(frozen=True)
class Told:
    """A filled data folder, and everything that was found in it."""

    folder: Path
    before: datetime
    after: datetime
    statements: int
    workspace: Workspace
    tickets: Sequence[TicketRow]
    rooms: Sequence[History]
    notes: Sequence[History]
    waiting: set[Any]
    replies: Sequence[Reply]
    views: Sequence[SavedView]
    invitations: Sequence[Invitation]
    roles: dict[str, Role | None]
    next_job: datetime | None

    @property
    def messages(self) -> list[Message]:
        return [message for room in self.rooms for message in room.messages]


@asynccontextmanager
async def database(folder: Path) -> AsyncIterator[SqliteDatabase]:
    db = SqliteDatabase(folder / "parlour.db")
    await db.migrate()
    await db.open()
    try:
        yield db
    finally:
        await db.close()


@contextmanager
def counting() -> Iterator[list[str]]:
    """The SQL that runs in the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def everything(tx: Tx) -> dict[str, Any]:
    workspace = workspaces.workspace_at(tx, demo.SLUG)
    here = tx.acting_as(Actor.system(workspace.workspace_id))
    rows = listing.workspace_tickets(here, Filters(limit=1000)).rows
    ada = accounts.credentials(tx, demo.EMAIL)
    assert ada
    reading = here.acting_as(Actor.agent(workspace.workspace_id, ada.user_id, Role.OWNER, "Ada Moreau"))
    return {
        "replies": canned.usable(reading),
        "views": views.views(reading),
        "invitations": invitations.pending(reading),
        "workspace": workspace,
        "tickets": rows,
        "rooms": [chat.history(here, row.chat_room_id, limit=1000) for row in rows],
        "notes": [chat.history(here, chat.notes_room(here, row.ticket_id), limit=1000) for row in rows],
        "waiting": {
            row.chat_room_id
            for row in listing.workspace_tickets(reading, Filters(limit=1000)).rows
            if row.unread
        },
        "roles": {name: role_of(here, key) for name, key in PEOPLE.items()},
        "next_job": outbox.next_due(tx).get(Lane.MAIL),
    }


def role_of(here: Tx, key: str) -> Role | None:
    person = accounts.credentials(here, f"{key}@acme.example")
    return workspaces.role_of(here, person.user_id) if person else None


async def fill(folder: Path) -> Told:
    async with database(folder) as db:
        before = clock.now()
        with counting() as statements:
            await demo.fill(db)
        after = clock.now()
        found = await db.write(Actor.system(), everything)
    return Told(folder, before, after, len(statements), **found)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return asyncio.run(fill(tmp_path_factory.mktemp("demo")))


def test_there_are_a_few_dozen_tickets(told: Told) -> None:
    assert 30 <= len(told.tickets) <= 60


def test_every_status_occurs_more_than_once(told: Told) -> None:
    found = [ticket.status for ticket in told.tickets]

    assert {status: found.count(status) for status in Status if found.count(status) < 2} == {}


def test_every_priority_occurs_more_than_once(told: Told) -> None:
    found = [ticket.priority for ticket in told.tickets]

    assert {priority: found.count(priority) for priority in Priority if found.count(priority) < 2} == {}


def test_some_tickets_are_somebodys_and_some_are_nobodys(told: Told) -> None:
    assert {ticket.assignee_name for ticket in told.tickets} == {
        "Ada Moreau",
        "Ben Okafor",
        "Chloé Tanaka",
        None,
    }


def test_a_new_ticket_has_been_touched_by_nobody(told: Told) -> None:
    untouched = [ticket for ticket in told.tickets if ticket.status is Status.NEW]

    assert {(ticket.assignee_name, ticket.priority) for ticket in untouched} == {(None, Priority.MEDIUM)}


def test_the_four_agents_have_a_role_each(told: Told) -> None:
    assert told.roles == {
        "Ada Moreau": Role.OWNER,
        "Ben Okafor": Role.AGENT,
        "Chloé Tanaka": Role.ADMIN,
        "Viv Lindqvist": Role.VIEWER,
    }


def test_all_who_may_answer_do_and_the_viewer_never(told: Told) -> None:
    assert {message.sender_name for message in told.messages if message.sender_type == "agent"} == {
        "Ada Moreau",
        "Ben Okafor",
        "Chloé Tanaka",
    }


def test_everything_happened_in_the_last_five_weeks_and_nothing_is_yet_to_come(told: Told) -> None:
    moments = [message.created_at for message in told.messages]

    assert told.before - OLDEST <= min(moments)
    assert max(moments) <= told.after


def test_the_newest_ticket_is_minutes_old(told: Told) -> None:
    assert max(ticket.created_at for ticket in told.tickets) > told.before - timedelta(minutes=15)


def test_each_conversation_is_in_the_order_of_time(told: Told) -> None:
    times = [[message.created_at for message in room.messages] for room in told.rooms]

    assert times == [sorted(conversation) for conversation in times]


def test_the_tickets_are_numbered_in_the_order_of_their_opening(told: Told) -> None:
    by_age = sorted(told.tickets, key=lambda ticket: ticket.created_at)

    assert [ticket.number for ticket in by_age] == list(range(1, len(by_age) + 1))


def test_the_list_knows_when_each_ticket_was_last_spoken_in(told: Told) -> None:
    last_words = [
        max(message.created_at for message in room.messages if message.sender_type != "system")
        for room in told.rooms
    ]

    assert [ticket.last_message_at for ticket in told.tickets] == last_words


def test_agents_find_unread_only_what_a_customer_said_last(told: Told) -> None:
    last = [[m for m in room.messages if m.sender_type != "system"][-1] for room in told.rooms]

    assert told.waiting <= {message.room_id for message in last if message.sender_type == "customer"}


def test_agents_find_some_conversations_unread_and_most_read(told: Told) -> None:
    assert 5 <= len(told.waiting) < len(told.tickets) / 2


def test_agents_have_written_notes_to_each_other(told: Told) -> None:
    said = [m for room in told.notes for m in room.messages if m.sender_type != "system"]

    assert len({message.room_id for message in said}) >= 5
    assert {m.sender_name for m in said} == {"Ada Moreau", "Ben Okafor", "Chloé Tanaka"}


def test_there_are_replies_and_views_of_ones_own_and_of_everyones_and_an_invitation(told: Told) -> None:
    assert {reply.shared for reply in told.replies} == {True, False}
    assert {view.owner_id is None for view in told.views} == {True, False}
    assert told.invitations


def test_one_conversation_is_longer_than_a_page(told: Told) -> None:
    longest = max(room.room.last_seq for room in told.rooms)

    assert chat.PAGE < longest <= REPLAY_LIMIT


def test_a_second_conversation_is_long(told: Told) -> None:
    lengths = sorted(len([m for m in room.messages if m.sender_type != "system"]) for room in told.rooms)

    assert lengths[-2] >= 25


def test_some_customers_have_written_more_than_once(told: Told) -> None:
    addresses = [ticket.email for ticket in told.tickets]

    assert 20 <= len(set(addresses)) < len(addresses)


def test_no_address_or_link_leads_to_anybody_real() -> None:
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', demo.STORIES.read_text(encoding="utf-8"))
    links = [link for string in strings for _, link in split_links(json.loads(string)) if link]
    hosts = {link.removeprefix("mailto:").split("@")[-1].split("//")[-1].split("/")[0] for link in links}

    assert hosts
    assert {host for host in hosts if not NOBODYS_DOMAIN.search(host)} == set()


def test_no_mail_waits(told: Told) -> None:
    assert told.next_job is None


async def test_mail_of_another_workspace_keeps_waiting(tmp_path: Path) -> None:
    async with database(tmp_path) as db:
        other = await db.write(Actor.system(), workspaces.create_workspace, "other", "Other Company")
        await db.write(Actor.system(other.workspace_id), lambda tx: tx.enqueue("mail.confirmation", {}))
        await demo.fill(db)

        assert Lane.MAIL in await db.read(Actor.system(), outbox.next_due)


async def test_filling_twice_is_filling_once(told: Told) -> None:
    async with database(told.folder) as db:
        await demo.fill(db)
        again = await db.write(Actor.system(), everything)

    assert again["tickets"] == told.tickets
    assert [room.room for room in again["rooms"]] == [room.room for room in told.rooms]
    assert [room.room for room in again["notes"]] == [room.room for room in told.notes]


def test_what_it_costs_grows_with_what_is_told_and_no_faster(told: Told) -> None:
    noted = sum(len(room.messages) for room in told.notes)

    assert told.statements <= 18 * (len(told.messages) + noted)


async def test_ada_signs_in_with_the_printed_password_and_sees_the_newest_word_first(told: Told) -> None:
    app = create_app(settings_for(told.folder))
    async with app.parlour.running(), Browser(app) as browser:
        fields = {"email": demo.EMAIL, "password": demo.PASSWORD, "next": "/"}
        answer = await browser.submit("/auth/login", fields)
        page = await browser.get(f"/workspace/{told.workspace.workspace_id}/tickets")

    first, second = (page.text.find(ticket.subject) for ticket in told.tickets[:2])
    assert answer.status_code == 303
    assert 0 < first < second


async def test_it_shows_what_else_a_desk_knows(told: Told) -> None:
    def look(tx: Tx) -> tuple[dict[str, int], set[str]]:
        here = tx.acting_as(Actor.system(told.workspace.workspace_id))
        people = contacts.page(here).contacts
        blocked = {person.email for person in people if person.blocked_at}
        shown = {
            "named": sum(1 for person in people if person.name),
            "confirmed": sum(1 for person in people if person.name and not person.name_typed),
            "mentions": sum("@Ben Okafor" in m.content for notes in told.notes for m in notes.messages),
            "tagged": sum(1 for ticket in told.tickets if ticket.tags),
            "aside": sum(1 for ticket in told.tickets if ticket.snoozed_until),
            "quiet": sum(1 for ticket in told.tickets if ticket.quiet),
            "waking": Lane.WORK in outbox.next_due(tx),
        }
        return shown, blocked

    async with database(told.folder) as db:
        shown, blocked = await db.read(Actor.system(), look)
    begun = [room for room in told.rooms if room.messages[0].sender_type == "agent"]

    assert {what for what, how_many in shown.items() if not how_many} == set()
    assert blocked == {"growth@first-page-fast.example"}
    assert len(begun) == 1
