"""Every function of every store has run under the watch of tests/tenants.py; a new one is added here."""

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

import parlour.features
from parlour.db.database import Tx
from parlour.features.accounts import store as accounts
from parlour.features.accounts.api_keys import store as api_keys
from parlour.features.accounts.events import store as events
from parlour.features.accounts.invitations import store as invitations
from parlour.features.accounts.password_reset import store as resets
from parlour.features.accounts.profile import store as profile
from parlour.features.accounts.second_factor import store as second_factor
from parlour.features.chat import store as chat
from parlour.features.chat.marks import store as marks
from parlour.features.chat.models import Audience, Room
from parlour.features.contacts import store as contacts
from parlour.features.events import store as happenings
from parlour.features.events.models import Happened
from parlour.features.events.models import Kind as Did
from parlour.features.files import store as files
from parlour.features.files.models import Begun, Facts
from parlour.features.mailroom import store as mailroom
from parlour.features.mailroom.fetching import store as fetching
from parlour.features.mailroom.fetching.models import Place
from parlour.features.mailroom.leaving import store as leaving
from parlour.features.mailroom.leaving.models import OwnServer
from parlour.features.mailroom.models import Arrival, Outcome
from parlour.features.mailroom.signing import store as signing
from parlour.features.mailroom.signing.models import DomainKey
from parlour.features.takeout import store as takeout
from parlour.features.tickets import store as tickets
from parlour.features.tickets.access import store as access
from parlour.features.tickets.bulk import store as bulk
from parlour.features.tickets.canned import store as replies
from parlour.features.tickets.listing import store as listing
from parlour.features.tickets.listing.mentioned import store as mentioned
from parlour.features.tickets.listing.search import store as search
from parlour.features.tickets.listing.tagged import store as tagged
from parlour.features.tickets.mentions import store as mentions
from parlour.features.tickets.models import (
    Bulk,
    Changed,
    Colour,
    Draft,
    Field,
    Filters,
    Order,
    Priority,
    Reply,
    SavedView,
    Stage,
    Status,
    Tag,
    Ticket,
    Whose,
)
from parlour.features.tickets.notifications import store as notifications
from parlour.features.tickets.notifications.mailing import store as mailing
from parlour.features.tickets.notifications.models import Bell, Kind
from parlour.features.tickets.notifications.store import Hearer
from parlour.features.tickets.outgoing import store as outgoing
from parlour.features.tickets.outgoing.models import Outcome as Gone
from parlour.features.tickets.participants import store as participants
from parlour.features.tickets.retention import store as retention
from parlour.features.tickets.rows import store as rows
from parlour.features.tickets.tags import store as tags
from parlour.features.tickets.threads import store as threads
from parlour.features.tickets.unsaid import store as unsaid
from parlour.features.tickets.views import store as views
from parlour.features.webhooks import store as webhooks
from parlour.features.webhooks.models import Off, Parcel, State, Told, Webhook
from parlour.features.webhooks.models import Outcome as Tried
from parlour.features.workspaces import store as workspaces
from parlour.features.workspaces.logo import store as logos
from parlour.features.workspaces.mailboxes import store as mailboxes
from parlour.features.workspaces.models import WorkspaceSettings
from parlour.features.workspaces.settings import store as choices
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.access import Kind as ActorKind
from parlour.kernel.keyring import Sealed
from parlour.kernel.messages import Place as PlaceInRoom
from tests.house import Browser, House

Call = tuple[Callable[..., object], Mapping[str, Any]]
SOON = timedelta(days=1)


class Enough(Exception):
    """Ends the unit, so that nothing of it is kept."""


def of_workspaces(tx: Tx, ada: UUID) -> list[Call]:
    audited = {"action": "priority", "ticket_id": clock.new_id()}
    event = {"actor_id": str(ada), "action": "signed_in"}
    place = {**event, "before": clock.new_id(), "after": None}
    return [
        (workspaces.insert_workspace, {"workspace_id": clock.new_id(), "slug": "third", "name": "Third"}),
        (workspaces.every, {}),
        (choices.that_keep_for_a_time, {}),
        (workspaces.by_slug, {"slug": "acme"}),
        (workspaces.asking_at, {"slug": "acme"}),
        (workspaces.by_id, {"workspace_id": tx.workspace_id}),
        (workspaces.asking_by_id, {"workspace_id": tx.workspace_id}),
        (workspaces.asking_ticket_number, {}),
        (workspaces.give_back_ticket_number, {}),
        (workspaces.role_of, {"user_id": ada}),
        (workspaces.role_now, {"user_id": ada}),
        (workspaces.hold_role, {"user_id": ada}),
        (workspaces.lock_members, {}),
        (workspaces.members_of, {"limit": 9}),
        (workspaces.members_after, {"name": "", "user_id": ada, "limit": 9}),
        (workspaces.standings_of, {"limit": 9}),
        (workspaces.memberships, {"user_id": ada}),
        (workspaces.known_as, {"actor_id": str(ada)}),
        (workspaces.has_owner_besides, {"user_id": ada}),
        (workspaces.name_of, {"user_id": ada}),
        (workspaces.rename, {"name": "Acme"}),
        (workspaces.set_second_factor_required, {"required": True}),
        (choices.settings, {}),
        (choices.lock, {}),
        (choices.change, {"settings": WorkspaceSettings()}),
        (workspaces.second_factor_required_of, {"user_id": ada}),
        (workspaces.has_second_factor, {"user_id": ada}),
        (
            workspaces.insert_audit_entries,
            {"action": "status", "changes": [(clock.new_id(), "new", "open"), (None, "x", None)]},
        ),
        (workspaces.audit_entries, {"ticket_id": audited["ticket_id"], "limit": 9}),
        (workspaces.last_changes, {"ticket_ids": [audited["ticket_id"]], "action": "tag", "named": "Late"}),
        (workspaces.last_changes, {"ticket_ids": [audited["ticket_id"]], "action": "tag", "named": None}),
        (workspaces.other_entries, {**place, "limit": 9}),
        (events.name_of, {"user_id": ada}),
        (events.count, {**event, "actor_name": "Ada", "detail": ""}),
        (events.is_counted, event),
        (events.events, {**place, "limit": 9}),
        (events.delete_old, {"before": clock.now(), "limit": 9}),
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
        (workspaces.set_role, {"user_id": new, "role": Role.VIEWER}),
        (workspaces.delete_member, {"user_id": new}),
        (accounts.bound_to, {"user_id": new}),
        (accounts.unbind, {"user_id": new}),
        (accounts.accounts, {}),
        (accounts.set_disabled, {"user_id": new, "at": now}),
        (accounts.user_id_of, {"email": "ada@acme.example"}),
        (accounts.credentials, {"email": "ada@acme.example"}),
        (accounts.credentials_of, {"user_id": ada}),
        (accounts.lock_credentials, {"user_id": ada}),
        (accounts.set_password_hash, {"user_id": new, "password_hash": "-"}),
        (accounts.email_of, {"user_id": ada}),
        (accounts.name_of, {"user_id": ada}),
        (accounts.unlocks, {"email": "new@acme.example"}),
        (accounts.add_unlock, {"email": "new@acme.example"}),
        (accounts.insert_session, {**session, "user_id": ada, "device": "", "expires_at": now + SOON}),
        (accounts.touch_session, {**session, "user_id": ada}),
        (accounts.person, {**session, **clocks}),
        (accounts.desk, {**session, **clocks, "workspace_id": tx.workspace_id}),
        (accounts.delete_session, session),
        (accounts.delete_sessions_of, {"user_id": ada}),
        (accounts.delete_expired_sessions, {"idle_since": now, "limit": 9}),
    ]


def of_themselves(ada: UUID) -> list[Call]:
    this, now = {"user_id": ada}, clock.now()
    code = {**this, "code_hash": "c"}
    return [
        (profile.set_name, {**this, "name": "Ada"}),
        (profile.settings, this),
        (profile.set_settings, {**this, "settings": {}}),
        (profile.sessions_of, {**this, "idle_since": now, "limit": 9}),
        (second_factor.turn_on, {**this, "sealed": Sealed("S", "k"), "step": 1}),
        (second_factor.reseal, {**this, "before": "S", "sealed": Sealed("T", "l")}),
        (second_factor.sealed_otherwise, {"keys": ["k"], "limit": 9}),
        (second_factor.take_step, {**this, "step": 2}),
        (second_factor.insert_codes, {**this, "code_hashes": ["c"]}),
        (second_factor.take_code, code),
        (second_factor.codes_left, this),
        (second_factor.delete_codes, this),
        (second_factor.turn_off, this),
        (resets.keep_reset, {"token_hash": "p", **this, "expires_at": now + SOON}),
        (resets.owner_of, {"token_hash": "p"}),
        (resets.take, {"token_hash": "p"}),
        (accounts.end_resets, this),
        (resets.delete_long_expired_of, this),
    ]


def of_invitations(ada: UUID) -> list[Call]:
    this, whose = {"invitation_id": clock.new_id()}, {"email": "n@acme.example"}
    invited = {"role": Role.AGENT, "invited_by": ada, "expires_at": clock.now() + SOON, "mailed": True}
    return [
        (invitations.insert_invitation, {**this, "token_hash": "i", **whose, **invited}),
        (invitations.waiting, {"limit": 9}),
        (invitations.by_id, this),
        (invitations.by_token, {"token_hash": "i"}),
        (invitations.set_token, {**this, "token_hash": "j"}),
        (invitations.use, this),
        (invitations.end_given_by, {"user_id": ada, "roles": [Role.ADMIN]}),
        (invitations.delete_open, this),
        (invitations.delete_open_of, whose),
    ]


def of_api_keys(ada: UUID) -> list[Call]:
    this = {"key_id": clock.new_id()}
    made = {"secret_hash": "k", "name": "A program", "role": Role.AGENT, "made_by": ada}
    return [
        (api_keys.insert_key, {**this, **made}),
        (api_keys.every, {"limit": 9}),
        (api_keys.how_many, {}),
        (api_keys.by_secret, {"secret_hash": "k"}),
        (api_keys.is_there, this),
        (api_keys.used, {**this, "at": clock.now()}),
        (api_keys.delete_key, this),
        (api_keys.delete_made_by, {"user_id": ada}),
    ]


def of_chat(tx: Tx, ticket: Ticket, ada: UUID) -> list[Call]:
    room = {"room_id": ticket.chat_room_id}
    [first] = chat.following(tx, ticket.chat_room_id, after=0, limit=1, characters=9)
    second = first._replace(seq=2, message_id=clock.new_id(), client_id=clock.new_id())
    internal = {"ticket_id": ticket.ticket_id, "audience": Audience.INTERNAL}
    return [
        (chat.insert_rooms, {"rooms": [Room(clock.new_id(), clock.new_id(), Audience.INTERNAL, 0)]}),
        (chat.client_ids, room),
        (chat.room, room),
        (chat.room_of, internal),
        (chat.set_open, {"room_ids": [ticket.chat_room_id], "is_open": True}),
        (chat.take_seqs, {"ticket_ids": [ticket.ticket_id], "audience": Audience.PUBLIC}),
        (
            chat.insert_announcements,
            {"said": [second._replace(message_id=clock.new_id(), seq=77, client_id=None)]},
        ),
        (chat.take_seq, room),
        (chat.insert_message, {"message": second, "ticket_id": ticket.ticket_id}),
        (
            mentions.insert_mention,
            {"user_id": ada, "ticket_id": ticket.ticket_id, "message_id": second.message_id},
        ),
        (chat.client_ids, room),
        (chat.by_client_id, {**room, "sender_id": second.sender_id, "client_id": second.client_id}),
        (chat.newest, {"wanted": [(ticket.chat_room_id, 9)], "limit": 9, "characters": 9}),
        (chat.following, {**room, "after": 0, "limit": 9, "characters": 99}),
        (chat.few_after, {**room, "after": 0}),
        (chat.foresee, {**room, "place": PlaceInRoom(1, clock.new_id())}),
        (chat.these, {"message_ids": [clock.new_id()]}),
        (chat.answers, {**room, "after": 0, "upto": 9, "limit": 9}),
        (chat.count_answers, {**room, "after": 0, "upto": 9, "limit": 9}),
        (chat.message_id_at, {**room, "seq": 1}),
        (chat.newest_of_others, {**room, "after": 0, "but": "r"}),
        (chat.heads, {"rooms": [(tx.workspace_id, ticket.chat_room_id)]}),
        (marks.moving, {**room, "reader": "r", "side": "agent", "seq": 1}),
        (chat.marked, {**room, "reader": "r"}),
        (chat.marked_of, {"ticket_id": ticket.ticket_id, "reader": "r"}),
        (marks.seen, room),
        (chat.unread_rooms, {"room_ids": [ticket.chat_room_id], "reader": "r"}),
    ]


def of_tickets(ticket: Ticket, ada: UUID) -> list[Call]:
    this = {"ticket_id": ticket.ticket_id}
    another = replace(ticket, ticket_id=clock.new_id(), number=99)
    spoken = {"ticket": ticket, "moment": clock.now()}
    return [
        (tickets.insert_ticket, {"ticket": another, "client_id": clock.new_id()}),
        (tickets.ticket, this),
        (tickets.date, {"ticket": ticket}),
        (tickets.asking_ticket, this),
        (tickets.lock_ticket, this),
        (tickets.lock_all, {"ticket_ids": [ticket.ticket_id]}),
        (tickets.by_client_id, {"client_id": clock.new_id()}),
        (tickets.asking_by_client_id, {"client_id": clock.new_id()}),
        (
            tickets.in_these_words,
            {
                "these": [ticket.ticket_id],
                "draft": Draft("a", "b", "c", this["ticket_id"]),
                "since": clock.now(),
            },
        ),
        (tickets.forget_form, this),
        (tickets.of_email, {"email": ticket.email, "limit": 9}),
        (tickets.merged_into, {"ticket_ids": [ticket.ticket_id], "limit": 9}),
        (tickets.count_of_email, {"email": ticket.email, "limit": 9}),
        (rows.these, {"ticket_ids": [ticket.ticket_id]}),
        (tickets.spoke, {"before": ticket, "now": ticket}),
        (tickets.spoke, {"before": ticket, "now": replace(ticket, status=Status.PENDING)}),
        (tickets.spoke_quietly, spoken),
        (tickets.change_all, {"ticket_ids": [ticket.ticket_id], "moment": clock.now(), "status": "open"}),
        (unsaid.of_change, {"change_id": clock.new_id(), "limit": 9}),
        (unsaid.clear, {"ticket_ids": [ticket.ticket_id]}),
        (tickets.held_by, {"user_id": ada, "active": True, "limit": 9}),
        (tickets.release, {"ticket_ids": [another.ticket_id], "user_id": ada, "moment": clock.now()}),
        (tickets.mailed_seq, this),
        (tickets.set_mailed_seq, {**this, "seq": 1}),
        (retention.idle, {"before": clock.now(), "limit": 9}),
        (retention.how_many_idle, {"before": clock.now(), "limit": 9}),
        (retention.expired, {"before": clock.now(), "limit": 9}),
        (retention.how_many_expired, {"before": clock.now(), "limit": 9}),
        (retention.settle, {"ticket_ids": [ticket.ticket_id], "instead": "[erased]", "at": clock.now()}),
        (retention.erase, this),
    ]


NARROWED = (
    Filters(),
    Filters(status=Status.NEW, priority=Priority.LOW, assignee=Whose.NOBODY, order=Order.PRIORITY),
    Filters(status=Stage.ACTIVE, waiting=True, assignee=clock.new_id(), order=Order.CREATED),
    Filters(status=Stage.SNOOZED, waiting=True),
    Filters(tag=clock.new_id(), status=Status.OPEN, order=Order.PRIORITY),
)


def of_listing(ticket: Ticket) -> list[Call]:
    these = {"ticket_ids": [ticket.ticket_id]}
    calls: list[Call] = [
        (bulk.unchanged_since, {"ticket_ids": [ticket.ticket_id], "moment": clock.now()}),
        (listing.ahead, {"filters": Filters(), "key": [clock.now(), clock.new_id()]}),
        (bulk.how_many_of, these),
        (rows.named, {"reads": rows.ROWS, **these}),
        (rows.by_ids, {"reads": rows.UNREAD, **these}),
        (rows.named, {"reads": rows.WHOLE, **these}),
        (listing.recent_and_urgent, {"limit": 9}),
        (mentioned.are_older, {"person": ticket.ticket_id}),
        (mentioned.among, {"person": ticket.ticket_id, "ticket_ids": [ticket.ticket_id]}),
        (tagged.among, {"tag_id": clock.new_id(), **these}),
        (listing.counts, {}),
    ]
    for filters in NARROWED:
        this = {"filters": filters}
        rank = [1] if filters.order is Order.PRIORITY else []
        key = [*rank, ticket.created_at, ticket.ticket_id]
        calls += [
            (listing.page, {**this, "reads": rows.UNREAD, "key": None, "backwards": False, "limit": 9}),
            (listing.page, {**this, "reads": rows.WHOLE, "key": key, "backwards": True, "limit": 9}),
            (listing.count, this),
            (listing.ids, {**this, "limit": 9}),
            (listing.among, {**this, "reads": rows.UNREAD, **these}),
            (listing.by_number, {**this, "reads": rows.UNREAD, "number": ticket.number}),
            (search.addresses, {"beginning": "maria", "limit": 9}),
            (search.of_addresses, {"emails": [ticket.email], "before": None, "limit": 9}),
            (search.of_all_addresses, {"beginning": "maria", "before": ticket.ticket_id, "limit": 9}),
        ]
    return calls


def of_lists(ada: UUID) -> list[Call]:
    """What agents keep beside the list: saved views and canned replies."""
    view = SavedView(clock.new_id(), ada, "Mine", "status=open")
    reply = Reply(clock.new_id(), "Hello", "Good morning", None)
    return [
        (views.insert_view, {"view": view}),
        (views.seen_by, {"user_id": ada, "limit": 9}),
        (views.how_many_of, {"owner_id": ada}),
        (views.how_many_of, {"owner_id": None}),
        (views.view, {"view_id": view.view_id}),
        (views.lock, {"view_id": view.view_id}),
        (views.set_name, {"view_id": view.view_id, "name": "Later"}),
        (views.set_positions, {"view_ids": [view.view_id]}),
        (
            views.counts,
            {
                "lists": [Filters(status=Stage.ACTIVE, assignee=ada)],
                "bell": Bell(ada, news=True, read_at=None),
                "most": 9,
            },
        ),
        (views.delete_view, {"view_id": view.view_id}),
        (replies.insert_reply, {"reply": reply}),
        (replies.usable, {"limit": 9}),
        (replies.whole, {"limit": 9}),
        (replies.usable_names, {"limit": 9}),
        (replies.reply, {"reply_id": reply.reply_id}),
        (replies.count, {"owner_id": None}),
        (replies.count, {"owner_id": ada}),
        (replies.lock, {"reply_id": reply.reply_id}),
        (replies.update_reply, {"reply": reply}),
        (replies.delete_reply, {"reply_id": reply.reply_id}),
    ]


def of_tags(ticket: Ticket) -> list[Call]:
    tag = Tag(clock.new_id(), "Late", Colour.RED)
    this, known = {"tag_id": tag.tag_id}, replace(ticket, tagged=True)
    return [
        (tags.insert_tag, {"tag": tag, "key": "late"}),
        (tags.every, {"limit": 9}),
        (tags.tag, this),
        (tags.lock, this),
        (tags.by_key, {"key": "late"}),
        (tags.how_many, {}),
        (tags.put_on, {"locked": [ticket], **this}),
        (tags.of_tickets, {"ticket_ids": [ticket.ticket_id]}),
        (tickets.follow_on_tags, {"locked": [known], "priority_rank": 2}),
        (tags.update_tag, {"tag": tag, "key": "late"}),
        (tags.take_off, {"ticket_ids": [ticket.ticket_id], **this}),
        (tags.hide_tag, {**this, "at": clock.now()}),
        (tags.take_off_some, {**this, "limit": 9}),
        (tags.delete_tag, this),
    ]


def of_contacts(ticket: Ticket) -> list[Call]:
    this = {"contact_id": clock.new_id()}
    return [
        (contacts.remember, {"email": ticket.email, "name": "Maria", "typed": True}),
        (contacts.insert_contact, {"contact_id": clock.new_id(), "email": "known@example.com"}),
        (contacts.contact, this),
        (contacts.these, {"contact_ids": [clock.new_id()]}),
        (contacts.by_email, {"email": ticket.email}),
        (contacts.lock, this),
        (contacts.asking_blocked, {"email": ticket.email}),
        (contacts.complained, {"email": ticket.email}),
        (contacts.block, {**this, "at": clock.now()}),
        (contacts.following, {"beginning": "m", "after": "", "blocked": False, "limit": 9}),
        (contacts.following, {"beginning": "m", "after": "", "blocked": True, "limit": 9}),
        (contacts.change, {**this, "name": "Maria", "note": ""}),
    ]


def of_files(ticket: Ticket) -> list[Call]:
    begun, room = Begun(clock.new_id(), "a", "b"), {"room_id": ticket.chat_room_id}
    this = {"file_id": begun.file_id}
    whose = {"uploader": "u", "kind": ActorKind.AGENT}
    facts = Facts("image/png", 9, "s", 1, 1, "off", has_thumbnail=False)
    return [
        (
            files.insert_file,
            {"begun": begun, "room_id": None, "name": "a", "size": 9, **whose},
        ),
        (files.set_facts, {**this, "facts": facts}),
        (files.set_scan, {**this, "scan": "unscannable"}),
        (files.judge, {**this, "scan": "unscannable"}),
        (files.these, {"file_ids": [begun.file_id]}),
        (files.left_behind, {"before": clock.now() + SOON, "limit": 9}),
        (files.hand_over, {**this, **room, **whose}),
        (files.attach, {"file_ids": [begun.file_id], **room, "seq": 1}),
        (files.of_message, {**room, "seq": 1}),
        (files.newest, {**room, "before": 9, "limit": 9}),
        (files.delete_staged, {**this, "uploaders": ["u"]}),
        (files.count_in_room, {**room, "more": 9}),
        (files.count_in_workspace, {"more": 9}),
        (files.taken, {}),
    ]


def of_mail(ticket: Ticket) -> list[Call]:
    mailbox, mail = clock.new_id(), clock.new_id()
    this, named = {"mail_id": mail}, {"message_ids": ["<a@b.example>"]}
    arrival = Arrival(mail, mailbox, "k", 9)
    known = {"client_id": mail, "message_id": "<a@b.example>", "sender": ticket.email}
    return [
        (mailboxes.one_at_a_time, {}),
        (mailboxes.insert_mailbox, {"mailbox_id": mailbox, "address": "help@acme.example", "handed": True}),
        (mailboxes.is_only, {}),
        (mailboxes.holder_of, {"address": "help@acme.example"}),
        (mailboxes.every, {"limit": 9}),
        (mailboxes.asking_every, {"limit": 9}),
        (logos.insert_logo, {"png": b"png"}),
        (logos.picture, {}),
        (logos.delete_logo, {}),
        (mailboxes.with_addresses, {"addresses": ["help@acme.example"]}),
        (mailboxes.own_among, {"addresses": ["help@acme.example"]}),
        (mailroom.insert_mail, {"arrival": arrival}),
        (mailroom.lock, this),
        (mailroom.settle, {**this, **known, "ticket_id": ticket.ticket_id}),
        (mailroom.mail, this),
        (mailroom.newest, {"outcome": Outcome.WAITING, "before": clock.new_id(), "limit": 9}),
        (mailroom.taken, {"client_id": mail}),
        (mailroom.said_by, {"ticket_id": ticket.ticket_id, "client_id": mail}),
        (mailroom.ticket_of, named),
        (mailroom.recent_of, {"sender": ticket.email, "since": clock.now() - SOON, "limit": 9}),
        (tickets.by_number, {"number": ticket.number}),
        (threads.keep, {"ticket_id": ticket.ticket_id, "facts": {"message_id": "<a@b.example>"}}),
        (threads.asking_of_ticket, {"ticket_id": ticket.ticket_id}),
        (threads.leave, {"ticket_id": ticket.ticket_id}),
    ]


def of_takeout(ticket: Ticket) -> list[Call]:
    room = {"room_id": ticket.chat_room_id, "seq": 0}
    after = {"after": UUID(int=0)}
    return [
        *((takeout.following, {"listed": listed, **after}) for listed in takeout.LISTS),
        (takeout.tickets_after, after),
        (takeout.rooms, {"ticket_id": ticket.ticket_id}),
        (takeout.messages_after, room),
        (takeout.changes_after, {"ticket_id": ticket.ticket_id, **after}),
        (takeout.files_after, after),
        (takeout.originals_after, after),
    ]


def of_outgoing_mail(ticket: Ticket) -> list[Call]:
    about, mail = {"ticket_id": ticket.ticket_id}, {"mail_id": clock.new_id()}
    told = {**about, "recipient": ticket.email, "after_seq": 0, "upto_seq": 1}
    return [
        (outgoing.keep, {**mail, **told, "kind": "mail.confirmation"}),
        (outgoing.overtake, {**mail, **told}),
        (outgoing.lock, mail),
        (outgoing.settle, {**mail, "outcome": "sent", "said": ""}),
        (outgoing.asking_sent, {"mail_ids": [clock.new_id()]}),
        (outgoing.newest, {"outcome": Gone.SENT, "before": clock.new_id(), "limit": 9}),
        (outgoing.deliveries, {**about, "after": 0, "upto": 1}),
        (outgoing.was_queued, {"kind": "mail.copy", **about, "to": "boss@example.com", "since": clock.now()}),
        (outgoing.drop, mail),
        (outgoing.drop_waiting, {}),
        (participants.insert_participant, {**about, "email": "boss@example.com"}),
        (participants.emails, {**about, "limit": 9}),
        (participants.asking_emails, {**about, "limit": 9}),
        (participants.delete_participant, {**about, "email": "boss@example.com"}),
        (participants.delete_merged, {**about, "merged_from": clock.new_id()}),
    ]


def of_fetching() -> list[Call]:
    mailbox, holder = clock.new_id(), clock.new_id()
    this, here = {"mailbox_id": mailbox}, Place(1, 2)
    held = {**this, "holder": holder}
    return [
        (mailboxes.insert_mailbox, {**this, "address": "fetched@acme.example", "handed": False}),
        (
            fetching.put,
            {
                **this,
                "url": "u",
                "sealed": Sealed("s", "k"),
                "place": here,
                "since": clock.now(),
                "bounded": True,
                "provider": "google",
            },
        ),
        (fetching.every, {}),
        (fetching.this, this),
        (fetching.reseal, {**this, "before": "s", "sealed": Sealed("t", "k")}),
        (
            fetching.begin_renewal,
            {**this, "before": "t", "renewal": holder, "lease": SOON},
        ),
        (fetching.end_renewal, {**this, "renewal": holder, "sealed": Sealed("u", "k")}),
        (fetching.any_due, {}),
        (fetching.claim, {"holder": holder, "lease": SOON, "limit": 9}),
        (fetching.renew, {"holder": holder, "lease": SOON}),
        (fetching.silent, {"after": SOON, "limit": 9}),
        (fetching.note_failure, {**held, "error": "e", "stuck_uid": 0}),
        (fetching.note_look, held),
        (fetching.set_told_at, {**this, "at": None}),
        (fetching.move, {**this, "before": here, "to": Place(1, 3)}),
        (fetching.known, {"message_ids": ["<a@b.example>"]}),
        (fetching.release, {**held, "after": SOON}),
        (fetching.drop, this),
        (leaving.put, {"server": OwnServer(mailbox, "smtps", "h", 465, "u", Sealed("s", "k"))}),
        (leaving.of_mailbox, this),
        (leaving.of_address, {"address": "fetched@acme.example"}),
        (leaving.reseal, {**this, "before": "s", "sealed": Sealed("t", "k")}),
        (leaving.drop, this),
        (mailboxes.bring_back, {**this, "handed": True}),
        (mailboxes.sign, {**this, "called": "Acme", "signature": "Yours"}),
        (mailboxes.remove, this),
    ]


def of_signing() -> list[Call]:
    this = {"domain": "acme.example"}
    return [
        (signing.insert_key, {"key": DomainKey("acme.example", "parlour-1", Sealed("s", "k"), None)}),
        (signing.of_domain, this),
        (signing.reseal, {**this, "before": "s", "sealed": Sealed("t", "k")}),
        (signing.set_found, {**this, "at": clock.now()}),
        (signing.delete_key, this),
    ]


def of_notifications(ticket: Ticket, ada: UUID) -> list[Call]:
    hearer = Hearer(ada, "ada@acme.example", Role.OWNER, 255, None)
    whose, bell = {"user_id": ada}, Bell(ada, news=True, read_at=None)
    this, past = {"ticket_ids": [ticket.ticket_id]}, clock.now() - SOON
    told = {"kind": Kind.ASSIGNED, "hearer": hearer, **this, "by_name": "Bob", "mail_after": SOON}
    return [
        (notifications.hearers, {"user_ids": [ada]}),
        (notifications.tell, told),
        (mailing.one_at_a_time, whose),
        (mailing.waiting, {**whose, "patience": SOON, "limit": 9}),
        (mailing.unread, {**whose, **this}),
        (mailing.take, {**whose, "kind": Kind.ASSIGNED, **this}),
        (mailing.set_news_mailed_at, {**whose, "at": past}),
        (mailing.news_mailed_at, whose),
        (notifications.wanting_news, {"after": None, "limit": 9}),
        (notifications.asking_news, {}),
        (notifications.lines, {"bell": bell, "since": past, "before": None, "limit": 9}),
        (notifications.news, {"bell": bell, "since": past}),
        (notifications.reading_ticket, {"user_id": ada, "ticket_id": ticket.ticket_id}),
        (notifications.read_all, {"user_id": ada, "upto": clock.now()}),
        (notifications.choose, {"user_id": ada, "told": 1}),
        (notifications.withdraw, {**this, "holder": None}),
        (notifications.forget, {"user_id": ada, "before": clock.now(), "limit": 9}),
        (notifications.delete_old, {"before": clock.now(), "limit": 9}),
    ]


def of_bulk(ticket: Ticket, ada: UUID) -> list[Call]:
    this, items = {"bulk_id": clock.new_id()}, {"ticket_ids": [ticket.ticket_id]}
    moment = clock.now()
    now = Bulk(this["bulk_id"], ada, Field.STATUS, "open", 1, 1, 1, moment, None, None, 0, ticket.ticket_id)
    wanted = {"user_id": ada, "field": Field.STATUS, "value": "open", "total": 1}
    return [
        (bulk.insert_bulk, {**this, **wanted}),
        (bulk.list_items, {**this, **items}),
        (bulk.lock_bulk, this),
        (bulk.bulk, this),
        (bulk.waiting, {**this, "beyond": None, "limit": 9}),
        (bulk.note_unchanged, {**this, **items}),
        (bulk.note_changes, {**this, "changes": [Changed(ticket.ticket_id, "new", "open", Status.NEW)]}),
        (bulk.set_progress, {"now": now, "finished_at": clock.now()}),
        (bulk.turn_round, this),
        (bulk.to_put_back, {**this, "beyond": ticket.ticket_id, "limit": 9}),
        (bulk.note_undone, {**this, **items, "put_back": True}),
        (bulk.delete_old, {"before": clock.now() + SOON, "limit": 9}),
    ]


def of_events(ticket: Ticket) -> list[Call]:
    soon = clock.now() + SOON
    return [
        (
            happenings.insert_all,
            {"happened": [Happened(Did.TICKET_CREATED, ticket.ticket_id)], "actor": "system"},
        ),
        (happenings.has_unplaced, {}),
        (happenings.first_unplaced, {}),
        (happenings.head, {}),
        (happenings.lock_head, {}),
        (happenings.place, {"after": 1_000_000, "limit": 9}),  # the house gives the first ones away
        (happenings.move_head, {"position": 1}),
        (happenings.following, {"position": 0, "limit": 9}),
        (happenings.between, {"after": UUID(int=0), "before": clock.new_id(), "limit": 9}),
        (happenings.wake, {}),
        (happenings.oldest, {"before": soon}),
        (happenings.old, {"after": 0, "before": soon, "limit": 9}),
        (happenings.forget, {"upto": 1}),
    ]


def of_webhooks(tx: Tx) -> list[Call]:
    this = {"webhook_id": clock.new_id()}
    told = Told(clock.new_id(), "ticket.created", "{}")
    sealed = Sealed("s", "k")
    made = {"url": "https://x.example/", "events": [Did.TICKET_CREATED], "except_key": None, "position": 0}
    hook = Webhook(
        this["webhook_id"], "", (), Off.ON, None, sealed, None, None, None, clock.now(), 0, False, None
    )
    outcome = Tried(Parcel(told.event_id, "{}", 0), 200, "", "", 1, again=False)
    that = {**this, "event_id": told.event_id}
    return [
        (webhooks.insert_webhook, {**this, **made, "secret": sealed}),
        (webhooks.how_many, {}),
        (webhooks.follow, {}),
        (webhooks.every, {"limit": 9}),
        (webhooks.lock_all_on, {"limit": 9}),
        (webhooks.webhook, this),
        (webhooks.lock, this),
        (webhooks.change, {**this, "slow": False}),
        (webhooks.change_secret, {"webhook": hook, "secret": sealed, "until": clock.now()}),
        (webhooks.reseal, {"webhook": hook, "sealed": sealed}),
        (webhooks.insert_deliveries, {**this, "told": [told]}),
        (webhooks.insert_or_revive, {**this, "told": [told], "all_of_them": True}),
        (webhooks.revive, that),
        (webhooks.due, {**this, "at": clock.now() + SOON, "limit": 9}),
        (webhooks.next_try, this),
        (webhooks.settle, {**this, "outcomes": [(outcome, State.DELIVERED, SOON)]}),
        (
            webhooks.put_down,
            {**this, "told": dataclasses.replace(told, event_id=clock.new_id()), "outcome": outcome}
            | {"state": State.FAILED},
        ),
        (webhooks.deliveries, {**this, "before": clock.new_id(), "state": State.FAILED, "limit": 9}),
        (webhooks.delivery, that),
        (webhooks.sealed_otherwise, {"keys": ["other"], "limit": 9}),
        (webhooks.forget_deliveries, {**this, "limit": 9}),
        (webhooks.sweep, {"before": clock.now() + SOON, "limit": 9}),
        (webhooks.delete_webhook, this),
    ]


def of_access(ticket: Ticket) -> list[Call]:
    this = {"ticket_id": ticket.ticket_id}
    whose = {"email": ticket.email, "expires_at": clock.now() + SOON}
    return [
        (access.keep_link, {"token_hash": "t", **this, **whose}),
        (access.valid_link, {"token_hash": "t"}),
        (access.revoke_links, this),
        (access.insert_grants, {**this, "email": ticket.email, "until": {"v": whose["expires_at"]}}),
        (access.granted_email, {"visitor_hash": "v", **this, "at": clock.now()}),
        (access.asking_granted_tickets, {"hashes": ["v", "w"], "limit": 9}),
        (access.delete_grants, this),
        (access.one_at_a_time, {}),
        (access.delete_grants_of, {"hashes": ["v"]}),
        (access.delete_expired, {"before": clock.now(), "limit": 9}),
    ]


def stores() -> list[ModuleType]:
    folder = Path(parlour.features.__path__[0])
    found = (path.relative_to(folder).with_suffix("").parts for path in sorted(folder.rglob("store.py")))
    return [importlib.import_module(".".join(("parlour.features", *parts))) for parts in found]


OUTSIDE = {store.__name__ for store in (accounts, profile, second_factor, resets, signing)}


def name_of(function: Callable[..., object]) -> str:
    return f"{function.__module__.removeprefix('parlour.features.')}.{function.__name__}"


def functions_of_stores() -> set[str]:
    """Whatever takes a transaction: nothing else can reach the database."""
    return {
        name_of(function)
        for module in stores()
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not function.__name__.startswith("_")
        if any(one.annotation is Tx for one in inspect.signature(function).parameters.values())
    }


def every_call(tx: Tx, ada: UUID, ticket: Ticket) -> list[Call]:
    """Each store function with arguments that fit the house, in an order in which each finds something."""
    calls = [*of_workspaces(tx, ada), *of_accounts(tx, ada), *of_themselves(ada)]
    calls += [
        *of_invitations(ada),
        *of_api_keys(ada),
        *of_chat(tx, ticket, ada),
        *of_tickets(ticket, ada),
        *of_access(ticket),
    ]
    return [
        *calls,
        *of_listing(ticket),
        *of_lists(ada),
        *of_tags(ticket),
        *of_contacts(ticket),
        *of_files(ticket),
        *of_mail(ticket),
        *of_takeout(ticket),
        *of_outgoing_mail(ticket),
        *of_fetching(),
        *of_signing(),
        *of_webhooks(tx),
        *of_notifications(ticket, ada),
        *of_bulk(ticket, ada),
        *of_events(ticket),
    ]


async def test_every_function_of_every_store_names_the_workspace(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    called: set[str] = set()

    def call_all(tx: Tx) -> None:
        for function, arguments in every_call(tx, house.ada, ticket):
            # Only who acts in no workspace makes one, or an account, and looks into accounts.
            anywhere = function is workspaces.insert_workspace or function.__module__ in OUTSIDE
            function(tx.acting_as(Actor.system()) if anywhere else tx, **arguments)
            called.add(name_of(function))
        raise Enough

    with pytest.raises(Enough):
        await house.as_system(call_all)

    assert called == functions_of_stores()
