"""A note may name members with an `@`; whom it named is kept."""

import secrets
import sys
from contextlib import aclosing
from uuid import UUID

import pytest
from sqlalchemy import select

from parlour.db.database import Tx
from parlour.db.schema import mentions
from parlour.features.tickets.mentions.service import named
from parlour.features.workspaces.models import Member
from parlour.features.workspaces.service import MEMBERS_SHOWN
from parlour.kernel.access import Role
from tests.house import Browser, House
from tests.tickets import place, words

BEN, BO, ANNE, ANNA, GONE = (UUID(int=n) for n in range(1, 6))
MEMBERS = [
    Member(BEN, "Ben Okafor", "ben@acme.example", Role.AGENT),
    Member(BO, "Bo", "bo@acme.example", Role.VIEWER),
    Member(ANNE, "Anne Smith", "anne@acme.example", Role.AGENT),
    Member(ANNA, "Anne Weiß", "anna@acme.example", Role.ADMIN),
    Member(GONE, "Greta Gone", "greta@acme.example", Role.AGENT, disabled=True),
]


@pytest.mark.parametrize(
    ("note", "found"),
    [
        ("@Ben Okafor, please look", {BEN}),
        ("Please look, @ben!", {BEN}),
        ("(@Bo) and @BEN OKAFOR", {BO, BEN}),
        ("@Anne Smith knows", {ANNE}),
        ("@anne weiss knows", {ANNA}),
        ("@Anne knows", set()),
        ("@Bobby and @Benedict", set()),
        ("Mail ben@bo.example or @nobody", set()),
        ("@Greta Gone left", set()),
        ("Ben Okafor, without a sign", set()),
        ("@Ben Okaforson", {BEN}),
        ("@@Bo, @Anne Smith@Ben and @", {BO, ANNE}),
    ],
)
def test_a_note_names_members_by_their_names(note: str, found: set[UUID]) -> None:
    assert named(note, MEMBERS) == found


def test_a_note_takes_a_look_at_each_name_and_no_more() -> None:
    """It is written while everybody else's writing waits."""
    many = [
        Member(UUID(int=n), f"{secrets.token_hex(4)} {secrets.token_hex(4)}", "", Role.AGENT)
        for n in range(MEMBERS_SHOWN)
    ]
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        found = named(f"Please look, @{many[7].name}", many)
    finally:
        sys.setprofile(None)

    assert found == {many[7].user_id}
    assert calls < 20 * len(many)


async def told(house: House) -> list[tuple[UUID, UUID]]:
    def read(tx: Tx) -> list[tuple[UUID, UUID]]:
        here = mentions.c.workspace_id == tx.workspace_id
        return [
            (row[0], row[1])
            for row in tx.execute(select(mentions.c.user_id, mentions.c.ticket_id).where(here))
        ]

    found: list[tuple[UUID, UUID]] = await house.as_system(read)
    return found


async def test_whom_a_note_names_is_kept_once_and_never_its_author(
    house: House, visitor: Browser, desk: Browser
) -> None:
    """As text that a form without a script sends; an answer to the customer names nobody."""
    ticket = await house.open_ticket(visitor)
    here = place(house, ticket)
    bob = await house.add_agent("bob@acme.example", Role.AGENT, name="Bob Okafor")
    await house.add_agent("bob@other.example", Role.AGENT, house.other, name="Bob Okafor")
    note = words("@Bob Okafor and @Ada Moreau: @bob, look at this.")
    await desk.submit(f"{here}/notes", note, page=here)
    await desk.submit(f"{here}/notes", note, page=here)
    await desk.submit(f"{here}/chat", words("Thank you, @Bob Okafor told us."), page=here)
    async with aclosing(await house.sign_in("bob@acme.example")) as his:
        await his.submit(f"{here}/notes", words("Done, thanks."), page=here)

    assert await told(house) == [(bob, ticket.ticket_id)]
