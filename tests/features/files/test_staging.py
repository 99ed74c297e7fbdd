"""What was uploaded ahead of its message is its uploader's alone until that brings it or a day has passed."""

import asyncio
from uuid import uuid4

import pytest

from parlour.features.files import service as files
from parlour.features.tickets.models import Ticket
from parlour.kernel.access import Actor
from tests.attaching import JSON, WORDS, desk_of, file_at, newest, room_of, say, upload, uploaded
from tests.house import Browser, House, behind_its_back
from tests.until import until

NEW = "/support/acme/ticket/new"


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


def files_of(ticket: Ticket) -> str:
    return f"/support/acme/ticket/{ticket.ticket_id}/files"


def stored(house: House) -> int:
    """Objects in the store."""
    folder = house.app.parlour.files.store.folder
    assert folder
    return sum(path.is_file() for path in folder.rglob("*"))


def kept(house: House) -> list[tuple[object, ...]]:
    """What the rows say of all files, and what they count for."""
    settings = house.app.parlour.settings
    return [
        *behind_its_back(settings, "SELECT name, seq FROM files ORDER BY name"),
        *behind_its_back(settings, "SELECT files_size, visitors_size FROM workspaces WHERE slug = 'acme'"),
        *behind_its_back(settings, "SELECT sum(files_size) FROM chat_rooms"),
    ]


async def test_what_a_script_uploads_goes_with_the_message_that_names_it(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    answer = await upload(visitor, files_of(ticket), "a.txt", WORDS)
    first = answer.json()["file"]
    second = await uploaded(visitor, files_of(ticket), "b.txt")
    client_id = str(uuid4())

    sent = [
        await say(
            visitor, room_of(ticket), file_ids=[second, first["file_id"]], client_id=client_id, headers=JSON
        )
        for _ in range(2)
    ]

    about = {"media_type": "application/octet-stream", "size": len(WORDS), "width": 0, "height": 0}
    assert (answer.status_code, first) == (
        201,
        {"file_id": first["file_id"], "name": "a.txt", **about, "scan": "off"},
    )
    assert [each.status_code for each in sent] == [201, 200]
    assert [file["name"] for file in (await newest(visitor, room_of(ticket)))["files"]] == ["b.txt", "a.txt"]
    again = await say(visitor, room_of(ticket), file_ids=[second], headers=JSON)
    assert (again.status_code, again.json()["problems"]) == (422, {"files": "gone"})


async def test_two_tabs_that_send_the_same_file_at_once_send_it_once(
    visitor: Browser, ticket: Ticket
) -> None:
    """The same message from both is one. Of two messages, or tickets, one has it; the other is not taken."""
    outcomes = []
    for tabs in ([str(uuid4())] * 2, [str(uuid4()), str(uuid4())]):
        file_id = await uploaded(visitor, files_of(ticket))
        sending = [
            say(visitor, room_of(ticket), content="Look", file_ids=[file_id], client_id=tab, headers=JSON)
            for tab in tabs
        ]
        outcomes.append(sorted(answer.status_code for answer in await asyncio.gather(*sending)))

    early = await uploaded(visitor, "/support/acme/files")
    form = {"description": "Now.", "email": "maria@example.com", "file_ids": early}
    opened = await asyncio.gather(*(say(visitor, NEW, **form, subject=subject) for subject in ("A", "B")))

    assert outcomes == [[200, 201], [201, 422]]
    assert sorted(answer.status_code for answer in opened) == [303, 422]
    messages = (await visitor.get(room_of(ticket), headers=JSON)).json()["messages"]
    assert [len(message["files"]) for message in messages] == [0, 1, 1]


async def test_what_somebody_has_uploaded_is_nobody_elses_to_send_see_or_remove(
    house: House, visitor: Browser, desk: Browser, ticket: Ticket
) -> None:
    """Not even the other side's of the same room; and what was for the notes goes into no answer."""
    hers = await uploaded(visitor, files_of(ticket))
    note = (await upload(desk, f"{desk_of(ticket)}/files", "n.txt", WORDS, note="1")).json()["file"]
    for browser, room, file_id in (
        (desk, f"{desk_of(ticket)}/chat", hers),
        (visitor, room_of(ticket), note["file_id"]),
        (desk, f"{desk_of(ticket)}/chat", note["file_id"]),
    ):
        answer = await say(browser, room, file_ids=[file_id], headers=JSON)
        assert (answer.status_code, answer.json()["problems"]) == (422, {"files": "gone"})
    token = {"x-csrf-token": await desk.csrf("/support/acme")}
    await desk.post(f"{desk_of(ticket)}/files/{hers}/remove", data={"remove": "now"}, headers=token)

    assert (await desk.get(f"{desk_of(ticket)}/files/{hers}/a.txt")).status_code == 404
    assert (await visitor.get(file_at(ticket, note))).status_code == 404
    assert (await say(visitor, room_of(ticket), file_ids=[hers], headers=JSON)).status_code == 201
    sent = await say(desk, f"{desk_of(ticket)}/notes", file_ids=[note["file_id"]], headers=JSON)
    assert sent.status_code == 201


async def test_what_is_removed_before_it_was_sent_leaves_nothing_behind(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    file_id = await uploaded(visitor, files_of(ticket))
    assert stored(house) == 1
    token = {"x-csrf-token": await visitor.csrf("/support/acme")}

    gone = [
        await visitor.post(f"{files_of(ticket)}/{file_id}/remove", data={"remove": "now"}, headers=token)
        for _ in range(2)
    ]

    assert [answer.status_code for answer in gone] == [204, 204]
    assert kept(house) == [(0, 0), (0,)]
    await until(lambda: stored(house) == 0)


async def test_a_new_ticket_brings_what_was_uploaded_for_it_and_the_same_form_again_is_the_same(
    house: House, visitor: Browser
) -> None:
    early = await uploaded(visitor, "/support/acme/files", "early.txt")
    words = {"subject": "Late", "description": "Since Monday.", "email": "maria@example.com"}
    form = {**words, "client_id": str(uuid4()), "file_ids": early}

    async def send(data: bytes, **changed: str) -> str:
        return str((await say(visitor, NEW, ("late.txt", data), **form | changed)).headers.get("location"))

    opened = await send(WORDS)
    again = [await send(WORDS), await send(WORDS, client_id=str(uuid4()))]
    rows = kept(house)[:-2]
    conflict = await send(b"else")
    del form["file_ids"]
    other = await send(WORDS, client_id=str(uuid4()))

    assert again == [opened, opened]
    assert rows == [("early.txt", 1), ("late.txt", 1)]  # the copies are gone
    assert conflict == "None"
    assert other not in (opened, "None")
    message = await newest(visitor, f"{opened}/chat")
    assert [file["name"] for file in message["files"]] == ["early.txt", "late.txt"]
    got = await visitor.get(f"{opened}/files/{early}/early.txt")
    assert got.content == WORDS


async def test_an_agent_opens_a_ticket_with_files(house: House, visitor: Browser, desk: Browser) -> None:
    tickets = f"/workspace/{house.workspace.workspace_id}/tickets"
    early = await uploaded(desk, f"{tickets}/files", "early.txt")
    form = {"subject": "Late", "description": "It is on its way.", "email": "maria@example.com"}

    answer = await say(desk, f"{tickets}/new", ("late.txt", WORDS), **form, file_ids=early)

    message = await newest(desk, f"{answer.headers['location']}/chat")
    assert [file["name"] for file in message["files"]] == ["early.txt", "late.txt"]
    assert kept(house)[-2:] == [(64, 0), (0,)]


async def test_what_was_uploaded_for_a_new_ticket_is_this_browsers_alone(
    house: House, visitor: Browser
) -> None:
    hers = await uploaded(visitor, "/support/acme/files")
    form = {"subject": "Mine", "description": "Now.", "email": "eve@example.com", "file_ids": hers}
    async with house.browser("127.0.0.2") as eve:
        answer = await say(eve, NEW, **form)
        token = {"x-csrf-token": await eve.csrf("/support/acme")}
        await eve.post(f"/support/acme/files/{hers}/remove", data={"remove": "now"}, headers=token)

    assert answer.status_code == 422
    assert (await say(visitor, NEW, **form)).status_code == 303


async def test_what_no_message_has_brought_goes_after_a_day_and_what_one_has_stays(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    await say(visitor, room_of(ticket), ("sent.txt", WORDS))
    await uploaded(visitor, files_of(ticket), "left.txt")
    await uploaded(visitor, "/support/acme/files", "new.txt")
    assert (kept(house)[-2:], stored(house)) == ([(96, 32), (64,)], 3)
    system = Actor.system()
    assert await house.db.write(system, files.sweep) == 0
    behind_its_back(house.app.parlour.settings, "UPDATE files SET created_at = '2026-01-01T00:00:00.000000Z'")

    assert await house.db.write(system, files.sweep) == 2

    assert kept(house) == [("sent.txt", 2), (32, 0), (32,)]
    await until(lambda: stored(house) == 1)
