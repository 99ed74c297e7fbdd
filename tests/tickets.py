"""One ticket at the desk, as tests reach it."""

from html import unescape
from urllib.parse import urljoin
from uuid import uuid4

from httpx import Response

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Ticket
from parlour.kernel.access import Actor, Role
from tests.house import ORIGIN, House

JSON = {"accept": "application/json"}


def place(house: House, ticket: Ticket) -> str:
    """Its page at the desk of `acme`."""
    return f"/workspace/{house.workspace.workspace_id}/tickets/{ticket.ticket_id}"


def words(content: str, **more: str) -> dict[str, str]:
    """A message's form, with an id of its own."""
    return {"content": content, "client_id": str(uuid4()), **more}


def ada(house: House) -> Actor:
    return Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada Moreau")


async def now(house: House, ticket: Ticket) -> Ticket:
    """The ticket as it stands at this moment."""
    found: Ticket = await house.as_system(tickets.ticket, ticket.ticket_id)
    return found


async def customer_says(house: House, ticket: Ticket, content: str) -> int:
    """Its sequence number."""
    customer = Actor.customer(house.workspace.workspace_id, ticket.ticket_id, ticket.email)
    sent = await house.db.write(customer, tickets.send_message, ticket.ticket_id, content, uuid4())
    seq: int = sent.message.seq
    return seq


def from_there(page: Response, address: str) -> str:
    """Where a browser goes by this address, as it stands on that page."""
    return urljoin(str(page.url), unescape(address)).removeprefix(ORIGIN)
