"""PostgreSQL runs units at the same time: what was counted or looked at stays so until the unit has ended."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from parlour.db.database import Tx
from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.tickets.canned import service as canned
from parlour.features.tickets.tags import service as tags
from parlour.features.tickets.views import service as views
from parlour.features.webhooks import service as webhooks
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.errors import DomainError
from tests.house import House, behind_its_back
from tests.tickets import ada as owner
from tests.until import until

pytestmark = pytest.mark.postgresql

AT_ONCE = 12
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def _webhook(tx: Tx, _: str) -> None:
    wish = webhooks.Wish("https://example.com/hook", ["ticket.created"])
    webhooks.make(tx, uuid4(), wish, webhooks.keyring([b"k" * 32]))


def _api_key(tx: Tx, name: str) -> None:
    api_keys.make(tx, uuid4(), name, "agent")


def _tag(tx: Tx, name: str) -> None:
    tags.make(tx, name, "red")


def _view(tx: Tx, name: str) -> None:
    views.save_view(tx, name, "status=open", for_everyone=True)


def _canned(tx: Tx, name: str) -> None:
    canned.add(tx, name, "Hello", shared=True)


def _mailbox(tx: Tx, name: str) -> None:
    mailboxes.add(tx.as_system(), f"{name}@acme.example")


CAPS: list[tuple[Any, str, Callable[[Tx, str], None]]] = [
    (webhooks, "WEBHOOKS_LIMIT", _webhook),
    (api_keys, "KEYS_LIMIT", _api_key),
    (tags, "TAGS_LIMIT", _tag),
    (views, "OWNER_LIMIT", _view),
    (canned, "REPLIES_LIMIT", _canned),
    (mailboxes, "MAILBOXES_LIMIT", _mailbox),
]


@pytest.mark.parametrize(("module", "limit", "make"), CAPS, ids=[limit for _, limit, _ in CAPS])
async def test_of_many_made_at_once_there_are_as_many_as_may_be(
    house: House, monkeypatch: pytest.MonkeyPatch, module: Any, limit: str, make: Callable[[Tx, str], None]
) -> None:
    monkeypatch.setattr(module, limit, 1)
    asked = (house.db.write(owner(house), make, f"name{number}") for number in range(AT_ONCE))
    made = await asyncio.gather(*asked, return_exceptions=True)

    assert sum(each is None for each in made) == 1
    assert all(isinstance(each, DomainError) for each in made if each is not None), made


async def test_a_webhook_turned_on_while_another_is_turned_off_is_told_of_what_happens(house: House) -> None:
    """Both note whether there is one that is on, and the second has looked before the first had ended."""
    on, off = uuid4(), uuid4()
    for each in (on, off):
        wish = webhooks.Wish("https://example.com/hook", ["ticket.created"])
        await house.db.write(owner(house), webhooks.make, each, wish, webhooks.keyring([b"k" * 32]))
    await house.db.write(owner(house), webhooks.turn_off, on)
    has_turned, goes_on = threading.Event(), threading.Event()

    def turn_on(tx: Tx) -> None:
        webhooks.turn_on(tx, on)
        has_turned.set()
        goes_on.wait(30)

    turning_on = asyncio.create_task(house.db.write(owner(house), turn_on))
    await asyncio.to_thread(has_turned.wait, 30)
    turning_off = asyncio.create_task(house.db.write(owner(house), webhooks.turn_off, off))
    await until(lambda: behind_its_back(house.app.parlour.settings, WAITING) != [(0,)])
    goes_on.set()
    await asyncio.gather(turning_on, turning_off)

    hooked = behind_its_back(
        house.app.parlour.settings, "SELECT hooked FROM workspaces WHERE slug = ?", "acme"
    )
    assert hooked == [(True,)]
