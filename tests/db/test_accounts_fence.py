"""PostgreSQL shows the secrets of an account to its own person, and lets nobody else change them."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from parlour.db.database import Tx
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.secrets import hash_of
from tests.db.test_every_store import Enough
from tests.house import House

pytestmark = pytest.mark.postgresql

SECRETS = {
    "credentials": "password_hash",
    "recovery_codes": "code_hash",
    "password_resets": "token_hash",
    "sessions": "device",
}
STRANGERS: dict[str, Callable[[House], Actor]] = {
    **{
        role.value: lambda house, role=role: Actor.agent(  # type: ignore[misc]
            house.workspace.workspace_id, clock.new_id(), role, "Somebody"
        )
        for role in Role
    },
    "the person themselves, at work": lambda house: Actor.agent(
        house.workspace.workspace_id, house.ada, Role.OWNER, "Ada"
    ),
    "another workspace's owner": lambda house: Actor.agent(
        house.other.workspace_id, clock.new_id(), Role.OWNER, "Olga"
    ),
    "visitor": lambda house: Actor.visitor(house.workspace.workspace_id),
    "somebody who signs in": lambda _: Actor.visitor(),
    "whoever holds another session": lambda _: Actor.visitor(holding="0" * 64),
    "customer": lambda house: Actor.customer(
        house.workspace.workspace_id, clock.new_id(), "maria@example.com"
    ),
    "another person": lambda _: Actor.person(clock.new_id()),
    "the system in the workspace": lambda house: Actor.system(house.workspace.workspace_id),
}


async def stocked(house: House) -> str:
    """Ada has something in each of the tables. The token of her session."""
    browser = await house.sign_in()
    token = browser.cookies["parlour_session"]
    await browser.aclose()

    def fill(tx: Tx) -> None:
        facts = {"ada": house.ada, "now": clock.now()}
        tx.execute(text("INSERT INTO recovery_codes (user_id, code_hash) VALUES (:ada, 'c')"), facts)
        reset = "INSERT INTO password_resets (token_hash, user_id, created_at, expires_at) "
        tx.execute(text(reset + "VALUES ('t', :ada, :now, :now)"), facts)

    await house.db.write(Actor.system(), fill)
    return token


def seen_and_changed(tx: Tx, house: House) -> dict[str, tuple[int, int, int]]:
    """Rows of Ada's that each kind of statement reaches, a table each."""
    counts = {}
    for table, column in SECRETS.items():
        this = {"ada": house.ada}
        where = f"FROM {table} WHERE user_id = :ada"
        selected = len(tx.execute(text(f"SELECT {column} {where}"), this).all())
        statement = f"UPDATE {table} SET {column} = {column} WHERE user_id = :ada"  # noqa: S608
        changed = tx.execute(text(statement), this).rowcount
        deleted = tx.execute(text(f"DELETE {where}"), this).rowcount
        counts[table] = (selected, changed, deleted)
    return counts


async def reach(house: House, actor: Actor) -> dict[str, tuple[int, int, int]]:
    found: dict[str, tuple[int, int, int]] = {}

    def look(tx: Tx) -> None:
        found.update(seen_and_changed(tx, house))
        raise Enough

    with pytest.raises(Enough):
        await house.db.write(actor, look)
    return found


@pytest.mark.parametrize("who", STRANGERS)
async def test_nobody_else_sees_or_changes_the_secrets_of_an_account(house: House, who: str) -> None:
    await stocked(house)

    assert await reach(house, STRANGERS[who](house)) == dict.fromkeys(SECRETS, (0, 0, 0))


async def test_its_own_person_does(house: House) -> None:
    await stocked(house)

    assert await reach(house, Actor.person(house.ada)) == dict.fromkeys(SECRETS, (1, 1, 1))


async def test_whoever_holds_the_session_sees_whose_it_is_and_changes_nothing(house: House) -> None:
    token = await stocked(house)
    holder = Actor.visitor(holding=hash_of(token))
    reached = await reach(house, holder)

    assert reached["sessions"] == (1, 0, 0)
    assert {reached[table] for table in SECRETS if table != "sessions"} == {(0, 0, 0)}


@pytest.mark.parametrize("who", [who for who in STRANGERS if who != "the system in the workspace"])
async def test_nobody_else_makes_a_session_or_a_password_for_an_account(house: House, who: str) -> None:
    session = (
        "INSERT INTO sessions (session_hash, user_id, created_at, last_seen_at, expires_at, device) "
        "VALUES (:hash, :ada, :now, :now, :now, '')"
    )
    actor = STRANGERS[who](house)
    facts = {"hash": actor.id, "ada": house.ada, "now": clock.now()}

    with pytest.raises(DBAPIError, match="row-level security"):
        await house.db.write(actor, lambda tx: tx.execute(text(session), facts))


@pytest.mark.parametrize(
    ("who", "names"),
    [("owner", 1), ("viewer", 1), ("another workspace's owner", 0), ("visitor", 0), ("customer", 0)],
)
async def test_names_are_seen_by_those_who_work_together(house: House, who: str, names: int) -> None:
    query = text("SELECT name FROM users WHERE user_id = :ada")
    found = await house.db.read(
        STRANGERS[who](house), lambda tx: len(tx.execute(query, {"ada": house.ada}).all())
    )

    assert found == names
