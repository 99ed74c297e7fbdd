"""Mail: the addresses of a workspace, every mail that came or goes, and the thread of a ticket."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    false,
    true,
)

from parlour.db.schema.base import UtcDateTime, metadata

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("workspace_id", ForeignKey("workspaces.workspace_id"), nullable=False),
    Column("mailbox_id", Uuid, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column(
        "handed",
        Boolean,
        nullable=False,
        server_default=true(),
        comment="whether a mail server of the operator's may bring mail for it",
    ),
    Column("removed_at", UtcDateTime, comment="its mails stay, and so it stays the workspace's"),
    Column("called", Text, nullable=False, server_default=""),
    Column("signature", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("workspace_id", "mailbox_id"),
    UniqueConstraint("address"),
)

# How far each is fetched, and how that goes. A claim is a `due_at` that is still to come, with its holder.
fetched_mailboxes = Table(
    "fetched_mailboxes",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("mailbox_id", Uuid, nullable=False),
    Column("url", Text, nullable=False, comment="imaps://user@host:port/folder"),
    Column(
        "bounded",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="whether the URL is somebody's who may not lead us into the operator's network",
    ),
    Column("password", Text, nullable=False, comment="sealed"),
    Column("password_key", Text, nullable=False, comment="the name of the key that it is sealed with"),
    Column("since", UtcDateTime, nullable=False, comment="what came before is nobody's business here"),
    Column("uid_validity", BigInteger, nullable=False),
    Column("last_uid", BigInteger, nullable=False, comment="of the newest mail that is ours"),
    Column("known_uid", BigInteger, nullable=False, comment="up to here some may have come under other UIDs"),
    Column("due_at", UtcDateTime, nullable=False),
    Column("holder", Uuid),
    Column(
        "looked_at", UtcDateTime, nullable=False, comment="when it was last looked into, and all was well"
    ),
    Column("failures", Integer, nullable=False, comment="since then"),
    Column("error", Text, nullable=False, comment="what the last of them was"),
    Column("stuck_uid", BigInteger, nullable=False, comment="of the mail that they were about, or 0"),
    Column("told_at", UtcDateTime, comment="when its owners were told that it fails"),
    Column(
        "provider",
        Text,
        nullable=False,
        server_default="",
        comment="at which somebody granted access, which is sealed in place of a password",
    ),
    Column("renewal", Uuid, comment="by which the access is being renewed, until it is stored"),
    Column("renewal_until", UtcDateTime, comment="then somebody else may"),
    PrimaryKeyConstraint("workspace_id", "mailbox_id"),
    ForeignKeyConstraint(["workspace_id", "mailbox_id"], ["mailboxes.workspace_id", "mailboxes.mailbox_id"]),
    Index("ix_fetched_mailboxes_due", "due_at"),
)

# By which the answers of a mailbox leave, where that is not the house's own.
outgoing_servers = Table(
    "outgoing_servers",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("mailbox_id", Uuid, nullable=False),
    Column("scheme", Text, nullable=False, comment="smtps, smtp+starttls or smtp"),
    Column("host", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("user", Text, nullable=False, comment="none where it asks for no sign-in"),
    Column("password", Text, nullable=False, comment="sealed"),
    Column("password_key", Text, nullable=False, comment="the name of the key that it is sealed with"),
    Column("provider", Text, nullable=False, server_default="", comment="whose access opens it"),
    PrimaryKeyConstraint("workspace_id", "mailbox_id"),
    ForeignKeyConstraint(["workspace_id", "mailbox_id"], ["mailboxes.workspace_id", "mailboxes.mailbox_id"]),
)

# With which mails from a domain are signed: the house's, whatever workspace they are about.
dkim_keys = Table(
    "dkim_keys",
    metadata,
    Column("domain", Text, primary_key=True, comment="as DNS has it"),
    Column("selector", Text, nullable=False),
    Column("private_key", Text, nullable=False, comment="sealed"),
    Column("sealed_with", Text, nullable=False, comment="the name of the key that it is sealed with"),
    Column("found_at", UtcDateTime, comment="when DNS had its record; before, it signs nothing"),
)

# A mail's id is the time at which it came, so that the ledger is read by its key.
mails = Table(
    "mails",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("mail_id", Uuid, nullable=False),
    Column("mailbox_id", Uuid, nullable=False),
    Column("storage_key", Text, nullable=False, comment="of the raw bytes"),
    Column("size", BigInteger, nullable=False),
    Column("whole_size", BigInteger, comment="of a mail of which only the beginning was fetched"),
    Column("client_id", Uuid, comment="by its Message-ID, or its bytes; none before it was read"),
    Column("message_id", Text, nullable=False, default=""),
    Column("sender", Text, nullable=False, default=""),
    Column("subject", Text, nullable=False, default=""),
    Column("outcome", Text, nullable=False, default="waiting"),
    Column("reason", Text, nullable=False, default=""),
    Column("verified", Boolean, nullable=False, default=False),
    Column("ticket_id", Uuid),
    Column("tries", Integer, nullable=False, default=0),
    Column("received_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "mail_id"),
    ForeignKeyConstraint(["workspace_id", "mailbox_id"], ["mailboxes.workspace_id", "mailboxes.mailbox_id"]),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    Index("ix_mails_mailbox", "workspace_id", "mailbox_id"),
    Index("ix_mails_client", "workspace_id", "client_id"),
    Index("ix_mails_message", "workspace_id", "message_id"),
    Index("ix_mails_sender", "workspace_id", "sender", "received_at"),
    Index("ix_mails_ticket", "workspace_id", "ticket_id"),
    Index("ix_mails_outcome", "workspace_id", "outcome", "mail_id"),
)

# A mail's id is its job's, and the first half of its Message-ID. It tells of the messages of the public room
# with `after_seq` < seq <= `upto_seq`: of none, where both are 0.
outgoing_mails = Table(
    "outgoing_mails",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("mail_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False, comment="of its job"),
    Column("recipient", Text, nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    Column("upto_seq", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("said", Text, nullable=False, comment="by the mail server that did not take it"),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("workspace_id", "mail_id"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
    Index("ix_outgoing_mails_ticket", "workspace_id", "ticket_id", "upto_seq"),
    Index("ix_outgoing_mails_outcome", "workspace_id", "outcome", "mail_id"),
    Index("ix_outgoing_mails_lately", "outcome", "changed_at"),
)

mail_threads = Table(
    "mail_threads",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("message_id", Text, nullable=False, comment="of the customer's newest mail, which answers name"),
    Column("by_mail", Boolean, nullable=False, comment="whether the customer's last word came by mail"),
    Column("lineage", Text, nullable=False, server_default="", comment="Message-IDs that answers refer to"),
    Column("subject", Text, nullable=False, server_default="", comment="of that mail"),
    Column("reply_to", Text, nullable=False, server_default="", comment="where its sender wants answers"),
    Column("mailbox_id", Uuid, comment="at which it came"),
    PrimaryKeyConstraint("workspace_id", "ticket_id"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
)

participants = Table(
    "participants",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("ticket_id", Uuid, nullable=False),
    Column("email", Text, nullable=False, comment="who gets a copy of each answer by mail"),
    Column("added_at", UtcDateTime, nullable=False),
    Column("merged_from", Uuid, comment="the ticket whose merge put them here, and takes them out again"),
    PrimaryKeyConstraint("workspace_id", "ticket_id", "email"),
    ForeignKeyConstraint(["workspace_id", "ticket_id"], ["tickets.workspace_id", "tickets.ticket_id"]),
)
