"""Whether a mail comes from whom it says is told where our own mail server has looked."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from parlour.features.mailroom.arrivals import Arrivals
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Actor
from tests.house import open_house
from tests.jobs import are_due
from tests.mail.receive.mails import text

SUPPORT = "support@acme.example"


@pytest.mark.parametrize(
    ("server", "verified", "not_verified"), [("mx.acme.example", 1, 1), ("", 0, 0)], ids=["looks", "does not"]
)
async def test_the_ledger_says_whom_our_own_mail_server_vouches_for(
    tmp_path: Path, server: str, verified: int, not_verified: int
) -> None:
    async with open_house(tmp_path, PARLOUR_MAIL_AUTHSERV_ID=server) as house:
        await house.as_system(mailboxes.add, SUPPORT)
        arrivals = Arrivals(house.db, house.app.parlour.files.store)
        for number, name in enumerate(("mx.acme.example", "mx.evil.example")):
            results = f"Authentication-Results: {name}; dmarc=pass header.from=example.com"
            mail = text("It leaks.", f"Message-ID: <{number}@example.com>", results)
            assert await arrivals.accept(mail, [SUPPORT])
        async with asyncio.timeout(30):
            while await house.db.read(Actor.system(), are_due):
                await asyncio.sleep(0.02)
        async with aclosing(await house.sign_in()) as ada:
            page = (await ada.get(f"/workspace/{house.workspace.workspace_id}/mail")).text

    assert page.count("ada@example.com") == 2
    assert (page.count("(verified)"), page.count("(not verified)")) == (verified, not_verified)
