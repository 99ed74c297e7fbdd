"""A read that may take long holds its thread for so long and no longer."""

import pytest
from sqlalchemy import text

from parlour.db import database
from parlour.db.database import Tx
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Overloaded
from tests.house import House

MORE_THAN_THREADS = 5
ENDLESS = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n"


def count(tx: Tx, statement: str) -> int:
    counted: int = tx.execute(text(statement)).scalar_one()
    return counted


async def test_a_scan_is_given_up_and_its_thread_serves_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SCAN_SECONDS", 0.2)
    ada = Actor.agent(house.workspace.workspace_id, house.ada, Role.AGENT, "Ada")
    for _ in range(MORE_THAN_THREADS):
        with pytest.raises(Overloaded):
            await house.db.scan(ada, count, ENDLESS)

    assert await house.db.scan(ada, count, "SELECT 1") == 1
