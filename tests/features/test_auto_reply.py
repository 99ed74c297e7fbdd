"""What a workspace answers by itself: by its hours, once a ticket and sender a day, never to a machine."""

import asyncio
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from parlour.features.contacts import service as contacts
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.workspaces.auto_reply import service
from parlour.features.workspaces.auto_reply.service import is_open, text_at
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.features.workspaces.models import AutoReply
from parlour.kernel.access import Actor
from parlour.kernel.errors import Invalid
from tests.features.test_told_by_mail import pass_by
from tests.house import Browser, House
from tests.jobs import are_due
from tests.mailbox import delivered, text_of
from tests.tickets import ada

SUPPORT, MARIA = "support@acme.example", "maria@example.com"
ALWAYS = AutoReply(True, "We read it today.", "We read it today.", days=tuple(range(7)))
BERLIN = AutoReply(True, "in", "out", zone="Europe/Berlin")


@pytest.fixture
async def mailing(house: House) -> House:
    await house.as_system(mailboxes.add, SUPPORT)
    return house


async def write(house: House, sender: str = MARIA, **headers: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = sender, SUPPORT, f"<{uuid4()}@example.com>"
    for name, value in {"Subject": "Tent", **headers}.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(f"My tent leaks, {uuid4()}.")
    await Arrivals(house.db, house.app.parlour.files.store).accept(mail.as_bytes(), [SUPPORT])
    async with asyncio.timeout(60):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)


async def answers(house: House, to: str = MARIA) -> list[str]:
    """Which mails said it, by their subjects."""
    found = [each for each in delivered(house, to) if "We read it today." in text_of(each)]
    assert {each["Auto-Submitted"] for each in found} <= {"auto-replied"}
    return [str(each["Subject"]) for each in found]


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-03-02T07:59", False),  # a Monday, 08:59 in Berlin
        ("2026-03-02T08:00", True),
        ("2026-03-02T15:59", True),
        ("2026-03-02T16:00", False),
        ("2026-06-01T07:00", True),  # summer time
        ("2026-03-01T10:00", False),  # a Sunday
    ],
)
def test_the_hours_are_those_of_the_zone(moment: str, open_: bool) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)

    assert is_open(BERLIN, at) is open_
    assert text_at(BERLIN, at) == ("in" if open_ else "out")
    assert text_at(AutoReply(False, "in", "out"), at) == ""


async def test_a_new_ticket_is_answered_in_its_confirmation_and_a_later_mail_once_a_day(
    mailing: House,
) -> None:
    await mailing.db.write(ada(mailing), service.choose, ALWAYS)
    await write(mailing)
    assert len(await answers(mailing)) == 1
    for _ in range(2):
        await write(mailing, Subject="Re: Tent (#1)")
    assert len(await answers(mailing)) == 1, "the confirmation said it"

    await pass_by(mailing, hours=25)
    for _ in range(2):
        await write(mailing, Subject="Re: Tent (#1)")
    assert (await answers(mailing))[1:] == ["Re: Tent (#1)"]
    assert "mail.auto_reply" in {each.kind for each in (await mailing.as_system(outgoing.page)).mails}


@pytest.mark.parametrize(
    "headers",
    [{"Auto-Submitted": "auto-replied"}, {"List-Id": "<list.example.com>"}, {"Precedence": "bulk"}],
    ids=lambda headers: next(iter(headers)),
)
async def test_no_machine_is_answered(mailing: House, headers: dict[str, str]) -> None:
    await mailing.db.write(ada(mailing), service.choose, ALWAYS)
    await write(mailing)
    await pass_by(mailing, hours=25)
    await write(mailing, Subject="Re: Tent (#1)", **headers)

    assert len(await answers(mailing)) == 1


async def test_nobody_blocked_is_answered_and_off_is_off(mailing: House) -> None:
    await write(mailing)
    assert await answers(mailing) == [], "it is off by itself"
    await mailing.db.write(ada(mailing), service.choose, ALWAYS)
    maria = await mailing.as_system(contacts.at, MARIA)
    assert maria
    await mailing.db.write(ada(mailing), contacts.block, maria.contact_id)
    await pass_by(mailing, hours=25)
    await write(mailing, Subject="Re: Tent (#1)")

    assert await answers(mailing) == []


@pytest.mark.parametrize(
    ("wrong", "problems"),
    [
        ({"within": "", "outside": ""}, {"within": "required"}),
        ({"within": "x" * 2001}, {"within": "too_long"}),
        ({"zone": "Nowhere/Never"}, {"zone": "unknown"}),
        ({"days": ()}, {"days": "required"}),
        ({"opens": "9 o'clock"}, {"opens": "invalid"}),
        ({"opens": "17:00", "closes": "09:00"}, {"closes": "early"}),
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_said(
    house: House, wrong: dict[str, Any], problems: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refused:
        await house.db.write(ada(house), service.choose, replace(ALWAYS, **wrong))

    assert refused.value.problems == problems


async def test_the_page_keeps_what_was_typed_and_shows_what_would_be_said(
    house: House, desk: Browser
) -> None:
    here = f"/workspace/{house.workspace.workspace_id}/settings/auto-reply"
    page = await desk.get(here)
    assert "The auto-reply is off." in page.text
    days = {f"day{day}": "yes" for day in range(7)}
    form = {"on": "yes", "within": "We read it today.", "outside": "Tomorrow.", "zone": "Mars", **days}
    form |= {"opens": "00:00", "closes": "00:00"}
    seen = re.findall(r'name="seen" value="([^"]*)"', page.text)[0]
    refused = await desk.submit(here, {**form, "seen": seen}, page=here)
    assert "Enter a time zone like Europe/Berlin" in refused.text
    assert ">\nWe read it today.</textarea>" in refused.text
    taken = await desk.submit(here, {**form, "seen": seen, "zone": "Europe/Berlin"}, page=here)
    assert taken.status_code == 303
    after = (await desk.get(here)).text

    assert '<blockquote class="rounded-lg border bg-muted/40 p-4 text-sm whitespace-pre-wrap' in after
    assert "This is within your hours." in after
    await desk.submit(f"/workspace/{house.workspace.workspace_id}/settings", {"name": "Acme"}, page=here)
    assert (await house.as_system(service.chosen)).on
