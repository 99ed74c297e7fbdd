"""Addresses that an earlier release stored in another spelling are brought to the one that is compared."""

import pytest

from parlour.kernel.access import Role
from tests.house import Browser, House, behind_its_back
from tests.migrations import run_again

OLD, NEW = "Ju\u0308rgen@xn--bcher-kva.example", "j\u00fcrgen@b\u00fccher.example"


def behind(house: House, statement: str, *values: str) -> list[tuple[object, ...]]:
    return behind_its_back(house.app.parlour.settings, statement, *values)


@pytest.mark.parametrize("taken", [False, True])
async def test_an_account_is_found_by_the_one_spelling_unless_it_is_somebody_elses(
    house: House, taken: bool
) -> None:
    behind(house, "UPDATE users SET email = ? WHERE email = ?", OLD, "ada@acme.example")
    if taken:
        await house.add_agent("ben@acme.example", Role.AGENT)
        behind(house, "UPDATE users SET email = ? WHERE email = ?", NEW, "ben@acme.example")
    run_again(house, "0010_spelling")

    found = behind(house, "SELECT count(*) FROM users WHERE email = ?", NEW)
    left = behind(house, "SELECT count(*) FROM users WHERE email = ?", OLD)
    assert (found, left) == ([(1,)], [(1,)] if taken else [(0,)])


async def test_a_customer_stays_the_same_in_the_own_room(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    for statement in (
        "UPDATE tickets SET email = ? WHERE email = ?",
        "UPDATE grants SET email = ? WHERE email = ?",
        "UPDATE messages SET sender_id = ? WHERE sender_id = ?",
    ):
        behind(house, statement, OLD, ticket.email)
    run_again(house, "0010_spelling")

    told = behind(
        house,
        "SELECT DISTINCT t.email, g.email, m.sender_id, m.sender_name FROM tickets t "
        "JOIN grants g ON g.ticket_id = t.ticket_id JOIN messages m ON m.room_id = t.chat_room_id "
        "WHERE m.seq = 1",
    )
    assert told == [(NEW,) * 4]
