"""Mailboxes that are fetched from an IMAP server: how far, and how that goes.

Revision: 0034, after 0033
"""

import sqlalchemy as sa
from alembic import op

from parlour.db.schema import UtcDateTime

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.add_column(
        "mails",
        sa.Column(
            "whole_size",
            sa.BigInteger(),
            nullable=True,
            comment="of a mail of which only the beginning was fetched",
        ),
    )
    op.create_table(
        "fetched_mailboxes",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("mailbox_id", sa.Uuid(), nullable=False),
        *_account(),
        *_progress(),
        sa.PrimaryKeyConstraint("workspace_id", "mailbox_id"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "mailbox_id"], ["mailboxes.workspace_id", "mailboxes.mailbox_id"]
        ),
    )
    op.create_index("ix_fetched_mailboxes_due", "fetched_mailboxes", ["due_at"])


def _account() -> list[sa.Column[object]]:
    return [
        sa.Column("url", sa.Text(), nullable=False, comment="imaps://user@host:port/folder"),
        sa.Column("password", sa.Text(), nullable=False, comment="sealed"),
        sa.Column(
            "password_key", sa.Text(), nullable=False, comment="the name of the key that it is sealed with"
        ),
        sa.Column(
            "since", UtcDateTime(), nullable=False, comment="what came before is nobody's business here"
        ),
    ]


def _progress() -> list[sa.Column[object]]:
    return [
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False, comment="of the newest mail that is ours"),
        sa.Column(
            "known_uid",
            sa.BigInteger(),
            nullable=False,
            comment="up to here some may have come under other UIDs",
        ),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("holder", sa.Uuid()),
        sa.Column(
            "looked_at",
            UtcDateTime(),
            nullable=False,
            comment="when it was last looked into, and all was well",
        ),
        sa.Column("failures", sa.Integer(), nullable=False, comment="since then"),
        sa.Column("error", sa.Text(), nullable=False, comment="what the last of them was"),
        sa.Column(
            "stuck_uid", sa.BigInteger(), nullable=False, comment="of the mail that they were about, or 0"
        ),
        sa.Column("told_at", UtcDateTime(), comment="when its owners were told that it fails"),
    ]
