"""From a message to the mail that it was: all its text, and its HTML in a frame that lets nothing in."""

import asyncio
import re
from email.message import EmailMessage

import pytest

from parlour.features.mailroom import service as mailroom
from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Actor
from tests.house import Browser, House
from tests.jobs import are_due

SUPPORT, MARIA = "support@acme.example", "maria@example.com"
PNG = bytes.fromhex("89504e470d0a1a0a") + b"not much of a picture"
HTML = """<p onclick="steal()">My <b>tent</b> leaks.</p><script>steal()</script>
<img src="cid:photo@x" alt="the leak"><img src="https://spy.example/pixel.png" alt="">
<blockquote type="cite">What you wrote before.</blockquote>"""


@pytest.fixture
async def ticket(house: House) -> str:
    """The address of the page of a ticket that a mail has opened."""
    await house.as_system(mailboxes.add, SUPPORT)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = MARIA, SUPPORT, "Tent", "<one@x>"
    mail.set_content("My tent leaks.\n\nOn Monday, Acme wrote:\n> What you wrote before.\n")
    mail.add_alternative(HTML, subtype="html")
    mail.get_payload()[1].add_related(PNG, "image", "png", cid="<photo@x>")  # type: ignore[union-attr, index]
    await Arrivals(house.db, house.app.parlour.files.store).accept(mail.as_bytes(), [SUPPORT])
    async with asyncio.timeout(60):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)
    [line] = (await house.as_system(mailroom.ledger)).mails
    return f"/workspace/{house.workspace.workspace_id}/tickets/{line.ticket_id}"


async def the_mail(desk: Browser, ticket: str) -> str:
    """The address of its page, by the link at the message."""
    page = await desk.get(ticket)
    [link] = re.findall(r'<a href="([^"]*/mails/[0-9a-f-]{36})"', page.text)
    answer = await desk.get(str(page.url.join(link)))
    return str(answer.headers["location"])


async def test_the_message_leads_to_all_of_its_text_and_to_a_frame(desk: Browser, ticket: str) -> None:
    here = await the_mail(desk, ticket)
    page = await desk.get(here)

    assert "&gt; What you wrote before." in page.text
    assert f'<iframe src="{here}/frame" sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]


async def test_the_frame_has_an_origin_of_its_own_and_no_script(desk: Browser, ticket: str) -> None:
    frame = await desk.get(f"{await the_mail(desk, ticket)}/frame")
    policy = frame.headers["content-security-policy"]

    assert policy.startswith("sandbox allow-popups")
    assert "allow-same-origin" not in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert frame.headers["x-frame-options"] == "SAMEORIGIN"
    assert "steal" not in frame.text
    assert "<b>tent</b>" in frame.text


async def test_its_own_pictures_come_along_and_those_from_elsewhere_only_when_asked(
    desk: Browser, ticket: str
) -> None:
    here = await the_mail(desk, ticket)
    frame = await desk.get(f"{here}/frame")
    asked = await desk.get(f"{here}/frame?pictures=yes")

    assert 'src="data:image/png;base64,' in frame.text
    assert "img-src data:;" in frame.headers["content-security-policy"]
    assert "img-src data: https: http:;" in asked.headers["content-security-policy"]
    assert "Show pictures from elsewhere" in (await desk.get(here)).text
    assert f'src="{here}/frame?pictures=yes"' in (await desk.get(f"{here}?pictures=yes")).text


async def test_what_was_no_mail_has_no_such_link(house: House, visitor: Browser, desk: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    page = await desk.get(f"/workspace/{house.workspace.workspace_id}/tickets/{ticket.ticket_id}")

    assert "/mails/" not in page.text
