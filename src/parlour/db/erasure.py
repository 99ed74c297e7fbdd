"""A person's words, files, mails and names leave a workspace; how much there was of them stays.

Nobody but the owner of the tables may change what is kept, so this works on connections of its own, in steps
of which each is whole: one that was broken off is completed by doing it again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import blake2b
from typing import Any
from uuid import UUID

from msgspec import Struct, field
from sqlalchemy import ColumnElement, Connection, Text, case, delete, func, select, update
from sqlalchemy.sql.functions import count

from parlour.db import migrate, search
from parlour.db.database import DatabaseUnusable, Standing, Tx
from parlour.db.schema import (
    access_links,
    audit_log,
    chat_rooms,
    contacts,
    files,
    grants,
    idempotency,
    mail_threads,
    mails,
    messages,
    notifications,
    outbox,
    outgoing_mails,
    participants,
    read_marks,
    tickets,
    webhook_deliveries,
    workspaces,
)
from parlour.kernel import clock
from parlour.kernel.access import Actor

STEP = 200
"""Rows that a transaction changes, of the longest kind; of others a few times as many."""
ERASED = "[erased]"
NOWHERE = "erased.invalid"
"""The domain of the addresses that stand for those who were erased."""
DELETE_FILES = "files.delete"
"""The job that deletes objects, as features/files calls it."""

Begin = Callable[[], AbstractContextManager[Connection]]
"""A transaction that may change everything: `db/owner.py`."""


def pseudonym(key: bytes, workspace_id: UUID, email: str) -> str:
    """The address that stands for this one from now on: the same each time, and unknown without `key`."""
    mark = blake2b(f"{workspace_id}|{email}".encode(), key=key[:64], digest_size=8).hexdigest()
    return f"{mark}@{NOWHERE}"


def workspace_at(begin: Begin, slug: str) -> UUID | None:
    """Raises DatabaseUnusable when the schema is not this program's."""
    with begin() as connection:
        if migrate.standing(Tx(connection, Actor.system())) not in (Standing.CURRENT, Standing.NEWER):
            raise DatabaseUnusable(
                "The schema is not this version's: start a server of it, or migrate, first."
            )
        found: UUID | None = connection.execute(
            select(workspaces.c.workspace_id).where(workspaces.c.slug == slug)
        ).scalar_one_or_none()
        return found


class Counts(Struct):
    """`elsewhere`: messages in the tickets of others."""

    tickets: int = 0
    messages: int = 0
    files: int = 0
    elsewhere: int = 0
    mails: int = 0
    contacts: int = 0


class Erasure(Struct):
    """Of the person with this address in that workspace. `instead` is their `pseudonym`."""

    begin: Begin
    workspace_id: UUID
    email: str
    instead: str
    tell: Callable[[str, int], None]
    counts: Counts = field(default_factory=Counts)

    def count(self) -> Counts:
        """What `run` would erase, and nothing is changed."""
        for ticket_id in self._own(self.email):
            with self._step() as tx:
                rooms = self._rooms(tx, ticket_id)
                self.counts.messages += sum(self._count_messages(tx, room, None) for room in rooms)
                for room in rooms:
                    brought = self._in(files).where(files.c.room_id == room).with_only_columns(count())
                    self.counts.files += tx.execute(brought).scalar_one()
            self.counts.tickets += 1
            self.tell("tickets", self.counts.tickets)
        for ticket_id in self._others():
            with self._step() as tx:
                rooms = self._rooms(tx, ticket_id)
                self.counts.elsewhere += sum(self._count_messages(tx, room, self.email) for room in rooms)
        with self._step() as tx:
            theirs = self._in(mails).where(mails.c.sender == self.email).with_only_columns(count())
            self.counts.mails = tx.execute(theirs).scalar_one()
            known = self._in(contacts).where(contacts.c.email == self.email).with_only_columns(count())
            self.counts.contacts = tx.execute(known).scalar_one()
        return self.counts

    def run(self) -> Counts:
        names = self._names()
        for ticket_id in self._own(self.email):
            self._erase_ticket(ticket_id)
            self.counts.tickets += 1
            self.tell("tickets", self.counts.tickets)
        others = self._others()
        for ticket_id in others:
            self.erase_words(ticket_id, only=self.email)
        own = self._own(self.instead)
        self.erase_mails(mails.c.sender == self.email, sender=self.instead)
        for ticket_id in own:
            self.erase_mails(mails.c.ticket_id == ticket_id)
        self._erase_terms({*own, *others})
        for ticket_id in others:
            self._find_again(ticket_id)
        self._erase_traces(names)
        self._forget_typed_names()
        return self.counts

    # ---------------------------------------------------------------------------------------- what is theirs

    @contextmanager
    def _step(self) -> Iterator[Tx]:
        with self.begin() as connection:
            yield Tx(connection, Actor.system(self.workspace_id))

    def _in(self, table: Any) -> Any:
        return select(table).where(table.c.workspace_id == self.workspace_id)

    def _own(self, email: str) -> list[UUID]:
        with self._step() as tx:
            query = self._in(tickets).where(tickets.c.email == email).with_only_columns(tickets.c.ticket_id)
            return list(tx.execute(query.order_by(tickets.c.ticket_id)).scalars())

    def _others(self) -> list[UUID]:
        """The tickets of others in which they wrote, which they can by mail alone."""
        theirs = mails.c.sender.in_((self.email, self.instead))
        at = (tickets.c.workspace_id == mails.c.workspace_id) & (tickets.c.ticket_id == mails.c.ticket_id)
        query = self._in(mails).join(tickets, at).where(theirs, tickets.c.email != self.email)
        query = query.where(tickets.c.email != self.instead).with_only_columns(mails.c.ticket_id).distinct()
        with self._step() as tx:
            return list(tx.execute(query.order_by(mails.c.ticket_id)).scalars())

    def _names(self) -> set[str]:
        """Whatever they are called by, also in tickets that a run which was broken off had done."""
        of_contact = self._in(contacts).where(contacts.c.email == self.email)
        of_tickets = self._in(tickets).where(tickets.c.email.in_((self.email, self.instead)))
        with self._step() as tx:
            names = {*tx.execute(of_contact.with_only_columns(contacts.c.name)).scalars()}
            names |= {*tx.execute(of_tickets.with_only_columns(tickets.c.typed_name).distinct()).scalars()}
            names = {name for name in names if name}
            while earlier := self._earlier(tx, names) - names:
                names |= earlier
        return names

    def _earlier(self, tx: Tx, names: set[str]) -> set[str]:
        """What those with these names were called before an agent gave them theirs."""
        named = audit_log.c.action == "contact_named", audit_log.c.after.in_(names)
        before = self._in(audit_log).where(*named).with_only_columns(audit_log.c.before).distinct()
        return {name for name in tx.execute(before).scalars() if name}

    def _rooms(self, tx: Tx, ticket_id: UUID) -> list[UUID]:
        query = self._in(chat_rooms).where(chat_rooms.c.ticket_id == ticket_id)
        return list(tx.execute(query.with_only_columns(chat_rooms.c.room_id)).scalars())

    def _count_messages(self, tx: Tx, room_id: UUID, sender: str | None) -> int:
        query = self._in(messages).where(messages.c.room_id == room_id, messages.c.sender_type != "system")
        if sender is not None:
            query = query.where(messages.c.sender_id == sender)
        return int(tx.execute(query.with_only_columns(count())).scalar_one())

    # ------------------------------------------------------------------------------------- words and files

    def _erase_ticket(self, ticket_id: UUID) -> None:
        """All that was said in it, whoever said it: it is about them. So is what is said meanwhile."""
        heads: dict[UUID, int] = {}
        while True:
            heads = self.erase_words(ticket_id, after=heads)
            with self._step() as tx:
                here = tickets.c.workspace_id == self.workspace_id, tickets.c.ticket_id == ticket_id
                tx.execute(select(tickets.c.ticket_id).where(*here).with_for_update())
                if self._heads(tx, ticket_id) == heads:
                    self._close(tx, ticket_id)
                    return

    def _heads(self, tx: Tx, ticket_id: UUID) -> dict[UUID, int]:
        query = self._in(chat_rooms).where(chat_rooms.c.ticket_id == ticket_id)
        found = tx.execute(query.with_only_columns(chat_rooms.c.room_id, chat_rooms.c.last_seq))
        return {row.room_id: row.last_seq for row in found}

    def erase_words(
        self, ticket_id: UUID, *, only: str | None = None, after: dict[UUID, int] | None = None
    ) -> dict[UUID, int]:
        """In both rooms, of all who spoke or of one sender; up to which number of each."""
        with self._step() as tx:
            heads = self._heads(tx, ticket_id)
            of_ticket = {"workspace_id": self.workspace_id, "ticket_id": ticket_id}
            tx.execute(delete(webhook_deliveries).filter_by(**of_ticket))
        for room_id, head in heads.items():
            for start in range((after or {}).get(room_id, 0), head, STEP):
                with self._step() as tx:
                    seqs = (messages.c.seq > start, messages.c.seq <= min(start + STEP, head))
                    found = self._erase_messages(tx, room_id, seqs, only)
                    self._erase_files(tx, room_id, found)
        return heads

    def _erase_messages(
        self, tx: Tx, room_id: UUID, seqs: Sequence[ColumnElement[bool]], only: str | None
    ) -> list[int]:
        """Their numbers. What the system said stays, but for the names of files."""
        here = (messages.c.workspace_id == self.workspace_id, messages.c.room_id == room_id, *seqs)
        whose = [] if only is None else [messages.c.sender_id == only]
        by_system = messages.c.sender_type == "system"
        named = by_system & messages.c.content.startswith("withdrawn:")
        theirs = messages.c.sender_id == self.email
        values = {
            "content": case((named, f"withdrawn:{ERASED}"), (by_system, messages.c.content), else_=ERASED),
            "sender_id": case((theirs, self.instead), else_=messages.c.sender_id),
            "sender_name": case((theirs, ERASED), else_=messages.c.sender_name),
            "files": 0,
        }
        query = update(messages).where(*here, *whose).values(values)
        found = tx.execute(query.returning(messages.c.seq, messages.c.sender_type)).all()
        said = sum(row.sender_type != "system" for row in found)
        if only is None:
            self.counts.messages += said
        else:
            self.counts.elsewhere += said
        return [row.seq for row in found]

    def _erase_files(self, tx: Tx, room_id: UUID, seqs: Sequence[int]) -> None:
        """The rows now, the bytes by a job."""
        if not seqs:
            return
        here = files.c.workspace_id == self.workspace_id, files.c.room_id == room_id, files.c.seq.in_(seqs)
        gone = tx.execute(
            delete(files)
            .where(*here)
            .returning(files.c.storage_key, files.c.thumbnail_key, files.c.counted, files.c.uploader_kind)
        ).all()
        if not gone:
            return
        self.counts.files += len(gone)
        tx.enqueue(DELETE_FILES, {"keys": [key for row in gone for key in row[:2]]})
        size = sum(row.counted for row in gone)
        by_customers = sum(row.counted for row in gone if row.uploader_kind != "agent")
        of_room = (chat_rooms.c.workspace_id == self.workspace_id) & (chat_rooms.c.room_id == room_id)
        of_workspace = workspaces.c.workspace_id == self.workspace_id
        left = chat_rooms.c.files_size - by_customers
        tx.execute(update(chat_rooms).where(of_room).values(files_size=left))
        tx.execute(update(workspaces).where(of_workspace).values(files_size=workspaces.c.files_size - size))

    def _close(self, tx: Tx, ticket_id: UUID) -> None:
        """Its number, times, priority and tags stay. Nobody has access any more, and nobody waits."""
        of_ticket = {"workspace_id": self.workspace_id, "ticket_id": ticket_id}
        for table in (access_links, grants, mail_threads, notifications):
            tx.execute(delete(table).filter_by(**of_ticket))
        trail = update(audit_log).filter_by(**of_ticket, actor_id=self.email)
        tx.execute(trail.values(actor_id=self.instead, actor_name=ERASED))
        for room_id in self._rooms(tx, ticket_id):
            read = update(read_marks).filter_by(workspace_id=self.workspace_id, room_id=room_id)
            tx.execute(read.filter_by(reader=self.email).values(reader=self.instead))
        values: dict[str, Any] = {"subject": ERASED, "description": ERASED, "email": self.instead}
        values |= dict.fromkeys(("waiting_since", "snoozed_until", "unsaid_from", "unsaid_by"))
        values |= {"status": "closed", "version": tickets.c.version + 1, "updated_at": clock.now()}
        tx.execute(update(tickets).filter_by(**of_ticket).values(values))

    def erase_mails(self, which: ColumnElement[bool], **values: str) -> None:
        """What came, and what is known of it but when and what became of it."""
        blank = {"subject": "", "message_id": "", "reason": "It was erased.", "storage_key": "", **values}
        here = mails.c.workspace_id == self.workspace_id, which, mails.c.storage_key != ""
        while True:
            with self._step() as tx:
                rows = tx.execute(select(mails.c.mail_id, mails.c.storage_key).where(*here).limit(STEP)).all()
                if not rows:
                    return
                these = mails.c.mail_id.in_([row.mail_id for row in rows])
                tx.execute(update(mails).where(here[0], these).values(blank))
                tx.enqueue(DELETE_FILES, {"keys": [row.storage_key for row in rows]})
            self.counts.mails += len(rows)

    # -------------------------------------------------------------------------------- what else tells of them

    def _erase_terms(self, of_tickets: set[UUID]) -> None:
        """From what one searches by. It knows no tickets, so all of it is looked at, once."""
        edge = -1
        while of_tickets:
            with self._step() as tx:
                edge, seen = search.forget(tx, of_tickets, beyond=edge)
            if not seen:
                return
            self.tell("places to search", edge)

    def _find_again(self, ticket_id: UUID) -> None:
        """A ticket of somebody else's is found by what is left in it."""
        with self._step() as tx:
            [row] = tx.execute(
                select(tickets.c.subject, tickets.c.email).filter_by(
                    workspace_id=self.workspace_id, ticket_id=ticket_id
                )
            )
            search.index_words(tx, ticket_id, search.subject_words(*row))
            heads = self._heads(tx, ticket_id)
        for room_id, head in heads.items():
            for start in range(0, head, STEP):
                with self._step() as tx:
                    upto = min(start + STEP, head)
                    for said in self._said(tx, room_id, start, upto).values():
                        search.index_words(tx, ticket_id, "\n".join(filter(None, said)))

    def _said(self, tx: Tx, room_id: UUID, start: int, upto: int) -> dict[int, list[str]]:
        """What people said beyond one number and up to another, and what its files are found by."""
        words = self._in(messages).where(messages.c.room_id == room_id, messages.c.sender_type != "system")
        words = words.where(messages.c.seq > start, messages.c.seq <= upto)
        said = {row.seq: [row.content] for row in tx.execute(words)}
        names = self._in(files).where(files.c.room_id == room_id, files.c.seq > start, files.c.seq <= upto)
        for row in tx.execute(names.order_by(files.c.seq, files.c.position)):
            said.setdefault(row.seq, []).append(search.file_words(row.name, row.media_type))
        return said

    def _erase_traces(self, names: set[str]) -> None:
        """In what the house notes for itself; whom it knows them as, last."""
        with self._step() as tx:
            for column in (audit_log.c.before, audit_log.c.after):
                there = audit_log.c.workspace_id == self.workspace_id, audit_log.c.ticket_id.is_(None)
                told = column.contains(self.email, autoescape=True)
                value = func.replace(column, self.email, self.instead, type_=Text())
                tx.execute(update(audit_log).where(*there, told).values({column: value}))
                called = audit_log.c.action == "contact_named", column.in_(names)
                tx.execute(update(audit_log).where(*there, *called).values({column: ERASED}))
        with self._step() as tx:
            addressed = outbox.c.payload["email"].as_string() == self.email
            tx.execute(delete(outbox).where(outbox.c.workspace_id == self.workspace_id, addressed))
            copied = participants.c.workspace_id == self.workspace_id, participants.c.email == self.email
            tx.execute(delete(participants).where(*copied))
            wanted = mail_threads.c.workspace_id == self.workspace_id, mail_threads.c.reply_to == self.email
            tx.execute(update(mail_threads).where(*wanted).values(reply_to=""))
            sent = outgoing_mails.c
            to_them = sent.workspace_id == self.workspace_id, sent.recipient == self.email
            tx.execute(delete(outgoing_mails).where(*to_them, sent.outcome.in_(["waiting", "deferred"])))
            tx.execute(update(outgoing_mails).where(*to_them).values(recipient=self.instead, said=""))
            answered = idempotency.c.body.contains(self.email, autoescape=True)
            tx.execute(delete(idempotency).where(idempotency.c.workspace_id == self.workspace_id, answered))
            known = contacts.c.workspace_id == self.workspace_id, contacts.c.email == self.email
            posted = webhook_deliveries.c.contact_id.in_(select(contacts.c.contact_id).where(*known))
            here = webhook_deliveries.c.workspace_id == self.workspace_id
            tx.execute(delete(webhook_deliveries).where(here, posted))
            self.counts.contacts = tx.execute(delete(contacts).where(*known)).rowcount

    def _forget_typed_names(self) -> None:
        """Last of all: by them the traces are found, also when this is done again."""
        typed = tickets.c.email == self.instead, tickets.c.typed_name.is_not(None)
        with self._step() as tx:
            here = tickets.c.workspace_id == self.workspace_id
            tx.execute(update(tickets).where(here, *typed).values(typed_name=None))
