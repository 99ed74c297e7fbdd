"""Webhooks, and what was or is to be posted to them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from parlour.db.schema.base import UtcDateTime, metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("webhook_id", Uuid, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False, comment="their kinds, with commas between them"),
    Column("off", Text, nullable=False, default="", comment="why nothing is posted; empty while it is"),
    Column("except_key", Uuid, comment="the program whose own changes are not posted"),
    Column("secret", Text, nullable=False, comment="sealed"),
    Column("secret_key", Text, nullable=False, comment="the name of the key it is sealed with"),
    Column("previous_secret", Text, comment="sealed; signs as well for a while after a new one was made"),
    Column("previous_key", Text),
    Column("previous_until", UtcDateTime),
    Column("position", BigInteger, nullable=False, comment="of the last event that was looked at"),
    Column("slow", Boolean, nullable=False, default=False, comment="whether the last answers took long"),
    Column("failing_since", UtcDateTime, comment="the first failure after the last success"),
    Column("job_id", Uuid, comment="the one job that posts to it; none while there is nothing to post"),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "webhook_id"),
    CheckConstraint("off IN ('', 'by_hand', 'failing')", name="off"),
)

# What is pending has a `next_try_at`, nothing else has. An event's id sorts by time.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("webhook_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ticket_id", Uuid, comment="whose words the body may hold"),
    Column("contact_id", Uuid, comment="whose words the body may hold"),
    Column("body", Text, nullable=False, comment="the same at every try"),
    Column("state", Text, nullable=False, default="pending"),
    Column("tries", Integer, nullable=False, default=0),
    Column("status", Integer, comment="of the last answer"),
    Column("answer", Text, nullable=False, default="", comment="how its body began"),
    Column("failure", Text, nullable=False, default="", comment="why there was none"),
    Column("milliseconds", Integer),
    Column("tried_at", UtcDateTime),
    Column("next_try_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("workspace_id", "webhook_id", "event_id"),
    CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
    Index("ix_webhook_deliveries_next", "workspace_id", "webhook_id", "next_try_at"),
)
