"""`parlour export`: all of one workspace and nothing of another's, whatever the length of its rooms."""

import asyncio
import json
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from parlour.db.new_file import NewFile, Unwritable
from parlour.features.contacts import service as contacts
from parlour.features.mailroom import service as ledger
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.mailroom.models import Outcome
from parlour.features.takeout import store
from parlour.features.takeout.archive import Export
from parlour.features.tickets import service as tickets
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Draft
from parlour.features.tickets.participants import service as participants
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.logo import service as logo
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import ReplyTime, WorkspaceSettings
from parlour.features.workspaces.settings import service as choices
from parlour.kernel.access import Actor
from tests.attaching import WORDS, desk_of, room_of, say
from tests.house import Browser, House
from tests.shell import Shell, sentence
from tests.tickets import ada, customer_says, words

MAIL = b"From: maria@example.com\nTo: support@acme.example\nSubject: Tent\n\nIt leaks.\n"


async def exported(house: House, file: Path) -> zipfile.ZipFile:
    parlour = house.app.parlour
    at = await house.db.read(Actor.visitor(), workspaces.workspace_at, "acme")
    with NewFile(file, "an export").writing() as out:
        await Export(house.db, parlour.files.store, at, lambda _, __: None).write(out)
    return zipfile.ZipFile(file)


def rows(made: zipfile.ZipFile, name: str) -> list[Any]:
    return [json.loads(line) for line in made.read(f"{name}.jsonl").splitlines()]


async def test_it_holds_every_word_file_and_mail_of_the_workspace_and_nothing_else(
    house: House, visitor: Browser, desk: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "STEP", 3)  # what follows goes over several pages
    long = await house.open_ticket(visitor, subject="The long one")
    others = [await house.open_ticket(visitor, subject=f"Number {number}") for number in range(2, 9)]
    for number in range(7):
        await customer_says(house, long, f"word {number}")
    await say(visitor, room_of(long), ("läuft.txt", WORDS), content="with a file")
    await desk.submit(f"{desk_of(long)}/notes", words("only among us"), page=desk_of(long))
    await house.as_system(contacts.remember, long.email, "Maria Silva", typed=False)
    await house.as_system(mailboxes.add, "support@acme.example")
    await Arrivals(house.db, house.app.parlour.files.store).accept(MAIL)
    async with asyncio.timeout(30):
        while (read := (await house.as_system(ledger.ledger)).mails[0]).outcome is Outcome.WAITING:
            await asyncio.sleep(0.01)
    there = Actor.system(house.other.workspace_id)
    draft = Draft("Not yours", "A word of another workspace", "eve@example.com", uuid4())
    await house.db.write(Actor.visitor(there.workspace_id), tickets.open_ticket, draft)

    made = await exported(house, tmp_path / "acme.zip")

    kept = {row["ticket_id"]: row for row in rows(made, "tickets")}
    assert set(kept) == {str(each) for each in (read.ticket_id, *(one.ticket_id for one in (long, *others)))}
    said = kept[str(long.ticket_id)]
    assert [each["seq"] for each in said["messages"]] == list(range(1, len(said["messages"]) + 1))
    assert [each["content"] for each in said["messages"] if each["sender_type"] == "customer"] == [
        long.description,
        *(f"word {number}" for number in range(7)),
        "with a file",
    ]
    assert [each["content"] for each in said["notes"]] == ["only among us"]
    (file,) = next(each["files"] for each in said["messages"] if each["content"] == "with a file")
    assert made.read(f"files/{file['file_id']}/läuft.txt") == WORDS
    (mail,) = rows(made, "mails")
    assert made.read(f"mails/{mail['mail_id']}.eml") == MAIL
    assert "Maria Silva" in {row["name"] for row in rows(made, "contacts")}
    assert {row["email"] for row in rows(made, "members")} >= {"ada@acme.example"}
    everything = b"".join(made.read(name) for name in made.namelist())
    for absent in (b"another workspace", b"eve@example.com", b"password", b"storage_key"):
        assert absent not in everything
    manifest = json.loads(made.read("manifest.json"))
    assert manifest["counts"]["tickets"] == 9
    assert (manifest["counts"]["notes"], manifest["missing"]) == (1, 0)


async def test_what_the_workspace_chose_its_logo_and_who_is_in_copy_come_along(
    house: House, visitor: Browser, desk: Browser, tmp_path: Path
) -> None:
    bare = await exported(house, tmp_path / "before.zip")
    ticket = await house.open_ticket(visitor)
    for address in ("boss@example.com", "anna@example.com"):
        await house.as_system(participants.add, ticket.ticket_id, address)
    chosen = WorkspaceSettings(welcome="Grüß Gott", reply_time=ReplyTime.DAY, accent="#1d4e89")
    await house.as_system(choices.choose, "Acme", chosen)
    await house.as_system(logo.put, b"\x89PNG and so on", 40, 20, "")

    made = await exported(house, tmp_path / "acme.zip")

    unsaid = {"welcome": "", "reply_time": ReplyTime.UNSAID, "accent": "", "auto_assign": False}
    told = {"welcome": "Grüß Gott", "reply_time": "day", "accent": "#1d4e89", "auto_assign": False}
    assert json.loads(bare.read("settings.json")) == unsaid
    assert "logo.png" not in bare.namelist()
    assert json.loads(made.read("settings.json")) == told
    assert made.read("logo.png") == b"\x89PNG and so on"
    assert [row["participants"] for row in rows(made, "tickets")] == [
        ["boss@example.com", "anna@example.com"]
    ]


async def test_a_merged_ticket_names_the_one_that_goes_on(
    house: House, visitor: Browser, tmp_path: Path
) -> None:
    ticket = await house.open_ticket(visitor)
    into = await house.open_ticket(visitor, subject="The one that goes on")
    await house.db.write(ada(house), merging.merge, ticket.ticket_id, into.ticket_id)

    made = await exported(house, tmp_path / "acme.zip")

    named = {row["number"]: row["merged_into"] for row in rows(made, "tickets")}
    assert named == {ticket.number: str(into.ticket_id), into.number: None}


async def test_a_file_that_the_store_has_lost_is_counted_and_the_rest_is_there(
    house: House, visitor: Browser, tmp_path: Path
) -> None:
    ticket = await house.open_ticket(visitor)
    await say(visitor, room_of(ticket), ("a.txt", WORDS), ("b.txt", WORDS), ("c.txt", WORDS[::-1]))
    folder = Path(house.app.parlour.settings.files_url)
    lost, cut = (path for path in folder.rglob("*") if path.is_file() and path.read_bytes() != WORDS[::-1])
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])

    made = await exported(house, tmp_path / "acme.zip")
    manifest = json.loads(made.read("manifest.json"))
    [left] = [name for name in made.namelist() if name.startswith("files/")]

    assert (manifest["missing"], manifest["counts"]["files, with their bytes"]) == (2, 1)
    assert made.read(left) == WORDS[::-1]


async def test_what_breaks_off_leaves_no_file_and_none_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with (
        pytest.raises(Unwritable, match="exists already"),
        NewFile(tmp_path / "taken", "an export").writing(),
    ):
        pass

    def breaks_off() -> None:
        with NewFile(tmp_path / "new", "an export").writing() as out:
            out.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        breaks_off()
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


async def test_the_command_beside_a_desk_says_what_it_wrote(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    assert shell.run("workspace", "create", "acme", "--name", "Acme").returncode == 0
    file = tmp_path / "acme.zip"

    done = await asyncio.to_thread(shell.run, "export", str(file), "--workspace", "acme")

    assert done.returncode == 0, done.stderr
    assert f"{file} holds all of acme" in done.stdout
    assert file.stat().st_mode & 0o777 == 0o600
    assert "no support desk" in sentence(shell.run("export", str(tmp_path / "x"), "--workspace", "acne"))
    assert "exists already" in sentence(shell.run("export", str(file), "--workspace", "acme"))
