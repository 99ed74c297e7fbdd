"""Every table, a module for each subject.

Tenant tables lead their keys with `workspace_id`, so that the data can be partitioned by
workspace without a rewrite. Ids are UUIDv7, times are UTC.
"""

from parlour.db.schema.accounts import (
    MAILED_NEW,
    credentials,
    invitations,
    members,
    password_resets,
    recovery_codes,
    sessions,
    users,
    workspaces,
)
from parlour.db.schema.base import UtcDateTime, metadata
from parlour.db.schema.contacts import contacts
from parlour.db.schema.desk import (
    audit_log,
    bulk_changes,
    bulk_items,
    canned_replies,
    saved_views,
    security_events,
)
from parlour.db.schema.events import event_heads, events
from parlour.db.schema.files import attachment_columns, files, scan_state
from parlour.db.schema.house import HOUSE_TABLES, history, schema_floor, search_progress
from parlour.db.schema.jobs import outbox
from parlour.db.schema.logos import logos
from parlour.db.schema.mail import (
    dkim_keys,
    fetched_mailboxes,
    mail_threads,
    mailboxes,
    mails,
    outgoing_mails,
    outgoing_servers,
    participants,
)
from parlour.db.schema.notifications import notifications
from parlour.db.schema.programs import api_keys, idempotency
from parlour.db.schema.rooms import chat_rooms, mentions, messages, read_marks
from parlour.db.schema.tags import tags, ticket_tags
from parlour.db.schema.tickets import ACTIVE, NEW_OF_NOBODY, SNOOZED, access_links, grants, tickets
from parlour.db.schema.webhooks import webhook_deliveries, webhooks

__all__ = [
    "ACTIVE",
    "HOUSE_TABLES",
    "MAILED_NEW",
    "NEW_OF_NOBODY",
    "SNOOZED",
    "TENANT_TABLES",
    "UtcDateTime",
    "access_links",
    "api_keys",
    "attachment_columns",
    "audit_log",
    "bulk_changes",
    "bulk_items",
    "canned_replies",
    "chat_rooms",
    "contacts",
    "credentials",
    "dkim_keys",
    "event_heads",
    "events",
    "fetched_mailboxes",
    "files",
    "grants",
    "history",
    "idempotency",
    "invitations",
    "logos",
    "mail_threads",
    "mailboxes",
    "mails",
    "members",
    "mentions",
    "messages",
    "metadata",
    "notifications",
    "outbox",
    "outgoing_mails",
    "outgoing_servers",
    "participants",
    "password_resets",
    "read_marks",
    "recovery_codes",
    "saved_views",
    "scan_state",
    "schema_floor",
    "search_progress",
    "security_events",
    "sessions",
    "tags",
    "ticket_tags",
    "tickets",
    "users",
    "webhook_deliveries",
    "webhooks",
    "workspaces",
]

TENANT_TABLES = (
    members,
    tickets,
    chat_rooms,
    messages,
    read_marks,
    mentions,
    access_links,
    grants,
    saved_views,
    canned_replies,
    invitations,
    bulk_changes,
    bulk_items,
    audit_log,
    security_events,
    tags,
    ticket_tags,
    contacts,
    notifications,
    files,
    api_keys,
    idempotency,
    mailboxes,
    mails,
    mail_threads,
    events,
    event_heads,
    outgoing_mails,
    outgoing_servers,
    participants,
    fetched_mailboxes,
    logos,
    webhooks,
    webhook_deliveries,
)
"""The tables whose rows belong to one workspace. No statement may touch them without naming it."""
