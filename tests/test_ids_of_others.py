"""Every route with an id in it: no answer tells what another workspace has from what nobody has."""

import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from parlour.features.contacts import service as contacts
from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.tickets.bulk import service as bulk
from parlour.features.tickets.models import Field
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Actor, Role
from tests.house import comparable
from tests.people import Town, open_town
from tests.test_routes import ROUTES

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = re.compile(r"\{(\w+_id)\}")
NO_THINGS = {"workspace_id", "client_id"}
"""A workspace is looked for by another test; the id of a message is its sender's own choice."""
CASES = [
    (route, name)
    for route in ROUTES
    for name in NAMES.findall(route)
    if name not in NO_THINGS and "/support/" not in route
]
OF_ITS_OWN = {"date", "set-cookie"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with open_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def others(town: Town) -> dict[str, UUID]:
    """One thing of each kind, which another workspace has."""
    house = town.house
    there = house.other.workspace_id
    olga = Actor.agent(there, town.people["outsider"], Role.OWNER, "Olga")
    made = {
        name: await house.db.write(olga, town._thing, name)  # noqa: SLF001 as in its own workspace
        for name in ("view_id", "reply_id", "tag_id", "key_id", "webhook_id", "mailbox_id", "invitation_id")
    }
    delivery_id = town.things["delivery_id"]
    known = await house.db.read(olga, contacts.at, town.elsewhere.email)
    changed = await house.db.write(olga, bulk.start, [town.elsewhere.ticket_id], Field.PRIORITY, "high")
    [letter, *_] = (await house.db.read(olga, outgoing.page)).mails
    await house.db.write(Actor.system(there), mailboxes.add, "support@other.example")
    await Arrivals(house.db, house.app.parlour.files.store).accept(b"no mail", ["support@other.example"])
    [mail, *_] = (await house.db.read(olga, mailroom.ledger)).mails
    async with await town.come("stranger") as browser:
        room = f"/support/{house.other.slug}/ticket/{town.elsewhere.ticket_id}/chat"
        fields = {
            "csrf": await browser.csrf(room),
            "content": "",
            "client_id": str(uuid4()),
            "files": "Paid.",
        }
        said = await browser.post(room, data=fields, headers={"accept": "application/json"})
    await town.furnish()
    assert known
    return {
        **made,
        "delivery_id": delivery_id,
        "contact_id": known.contact_id,
        "bulk_id": changed.bulk_id,
        "letter_id": letter.mail_id,
        "mail_id": mail.mail_id,
        "file_id": UUID(said.json()["message"]["files"][0]["file_id"]),
        "user_id": town.people["outsider"],
        "ticket_id": town.elsewhere.ticket_id,
    }


def all_of(answer: httpx.Response, asked_for: UUID) -> tuple[object, ...]:
    headers = {name: value for name, value in answer.headers.items() if name not in OF_ITS_OWN}
    told = str(sorted(headers.items())).replace(str(asked_for), "(id)")
    return answer.status_code, told, comparable(answer.text, str(asked_for))


@pytest.mark.parametrize(("route", "name"), CASES, ids=[f"{route} {name}" for route, name in CASES])
async def test_what_another_workspace_has_is_answered_as_what_nobody_has(
    town: Town, others: dict[str, UUID], route: str, name: str
) -> None:
    method, template = route.split()
    form = await town.form(template) if method == "POST" else {}
    answers = []
    for this in (others[name], uuid4()):
        path = town.path(template, **{name: str(this)})
        async with await town.come("owner") as browser:
            if method == "POST":
                answer = await browser.submit(path, form, page="/support/acme")
            else:
                answer = await browser.get(path)
        answers.append(all_of(answer, this))

    assert answers[0] == answers[1]
    assert answers[0][0] in (204, 303, 404)  # what is not there needs not be taken back
