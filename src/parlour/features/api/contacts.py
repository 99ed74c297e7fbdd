"""The people who write."""

from parlour.features.api import cursors, shapes, units
from parlour.features.api.answers import Answer, answer
from parlour.features.api.operations import HOME, Call, Operation
from parlour.features.contacts import service as contacts
from parlour.features.contacts.models import Contact
from parlour.kernel.errors import Invalid


def contact_shape(contact: Contact) -> shapes.Contact:
    return shapes.Contact(
        contact_id=contact.contact_id,
        email=contact.email,
        name=contact.name,
        note=contact.note,
        blocked=contact.blocked_at is not None,
        created_at=contact.created_at,
    )


async def list_contacts(call: Call) -> Answer:
    """List the people who write.

    By their addresses; `email` narrows the list to those whose address begins so.
    """
    asked, after = cursors.unseal(call, "contacts")
    page = await call.read(contacts.page, beginning=asked.email, after=after or "", limit=asked.limit)
    goes_on = cursors.seal(call, "contacts", asked, page.next) if page.next else None
    return answer(shapes.ContactList([contact_shape(each) for each in page.contacts], goes_on))


async def add_contact(call: Call) -> Answer:
    """Add somebody who has not written yet."""

    def made(contact: Contact) -> Answer:
        return answer(contact_shape(contact), 201, Location=f"{HOME}/contacts/{contact.contact_id}")

    return await call.write(units.add_contact, made, call.body)


async def get_contact(call: Call) -> Answer:
    """Read what is known of somebody."""
    return answer(contact_shape(await call.read(contacts.contact, call.id("contact_id"))))


async def change_contact(call: Call) -> Answer:
    """Change a name or a note, block or unblock.

    Only what you send changes; null empties it.
    """
    return await call.write(
        units.change_contact, lambda contact: answer(contact_shape(contact)), call.id("contact_id"), call.body
    )


OPERATIONS = [
    Operation("GET", "/contacts", list_contacts, shapes.ContactList, query=shapes.ContactQuery),
    Operation(
        "POST",
        "/contacts",
        add_contact,
        shapes.Contact,
        role="agent",
        takes=shapes.NewContact,
        status=201,
        refusals=(Invalid, contacts.KnownContact),
        example={"email": "nia@example.com", "name": "Nia Okafor"},
    ),
    Operation(
        "GET", "/contacts/{contact_id}", get_contact, shapes.Contact, refusals=(contacts.UnknownContact,)
    ),
    Operation(
        "PATCH",
        "/contacts/{contact_id}",
        change_contact,
        shapes.Contact,
        role="agent",
        takes=shapes.ContactChange,
        refusals=(contacts.UnknownContact, Invalid),
        example={"note": "Prefers to be called."},
    ),
]
