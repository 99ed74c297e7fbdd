"""How much may be attached, and what somebody reads who wanted more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from parlour.features.conversation import uploads
from parlour.features.conversation.uploads import AT_ONCE, OF_ONE_NETWORK
from parlour.features.files.models import MESSAGE_FILES, TICKET_BYTES, VISITORS_BYTES
from parlour.features.tickets.models import Ticket
from parlour.web.limits import Limit
from tests.attaching import JSON, WORDS, desk_of, newest, room_of, say, upload
from tests.house import Browser, House, behind_its_back, open_house

SMALL = 1000
QUOTA = 3_000_000_000
NEW = "/support/acme/ticket/new"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, PARLOUR_FILE_LIMIT=str(SMALL), PARLOUR_FILES_QUOTA=str(QUOTA)) as house:
        yield house


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


def folder_of(house: House) -> list[Path]:
    folder = house.app.parlour.files.store.folder
    assert folder
    return [path for path in folder.rglob("*") if path.is_file()]


def already(house: House, table: str, column: str, size: int) -> None:
    behind_its_back(house.app.parlour.settings, f"UPDATE {table} SET {column} = {size}")  # noqa: S608


async def test_a_file_that_is_too_large_takes_neither_the_words_nor_the_other_files_along(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    """What was taken before it is still there to be sent; a program hears it as an error."""
    answer = await say(
        visitor, room_of(ticket), ("a.txt", WORDS), ("b.txt", bytes(SMALL + 1)), content="Look:"
    )
    by_script = await upload(visitor, f"/support/acme/ticket/{ticket.ticket_id}/files", "b", bytes(SMALL + 1))

    assert answer.status_code == 413
    assert "a file is too large" in answer.text
    assert "Look:" in answer.text
    assert 'name="file_ids"' in answer.text
    assert (by_script.status_code, by_script.json()["code"]) == (413, "file_too_large")
    assert len(folder_of(house)) == 1
    assert (await newest(visitor, room_of(ticket)))["seq"] == 1


async def test_a_film_that_is_larger_than_all_files_together_leaves_the_words(
    visitor: Browser, ticket: Ticket
) -> None:
    answer = await say(visitor, room_of(ticket), ("film.mp4", bytes(1_000_000)), content="Look:")

    assert answer.status_code == 413
    assert "a file is too large" in answer.text
    assert "Look:" in answer.text


async def test_a_message_takes_ten_files(visitor: Browser, ticket: Ticket) -> None:
    several = [(f"{number}.txt", WORDS) for number in range(MESSAGE_FILES + 1)]

    more = await say(visitor, room_of(ticket), *several)
    enough = await say(visitor, room_of(ticket), *several[1:])

    assert (more.status_code, enough.status_code) == (422, 303)
    assert "10 files at most" in more.text


FULL = {
    "of a ticket": ("chat_rooms", "files_size", TICKET_BYTES, "the files of this ticket are more than"),
    "of a workspace": ("workspaces", "files_size", QUOTA, "no room for more files"),
}


@pytest.mark.parametrize("what", FULL)
async def test_what_is_full_takes_words_and_no_file(
    house: House, visitor: Browser, ticket: Ticket, what: str
) -> None:
    table, column, most, sentence = FULL[what]
    already(house, table, column, most - len(WORDS))

    last = await say(visitor, room_of(ticket), ("a.txt", WORDS))
    more = await say(visitor, room_of(ticket), ("b.txt", b"."))
    words = await say(visitor, room_of(ticket), content="Look:")

    assert (last.status_code, more.status_code, words.status_code) == (303, 413, 303)
    assert sentence in more.text
    assert len(folder_of(house)) == 1


async def test_the_settings_say_how_full_it_is_and_from_four_fifths_on_that_little_is_left(
    house: House, desk: Browser
) -> None:
    page = f"/workspace/{house.workspace.workspace_id}/settings"
    for taken, words, little in ((int(0.79 * QUOTA), "2.2 GB of 2.8 GB", False), (QUOTA, "2.8 GB of", True)):
        already(house, "workspaces", "files_size", taken)
        said = (await desk.get(page)).text
        assert words in said
        assert ("There is little room left" in said) == little


async def test_an_agents_files_do_not_fill_up_the_customers_share(
    house: House, desk: Browser, visitor: Browser, ticket: Ticket
) -> None:
    already(house, "chat_rooms", "files_size", TICKET_BYTES)

    answer = await say(desk, f"{desk_of(ticket)}/chat", ("a.txt", WORDS), headers=JSON)

    assert answer.status_code == 201


async def test_strangers_cannot_fill_a_workspace_for_those_who_have_a_ticket(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    already(house, "workspaces", "visitors_size", VISITORS_BYTES)
    form = {"subject": "Late", "description": "Since Monday.", "email": "eve@example.com"}
    async with house.browser("127.0.0.2") as eve:
        refused = await say(eve, NEW, ("a.txt", WORDS), **form)

    taken = await say(visitor, room_of(ticket), ("a.txt", WORDS))

    assert (refused.status_code, taken.status_code) == (413, 303)
    assert "Since Monday." in refused.text
    assert "no room for more files" in refused.text


async def test_uploads_are_counted_by_person_and_network(house: House, visitor: Browser) -> None:
    limits = house.app.parlour.site.limits
    for _ in range(Limit.UPLOAD_BY_VISITOR.rate.amount):
        await limits.count(Limit.UPLOAD_BY_VISITOR, "127.0.0.1")

    here = await upload(visitor, "/support/acme/files", "a.txt", WORDS)
    async with house.browser("127.0.0.2") as eve:
        elsewhere = await upload(eve, "/support/acme/files", "a.txt", WORDS)

    assert (here.status_code, here.json()["code"], elsewhere.status_code) == (429, "too_many", 201)
    assert int(here.headers["retry-after"]) > 0


async def test_so_many_files_arrive_at_once_and_no_more(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    arriving = house.app.pages.state.arriving
    with ExitStack() as stack:
        for _ in range(OF_ONE_NETWORK):
            stack.enter_context(arriving.place("127.0.0.1"))
        here = await say(visitor, room_of(ticket), ("a.txt", WORDS), content="Look:")
        for number in range(AT_ONCE - OF_ONE_NETWORK):
            stack.enter_context(arriving.place(f"10.0.0.{number}"))
        async with house.browser("127.0.0.2") as eve:
            elsewhere = await upload(eve, "/support/acme/files", "a.txt", WORDS)
    after = await say(visitor, room_of(ticket), ("a.txt", WORDS))

    assert (here.status_code, elsewhere.status_code, after.status_code) == (503, 503, 303)
    assert "Look:" in here.text
    assert len(folder_of(house)) == 1


async def test_whoever_sends_a_file_for_too_long_is_not_waited_for(
    house: House, visitor: Browser, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SECONDS", 0.05)

    async def body() -> AsyncIterator[bytes]:
        yield b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.txt"\r\n\r\nBeg'
        await asyncio.sleep(0.2)
        yield b"un\r\n--x--\r\n"

    token = await visitor.csrf("/support/acme")
    headers = {**JSON, "x-csrf-token": token, "content-type": "multipart/form-data; boundary=x"}
    address = f"/support/acme/ticket/{ticket.ticket_id}/files"
    answer = await visitor.post(address, content=body(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (408, "too_slow")
    assert folder_of(house) == []
