"""The search of the ticket table: numbers, addresses and words together, alike on both databases."""

from uuid import uuid4

import pytest

from parlour.db import finding, search
from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.kernel.access import Actor
from tests.features.test_ticket_table import numbers, table
from tests.house import Browser, House, behind_its_back

SAID = {
    1: ("The parcel is late", "It was to come on Monday.", "tanaka@shop.example"),
    2: ("Order 1 is broken", "Write to maria@elsewhere.example, please.", "maria@example.com"),
    3: ("Straße gesperrt", "新しい商品表示の件、注文１２です", "jörg@bücher.example"),
    4: ("서울에서 왔어요", "ขอคืนสินค้าค่ะ", "kim@shop.example"),
    5: ("Another one", "Ask tanaka@shop.example, order 11", "maria@example.com"),
}
FOUND = {
    "1": [1, 5, 3, 2],
    "#1": [1, 5, 3, 2],
    "5": [5],
    "order 1": [5, 2],
    "tanaka": [5, 1],
    "shop.example": [5, 4, 1],
    "tanaka@shop.example": [1, 5],
    "maria@e": [5, 2],
    "maria@elsewhere": [2],
    "JÖRG@xn--bcher-kva.example": [3],
    "strasse": [3],
    "表示": [3],
    "注文12": [3],
    "서울": [4],
    "สินค้า": [4],
    "late parcel": [1],
    "nothing of that": [],
}


@pytest.fixture
async def five(house: House, visitor: Browser) -> list[Ticket]:
    return [
        await house.open_ticket(visitor, subject=subject, description=description, email=email)
        for subject, description, email in SAID.values()
    ]


async def found(house: House, desk: Browser, typed: str) -> list[int]:
    return numbers((await desk.get(table(house), params={"q": typed})).text)


async def test_numbers_addresses_and_words_are_found_together(
    house: House, desk: Browser, five: list[Ticket]
) -> None:
    assert {typed: await found(house, desk, typed) for typed in FOUND} == FOUND


@pytest.mark.parametrize(
    ("hardly", "rare", "parts"),
    [
        (0, 1_000, (30,)),
        (10, 1_000, (30,)),
        (10, 1_000, (1, 1, 30)),
        (10, 1, (2, 30)),
        (10, 0, (30,)),
        (0, 0, (1, 1, 30)),
    ],
)
async def test_the_same_is_found_whenever_the_index_is_asked(
    house: House,
    desk: Browser,
    visitor: Browser,
    monkeypatch: pytest.MonkeyPatch,
    hardly: int,
    rare: int,
    parts: tuple[int, ...],
) -> None:
    """On PostgreSQL after one look or two, where it does not tell what more places hold, and in any parts."""
    monkeypatch.setattr(finding, "FIRST_LOOKS", (2, 1, 2))
    monkeypatch.setattr(finding, "PARTS", parts)
    monkeypatch.setattr(finding, "LOOKS", (3, 5, 100))
    monkeypatch.setattr(finding, "HARDLY", hardly)
    monkeypatch.setattr(finding, "RARE", rare)
    about = ["a tent", "a tent and a stove", *["a boot"] * 3, "a tent", *["a boot"] * 4]
    for number, subject in enumerate(about):
        await house.open_ticket(visitor, subject=subject, description=f"Number {number}")

    assert await found(house, desk, "tent") == [6, 2, 1]
    assert await found(house, desk, "stove ten") == [2]
    assert await found(house, desk, "boot") == [10, 9, 8, 7, 5, 4, 3]
    assert await found(house, desk, "boot tent") == []


async def test_a_ticket_of_an_address_is_listed_once_however_often_it_speaks_of_it(
    house: House, desk: Browser, five: list[Ticket]
) -> None:
    for _ in range(3):
        await house.as_system(tickets.send_message, five[0].ticket_id, "tanaka@shop.example asks", uuid4())

    assert await found(house, desk, "tanaka@shop.example") == [1, 5]


def as_an_older_release_left_it(house: House) -> None:
    """The words of tickets without their addresses, in no index but the old one."""
    settings = house.app.parlour.settings
    if settings.is_postgresql:
        behind_its_back(
            settings,
            "UPDATE ticket_search SET words = split_part(words, chr(10), 1),"
            " terms = replace(workspace_id::text, '-', '') || ' ' || lower(split_part(words, chr(10), 1))",
        )
    else:
        behind_its_back(
            settings, "INSERT INTO ticket_search_terms (ticket_search_terms) VALUES ('delete-all')"
        )
        behind_its_back(
            settings,
            "UPDATE ticket_search SET words = substr(words, 1, instr(words, char(10)) - 1)"
            " WHERE instr(words, char(10)) > 0",
        )
    top = "(SELECT max(rowid) FROM ticket_search)".replace(
        "rowid", "position" if settings.is_postgresql else "rowid"
    )
    behind_its_back(settings, f"UPDATE search_progress SET low = {top} + 1, high = {top}")  # noqa: S608


async def test_what_an_older_release_wrote_is_found_and_taken_in_by_steps(
    house: House, desk: Browser, five: list[Ticket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "STEP", 3)
    as_an_older_release_left_it(house)
    meanwhile = await found(house, desk, "late parcel"), await found(house, desk, "surely")
    await house.as_system(tickets.send_message, five[2].ticket_id, "Surely 特別", uuid4())
    steps = [await house.db.write(Actor.system(), search.take_in)]
    while steps[-1]:
        steps.append(await house.db.write(Actor.system(), search.take_in))

    assert meanwhile == ([1], [])
    assert len(steps) > 3
    assert max(steps) <= 2 * search.STEP
    assert {typed: await found(house, desk, typed) for typed in FOUND} == FOUND
    assert await found(house, desk, "特別") == [3]


async def test_what_an_older_release_writes_after_a_rollback_is_taken_in(
    house: House, desk: Browser, five: list[Ticket]
) -> None:
    settings, here = house.app.parlour.settings, house.workspace.workspace_id
    await house.db.write(Actor.system(), search.take_in)
    if settings.is_postgresql:
        behind_its_back(
            settings,
            "INSERT INTO ticket_search (workspace_id, ticket_id, words, terms) VALUES (?, ?, ?, ?)",
            *(here, five[0].ticket_id, "Straßenbahn 特別", f"{here.hex} straßenbahn 特別"),
        )
    else:
        behind_its_back(
            settings,
            "INSERT INTO ticket_search (workspace, ticket_id, words) VALUES (?, ?, ?)",
            *(here.hex, five[0].ticket_id.hex, "Straßenbahn 特別"),
        )
    await house.db.write(Actor.system(), search.take_in)

    assert await found(house, desk, "別") == [1]
    assert await found(house, desk, "strassenbahn") == [1]
