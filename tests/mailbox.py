"""The mails that a house has written, as their readers see them."""

import asyncio
import email
import email.policy
import time
from email.message import EmailMessage

from tests.house import House


def delivered(house: House, to: str) -> list[EmailMessage]:
    """What has arrived at one address so far, the oldest first."""
    folder = house.app.parlour.settings.mail_folder
    files = sorted(path for path in folder.glob("*.eml") if not path.name.startswith("."))
    mails = [
        email.message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=email.policy.default)
        for path in files
    ]
    return [mail for mail in mails if mail["To"] == to]


async def mails(house: House, to: str, count: int = 1) -> list[EmailMessage]:
    """Wait until `count` mails have arrived there."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = delivered(house, to)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{to} got {len(delivered(house, to))} mails instead of {count}")


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body
    return str(body.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body
    return str(body.get_content())
