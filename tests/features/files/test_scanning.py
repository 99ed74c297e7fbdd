"""What the virus scanner says of a file, at once or later, and who is told."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from parlour.kernel.access import Role
from tests.attaching import JSON, WORDS, desk_of, file_at, newest, room_of, say
from tests.clamd_server import MARK, STREAM_LIMIT, ClamdServer
from tests.house import Browser, House, behind_its_back, open_house
from tests.jobs import time_passes
from tests.until import until

pytestmark = pytest.mark.clamd


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClamdServer]:
    with ClamdServer(tmp_path_factory.mktemp("clamd")) as server:
        yield server


@pytest.fixture
async def house(tmp_path: Path, clamd: ClamdServer) -> AsyncIterator[House]:
    async with open_house(tmp_path, PARLOUR_CLAMD=clamd.socket) as house:
        yield house


async def test_what_the_scanner_knows_is_refused_and_what_it_missed_is_withdrawn_before_both_sides(
    house: House, clamd: ClamdServer
) -> None:
    async with house.browser() as visitor, await house.sign_in() as desk:
        ticket = await house.open_ticket(visitor)
        room = room_of(ticket)
        refused = await say(visitor, room, ("a.txt", MARK), headers=JSON)
        clean = await say(visitor, room, ("b.txt", WORDS), headers=JSON)
        clamd.stop()
        missed = [await say(visitor, room, file) for file in (("c.txt", MARK), ("d.txt", WORDS))]
        messages = (await visitor.get(room, headers=JSON)).json()["messages"]
        [ill], [well] = [message["files"] for message in messages[-2:]]
        at_the_desk = f"{desk_of(ticket)}/files/{ill['file_id']}/c.txt"
        meanwhile = (
            (await visitor.get(file_at(ticket, ill))).status_code,
            (await desk.get(at_the_desk)).status_code,
        )
        clamd.start()
        await time_passes(house.db, timedelta(minutes=2))
        house.app.parlour.worker.wake()
        await until(lambda: scans(house) == {"b.txt": "clean", "c.txt": "infected", "d.txt": "clean"})

        assert (refused.status_code, refused.json()["code"]) == (422, "infected")
        assert clean.json()["message"]["files"][0]["scan"] == "clean"
        assert [answer.status_code for answer in missed] == [303, 303]
        assert (ill["scan"], meanwhile) == ("unscanned", (409, 200))
        assert (await newest(visitor, room))["content"] == f"withdrawn:{ill['file_id']}:c.txt"
        for browser, page in ((visitor, room), (desk, desk_of(ticket))):
            said = (await browser.get(page)).text
            assert re.search(r">\s*c\.txt was withdrawn", said)
            assert "Withdrawn: it contained a virus" in said
        assert (await visitor.get(file_at(ticket, ill))).status_code == 410
        assert (await visitor.get(file_at(ticket, well))).content == WORDS
        folder = house.app.parlour.files.store.folder
        assert folder
        await until(lambda: sum(path.is_file() for path in folder.rglob("*")) == 2)


async def test_what_is_more_than_the_scanner_takes_says_so_for_good_and_only_agents_get_it(
    house: House, clamd: ClamdServer
) -> None:
    """At once, and after the scanner was away."""
    large = bytes(2 * STREAM_LIMIT)
    async with house.browser() as visitor, await house.sign_in() as desk:
        ticket = await house.open_ticket(visitor)
        room = room_of(ticket)
        await say(visitor, room, ("now.bin", large))
        clamd.stop()
        await say(visitor, room, ("later.bin", large))
        clamd.start()
        await time_passes(house.db, timedelta(minutes=2))
        house.app.parlour.worker.wake()
        await until(lambda: is_settled(house))

        messages = (await visitor.get(room, headers=JSON)).json()["messages"]
        for [file] in (message["files"] for message in messages[-2:]):
            assert file["scan"] == "unscannable"
            refused = await visitor.get(file_at(ticket, file), headers=JSON)
            assert (refused.status_code, refused.json()["code"]) == (409, "unscannable")
            got = await desk.get(f"{desk_of(ticket)}/files/{file['file_id']}/x")
            assert (got.status_code, got.headers["content-disposition"][:10]) == (200, "attachment")
        for browser, page in ((visitor, room), (desk, desk_of(ticket)), (desk, f"{desk_of(ticket)}/files")):
            assert (await browser.get(page)).text.count("Too large for our virus scanner") >= 2


async def test_an_agent_answers_for_what_cannot_be_scanned_and_a_viewer_does_not(
    house: House, clamd: ClamdServer
) -> None:
    await house.add_agent("vic@acme.example", Role.VIEWER)
    async with (
        house.browser() as visitor,
        await house.sign_in() as desk,
        await house.sign_in("vic@acme.example") as viewer,
    ):
        token = {"csrf": await desk.csrf("/profile")}
        ticket = await house.open_ticket(visitor)
        [file] = await unscannable(visitor, room_of(ticket))
        decide = f"{desk_of(ticket)}/unscannable/{file['file_id']}"
        link = f'href="{decide}"'
        offered = [link in (await each.get(f"{desk_of(ticket)}/files")).text for each in (desk, viewer)]
        theirs = {"csrf": await viewer.csrf("/profile")}
        refused = [
            answer.status_code
            for answer in (await viewer.get(decide), await viewer.post(decide, data=theirs))
        ]
        asked = await desk.get(decide)
        first, second = [await desk.post(decide, data=token | {"release": "yes"}) for _ in range(2)]

        assert (offered, refused) == ([True, False], [403, 403])
        assert "large.bin" in asked.text
        for answer in (first, second, await desk.get(decide)):
            assert (answer.status_code, answer.headers["location"]) == (303, desk_of(ticket))
        got = await visitor.get(file_at(ticket, file))
        assert (got.status_code, len(got.content)) == (200, 2 * STREAM_LIMIT)
        page = (await desk.get(desk_of(ticket))).text
        assert page.count("handed out large.bin, which could not be scanned for viruses") == 1
        assert page.count("Too large for our virus scanner") == 1  # what the script would say


async def test_an_agent_has_a_file_scanned_again_that_the_scanner_takes_by_now(
    house: House, clamd: ClamdServer
) -> None:
    async with house.browser() as visitor, await house.sign_in() as desk:
        ticket = await house.open_ticket(visitor)
        await say(visitor, room_of(ticket), ("well.txt", WORDS), ("other.txt", b"other"))
        well, large = (await newest(visitor, room_of(ticket)))["files"]
        behind_its_back(house.app.parlour.settings, "UPDATE files SET scan = 'unscanned', unscannable = true")
        token = {"csrf": await desk.csrf("/profile")}
        again = await desk.post(f"{desk_of(ticket)}/unscannable/{well['file_id']}", data=token)
        await until(lambda: is_settled(house) and scans(house)["well.txt"] == "clean")

        assert again.status_code == 303
        assert (await visitor.get(file_at(ticket, well))).content == WORDS
        assert (await visitor.get(file_at(ticket, large))).status_code == 409
        assert "had well.txt scanned for viruses again" in (await desk.get(desk_of(ticket))).text


async def unscannable(visitor: Browser, room: str) -> list[dict[str, object]]:
    """The files of a message that brings one which is too large for the scanner."""
    await say(visitor, room, ("large.bin", bytes(2 * STREAM_LIMIT)))
    files: list[dict[str, object]] = (await newest(visitor, room))["files"]
    return files


def is_settled(house: House) -> bool:
    """Whether no file is to be scanned again."""
    left = "SELECT 1 FROM outbox WHERE kind = 'files.scan' AND finished_at IS NULL"
    return not behind_its_back(house.app.parlour.settings, left)


def scans(house: House) -> dict[object, object]:
    return dict(behind_its_back(house.app.parlour.settings, "SELECT name, scan FROM files"))  # type: ignore[arg-type]
