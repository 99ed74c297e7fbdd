"""The data can be split by workspace: PostgreSQL itself partitions every tenant's table by it."""

import pytest

from tests import postgres_server

pytestmark = pytest.mark.postgresql

TENANTS = (
    "members",
    "tickets",
    "ticket_search",
    "chat_rooms",
    "messages",
    "read_marks",
    "access_links",
    "grants",
    "saved_views",
    "canned_replies",
    "invitations",
    "bulk_changes",
    "bulk_items",
    "audit_log",
    "security_events",
    "contacts",
    "tags",
    "ticket_tags",
    "mentions",
    "notifications",
    "files",
    "mails",
    "mail_threads",
    "outgoing_mails",
    "participants",
    "fetched_mailboxes",
    "outgoing_servers",
    "api_keys",
    "logos",
    "idempotency",
    "webhooks",
    "webhook_deliveries",
    "events",
    "event_heads",
)
ELSEWHERE = {
    "workspaces": "the directory, which every node needs whole",
    "users": "an account may work in several workspaces",
    "credentials": "belongs to an account",
    "sessions": "belongs to an account",
    "password_resets": "belongs to an account",
    "recovery_codes": "belongs to an account",
    "dkim_keys": "the house signs mails of every workspace with them",
    "mailboxes": "the directory of addresses: a mail finds its workspace by it",
    "outbox": "jobs of nobody's workspace are among them; they are few and short-lived",
    "limit_windows": "counts that a crash may empty",
    "history": "one row about the database itself",
    "alembic_version": "of the schema itself",
    "schema_floor": "of the schema itself",
    "search_progress": "one row about the index of words",
}


def test_every_table_is_one_or_the_other() -> None:
    server = postgres_server.server()
    with server.admin_connection(postgres_server.TEMPLATE) as admin:
        found = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()

    assert {name for (name,) in found} == {*TENANTS, *ELSEWHERE}


@pytest.mark.parametrize("table", TENANTS)
def test_a_tenants_table_can_be_partitioned_by_workspace(table: str) -> None:
    """A key or a unique index without the workspace would make this fail."""
    server = postgres_server.server()
    with server.admin_connection(postgres_server.TEMPLATE) as admin, admin.transaction(force_rollback=True):
        admin.execute(
            f"CREATE TABLE split (LIKE {table} INCLUDING ALL) PARTITION BY HASH (workspace_id)".encode()
        )
        admin.execute("CREATE TABLE part PARTITION OF split FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
        kept = admin.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'part'").fetchone()
        whole = admin.execute("SELECT count(*) FROM pg_indexes WHERE tablename = %s", [table]).fetchone()

    assert kept == whole
