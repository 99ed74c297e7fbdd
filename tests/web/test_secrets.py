"""Canaries: secrets go through the whole house, and none of them is ever heard in the log."""

import asyncio
import io
import logging
import re
from collections.abc import Iterator
from contextlib import aclosing
from email import message_from_bytes, policy
from typing import Literal

import pytest
import structlog

from parlour import logs
from parlour.kernel.access import Actor
from tests.house import PASSWORD, House, behind_its_back
from tests.jobs import are_due

WRONG = "a-wrong-password-canary"


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """The log of the process, as it would be on stderr, at its most talkative."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    chosen: Literal["text", "json"] = request.param
    logs.configure(chosen, stream=stream)
    root.setLevel(logging.DEBUG)
    client = logging.getLogger("httpx")  # the browser of these tests writes down every address it visits
    client.disabled = True
    yield stream
    client.disabled = False
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def mailed_secret(house: House) -> str:
    """The secret of the link that was mailed when the ticket was opened."""
    async with asyncio.timeout(20):
        while await house.db.read(Actor.system(), are_due):
            await asyncio.sleep(0.02)
    [path] = house.app.parlour.settings.mail_folder.glob("[!.]*.eml")
    body = message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("plain",))
    found = re.search(r"access#([A-Za-z0-9_-]{43})", body.get_content() if body else "")
    assert found
    return found[1]


async def test_no_secret_is_ever_logged(log: io.StringIO, house: House) -> None:
    secrets = {PASSWORD, WRONG, house.app.parlour.settings.secret_key.decode()}
    async with house.browser() as maria:
        ticket = await house.open_ticket(maria)
        link = await mailed_secret(house)
        secrets |= {link, *maria.cookies.values()}
        secrets.add(await maria.csrf("/support/acme"))
        for token in (link, "an-invented-link-canary"):
            await maria.get(f"/support/acme/access?token={token}")
            await maria.submit("/support/acme/access", {"token": token}, page="/support/acme/access")
        secrets |= {"an-invented-link-canary", *maria.cookies.values()}
        await maria.get(f"/support/acme/ticket/{ticket.ticket_id}?secret={link}")
    async with aclosing(await house.sign_in()) as ada:
        secrets.add(ada.cookies["parlour_session"])
        home = f"/workspace/{house.workspace.workspace_id}"
        secrets.add(await ada.csrf(home))
        await ada.get(f"{home}/tickets/{ticket.ticket_id}?csrf={WRONG}")
        await ada.submit("/auth/logout", {"leave": "now"}, page=home)
        await ada.submit("/auth/login", {"email": "ada@acme.example", "password": WRONG})
    heard = log.getvalue()

    assert "/auth/login" in heard
    assert sorted(secret for secret in secrets if secret in heard) == []


async def test_what_people_write_and_who_they_are_stays_out_of_the_log(
    log: io.StringIO, house: House
) -> None:
    async with house.browser() as maria:
        await house.open_ticket(
            maria, subject="Canary-subject", description="Canary-words", email="canary@example.com"
        )
        await mailed_secret(house)
    heard = log.getvalue()

    assert "request" in heard
    for private in ("Canary-subject", "Canary-words", "canary@example.com"):
        assert private not in heard


async def test_a_fault_in_the_middle_of_a_secret_form_logs_the_fault_alone(
    log: io.StringIO, house: House
) -> None:
    async with house.browser() as visitor:
        token = await visitor.csrf()
        behind_its_back(house.app.parlour.settings, "ALTER TABLE users RENAME TO lost")
        fields = {"csrf": token, "email": "canary@example.com", "password": WRONG}
        answer = await visitor.post("/auth/login", data=fields)
    heard = log.getvalue()

    assert answer.status_code == 500
    assert "no such table" in heard or "does not exist" in heard
    for private in (WRONG, "canary@example.com", token):
        assert private not in heard
