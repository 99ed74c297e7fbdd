"""Every unit of the domain says who may run it, and nobody else gets past that."""

import importlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import Connection

import parlour.features
from parlour.db.database import Tx
from parlour.kernel.access import Actor, Permission, Role
from parlour.kernel.errors import Forbidden, NotFound

HERE, TICKET = uuid4(), uuid4()
VISITOR = Actor.visitor(HERE)
CUSTOMER = Actor.customer(HERE, TICKET, "maria@example.com")
PERSON = Actor.person(uuid4(), "Ada")
AGENTS = {role: Actor.agent(HERE, uuid4(), role, "Ada") for role in Role}

SYSTEM_ONLY = {
    "accounts.api_keys.service.every_at",
    "accounts.api_keys.service.make_at",
    "accounts.api_keys.service.note_use",
    "accounts.api_keys.service.program",
    "accounts.api_keys.service.revoke_at",
    "accounts.events.service.is_noted",
    "accounts.events.service.note",
    "accounts.events.service.sweep",
    "accounts.events.service.user_at",
    "accounts.invitations.service.issue",
    "accounts.operator.account",
    "accounts.operator.disable",
    "accounts.operator.enable",
    "accounts.operator.everyone",
    "accounts.operator.reset_second_factor",
    "accounts.operator.set_password",
    "accounts.password_reset.service.issue",
    "accounts.second_factor.service.reseal",
    "accounts.service.add_agent",
    "accounts.service.counted_as",
    "accounts.service.counted_as_user",
    "accounts.service.create_agent",
    "accounts.service.credentials",
    "accounts.service.refuse_a_bound",
    "accounts.service.sweep_sessions",
    "accounts.service.unlock",
    "api.units.told",
    "chat.service.answers",
    "chat.service.begin_epoch",
    "chat.service.bring",
    "chat.service.client_ids",
    "chat.service.heads",
    "chat.service.unread_by_customer",
    "chat.service.withdraw",
    "contacts.service.asking_blocked",
    "contacts.service.complained",
    "contacts.service.is_blocked",
    "contacts.service.remember",
    "events.service.between",
    "events.service.sequenced_after",
    "events.service.sweep",
    "files.service.brought",
    "files.service.set_scan",
    "files.service.sweep",
    "files.service.unscanned",
    "files.service.withdraw",
    "mailroom.answers.as_note",
    "mailroom.answers.by_member",
    "mailroom.answers.members",
    "mailroom.fetching.service.account",
    "mailroom.fetching.service.any_due",
    "mailroom.fetching.service.begin_renewal",
    "mailroom.fetching.service.claim",
    "mailroom.fetching.service.end_renewal",
    "mailroom.fetching.service.fetch_from",
    "mailroom.fetching.service.known",
    "mailroom.fetching.service.move",
    "mailroom.fetching.service.note_failure",
    "mailroom.fetching.service.note_look",
    "mailroom.fetching.service.put",
    "mailroom.fetching.service.release",
    "mailroom.fetching.service.renew",
    "mailroom.fetching.service.reseal",
    "mailroom.fetching.service.silent",
    "mailroom.fetching.service.stop",
    "mailroom.fetching.service.take",
    "mailroom.fetching.telling.tell",
    "mailroom.leaving.service.of_address",
    "mailroom.leaving.service.reseal",
    "mailroom.service.note_failure",
    "mailroom.service.note_waiting",
    "mailroom.service.receive",
    "mailroom.signing.service.begin",
    "mailroom.signing.service.made",
    "mailroom.signing.service.of_domain",
    "mailroom.signing.service.remove",
    "mailroom.signing.service.reseal",
    "mailroom.sorting.sort",
    "takeout.service.beginning",
    "takeout.service.changes",
    "takeout.service.files",
    "takeout.service.following",
    "takeout.service.messages",
    "takeout.service.originals",
    "takeout.service.settings",
    "takeout.service.tickets",
    "tickets.access.service.asking_confirmation",
    "tickets.access.service.forget_secrets",
    "tickets.access.service.issue_link",
    "tickets.access.service.issue_links",
    "tickets.access.service.sweep",
    "tickets.access.service.unseen_replies",
    "tickets.brought.bring",
    "tickets.brought.known",
    "tickets.brought.rest",
    "tickets.brought.say",
    "tickets.bulk.service.carry_on",
    "tickets.bulk.service.say_some",
    "tickets.bulk.service.sweep",
    "tickets.bulk.service.write_down",
    "tickets.auto_reply.service.answer",
    "tickets.auto_reply.service.to_mail",
    "tickets.finding.by_id",
    "tickets.finding.by_subject",
    "tickets.finding.going_on",
    "tickets.merging.service.to_mail",
    "tickets.handover.carry_on",
    "tickets.handover.disable_account",
    "tickets.notifications.mailing.service.tell_of_new",
    "tickets.notifications.mailing.service.unseen",
    "tickets.notifications.service.forget_some",
    "tickets.notifications.service.sweep",
    "tickets.outgoing.service.came_back",
    "tickets.outgoing.service.complained",
    "tickets.outgoing.service.drop",
    "tickets.outgoing.service.drop_waiting",
    "tickets.outgoing.service.follow",
    "tickets.outgoing.service.queue",
    "tickets.outgoing.service.take",
    "tickets.outgoing.service.was_queued",
    "workspaces.auto_reply.service.text_now",
    "workspaces.auto_reply.service.text_then",
    "tickets.participants.service.copy",
    "tickets.participants.service.join",
    "tickets.retention.service.close_some",
    "tickets.retention.service.erase",
    "tickets.retention.service.expired",
    "tickets.retention.service.forget",
    "tickets.retention.service.settle",
    "tickets.retention.service.wake",
    "tickets.snooze.service.end",
    "tickets.tags.service.take_off_some",
    "tickets.threads.service.address",
    "tickets.threads.service.asking_letterheads",
    "tickets.threads.service.asking_of_ticket",
    "tickets.threads.service.came_by_mail",
    "tickets.threads.service.came_by_room",
    "tickets.threads.service.of_ticket",
    "tickets.unsaid.service.say_some",
    "webhooks.delivering.fan_out",
    "webhooks.delivering.replay_some",
    "webhooks.delivering.reseal",
    "webhooks.delivering.turn",
    "webhooks.queue.wait",
    "webhooks.service.forget",
    "webhooks.service.sweep",
    "workspaces.mailboxes.service.add",
    "workspaces.mailboxes.service.refuse_taken",
    "workspaces.mailboxes.service.remove",
    "workspaces.mailboxes.service.own_among",
    "workspaces.mailboxes.service.with_addresses",
    "workspaces.service.add_member",
    "workspaces.service.create_workspace",
    "workspaces.service.every",
    "workspaces.service.let_in",
    "workspaces.settings.service.that_keep_for_a_time",
}


def modules() -> Iterator[str]:
    """Everything but stores, which only their own feature can reach."""
    folder = Path(parlour.features.__path__[0])
    for path in sorted(folder.rglob("*.py")):
        if path.stem not in ("store", "__init__"):
            yield ".".join(("parlour.features", *path.relative_to(folder).with_suffix("").parts))


def units() -> dict[str, Callable[..., object]]:
    """Every function that takes a transaction first and that another module could run."""
    found: dict[str, Callable[..., object]] = {}
    for module in map(importlib.import_module, modules()):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            first = next(iter(inspect.signature(function).parameters.values()), None)
            here = function.__module__ == module.__name__ and first is not None
            if here and first is not None and first.annotation is Tx and not name.startswith("_"):
                found[f"{module.__name__.removeprefix('parlour.features.')}.{name}"] = function
    return found


UNITS = units()


def permission_of(function: Callable[..., object]) -> Permission | None:
    return getattr(function, "permission", None)


def attempt(function: Callable[..., object], actor: Actor) -> type[Exception] | None:
    """What the guard raises; it stands before the arguments are even looked at."""
    tx = Tx(cast(Connection, None), actor)
    try:
        function(tx)
    except (Forbidden, NotFound) as error:
        return type(error)
    except (TypeError, LookupError, AttributeError):
        return None  # let in, and stopped by having nothing to work with
    return None


def test_the_units_of_the_domain_are_found() -> None:
    assert {"tickets.service.open_ticket", "chat.service.post", "conversation.units.following"} <= set(UNITS)


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_declares_its_permission(name: str) -> None:
    assert permission_of(UNITS[name]) in set(Permission)


def test_what_only_the_system_may_do_is_listed() -> None:
    asked = {name for name, function in UNITS.items() if permission_of(function) is Permission.SYSTEM}

    assert asked == SYSTEM_ONLY


@pytest.mark.parametrize("name", UNITS)
def test_an_agent_without_the_permission_is_told_so(name: str) -> None:
    permission = permission_of(UNITS[name])
    assert permission
    refused = [actor for actor in AGENTS.values() if not actor.may(permission)]

    assert [attempt(UNITS[name], actor) for actor in refused] == [Forbidden] * len(refused)


@pytest.mark.parametrize("name", UNITS)
def test_everybody_else_without_the_permission_find_nothing(name: str) -> None:
    permission = permission_of(UNITS[name])
    assert permission
    refused = [actor for actor in (VISITOR, CUSTOMER, PERSON) if not actor.may(permission)]

    assert [attempt(UNITS[name], actor) for actor in refused] == [NotFound] * len(refused)


def test_the_guard_keeps_the_name_and_the_words_of_what_it_guards() -> None:
    unit = cast(Any, UNITS["tickets.service.update_ticket_status"])

    assert unit.__name__ == "update_ticket_status"
    assert unit.__doc__.startswith("Move a ticket along its life")
