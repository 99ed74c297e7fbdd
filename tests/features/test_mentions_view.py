"""The tickets whose notes mention somebody: a view of theirs, with its count."""

from contextlib import aclosing
from html import unescape
from uuid import uuid4

import pytest

from parlour.db.database import Tx
from parlour.features.tickets import service as tickets
from parlour.features.tickets.listing.mentioned.store import LOOKED_AT
from parlour.features.tickets.models import Status
from parlour.kernel.access import Role
from tests.features.test_views import counts
from tests.house import Browser, House
from tests.tickets import ada, now, place, words


@pytest.fixture
async def mentioned(house: House, visitor: Browser, desk: Browser) -> None:
    """Bob is mentioned twice on the first of four tickets, on the second, and on one that is resolved."""
    await house.add_agent("bob@acme.example", Role.AGENT, name="Bob Okafor")
    for number, notes in enumerate((["@Bob?", "@Bob!"], ["@Bob"], ["@Ada Moreau"], ["@Bob"])):
        ticket = await house.open_ticket(visitor, subject=f"Parcel {number}")
        here = place(house, ticket)
        for note in notes:
            await desk.submit(f"{here}/notes", words(note), page=here)
    seen = (await now(house, ticket)).version
    await house.db.write(
        ada(house), tickets.update_ticket_status, ticket.ticket_id, Status.RESOLVED, seen_version=seen
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=active&mentioned=me", [1, 0]),
        ("mentioned=me", [3, 1, 0]),
        ("mentioned=me&sort=created&per=50", [3, 1, 0]),
        ("mentioned=me&assignee=nobody&priority=medium", [3, 1, 0]),
        ("mentioned=me&waiting=us", [1, 0]),
        ("mentioned=me&q=Parcel", [3, 1, 0]),
        ("mentioned=somebody", [3, 2, 1, 0]),
    ],
)
@pytest.mark.usefixtures("mentioned")
async def test_a_list_is_narrowed_to_what_mentions_oneself(
    house: House, query: str, found: list[int]
) -> None:
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        page = (await his.get(f"/workspace/{house.workspace.workspace_id}/tickets?{query}")).text

    assert [number for number in range(4) if f"Parcel {number}" in page] == sorted(found)
    assert [page.index(f"Parcel {number}") for number in found] == sorted(
        page.index(f"Parcel {number}") for number in found
    )


@pytest.mark.usefixtures("mentioned")
async def test_the_view_counts_unfinished_tickets_and_its_list_holds_as_many(house: House) -> None:
    home = f"/workspace/{house.workspace.workspace_id}"
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        page = (await his.get(f"{home}/tickets?status=active&mentioned=me")).text
        palette = (await his.get(f"{home}/palette", headers={"hx-request": "true"})).text

    assert counts(page)["Mentions"] == "2"
    assert 'data-view="mentions" aria-current="page"' in page
    assert "1–2 of 2" in unescape(page)
    assert 'id="palette-view-mentions"' in palette


@pytest.mark.usefixtures("mentioned")
async def test_a_list_that_does_not_know_the_oldest_mentions_says_so(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor, subject="Parcel 4")
    home = f"/workspace/{house.workspace.workspace_id}/tickets"
    told = []

    def mention(tx: Tx, times: int) -> None:
        for _ in range(times):
            tickets.add_note(tx, ticket.ticket_id, "@Bob", uuid4())

    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        for more in (LOOKED_AT - 4, 1):
            await house.db.write(ada(house), mention, more)
            pages = [(await his.get(f"{home}{query}")).text for query in ("?mentioned=me", "")]
            told.append([f"your newest {LOOKED_AT} mentions" in page for page in pages])

    assert told == [[False, False], [True, False]]


async def test_ones_own_name_is_marked_in_a_note_and_nobody_elses(
    house: House, visitor: Browser, desk: Browser
) -> None:
    await house.add_agent("bob@acme.example", Role.AGENT, name="Bob O'Hara")
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    said = "@Bob O'Hara, @bob and @Ada Moreau: see http://a.example/@bob <b>, not @bobby"
    await desk.submit(f"{here}/notes", words(said), page=here)
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        page = unescape((await his.get(here)).text)

    assert "<mark>@Bob O'Hara</mark>, <mark>@bob</mark> and @Ada Moreau: see <a" in page
    assert "not @bobby" in page
    assert page.count("<mark>") == 2
    assert "<mark>" not in (await desk.get(here)).text, "one's own notes are as they are"
