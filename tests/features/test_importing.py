"""`parlour import`: tickets of other desks with their history, each once, and nobody is told of any."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from parlour.app import make_intake
from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.importing import chatwoot, freshdesk, run, zendesk
from parlour.features.importing.models import Counts, OldTicket, Problem
from parlour.features.importing.reading import NoExport
from parlour.features.importing.run import Import
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Filters, Priority, Status, TicketRow
from parlour.features.tickets.tags import service as tags
from parlour.kernel import clock
from parlour.kernel.messages import Message
from tests.attaching import WORDS, desk_of
from tests.house import Browser, House
from tests.mailbox import delivered
from tests.shell import Shell, sentence

MARIA, ADA = "maria@example.com", "ada@acme.example"


def lines(*objects: Any) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def of_zendesk(folder: Path) -> None:
    """A ticket with an answer, a note, and a file; one without comments; one whose customer nobody knows."""
    maria = {"id": 1, "email": "Maria@Example.com", "name": "Maria Weber", "role": "end-user"}
    ada = {"id": 2, "email": ADA, "name": "Ada Moreau", "role": "agent"}
    left = {"id": 3, "email": "gone@acme.example", "name": "Gone Away", "role": "agent"}
    (folder / "users.json").write_text(lines(maria, ada, left), encoding="utf-8")
    file = {"id": 77, "file_name": "tent.txt", "content_url": "https://x.example/tent.txt"}
    lost = {"id": 78, "file_name": "lost.txt"}
    said = [
        {
            "id": 11,
            "author_id": 1,
            "body": "My tent leaks.",
            "created_at": "2024-03-01T10:00:00Z",
            "public": True,
        },
        {"id": 12, "author_id": 2, "body": "Which?", "created_at": "2024-03-01T11:00:00Z", "public": True},
        {
            "id": 13,
            "author_id": 3,
            "body": "The oak one",
            "created_at": "2024-03-01T11:30:00Z",
            "public": False,
        },
        {
            "id": 14,
            "author_id": 1,
            "html_body": "<p>The <b>blue</b> one</p>",
            "public": True,
            "created_at": "2024-03-01T12:00:00Z",
            "attachments": [file, lost],
        },
    ]
    first = {
        "id": 5,
        "subject": "A tent",
        "status": "open",
        "priority": "high",
        "requester_id": 1,
        "assignee_id": 2,
        "tags": ["tents", "vip"],
        "created_at": "2024-03-01T10:00:00Z",
        "comments": said,
    }
    second = {
        "id": 6,
        "subject": "Thanks",
        "status": "solved",
        "requester": maria,
        "description": "All is well.",
        "priority": None,
        "created_at": "2024-03-02T10:00:00Z",
    }
    nobodys = {"id": 7, "subject": "?", "status": "open", "created_at": "2024-03-02T10:00:00Z"}
    (folder / "tickets.json").write_text(lines(first, second, nobodys) + "{half\n", encoding="utf-8")
    (folder / "attachments" / "77").mkdir(parents=True)
    (folder / "attachments" / "77" / "tent.txt").write_bytes(WORDS)


def of_chatwoot(folder: Path) -> None:
    sender = {"name": "Maria Weber", "email": MARIA}
    said = [
        {"id": 1, "content": "My tent leaks.", "message_type": 0, "created_at": 1709287200, "sender": sender},
        {"id": 2, "content": "Conversation was opened", "message_type": 2, "created_at": 1709287201},
        {
            "id": 3,
            "content": "Which?",
            "message_type": "outgoing",
            "created_at": 1709290800,
            "sender": {"name": "Ada Moreau", "email": ADA},
        },
        {"id": 4, "content": "The oak one", "message_type": 1, "private": True, "created_at": 1709292600},
        {
            "id": 5,
            "content": None,
            "message_type": 0,
            "created_at": 1709294400,
            "sender": sender,
            "attachments": [{"id": 77, "data_url": "https://x.example/blobs/abc/tent.txt?x=1"}],
        },
    ]
    one = {
        "id": 5,
        "status": "open",
        "priority": "high",
        "created_at": 1709287200,
        "labels": ["tents", "vip"],
        "meta": {"sender": sender, "assignee": {"email": ADA}},
        "messages": said,
        "additional_attributes": {"mail_subject": "A tent"},
    }
    (folder / "conversations.json").write_text(
        json.dumps({"data": {"meta": {}, "payload": [one]}}), encoding="utf-8"
    )
    (folder / "attachments").mkdir()
    (folder / "attachments" / "77-tent.txt").write_bytes(WORDS)


def of_freshdesk(folder: Path) -> None:
    (folder / "Users0.json").write_text(
        json.dumps([{"user": {"id": 1, "email": MARIA, "name": "Maria Weber"}}]), encoding="utf-8"
    )
    (folder / "agents.json").write_text(
        json.dumps([{"id": 2, "contact": {"email": ADA, "name": "Ada Moreau"}}]), encoding="utf-8"
    )
    notes = [
        {"id": 12, "user_id": 2, "body_text": "Which?", "created_at": "2024-03-01T12:00:00+01:00"},
        {"id": 13, "user_id": 2, "body": "<p>The oak one</p>", "private": True}
        | {"created_at": "2024-03-01T11:30:00Z"},
        {
            "id": 14,
            "user_id": 1,
            "incoming": True,
            "body": "<p>The <b>blue</b> one</p>",
            "created_at": "2024-03-01T12:00:00Z",
            "attachments": [{"id": 77, "content_file_name": "tent.txt"}],
        },
    ]
    one = {
        "display_id": 5,
        "subject": "A tent",
        "status": 2,
        "priority": 3,
        "requester_id": 1,
        "responder_id": 2,
        "description": "<div>My tent leaks.</div>",
        "created_at": "2024-03-01T10:00:00Z",
        "tags": [{"name": "tents"}, {"name": "vip"}],
        "helpdesk_notes": [{"helpdesk_note": each} for each in notes],
    }
    (folder / "Tickets0.json").write_text(json.dumps([{"helpdesk_ticket": one}]), encoding="utf-8")
    (folder / "attachments").mkdir()
    (folder / "attachments" / "tent.txt").write_bytes(WORDS)


EXPORTS: dict[ModuleType, Callable[[Path], None]] = {
    zendesk: of_zendesk,
    chatwoot: of_chatwoot,
    freshdesk: of_freshdesk,
}


async def bring(
    house: House, folder: Path, reader: ModuleType, *, dry_run: bool = False
) -> tuple[Counts, list[Problem]]:
    complaints: list[Problem] = []
    intake = make_intake(house.app.parlour.settings)
    source = reader.__name__.rpartition(".")[2]
    here = house.workspace.workspace_id
    work = Import(house.db, intake, here, source, dry_run, lambda _, __: None, complaints.append)
    return await work.run(reader.read(folder)), complaints


async def listed(house: House) -> dict[str, TicketRow]:
    def rows(tx: Tx) -> list[TicketRow]:
        return list(listing.workspace_tickets(tx, Filters(limit=100)).rows)

    return {row.subject: row for row in await house.as_system(rows)}


async def said_in(house: House, ticket_id: UUID, *, notes: bool = False) -> list[Message]:
    def read(tx: Tx) -> list[Message]:
        ticket = tickets.ticket(tx, ticket_id)
        room = chat.notes_room(tx, ticket_id) if notes else ticket.chat_room_id
        return list(chat.history(tx, room).messages)

    found: list[Message] = await house.as_system(read)
    return found


@pytest.fixture(params=EXPORTS, ids=lambda reader: reader.__name__.rpartition(".")[2])
def reader(request: pytest.FixtureRequest) -> ModuleType:
    module: ModuleType = request.param
    return module


async def test_a_ticket_comes_with_all_that_was_said_and_when(
    house: House, desk: Browser, tmp_path: Path, reader: ModuleType
) -> None:
    EXPORTS[reader](tmp_path)
    counts, _ = await bring(house, tmp_path, reader)

    row = (await listed(house))["A tent"]
    ticket = await house.as_system(tickets.ticket, row.ticket_id)
    assert (ticket.status, ticket.priority, ticket.email) == (Status.OPEN, Priority.HIGH, MARIA)
    assert (ticket.assignee_id, ticket.description) == (house.ada, "My tent leaks.")
    assert ticket.created_at.isoformat() == "2024-03-01T10:00:00+00:00"
    assert ticket.last_message_at.isoformat() == "2024-03-01T12:00:00+00:00"
    assert ticket.waiting_since == ticket.last_message_at
    assert ticket.first_answer_at is not None
    assert ticket.first_answer_at.isoformat() == "2024-03-01T11:00:00+00:00"
    said = await said_in(house, row.ticket_id)
    assert [(each.sender_type, each.created_at.hour) for each in said] == [
        *(("customer", 10), ("agent", 11), ("customer", 12))
    ]
    assert said[1].sender_id == str(house.ada)
    assert [each.content for each in said[:2]] == ["My tent leaks.", "Which?"]
    assert [file.name for file in said[2].files] == ["tent.txt"]
    assert [each.content for each in await said_in(house, row.ticket_id, notes=True)] == ["The oak one"]
    person = await house.as_system(contacts.at, MARIA)
    assert person is not None
    assert person.name == "Maria Weber"
    of_it = await house.as_system(tags.of_tickets, [row.ticket_id])
    assert [tag.name for tag in of_it[row.ticket_id]] == ["tents", "vip"]
    assert counts.files == 1
    page = await desk.get(desk_of(ticket))
    assert "Brought along from" in page.text
    assert (
        WORDS.decode().strip()
        in (await desk.get(f"{desk_of(ticket)}/files/{said[2].files[0].file_id}/tent.txt")).text
    )
    assert delivered(house, MARIA) == []


async def test_done_again_it_doubles_nothing_and_brings_what_is_new(
    house: House, tmp_path: Path, reader: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "STEP", 1)
    EXPORTS[reader](tmp_path)
    would, _ = await bring(house, tmp_path, reader, dry_run=True)
    assert await listed(house) == {}

    class Cut(Exception):
        pass

    def half(folder: Path) -> Iterator[OldTicket | Problem]:
        """As an import that was broken off in the middle of a ticket leaves it."""
        for each in reader.read(folder):
            if isinstance(each, OldTicket):
                yield replace(each, messages=each.messages[:1])

    intake = make_intake(house.app.parlour.settings)
    source = reader.__name__.rpartition(".")[2]
    work = Import(
        house.db, intake, house.workspace.workspace_id, source, False, lambda _, __: None, lambda _: None
    )
    await work.run(half(tmp_path))
    done, _ = await bring(house, tmp_path, reader)
    again, _ = await bring(house, tmp_path, reader)

    row = (await listed(house))["A tent"]
    assert len(await said_in(house, row.ticket_id)) == 3
    assert again.tickets == again.messages == again.notes == again.files == again.tags == 0
    assert again.known == would.tickets
    assert would.messages == done.messages + would.tickets
    assert (would.files, would.notes, would.tags) == (1, 1, 2)


def told_by(reader: ModuleType, folder: Path, **files: Any) -> tuple[list[OldTicket], list[Problem]]:
    """What a reader makes of these files; a list is an object a line."""
    for name, told in files.items():
        path = folder / f"{name.replace('__', '/').replace('_', '-')}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines(*told) if isinstance(told, list) else json.dumps(told), encoding="utf-8")
    found = list(reader.read(folder))
    return (
        [each for each in found if isinstance(each, OldTicket)],
        [each for each in found if isinstance(each, Problem)],
    )


AT: dict[str, Any] = {"created_at": "2024-03-01T10:00:00Z"}


def test_zendesks_exports_are_read_under_the_names_that_they_come_with(tmp_path: Path) -> None:
    """One a kind, each called `export-` and a moment; an organization is passed over."""
    maria = {"id": 1, "email": MARIA, "role": "end-user", "name": "Maria"}
    said = {"id": 11, "author_id": 1, "body": "It leaks.", "public": True, **AT}
    ticket = {"id": 5, "subject": "A tent", "status": "open", "requester_id": 1, "comments": [said], **AT}
    exports = {"export_1": [ticket], "export_2": [{"id": 9, "name": "Acme"}], "export_3": [maria]}
    [found], problems = told_by(zendesk, tmp_path, **exports)

    assert (found.email, [each.by_customer for each in found.messages], problems) == (MARIA, [True], [])


def test_who_asked_is_known_by_the_id_alone(tmp_path: Path) -> None:
    """Of an export of tickets without one of users, in which the requester stands in place."""
    said = [{"id": 11, "author_id": 1, "body": "It leaks.", "public": True, **AT}]
    said += [{"id": 12, "author_id": 2, "body": "Which?", "public": True, **AT}]
    whose = {"requester_id": 1, "requester": {"email": MARIA, "name": "Maria"}}
    [found], _ = told_by(zendesk, tmp_path, tickets=[{"id": 5, "comments": said, **whose, **AT}])

    assert [(each.by_customer, each.name) for each in found.messages] == [(True, "Maria"), (False, "")]


def test_chatwoots_messages_come_from_files_of_their_own(tmp_path: Path) -> None:
    """As its API gives them: the list has the last one of each, and what was deleted has left its place."""
    sender = {"name": "Maria", "email": MARIA}
    said = [
        {"id": number, "content": f"word {number}", "message_type": 0, "created_at": 1709287200 + number}
        for number in range(1, 5)
    ]
    gone = {**said[1], "id": 9, "content_attributes": {"deleted": True}}
    one = {"id": 5, "status": "open", "created_at": 1709287200, "meta": {"sender": sender}}
    pages = {
        "messages_5_1": {"meta": {}, "payload": said[:2]},
        "messages__5_2": {"payload": [gone, *said[2:]]},
    }
    listed = {"data": {"meta": {}, "payload": [{**one, "messages": said[3:]}]}}
    [found], problems = told_by(chatwoot, tmp_path, conversations=listed, **pages)

    assert [each.text for each in found.messages] == [f"word {number}" for number in range(1, 5)]
    assert problems == []


def test_freshdesks_own_marks_are_understood(tmp_path: Path) -> None:
    """An agent is named by the id of their user; of notes those stay away that were deleted, or that nobody
    wrote; a ticket with which the team began is not the customer's first word.
    """
    agent = {"agent": {"id": 70, "user_id": 2, "user": {"email": ADA, "name": "Ada"}}}
    notes = [
        {"id": 1, "user_id": 1, "incoming": True, "body": "Yes?", **AT},
        {"id": 2, "user_id": 2, "body": "Gone", "deleted": True, **AT},
        {"id": 3, "user_id": 2, "body": "--- user_agent: Mozilla", "private": True, "source": 4, **AT},
    ]
    first = {"source": 10, "description": "We owe you a tent."}
    people = {"requester_id": 1, "responder_id": 2}
    ticket: dict[str, Any] = {"display_id": 5, "status": 2, **first, **people, **AT}
    ticket["notes"] = [{"helpdesk_note": each} for each in notes]
    files = {"users": [{"user": {"id": 1, "email": MARIA}}], "agents": [agent]}
    [found], _ = told_by(freshdesk, tmp_path, tickets=[{"helpdesk_ticket": ticket}], **files)

    told = [(each.text, each.by_customer, each.email) for each in found.messages]
    assert told == [("We owe you a tent.", False, ADA), ("Yes?", True, MARIA)]
    assert found.assignee == ADA


async def test_what_cannot_be_taken_is_named_and_the_rest_comes(house: House, tmp_path: Path) -> None:
    of_zendesk(tmp_path)
    long = {
        "id": 8,
        "subject": "s" * 300,
        "status": "closed",
        "created_at": "2024-03-02T10:00:00Z",
        "requester": {"id": 9, "email": "ben@example.com"},
        "description": "word " * 9_000,
    }
    with (tmp_path / "tickets.json").open("a", encoding="utf-8") as file:
        file.write(lines(long))

    counts, complaints = await bring(house, tmp_path, zendesk)

    told = [f"{each.about}: {each.why}" for each in complaints]
    assert counts.problems == len(told) == 4
    assert any("ticket 7" in each and "no address" in each for each in told)
    assert any("lost.txt is not in the folder" in each for each in told)
    assert any("tickets.json, line 4" in each for each in told)
    assert any("ticket 8" in each and "cut to 200" in each for each in told)
    found = await listed(house)
    assert len(found) == 3
    cut = next(row for subject, row in found.items() if subject.startswith("sss"))
    assert "".join(each.content for each in await said_in(house, cut.ticket_id)) == ("word " * 9_000).strip()
    assert found["Thanks"].status is Status.RESOLVED


def test_the_command_counts_before_it_does_and_says_what_it_cannot_read(tmp_path: Path) -> None:
    shell, export = Shell(tmp_path / "data"), tmp_path / "export"
    export.mkdir()
    of_zendesk(export)
    assert shell.run("workspace", "create", "acme", "--name", "Acme").returncode == 0

    would = shell.run("import", "zendesk", str(export), "--workspace", "acme", "--dry-run")
    done = shell.run("import", "zendesk", str(export), "--workspace", "acme")

    assert would.returncode == done.returncode == 0, would.stderr + done.stderr
    assert would.stdout.splitlines()[:-1] == done.stdout.splitlines()[:-1]
    assert "Nothing was changed." in would.stdout
    assert len(done.stderr.splitlines()) == 3
    assert "no conversations.json" in sentence(
        shell.run("import", "chatwoot", str(export), "--workspace", "acme")
    )
    for place, words in (("x", "no folder"), ("x" * 300, "cannot be read: File name too long")):
        refused = shell.run("import", "zendesk", str(tmp_path / place), "--workspace", "acme")
        assert words in sentence(refused)


TICKETS: dict[ModuleType, dict[str, Any]] = {
    zendesk: {
        "id": 1,
        "subject": "A tent",
        "created_at": "2024-03-01T10:00:00Z",
        "requester": {"id": 7, "email": MARIA},
        "tags": ["tent"],
        "comments": [{"id": 2, "author_id": 7, "body": "It leaks.", "created_at": "2024-03-01T10:00:00Z"}],
    },
    chatwoot: {
        "id": 1,
        "created_at": 1577836800,
        "meta": {"sender": {"email": MARIA}},
        "labels": ["tent"],
        "messages": [{"id": 2, "content": "It leaks.", "message_type": 0, "created_at": 1577836800}],
    },
    freshdesk: {
        "id": 1,
        "status": 2,
        "description_text": "It leaks.",
        "created_at": "2024-03-01T10:00:00Z",
        "requester": {"id": 7, "email": MARIA},
        "tags": ["tent"],
        "conversations": [{"id": 2, "body_text": "Much.", "created_at": "2024-03-01T10:00:00Z"}],
    },
}
ODD: list[Any] = [
    None,
    True,
    -1,
    1e308,
    10**30,
    "\ud800",
    "a\0b",
    "²",
    "9" * 5000,
    "0001-01-01T00:00:00+23:59",
]
ODD += ["9999-12-31T23:59:59-23:59", [5], [[]], {"a": {}}, "../" * 2000]


def spots(told: Any, *way: str | int) -> Iterator[tuple[str | int, ...]]:
    for step, inner in told.items() if isinstance(told, dict) else enumerate(told):
        yield (*way, step)
        if isinstance(inner, dict | list):
            yield from spots(inner, *way, step)


def with_odd(told: Any, way: tuple[str | int, ...], odd: Any) -> Any:
    told = json.loads(json.dumps(told))
    place = told
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = odd
    return told


@pytest.mark.parametrize("reader", TICKETS)
async def test_whatever_an_export_holds_in_a_place_the_tickets_beside_it_come(
    house: House, tmp_path: Path, reader: ModuleType
) -> None:
    whole = TICKETS[reader]
    broken = [with_odd(whole, way, odd) for way in spots(whole) for odd in ODD]
    told = [{**each, "id": number} if "id" in each else each for number, each in enumerate(broken)]
    files = [{**whole, "id": "file", "attachments": [{"id": odd, "name": str(odd)}]} for odd in ODD]
    name = "conversations.json" if reader is chatwoot else "tickets.json"
    (tmp_path / name).write_text(lines(*told, *files, {**whole, "id": 9999}), encoding="utf-8")

    counts, _ = await bring(house, tmp_path, reader)

    assert counts.tickets > len(told) / 2


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "tickets-1.json").mkdir()
    (tmp_path / "tickets-2.json").write_text(lines(TICKETS[zendesk]))

    problem, ticket = zendesk.read(tmp_path)

    assert problem == Problem("tickets-1.json", "cannot be read: Is a directory")
    assert isinstance(ticket, OldTicket)


def test_a_file_in_brackets_without_end_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "tickets-1.json").write_text("[" * 200_000)
    (tmp_path / "tickets-2.jsonl").write_text('{"id": ' + "[" * 200_000 + "\n" + lines(TICKETS[zendesk]))

    *problems, ticket = zendesk.read(tmp_path)

    assert [each.about for each in problems if isinstance(each, Problem)] == [
        "tickets-1.json",
        "tickets-2.jsonl, line 1",
    ]
    assert isinstance(ticket, OldTicket)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_an_export_is_read_in_whichever_unicode_it_was_saved(tmp_path: Path, encoding: str) -> None:
    """Windows PowerShell writes UTF-16 unless it is told otherwise."""
    told = with_odd(TICKETS[zendesk], ("subject",), "Zelt für zwei 商品")
    (tmp_path / "tickets.json").write_text(f"\N{BOM}{lines(told)}", encoding=encoding)

    [ticket] = zendesk.read(tmp_path)

    assert isinstance(ticket, OldTicket)
    assert ticket.subject == "Zelt für zwei 商品"


async def test_tags_without_room_are_named_with_the_reason_and_not_counted(
    house: House, tmp_path: Path
) -> None:
    names = ["a" * 500, *(f"tag {number}" for number in range(102))]
    told = [{**TICKETS[zendesk], "id": at, "tags": names[at : at + 10]} for at in range(0, len(names), 10)]
    (tmp_path / "tickets.jsonl").write_text(lines(*told))

    counts, complaints = await bring(house, tmp_path, zendesk)

    why = [each.why for each in complaints if each.about.startswith("tag ")]
    assert why == [
        "cannot be made: its name is too long",
        *["cannot be made: the workspace has 100 tags, and may have no more"] * 2,
    ]
    assert (counts.tags, counts.tickets) == (100, 11)


@pytest.mark.parametrize("reader", TICKETS)
def test_what_a_wrong_clock_dated_into_the_future_is_of_now(tmp_path: Path, reader: ModuleType) -> None:
    """It would head every list for years."""
    name = "conversations.json" if reader is chatwoot else "tickets.json"
    later = 4_000_000_000 if reader is chatwoot else "2096-10-02T07:06:40Z"
    (tmp_path / name).write_text(lines(with_odd(TICKETS[reader], ("created_at",), later)))

    [ticket] = reader.read(tmp_path)

    assert timedelta() <= clock.now() - ticket.created_at < timedelta(minutes=5)
    assert all(each.at <= clock.now() for each in ticket.messages)


@pytest.mark.parametrize("reader", TICKETS)
def test_a_message_without_a_time_stands_at_its_tickets(tmp_path: Path, reader: ModuleType) -> None:
    name = "conversations.json" if reader is chatwoot else "tickets.json"
    said = {zendesk: "comments", chatwoot: "messages", freshdesk: "conversations"}[reader]
    (tmp_path / name).write_text(lines(with_odd(TICKETS[reader], (said, 0, "created_at"), "soon")))

    [ticket] = reader.read(tmp_path)

    assert ticket.messages
    assert {each.at for each in ticket.messages} == {ticket.created_at}


@pytest.mark.parametrize("reader", EXPORTS)
def test_a_folder_without_an_export_says_what_was_looked_for(tmp_path: Path, reader: ModuleType) -> None:
    with pytest.raises(NoExport, match=r"\.json"):
        list(reader.read(tmp_path))
