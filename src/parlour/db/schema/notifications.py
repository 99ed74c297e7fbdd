"""What members are told of."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from parlour.db.schema.base import PartialIndex, UtcDateTime, metadata

_UNREAD = "read_at IS NULL"
_TO_MAIL = "mail_at IS NOT NULL"

notifications = Table(
    "notifications",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("user_id", ForeignKey("users.user_id"), nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("times", Integer, nullable=False, comment="how often since it was last read"),
    Column("by_name", Text, nullable=False, comment="who did it last"),
    Column("told_at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Column("mail_at", UtcDateTime, comment="when it goes by mail, if it is not read before"),
    PrimaryKeyConstraint("workspace_id", "user_id", "ticket_id", "kind"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    CheckConstraint("kind IN ('assigned', 'mentioned', 'answered', 'returned')", name="kind"),
    # Led by the person, so that it also serves the foreign key.
    Index("ix_notifications_list", "user_id", "workspace_id", "told_at", "ticket_id", "kind"),
    *(
        PartialIndex(name, "workspace_id", "user_id", column, where=only)
        for name, column, only in (
            ("ix_notifications_unread", "told_at", _UNREAD),
            ("ix_notifications_to_mail", "mail_at", _TO_MAIL),
        )
    ),
    Index("ix_notifications_ticket", "workspace_id", "ticket_id"),
    Index("ix_notifications_told_at", "told_at"),
)
