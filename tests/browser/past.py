"""What happened before a test begins, told to the services that the pages call, in the server's own database.

Pages that are open meanwhile learn nothing of it: they hear of what goes through the server.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from parlour.db.database import Database, Tx
from parlour.features.accounts import service as accounts
from parlour.features.accounts.passwords import hash_password
from parlour.features.chat import service as chat
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.listing import service as listing
from parlour.features.tickets.models import Draft, Filters, Status, Ticket, TicketRow
from parlour.features.tickets.tags import service as tags
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.keys import Keys
from parlour.web.session import ticket_cookie
from tests.live import PASSWORD, email_of

Said = tuple[Actor, str, datetime | None]
"""Who, what, and when; None is now."""


class Past:
    def __init__(self, db: Database, workspace_id: UUID) -> None:
        self.db = db
        self.system = Actor.system(workspace_id)

    async def ticket(
        self,
        subject: str = "The parcel is late",
        description: str = "It should have been here on Monday.",
        email: str = "maria@customer.example",
        at: datetime | None = None,
    ) -> Ticket:
        draft = Draft(subject, description, email, clock.new_id())

        def open_it(tx: Tx) -> Ticket:
            with clock.at(at or clock.now()):
                return tickets.open_ticket(tx, draft).ticket

        return await self.db.write(self.system, open_it)

    async def visitor(self, *opened: Ticket) -> dict[str, str]:
        """The cookies of a browser that may enter these tickets."""

        def admit(tx: Tx) -> dict[str, str]:
            return {
                ticket_cookie(ticket.ticket_id): access.admit_opener(tx, ticket, Keys()) for ticket in opened
            }

        return await self.db.write(self.system, admit)

    async def session(self, agent: str) -> str:
        """The cookie of a browser in which the agent is signed in."""

        def sign_in(tx: Tx) -> str:
            known = accounts.credentials(tx, email_of(agent))
            assert known is not None, agent
            return accounts.start_session(tx.acting_as(accounts.owner_of(known)), None)

        return await self.db.write(Actor.system(), sign_in)

    async def agent(self, name: str) -> Actor:
        """A member of the workspace, by the first name of the address or by any part of the name shown."""

        def find(tx: Tx) -> Actor:
            member = next(m for m in workspaces.members(tx) if name.lower() in m.name.lower())
            return Actor.agent(tx.workspace_id, member.user_id, member.role, member.name)

        return await self.db.read(self.system, find)

    async def give(self, ticket: Ticket, agent: str) -> None:
        """The ticket becomes the agent's, by somebody else's hand."""
        ada, holder = await self.agent("ada"), await self.agent(agent)
        seen = {"seen_version": ticket.version}
        await self.db.write(ada, tickets.assign_ticket, ticket.ticket_id, holder.user_id, **seen)

    async def hire(
        self, agent: str, name: str, *, second_workspace: bool = False, role: Role = Role.AGENT
    ) -> None:
        """One more agent, with `name` as typed; perhaps in a second workspace as well."""
        hashed = hash_password(PASSWORD)

        def join(tx: Tx) -> None:
            user_id = accounts.create_agent(tx, email_of(agent), name, PASSWORD, hashed)
            workspaces.add_member(tx, user_id, role)
            if second_workspace:
                second = workspaces.create_workspace(
                    tx.acting_as(Actor.system()), f"{agent}-second", "Second Company"
                )
                workspaces.add_member(tx.acting_as(Actor.system(second.workspace_id)), user_id, Role.OWNER)

        await self.db.write(self.system, join)

    def customer(self, ticket: Ticket) -> Actor:
        return Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)

    async def said(self, ticket: Ticket, lines: Iterable[Said]) -> None:
        def say(tx: Tx) -> None:
            for who, content, at in lines:
                with clock.at(at or clock.now()):
                    tickets.send_message(tx.acting_as(who), ticket.ticket_id, content, clock.new_id())

        await self.db.write(self.system, say)

    async def noted(self, ticket: Ticket, who: Actor, content: str) -> None:
        await self.db.write(who, tickets.add_note, ticket.ticket_id, content, clock.new_id())

    async def tag(self, name: str) -> str:
        await self.db.write(await self.agent("ada"), tags.make, name, "grey")
        return name

    async def status(self, ticket: Ticket, status: Status, who: Actor | None = None) -> None:
        def move(tx: Tx) -> None:
            version = tickets.ticket(tx, ticket.ticket_id).version
            tickets.update_ticket_status(tx, ticket.ticket_id, status, seen_version=version)

        await self.db.write(who or await self.agent("ada"), move)

    async def contents(self, ticket: Ticket) -> list[str]:
        """What people have said on the ticket, oldest first."""
        history = await self.db.read(self.system, chat.history, ticket.chat_room_id, limit=500)
        return [message.content for message in history.messages if message.sender_type != "system"]

    async def has_read(self, ticket: Ticket, content: str) -> bool:
        """Whether the customer's mark has reached the message that says this."""
        history = await self.db.read(self.customer(ticket), chat.history, ticket.chat_room_id, limit=500)
        return any(m.content == content and m.seq <= history.read_upto for m in history.messages)

    async def tickets_called(self, subject: str) -> list[TicketRow]:
        page = await self.db.read(self.system, listing.workspace_tickets, Filters(limit=500))
        return [row for row in page.rows if row.subject == subject]
