"""`parlour import`: what is known again, and what must not be taken for something else."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from parlour.db import erasure
from parlour.db.erasure import Erasure
from parlour.features.importing import chatwoot, freshdesk, zendesk
from parlour.features.importing import run as importing
from parlour.features.importing.reading import moment
from parlour.features.tickets import brought
from parlour.features.tickets import service as tickets
from parlour.features.tickets.brought import Brought
from parlour.features.tickets.models import Priority, Status
from parlour.features.tickets.tags import service as tags
from parlour.kernel.access import Role
from tests.features.test_erasing import begins
from tests.features.test_importing import MARIA, TICKETS, bring, lines, listed, said_in, told_by
from tests.house import House
from tests.tickets import ada

AT, LATER = "2024-03-01T10:00:00Z", "2024-03-02T10:00:00Z"
BEN = "ben@acme.example"


def comment(key: Any, said: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "author_id": 7, "body": said, "created_at": LATER, "public": True, **more}


def write(folder: Path, *tickets: dict[str, Any]) -> None:
    (folder / "tickets.json").write_text(lines(*tickets), encoding="utf-8")


def a_ticket(*comments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**TICKETS[zendesk], "comments": [*TICKETS[zendesk]["comments"], *comments], **more}


async def contents(house: House) -> list[str]:
    row = (await listed(house))["A tent"]
    return [each.content for each in await said_in(house, row.ticket_id)]


async def test_a_colleague_who_became_a_member_said_nothing_twice(house: House, tmp_path: Path) -> None:
    ben = {"id": 8, "email": BEN, "name": "Ben", "role": "agent"}
    write(tmp_path, a_ticket(comment(3, "Which one?", author=ben)))
    await bring(house, tmp_path, zendesk)
    await house.add_agent(BEN, Role.AGENT, name="Ben")

    counts, complaints = await bring(house, tmp_path, zendesk)

    assert (counts.known, counts.messages, complaints) == (1, 0, [])
    assert await contents(house) == ["It leaks.", "Which one?"]


async def test_what_was_erased_is_not_brought_again(house: House, tmp_path: Path) -> None:
    write(tmp_path, a_ticket(comment(3, "It still does.")))
    await bring(house, tmp_path, zendesk)
    here = house.workspace.workspace_id
    Erasure(begins(house), here, MARIA, erasure.pseudonym(b"key", here, MARIA), lambda _, __: None).run()

    again, _ = await bring(house, tmp_path, zendesk)
    write(tmp_path, a_ticket(comment(3, "It still does."), comment(4, "Hello?")))
    more, complaints = await bring(house, tmp_path, zendesk)

    [row] = (await listed(house)).values()
    assert {each.content for each in await said_in(house, row.ticket_id)} == {"[erased]"}
    assert (again.known, more.messages) == (1, 0)
    assert [each.why for each in complaints] == [f"number 1 here is not {MARIA}'s: nothing was added to it"]


async def test_a_number_of_somebody_elses_ticket_opens_no_door_to_it(house: House, tmp_path: Path) -> None:
    """As from a second account at the other desk, whose numbers begin at 1, too."""
    write(tmp_path, a_ticket())
    await bring(house, tmp_path, zendesk)
    other = a_ticket(comment(99, "My card number is 4711."), requester={"id": 7, "email": "eve@example.com"})
    write(tmp_path, other)

    counts, complaints = await bring(house, tmp_path, zendesk)

    assert await contents(house) == ["It leaks."]
    assert (counts.problems, len(complaints), counts.messages) == (1, 1, 0)


class Killed(Exception):
    """In place of a kill: nothing comes after it."""


async def test_an_import_that_was_broken_off_anywhere_is_completed_by_the_next(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket of which the last word was stored is complete, and its moments are those of its words."""
    monkeypatch.setattr(importing, "STEP", 1)
    moments, brokenly = [], 0
    for writes in range(9):
        words = a_ticket(
            comment(3, "Hello?"), comment(4, "Anybody?"), id=100 + writes, subject=f"Tent {writes}"
        )
        write(tmp_path, words)
        with monkeypatch.context() as patch, suppress(Killed):
            patch.setattr(house.db, "write", only(house, writes))
            await bring(house, tmp_path, zendesk)
        rows = await listed(house)
        brokenly += f"Tent {writes}" in rows and rows[f"Tent {writes}"].waiting_since is None
        await bring(house, tmp_path, zendesk)
        row = (await listed(house))[f"Tent {writes}"]
        said = [each.content for each in await said_in(house, row.ticket_id)]
        moments.append((row.last_message_at, row.waiting_since, said))

    assert brokenly >= 2
    assert moments == [moments[-1]] * 9
    assert moments[0][0] == datetime.fromisoformat(LATER)
    assert moments[0][2] == ["It leaks.", "Hello?", "Anybody?"]


def only(house: House, times: int) -> Callable[..., Any]:
    """So many writes of the house's, and then none."""
    write, left = house.db.write, [None] * times

    async def some(*args: Any, **kwargs: Any) -> Any:
        if not left:
            raise Killed
        left.pop()
        return await write(*args, **kwargs)

    return some


@pytest.mark.parametrize("reader", TICKETS)
async def test_tickets_without_a_number_are_named_and_never_mixed(
    house: House, tmp_path: Path, reader: ModuleType
) -> None:
    nameless = {name: value for name, value in TICKETS[reader].items() if name != "id"}
    name = "conversations.json" if reader is chatwoot else "tickets.json"
    ids: tuple[Any, ...] = (None, "", " ", True, [], {})
    odd = [{**nameless, "id": told} for told in ids]
    (tmp_path / name).write_text(lines(nameless, nameless, *odd, TICKETS[reader]), encoding="utf-8")

    counts, complaints = await bring(house, tmp_path, reader)

    assert (counts.tickets, counts.problems) == (1, 8)
    assert {each.why for each in complaints} == {"has no number, by which it could be known again"}


@pytest.mark.parametrize(
    ("reader", "asker", "author"),
    [(zendesk, "requester_id", "author_id"), (freshdesk, "requester_id", "user_id")],
)
def test_who_has_no_number_is_nobody_whom_a_ticket_names(
    tmp_path: Path, reader: ModuleType, asker: str, author: str
) -> None:
    """Else what nobody is named for would be the last such person's, and go to their address."""
    someone = [{"id": None, "email": "eve@example.com", "name": "Eve"}, {"email": "eve@example.com"}]
    said: list[dict[str, Any]] = [
        {"id": 1, "body": "Hello?", "body_text": "Hello?", author: None, "created_at": AT},
        {"id": 2, "body": "Hm.", "body_text": "Hm.", "created_at": AT},
    ]
    told = {"id": 5, asker: None, "tags": [None, {"name": None}, "tent"], "created_at": AT}
    listed = {"comments" if reader is zendesk else "conversations": said}

    [ticket], problems = told_by(reader, tmp_path, users=someone, tickets=[{**told, **listed}])

    assert (ticket.email, ticket.assignee, ticket.tags) == ("", "", ("tent",))
    assert not any(each.by_customer or each.email for each in ticket.messages[-2:])
    assert [each.about for each in problems] == ["people without a number"]


def test_labels_without_a_name_are_none(tmp_path: Path) -> None:
    [ticket], _ = told_by(
        chatwoot, tmp_path, conversations=[{"id": 5, "labels": [None, "tent"], "created_at": AT}]
    )

    assert ticket.tags == ("tent",)


def test_who_asked_is_known_by_a_number_in_either_form(tmp_path: Path) -> None:
    said = [{"id": 11, "author_id": "7", "body": "It leaks.", "created_at": AT}]
    whose = {"requester_id": 7, "requester": {"id": None, "email": MARIA}}
    [ticket], _ = told_by(zendesk, tmp_path, tickets=[{"id": 5, "comments": said, **whose, "created_at": AT}])

    assert [each.by_customer for each in ticket.messages] == [True]


@pytest.mark.parametrize("reader", TICKETS)
async def test_messages_without_an_id_or_with_anothers_all_come_once(
    house: House, tmp_path: Path, reader: ModuleType
) -> None:
    field = {zendesk: "comments", chatwoot: "messages", freshdesk: "conversations"}[reader]
    [first] = TICKETS[reader][field]
    text = {zendesk: "body", chatwoot: "content", freshdesk: "body_text"}[reader]
    nameless = {name: value for name, value in first.items() if name != "id"}
    repeated = [{**first, text: "Under the same id"}] if reader is not chatwoot else []
    long = {**first, "id": 7, text: "w " * 12_000}
    clashing = {**first, "id": "7\0" + "20000", text: "As the rest of a long one is called"}
    said = [first, first, *repeated, long, clashing, {**nameless, text: "One"}, {**nameless, text: "Two"}]
    name = "conversations.json" if reader is chatwoot else "tickets.json"
    (tmp_path / name).write_text(lines({**TICKETS[reader], field: said}), encoding="utf-8")

    _, complaints = await bring(house, tmp_path, reader)
    again, _ = await bring(house, tmp_path, reader)

    [row] = (await listed(house)).values()
    found = [each.content for each in await said_in(house, row.ticket_id)]
    assert len(found) == len(set(found))
    assert {"One", "Two", *(each[text] for each in repeated)} <= set(found)
    assert (complaints, again.known, again.messages) == ([], 1, 0)


async def test_a_ticket_that_went_on_here_keeps_its_moments_when_the_rest_comes(
    house: House, tmp_path: Path
) -> None:
    write(tmp_path, a_ticket(status="open"))
    await bring(house, tmp_path, zendesk)
    row = (await listed(house))["A tent"]
    await house.db.write(ada(house), tickets.send_message, row.ticket_id, "Which one?", uuid4())
    before = (await listed(house))["A tent"]
    write(tmp_path, a_ticket(comment(3, "It still does."), status="open"))

    await bring(house, tmp_path, zendesk)

    after = (await listed(house))["A tent"]
    assert "It still does." in await contents(house)
    assert (after.last_message_at, after.waiting_since) == (before.last_message_at, before.waiting_since)


async def test_two_imports_at_the_same_moment_bring_each_ticket_once_with_its_tags(
    house: House, tmp_path: Path
) -> None:
    told = [a_ticket(id=number, subject=f"Tent {number}", tags=["vip", f"t{number}"]) for number in range(5)]
    write(tmp_path, *told)

    found = await asyncio.gather(*(bring(house, tmp_path, zendesk) for _ in range(3)))

    rows = await listed(house)
    assert {name: [tag.name for tag in row.tags] for name, row in rows.items()} == {
        f"Tent {number}": [f"t{number}", "vip"] for number in range(5)
    }
    assert [complaints for _, complaints in found] == [[], [], []]


async def test_a_tag_that_was_deleted_meanwhile_stays_away_and_the_ticket_comes(house: House) -> None:
    made = await house.as_system(tags.make, "vip", "grey")
    await house.db.write(ada(house), tags.delete, made.tag_id)
    moment_of = datetime.fromisoformat(AT)
    told = Brought(
        *(uuid4(), "zendesk 1", "A tent", "It leaks.", MARIA, "", Status.OPEN, Priority.LOW, None, moment_of),
        tag_ids=[made.tag_id, uuid4()],
    )

    await house.as_system(brought.bring, told)

    assert (await listed(house))["A tent"].tags == ()


@pytest.mark.parametrize(
    "told",
    [
        "2024-03-01 10:00:00 UTC",
        "2024-03-01 11:00:00 +0100",
        "2024/03/01 10:00:00",
        "Fri, 01 Mar 2024 10:00:00 +0000",
        "1 Mar 2024 10:00:00 GMT",
        "1709287200",
        "1709287200000",
        1709287200,
        1709287200000,
        " 20240301T100000Z ",
    ],
)
def test_a_date_is_read_in_each_style_that_can_mean_one_day_alone(told: Any) -> None:
    assert moment(told) == datetime.fromisoformat(AT)


@pytest.mark.parametrize("told", ["01/03/2024", "01.03.2024 10:00", "Fri, 99 Mar 2024 10:00", True, "9" * 14])
def test_a_date_that_can_mean_two_days_or_none_is_no_date(told: Any) -> None:
    assert moment(told) is None
