"""What agents sort tickets by."""

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from parlour.db.schema.base import UtcDateTime, metadata

tags = Table(
    "tags",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("tag_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False, comment="the name as names are compared; of a deleted tag its id"),
    Column("colour", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime, comment="nobody sees it; a job takes it off its tickets"),
    PrimaryKeyConstraint("workspace_id", "tag_id"),
    UniqueConstraint("workspace_id", "key"),
)

# What lists are sorted by stands here again, so that the tickets of a tag are read in their order.
ticket_tags = Table(
    "ticket_tags",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("tag_id", Uuid, nullable=False),
    Column("last_message_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("priority_rank", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "ticket_id", "tag_id"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    ForeignKeyConstraint(["workspace_id", "tag_id"], ["tags.workspace_id", "tags.tag_id"]),
    Index("ix_ticket_tags_activity", "workspace_id", "tag_id", "last_message_at", "ticket_id"),
    Index("ix_ticket_tags_created", "workspace_id", "tag_id", "created_at", "ticket_id"),
    Index("ix_ticket_tags_rank", "workspace_id", "tag_id", "priority_rank", "last_message_at", "ticket_id"),
)
