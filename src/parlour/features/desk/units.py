"""What the desk's pages read as of one moment: a transaction each, put together from the services."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from parlour.db import dialect
from parlour.db.database import Tx
from parlour.features.accounts.events import service as events
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.models import Invitation, Invited
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.contacts.models import Contact
from parlour.features.conversation import units as conversation
from parlour.features.conversation.timeline import Before, Timeline
from parlour.features.files import service as files
from parlour.features.files.models import Space
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.fetching import service as fetching
from parlour.features.mailroom.fetching.models import Failing
from parlour.features.mailroom.fetching.models import Standing as Fetched
from parlour.features.mailroom.models import LedgerPage, Outcome
from parlour.features.tickets import service as tickets
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.canned import service as canned
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Bulk, Field, Filters, Page, SavedView, Tag, Ticket, TicketRow
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.notifications.models import Bell, Line, Place
from parlour.features.tickets.participants import service as participants
from parlour.features.tickets.retention.service import Due, due
from parlour.features.tickets.tags import service as tags
from parlour.features.tickets.views import service as saved
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import (
    AuditEntry,
    Mailbox,
    Member,
    Membership,
    MembersPage,
    Standing,
    TrailPage,
    Workspace,
    WorkspaceSettings,
)
from parlour.features.workspaces.settings import service as choices
from parlour.kernel.access import Actor, Permission, Role, requires
from parlour.kernel.kept import Kept
from parlour.kernel.messages import Attachment

NAMED = 1_000
"""Contacts and changes that are kept under the names that a ticket gives them."""


@requires(Permission.ACCOUNT_USE)
def start(tx: Tx) -> tuple[Sequence[Membership], bool]:
    return workspaces.memberships(tx), workspaces.may_found(tx)


@requires(Permission.SIGN_IN)
def invitation(tx: Tx, token: str) -> tuple[Invitation, Workspace, bool]:
    found = invitations.look(tx, token)
    place = workspaces.workspace(tx.acting_as(Actor.visitor(found.workspace_id)))
    return found, place, invitations.has_account(tx, token)


class FirstSteps(Struct, frozen=True):
    """What a new workspace has already: a customer's ticket, colleagues, canned replies, any ticket."""

    found: bool
    invited: bool
    replies: bool
    tried: bool


@requires(Permission.TICKET_LIST)
def dashboard(tx: Tx) -> tuple[listing.Overview, FirstSteps | None]:
    """The steps are for whoever manages a workspace that has hardly begun, until they dismiss them."""
    overview = tx.same(listing.overview)
    young = len(overview.recent) < listing.OVERVIEW and tx.actor.may(Permission.WORKSPACE_MANAGE)
    if not young or not choices.settings(tx).first_steps:
        return overview, None
    members = workspaces.members(tx)
    ours = {member.email for member in members}
    return overview, FirstSteps(
        found=any(row.email not in ours for row in overview.recent),
        invited=len(members) > 1 or bool(invitations.pending(tx)),
        replies=bool(canned.usable_names(tx)),
        tried=bool(overview.recent),
    )


class People(Struct, frozen=True):
    page: MembersPage
    invitations: Sequence[Invitation]


@requires(Permission.MEMBER_MANAGE)
def invite(tx: Tx, email: str, role: Role, key: bytes, *, mailed: bool) -> Invited:
    """The link works from now on, whether a mail or a person takes it there."""
    invited = invitations.invite(tx, email, role, mailed=mailed)
    secret = invitations.secret_of(key, invited.invitation_id)
    invitations.issue(tx.as_system(), invited.invitation_id, secret)
    return invited


@requires(Permission.MEMBER_SEE)
def people(tx: Tx, after: tuple[str, UUID]) -> People:
    return People(workspaces.members_page(tx, after), invitations.pending(tx))


@requires(Permission.WORKSPACE_MANAGE)
def general(tx: Tx, files_quota: int) -> tuple[WorkspaceSettings, Space]:
    """What the workspace has chosen, and how much of what it may its files are."""
    return choices.settings(tx), files.space(tx, files_quota)


@requires(Permission.WORKSPACE_MANAGE)
def retention(tx: Tx, days: tuple[int, int] | None) -> tuple[WorkspaceSettings, Due]:
    """What the workspace has chosen, and what is due by that, or with these numbers of days."""
    chosen = choices.settings(tx)
    return chosen, due(tx, *(days or (chosen.close_after, chosen.delete_after)))


@requires(Permission.WORKSPACE_MANAGE)
def managed(tx: Tx) -> Workspace:
    """The workspace, for those who manage it."""
    return workspaces.workspace(tx)


@requires(Permission.WORKSPACE_MANAGE)
def ways_in(tx: Tx) -> Sequence[tuple[Mailbox, Fetched | None]]:
    """The addresses of the workspace, and of those that are fetched how that goes."""
    fetched = fetching.standings(tx)
    return [(each, fetched.get(each.mailbox_id)) for each in mailboxes.every(tx)]


@requires(Permission.MEMBER_MANAGE)
def security(tx: Tx) -> Sequence[tuple[Member, Standing]]:
    """The members, those without a second factor first, and how their accounts stand."""
    standings = workspaces.standings(tx)
    stand = [(member, standings[member.user_id]) for member in workspaces.members(tx)]
    return sorted(stand, key=lambda one: one[1].second_factor)


class Trail(Struct, frozen=True):
    page: TrailPage
    members: Sequence[Member]


@requires(Permission.MEMBER_MANAGE)
def trail(tx: Tx, *, action: str, actor_id: str, before: UUID | None, after: UUID | None) -> Trail:
    page = events.trail(tx, action=action, actor_id=actor_id, before=before, after=after)
    return Trail(page, workspaces.members(tx))


class Table(Struct, frozen=True):
    page: Page
    members: Sequence[Member]
    tags: Sequence[Tag]
    bulk: tuple[Bulk, str] | None
    gone: str
    """The name of the person that the list is narrowed to, of somebody who answers no more."""
    mentions_told: int | None
    """As `listing.mentions_told` says."""


@requires(Permission.TICKET_LIST)
def table(tx: Tx, filters: Filters, bulk_id: UUID | None) -> Table:
    if filters.q:
        dialect.planned_once(tx)
    return tx.same(_table, filters, bulk_id)


def _table(tx: Tx, filters: Filters, bulk_id: UUID | None) -> Table:
    may_bulk = tx.actor.may(Permission.BULK_UPDATE)
    tx.ahead(workspaces.members, tags.every)
    page = listing.workspace_tickets(tx, filters)
    members = workspaces.members(tx)
    return Table(
        page=page,
        members=members,
        tags=tags.every(tx),
        bulk=bulk_change(tx, bulk_id) if bulk_id and may_bulk else None,
        gone=_gone(tx, filters, members),
        mentions_told=listing.mentions_told(tx, filters),
    )


def _gone(tx: Tx, filters: Filters, members: Sequence[Member]) -> str:
    who = filters.assignee
    if not isinstance(who, UUID) or any(member.user_id == who and member.answers for member in members):
        return ""
    here = (member.name for member in members if member.user_id == who)
    return next(here, None) or audit.known_as(tx, who)


class Told(Struct, frozen=True):
    """A page of what the agent was told of, each line with its ticket. `older`: where the next one begins."""

    lines: Sequence[tuple[Line, TicketRow]]
    older: Place | None


@requires(Permission.NOTIFICATION_READ)
def told(tx: Tx, bell: Bell, before: Place | None) -> Told:
    page = notifications.page(tx, bell, before)
    these = listing.these(tx, {line.ticket_id for line in page.lines})
    return Told([(line, these[line.ticket_id]) for line in page.lines], page.older)


PEOPLE_FOUND = 5


class Palette(Struct, frozen=True):
    """`people`: those who write, by the beginning of their addresses."""

    tickets: Sequence[TicketRow]
    more: bool
    views: Sequence[SavedView]
    people: Sequence[Contact]
    members: Sequence[Member]
    tags: Sequence[Tag]


@requires(Permission.TICKET_LIST)
def palette(tx: Tx, filters: Filters) -> Palette:
    """With what a ticket can become, for those who may change one."""
    if filters.q:
        dialect.planned_once(tx)
    page = listing.workspace_tickets(tx, filters)
    may_change = tx.actor.may(Permission.TICKET_UPDATE)
    return Palette(
        tickets=page.rows,
        more=page.next is not None,
        views=saved.views(tx),
        people=contacts.page(tx, beginning=filters.q).contacts[:PEOPLE_FOUND] if filters.q else (),
        members=[member for member in workspaces.members(tx) if member.answers] if may_change else (),
        tags=tags.every(tx) if may_change else (),
    )


class PersonPage(Struct, frozen=True):
    contact: Contact
    tickets: Sequence[TicketRow]
    next: UUID | None


@requires(Permission.TICKET_LIST)
def contact_page(tx: Tx, contact_id: UUID, before: UUID | None) -> PersonPage:
    contact = contacts.contact(tx, contact_id)
    return PersonPage(contact, *listing.of_address(tx, contact.email, before=before))


@requires(Permission.BULK_UPDATE)
def bulk_change(tx: Tx, bulk_id: UUID) -> tuple[Bulk, str]:
    """And whom or what it is about: a name, unless the value says it."""
    found = bulk.bulk(tx, bulk_id)
    if found.field is Field.ASSIGNEE and found.value:
        return found, workspaces.name_of(tx, UUID(found.value))
    tag = tags.known(tx, UUID(found.value)) if found.field in (Field.TAG, Field.UNTAG) else None
    return found, tag.name if tag else ""


class TicketPage(Struct, frozen=True):
    ticket: Ticket
    timeline: Timeline
    members: Sequence[Member]
    changes: Sequence[AuditEntry]
    others: Sequence[Ticket]
    replies: Sequence[tuple[UUID, str]]
    tags: Sequence[Tag]
    all_tags: Sequence[Tag]
    contact: Contact | None
    participants: Sequence[str]
    kept: Ticket | None
    """The one in which it goes on, if it is merged."""
    merged: Sequence[Ticket]
    """Those that go on in it."""


@requires(Permission.TICKET_LIST)
def ticket_page(tx: Tx, ticket_id: UUID, before: Before | None) -> TicketPage:
    return tx.same(_ticket_page, ticket_id, before)


def _ticket_page(tx: Tx, ticket_id: UUID, before: Before | None) -> TicketPage:
    tx.ahead(
        workspaces.members,
        canned.usable_names,
        tags.every,
        lambda looking: participants.of_ticket(looking, ticket_id),
        lambda looking: audit.of_ticket(looking, ticket_id),
        lambda looking: chat.both_histories(looking, ticket_id),
    )
    ticket = tickets.ticket(tx, ticket_id)
    tx.ahead(
        lambda looking: contacts.at(looking, ticket.email),
        lambda looking: listing.others_of_customer(looking, ticket),
    )
    found = conversation.timeline_of(tx, ticket, before)
    contact = _as_typed(contacts.at(tx, ticket.email), ticket)
    return TicketPage(
        ticket=ticket,
        timeline=conversation.with_deliveries(tx, ticket_id, found),
        members=workspaces.members(tx),
        changes=_called(audit.of_ticket(tx, ticket_id), contact),
        others=listing.others_of_customer(tx, ticket),
        replies=canned.usable_names(tx),
        tags=tags.of_tickets(tx, [ticket_id]).get(ticket_id, ()) if ticket.tagged else (),
        all_tags=tags.every(tx),
        contact=contact,
        participants=participants.of_ticket(tx, ticket_id),
        kept=tickets.ticket(tx, ticket.merged_into) if ticket.merged_into else None,
        merged=merging.gathered(tx, ticket),
    )


class TicketFiles(Struct, frozen=True):
    """Files, the newest first, each with whether it came with a note, and where older ones are."""

    ticket: Ticket
    files: Sequence[tuple[Attachment, bool]]
    older: Before | None


@requires(Permission.NOTE_READ)
def ticket_files(tx: Tx, ticket_id: UUID, before: Before) -> TicketFiles:
    ticket = tickets.ticket(tx, ticket_id)
    public, notes = ticket.chat_room_id, chat.notes_room(tx, ticket_id)
    found = files.newest(tx, {public: before.public, notes: before.notes})
    older = Before(found.older[public], found.older[notes]) if found.older else None
    return TicketFiles(ticket, [(file, room == notes) for room, file in found.files], older)


@requires(Permission.FILE_RELEASE)
def unscannable_file(tx: Tx, ticket_id: UUID, file_id: UUID) -> tuple[Ticket, Attachment]:
    """The file, whatever is known of it by now. Raises NotFound, Withdrawn."""
    return tickets.ticket(tx, ticket_id), conversation.file(tx, ticket_id, file_id).attachment


@requires(Permission.FILE_RELEASE)
def judge_file(tx: Tx, ticket_id: UUID, file_id: UUID, *, release: bool) -> None:
    """Hand out what cannot be scanned, or have it scanned again. Of a second click nothing comes."""
    _, file = unscannable_file(tx, ticket_id, file_id)
    judge = files.release if release else files.scan_again
    if judge(tx, file_id):
        audit.record(tx, "file_released" if release else "file_scanned", ticket_id=ticket_id, after=file.name)


def _as_typed(contact: Contact | None, ticket: Ticket) -> Contact | None:
    """By the name that was typed with this ticket, or none, while no agent has saved one."""
    if contact and contact.name_typed and ticket.typed_name is not None:
        return _named.one(contact, ticket.typed_name)
    return contact


def _called(changes: Sequence[AuditEntry], contact: Contact | None) -> Sequence[AuditEntry]:
    """With the customer's name in place of the address that they act under."""
    if contact is None or not contact.name:
        return changes
    theirs, name = contact.email, contact.name
    return [_signed.one(each, name) if each.actor_name == theirs else each for each in changes]


_named: Kept[Contact] = Kept(
    lambda pairs: [replace(contact, name=name) for contact, name in pairs],
    most=NAMED,
    length=lambda contact: len(contact.note),
)
_signed: Kept[AuditEntry] = Kept(
    lambda pairs: [replace(entry, actor_name=name) for entry, name in pairs],
    most=NAMED,
    length=lambda entry: len(entry.before or "") + len(entry.after or ""),
)


@requires(Permission.TICKET_LIST)
def incoming_mails(
    tx: Tx, outcome: Outcome | None, before: UUID | None
) -> tuple[LedgerPage, Sequence[Failing]]:
    """A page of the ledger, and the mailboxes from which nothing can be fetched."""
    return mailroom.ledger(tx, outcome=outcome, before=before), fetching.silent_here(tx)
