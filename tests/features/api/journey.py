"""What a program does with the client that openapi-python-client makes of our contract: `parlour_client`,
which is made by the test that runs this.
"""

from io import BytesIO
from os import environ
from uuid import uuid4

from parlour_client import AuthenticatedClient
from parlour_client.api.default import (
    bring_mail,
    change_ticket,
    get_ticket,
    list_changes,
    list_messages,
    list_tickets,
    me,
    open_ticket,
    send_message,
    upload_file,
)
from parlour_client.models import (
    ChangeList,
    MessageList,
    NewMessage,
    NewTicket,
    Priority,
    Problem,
    Ticket,
    TicketChange,
    TicketList,
)
from parlour_client.types import File

with AuthenticatedClient(f"{environ['PARLOUR_URL']}/api/v1", environ["PARLOUR_KEY"]) as client:
    who = me.sync(client=client)
    assert who.workspace.slug == "acme", who
    start = list_changes.sync(client=client, after="now")

    file = upload_file.sync(client=client, body=File(BytesIO(b"Hello")), name="hello.txt")
    new = NewTicket(
        "The tent leaks", "It is wet.", "zoe@example.com", from_customer=True, files=[file.file_id]
    )
    ticket = open_ticket.sync(client=client, body=new, idempotency_key="a-journey")
    assert isinstance(ticket, Ticket), ticket
    answer = send_message.sync(ticket.ticket_id, client=client, body=NewMessage("A new one is on its way."))
    change = TicketChange(priority=Priority.HIGH)
    seen = get_ticket.sync_detailed(ticket.ticket_id, client=client).headers["ETag"]
    changed = change_ticket.sync(ticket.ticket_id, client=client, body=change, if_match=seen)
    assert changed.priority is Priority.HIGH, changed
    stale = change_ticket.sync(ticket.ticket_id, client=client, body=change, if_match=seen)
    assert isinstance(stale, Problem), stale
    assert stale.code == "stale_ticket", stale

    said = list_messages.sync(ticket.ticket_id, client=client)
    assert isinstance(said, MessageList), said
    assert [each.name for each in said.items[0].files] == ["hello.txt"], said
    assert answer in said.items, said
    page = list_tickets.sync(client=client, q="tent", limit=1)
    assert isinstance(page, TicketList), page
    assert page.items == [changed], page
    mail = bring_mail.sync(client=client, body=File(BytesIO(b"To: support@example.com\n\nHello")))
    assert mail.mailbox == "support@example.com", mail
    missing = get_ticket.sync(uuid4(), client=client)
    assert (missing.code, missing.status) == ("unknown_ticket", 404), missing

    told = list_changes.sync(client=client, after=start.next_, wait=1)
    assert isinstance(told, ChangeList), told
    mine = [each.type_ for each in told.items if each.ticket_id == ticket.ticket_id]
    assert mine[:3] == ["ticket.created", "message.created", "message.created"], told
    print("there and back")
