"""What the portal's pages read, and do, in one transaction."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol
from uuid import UUID

from msgspec import Struct

from parlour.db.database import P, R, Tx, Unit
from parlour.features.chat.models import History
from parlour.features.conversation import units as conversation
from parlour.features.files import service as files
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.models import Draft, Ticket, TicketRow
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.models import Portal
from parlour.kernel.access import Actor, Permission, requires
from parlour.kernel.addresses import mailbox_of
from parlour.kernel.keys import Keys
from parlour.kernel.messages import Attachment


class Visit(Struct, Generic[R], frozen=True):
    """Whose portal this is, who this browser is there, and what was found in that name."""

    workspace: Portal
    actor: Actor
    found: R


@requires(Permission.PORTAL_SEE)
def visit(
    tx: Tx,
    slug: str,
    ticket_id: UUID,
    keys: Keys,
    unit: Unit[P, R],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Visit[R]:
    """What `unit` finds in the name of the customer that this browser is for the ticket."""

    def found(tx: Tx, whose: tuple[Portal, Actor]) -> Visit[R]:
        workspace, actor = whose
        return Visit(workspace, actor, unit(tx.acting_as(actor), *args, **kwargs))

    return tx.led(
        lambda tx: access.customer_at(tx, slug, ticket_id, keys),
        found,
        known_by=(slug, ticket_id, *keys.hashes_for(ticket_id)),
    )


@requires(Permission.TICKET_READ)
def ticket_page(tx: Tx, ticket_id: UUID, limit: int) -> tuple[Ticket, History, Sequence[Attachment]]:
    """The ticket, its newest messages, and the files that it was opened with."""
    ticket, history = conversation.conversation(tx, ticket_id, None, limit)
    if history.has_older:
        return ticket, history, files.of_message(tx, ticket.chat_room_id, 1)
    return ticket, history, [file for first in history.messages[:1] for file in first.files]


@requires(Permission.PORTAL_SEE)
def front_page(tx: Tx, slug: str, keys: Keys) -> tuple[Portal, Sequence[TicketRow]]:
    workspace = workspaces.workspace_at(tx, slug)
    visitor = tx.acting_as(Actor.visitor(workspace.workspace_id))
    return workspace, access.tickets_of_browser(visitor, keys)


class Counting(Protocol):
    """A use of a limit, counted with what is limited."""

    def asking(self, tx: Tx, *who: str) -> Callable[[], None]:
        """With what is asked next. What comes back raises TooMany."""

    def give_back(self, tx: Tx, *who: str) -> None:
        """It turns out to be none."""


def uploader(workspace_id: UUID, keys: Keys) -> Actor:
    """A visitor to whom this browser's uploads belong."""
    return Actor.visitor(workspace_id, " ".join(keys.hashes_of_uploader))


@requires(Permission.PORTAL_SEE)
def open_at(
    tx: Tx, slug: str, draft: Draft, keys: Keys, network: str, by_network: Counting, by_email: Counting
) -> tuple[Ticket, str]:
    """The ticket, which may have been there already, and the browser's new secret for it.

    A repeat is no new ticket of the address. In the name of the `uploader` that this browser is where the
    portal is supposed to be, which is asked with the rest; of a visitor in no workspace it is found first.
    Raises UnknownWorkspace, TooMany, and what `tickets.open_ticket` raises.
    """
    mailbox = mailbox_of(draft.email)
    if tx.actor.workspace_id is None:
        tx = tx.acting_as(uploader(workspaces.workspace_at(tx, slug).workspace_id, keys))
    is_there = workspaces.asking_to_be_at(tx, slug)
    allowed, counted = by_network.asking(tx, network), by_email.asking(tx, mailbox)
    prints = files.prints(tx, draft.file_ids)
    before = access.asking_opened_in_these_words(tx, draft, keys, prints)
    open_it = tickets.about_to_open(tx, draft)
    is_there()
    allowed()
    same = before()
    if same:
        files.are_those_of(tx, same.chat_room_id, 1, draft.file_ids)  # and the copies go
    opened = open_it(same)
    if opened.repeat:
        by_email.give_back(tx, mailbox)
    else:
        counted()
    return opened.ticket, access.admit_opener(tx, opened.ticket, keys, prints)
