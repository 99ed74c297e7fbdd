"""Every function of every store has run under the watch of tests/tenants.py; a new one is added here."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

import parlour.features
from parlour.db.database import Tx
from parlour.features.accounts import store as accounts
from parlour.features.chat import store as chat
from parlour.features.chat.models import Audience
from parlour.features.tickets import access_store as access
from parlour.features.tickets import store as tickets
from parlour.features.tickets.models import Filters, Status, Ticket
from parlour.features.workspaces import store as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Role
from tests.house import Browser, House

Call = tuple[Callable[..., object], Mapping[str, Any]]
SOON = timedelta(days=1)


class Enough(Exception):
    """Ends the unit, so that nothing of it is kept."""


def of_workspaces(tx: Tx, ada: UUID) -> list[Call]:
    return [
        (workspaces.insert_workspace, {"workspace_id": clock.new_id(), "slug": "third", "name": "Third"}),
        (workspaces.by_slug, {"slug": "acme"}),
        (workspaces.by_id, {"workspace_id": tx.workspace_id}),
        (workspaces.next_ticket_number, {}),
        (workspaces.role_of, {"user_id": ada}),
        (workspaces.members_of, {}),
        (workspaces.memberships, {"user_id": ada}),
    ]


def of_accounts(tx: Tx, ada: UUID) -> list[Call]:
    new, now = clock.new_id(), clock.now()
    session = {"session_hash": "h"}
    clocks = {"idle_since": now - SOON, "stale_before": now}
    return [
        (
            accounts.insert_user,
            {"user_id": new, "email": "n@acme.example", "name": "N", "password_hash": "-"},
        ),
        (workspaces.insert_member, {"user_id": new, "role": Role.AGENT}),
        (accounts.user_id_of, {"email": "ada@acme.example"}),
        (accounts.credentials, {"email": "ada@acme.example"}),
        (accounts.set_password_hash, {"user_id": new, "password_hash": "-"}),
        (accounts.insert_session, {**session, "user_id": ada, "expires_at": now + SOON}),
        (accounts.touch_session, session),
        (accounts.person, {**session, **clocks}),
        (accounts.desk, {**session, **clocks, "workspace_id": tx.workspace_id}),
        (accounts.delete_session, session),
        (accounts.delete_sessions_of, {"user_id": ada}),
        (accounts.delete_expired_sessions, {"idle_since": now}),
    ]


def of_chat(tx: Tx, ticket: Ticket) -> list[Call]:
    room = {"room_id": ticket.chat_room_id}
    [first] = chat.following(tx, ticket.chat_room_id, after=0, limit=1)
    second = replace(first, seq=2, message_id=clock.new_id(), client_id=clock.new_id())
    internal = {"ticket_id": ticket.ticket_id, "audience": Audience.INTERNAL}
    return [
        (chat.insert_room, {"room_id": clock.new_id(), **internal, "ticket_id": clock.new_id()}),
        (chat.room, room),
        (chat.lock_room, room),
        (chat.room_of, internal),
        (chat.set_open, {**room, "is_open": True}),
        (chat.next_seq, room),
        (chat.insert_message, {"message": second}),
        (chat.by_client_id, {**room, "sender_id": second.sender_id, "client_id": second.client_id}),
        (chat.newest, {**room, "before": 9, "limit": 9}),
        (chat.following, {**room, "after": 0, "limit": 9}),
        (chat.heads, {"rooms": [(tx.workspace_id, ticket.chat_room_id)]}),
        (chat.move_read_mark, {**room, "reader": "r", "side": "agent", "seq": 1}),
        (chat.read_mark, {**room, "reader": "r"}),
        (chat.seen, room),
        (chat.unread_rooms, {"room_ids": [ticket.chat_room_id], "reader": "r", "side": "agent"}),
    ]


def of_tickets(ticket: Ticket) -> list[Call]:
    this = {"ticket_id": ticket.ticket_id}
    another = replace(ticket, ticket_id=clock.new_id(), number=99)
    return [
        (tickets.insert_ticket, {"ticket": another, "client_id": clock.new_id()}),
        (tickets.ticket, this),
        (tickets.lock_ticket, this),
        (tickets.by_client_id, {"client_id": clock.new_id()}),
        (tickets.of_email, {"email": ticket.email, "limit": 9}),
        (tickets.these, {"ticket_ids": [ticket.ticket_id]}),
        (tickets.newest, {"filters": Filters(status=Status.NEW)}),
        (tickets.count, {"status": Status.NEW}),
        (tickets.set_last_message, {**this, "moment": clock.now()}),
        (tickets.change, {**this, "moment": clock.now(), "status": "open"}),
        (tickets.mailed_seq, this),
        (tickets.set_mailed_seq, {**this, "seq": 1}),
    ]


def of_access(ticket: Ticket) -> list[Call]:
    this = {"ticket_id": ticket.ticket_id}
    whose = {"email": ticket.email, "expires_at": clock.now() + SOON}
    return [
        (access.insert_link, {"token_hash": "t", **this, **whose}),
        (access.valid_link, {"token_hash": "t"}),
        (access.revoke_links, this),
        (access.insert_grant, {"visitor_hash": "v", **this, **whose}),
        (access.copy_grants, {"old": "v", "new": "w", "limit": 9}),
        (access.granted_email, {"visitor_hash": "v", **this}),
        (access.granted_tickets, {"visitor_hash": "v", "limit": 9}),
        (access.delete_grants, this),
        (access.delete_expired, {"before": clock.now()}),
    ]


def stores() -> list[ModuleType]:
    folder = Path(parlour.features.__path__[0])
    found = sorted([*folder.glob("*/store.py"), *folder.glob("*/*_store.py")])
    return [importlib.import_module(f"parlour.features.{path.parent.name}.{path.stem}") for path in found]


def name_of(function: Callable[..., object]) -> str:
    return f"{function.__module__.removeprefix('parlour.features.')}.{function.__name__}"


def functions_of_stores() -> set[str]:
    return {
        name_of(function)
        for module in stores()
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not function.__name__.startswith("_")
    }


async def test_every_function_of_every_store_names_the_workspace(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    called: set[str] = set()

    def call_all(tx: Tx) -> None:
        calls = [*of_workspaces(tx, house.ada), *of_accounts(tx, house.ada)]
        calls += [*of_chat(tx, ticket), *of_tickets(ticket), *of_access(ticket)]
        for function, arguments in calls:
            function(tx, **arguments)
            called.add(name_of(function))
        raise Enough

    with pytest.raises(Enough):
        await house.as_system(call_all)

    assert called == functions_of_stores()
