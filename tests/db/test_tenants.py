"""The watch over tenant tables sees what it should and lets right statements through."""

from uuid import uuid4

import pytest
from sqlalchemy import and_, delete, exists, func, insert, or_, select, text, true, tuple_, union_all, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import Executable

from parlour.db.database import Tx
from parlour.db.schema import TENANT_TABLES, access_links, chat_rooms, members, messages, tickets, users
from parlour.kernel import clock
from parlour.kernel.access import Actor
from tests.house import House
from tests.tenants import NoWorkspace, offences, watch

HERE = uuid4()
ROOM = uuid4()

mine = tickets.c.workspace_id == HERE
other = tickets.alias()
new_message = sqlite.insert(messages).values(workspace_id=HERE, room_id=ROOM, seq=1)

WITHOUT = {
    "select": select(tickets.c.subject),
    "select by id": select(tickets.c.subject).where(tickets.c.ticket_id == uuid4()),
    "select of an alias": select(other.c.subject).where(other.c.number == 1),
    "select with an OR beside it": select(tickets.c.subject).where(or_(mine, tickets.c.number == 1)),
    "select where it is NULL": select(tickets.c.subject).where(tickets.c.workspace_id.is_(None)),
    "select where it is another": select(tickets.c.subject).where(tickets.c.workspace_id != HERE),
    "select of all, by itself": select(tickets.c.subject).where(
        tickets.c.workspace_id == tickets.c.workspace_id
    ),
    "update": update(tickets).values(status="open").where(tickets.c.ticket_id == uuid4()),
    "update of all": update(tickets).values(status="open"),
    "delete": delete(messages).where(messages.c.room_id == ROOM),
    "delete of links by their age alone": delete(access_links).where(access_links.c.created_at < clock.now()),
    "join": select(tickets.c.subject)
    .join(chat_rooms, chat_rooms.c.room_id == tickets.c.chat_room_id)
    .where(mine),
    "join of two that only name each other": select(tickets.c.subject).join(
        chat_rooms, chat_rooms.c.workspace_id == tickets.c.workspace_id
    ),
    "outer join that ties its left side": select(tickets.c.subject).outerjoin(users, mine),
    "a second copy of the table": select(tickets.c.subject, other.c.subject).where(mine),
    "exists": select(tickets.c.subject).where(
        mine, exists().where(chat_rooms.c.ticket_id == tickets.c.ticket_id)
    ),
    "subquery in a column": select(select(func.count()).select_from(messages).scalar_subquery()),
    "subquery in FROM": select(func.count()).select_from(select(tickets.c.subject).subquery()),
    "subquery in a CTE": select(func.count()).select_from(select(tickets.c.subject).cte()),
    "one half of a union": union_all(select(tickets.c.subject).where(mine), select(tickets.c.subject)),
    "subquery of an update": update(tickets)
    .where(mine)
    .values(last_message_at=select(func.max(messages.c.created_at)).scalar_subquery()),
    "subquery of a delete": delete(chat_rooms).where(
        chat_rooms.c.workspace_id == HERE, chat_rooms.c.ticket_id.in_(select(tickets.c.ticket_id))
    ),
    "insert": insert(messages).values(room_id=ROOM, seq=1),
    "insert from a select": insert(messages).from_select(["workspace_id"], select(tickets.c.workspace_id)),
    "insert whose conflict is anybody's": new_message.on_conflict_do_update(
        index_elements=["message_id"], set_={"seq": 2}
    ),
    "text": text("SELECT subject FROM tickets WHERE number = 1"),
    "text of a join": text("SELECT 1 FROM tickets t JOIN messages m ON true WHERE t.workspace_id = :w"),
    "text of an update": text("UPDATE tickets SET status = 'open' WHERE number = 1"),
    "text of an insert": text("INSERT INTO messages (room_id) VALUES (:r)"),
    "text with an OR": text("DELETE FROM messages WHERE workspace_id = :w OR seq = 1"),
}

WITH = {
    "select": select(tickets.c.subject).where(mine),
    "select with the value first": select(tickets.c.subject).where(func.lower("a") == "a", mine),
    "select in brackets": select(tickets.c.subject).where(and_(true(), and_(mine, tickets.c.number == 1))),
    "select of several workspaces by name": select(tickets.c.subject).where(
        tickets.c.workspace_id.in_([HERE])
    ),
    "select by pairs": select(chat_rooms.c.last_seq).where(
        tuple_(chat_rooms.c.workspace_id, chat_rooms.c.room_id).in_([(HERE, ROOM)])
    ),
    "update": update(tickets).where(mine).values(status="open"),
    "delete": delete(messages).where(messages.c.workspace_id == HERE),
    "join by workspace": select(tickets.c.subject)
    .join(chat_rooms, and_(chat_rooms.c.workspace_id == tickets.c.workspace_id, true()))
    .where(mine),
    "outer join": select(tickets.c.subject)
    .outerjoin(chat_rooms, chat_rooms.c.workspace_id == tickets.c.workspace_id)
    .where(mine),
    "join of what is nobody's": select(tickets.c.subject).outerjoin(users, true()).where(mine),
    "exists that looks out": select(tickets.c.subject).where(
        mine,
        select(messages.c.seq).where(messages.c.workspace_id == tickets.c.workspace_id).exists(),
    ),
    "subquery in FROM": select(func.count()).select_from(select(tickets.c.subject).where(mine).subquery()),
    "insert": insert(messages).values(workspace_id=HERE, room_id=ROOM, seq=1),
    "insert of several rows": insert(messages).values([{"workspace_id": HERE, "seq": 1}]),
    "insert or update": new_message.on_conflict_do_update(
        index_elements=["workspace_id", "room_id", "seq"], set_={"content": ""}
    ),
    "one's own memberships": select(members.c.role).where(members.c.user_id == uuid4()),
    "the sweep of what expired": delete(access_links).where(access_links.c.expires_at < clock.now()),
    "a table that belongs to no workspace": select(users.c.name),
    "text": text("SELECT subject FROM tickets WHERE workspace_id = :w"),
    "text of an insert": text("INSERT INTO messages (workspace_id, room_id) VALUES (:w, :r)"),
    "text that changes the schema": text("ALTER TABLE tickets ADD COLUMN mood TEXT"),
}


@pytest.mark.parametrize("statement", WITHOUT.values(), ids=WITHOUT)
def test_a_statement_that_could_reach_every_workspace_is_caught(statement: Executable) -> None:
    assert offences(statement) != []


@pytest.mark.parametrize("statement", WITH.values(), ids=WITH)
def test_a_statement_that_names_its_workspace_passes(statement: Executable) -> None:
    assert offences(statement) == []


@pytest.mark.parametrize("table", TENANT_TABLES, ids=lambda table: str(table.name))
def test_every_tenant_table_is_watched(table: object) -> None:
    assert offences(select(table).limit(1)) != []  # type: ignore[call-overload]


@pytest.mark.parametrize("run", ["write", "read", "scan"])
async def test_whoever_runs_such_a_statement_is_stopped(house: House, run: str) -> None:
    def reach(tx: Tx) -> None:
        tx.execute(select(tickets.c.subject))

    with watch.expecting() as found:
        with pytest.raises(NoWorkspace):
            await getattr(house.db, run)(Actor.system(), reach)
        assert found == ["SELECT touches tickets without naming its workspace"]


async def test_sql_for_the_driver_itself_is_read_too(house: House) -> None:
    def reach(tx: Tx) -> None:
        tx.connection.exec_driver_sql("DELETE FROM messages")

    with watch.expecting(), pytest.raises(NoWorkspace):
        await house.db.write(Actor.system(), reach)
