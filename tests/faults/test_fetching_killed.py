"""A mailbox is added as people do it, and the server that fetches it is killed again and again."""

import random
from functools import partial

import pytest

from parlour.settings import Settings
from tests import launcher
from tests.dovecot import PASSWORD, Dovecot
from tests.house import behind_its_back
from tests.live import Live
from tests.until import until

pytestmark = pytest.mark.dovecot

ADDRESS = "support@acme.example"
MAILS = 40


def mail(number: int) -> bytes:
    """Each from somebody else, so that none is held back as one of too many."""
    header = f"From: m{number}@example.com\r\nTo: {ADDRESS}\r\nSubject: Tent {number}\r\n"
    return f"{header}\r\nIt leaks.\r\n".encode()


def has_stored(settings: Settings, least: int) -> bool:
    return len(behind_its_back(settings, "SELECT 1 FROM mails")) >= least


async def test_however_often_the_fetcher_is_killed_each_mail_is_stored_once(live: Live) -> None:
    with Dovecot() as dovecot:
        url = dovecot.url("support")
        add = ["mailbox", "add", ADDRESS, "--workspace", "acme", "--imap-url", url, "--password-stdin"]
        refused = launcher.run(add, live.environment, typed="wrong\n")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "refuses the user support or the password" in refused.stderr
        live.command(*add, typed=f"{PASSWORD}\n")
        looked = launcher.run(["mailbox", "test", ADDRESS], live.environment)
        assert looked.stdout.startswith("ok    In: 127.0.0.1 lets support in; 0 mails lie in INBOX.\n")

        for number in range(MAILS):
            dovecot.deliver("support", mail(number))
        for kill in range(3):
            upto = random.randint(kill * 10 + 1, kill * 10 + 10)
            await until(partial(has_stored, live.settings, upto))
            live.kill()
            # As if the leases of what was killed had ended already.
            behind_its_back(live.settings, "UPDATE fetched_mailboxes SET due_at = looked_at")
            behind_its_back(live.settings, "UPDATE outbox SET locked_until = NULL")
            live.start()
        await until(partial(has_stored, live.settings, MAILS))
        await until(
            lambda: behind_its_back(live.settings, "SELECT 1 FROM mails WHERE outcome = 'waiting'") == []
        )

        found = behind_its_back(live.settings, "SELECT outcome, subject FROM mails")
        assert sorted(found) == sorted(("opened", f"Tent {number}") for number in range(MAILS))
        assert f"acme  {ADDRESS}  {url}/INBOX  last looked into" in live.command("mailbox", "list")
