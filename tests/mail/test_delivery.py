"""A mail's whole way: a job stored in a transaction, the worker, a mailer, a server."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from parlour import worker
from parlour.db import backlog, outbox
from parlour.db.backlog import StoredJob
from parlour.db.database import Database
from parlour.db.outbox import Job
from parlour.kernel.access import Actor
from parlour.mail.post import Post
from parlour.mail.relay import RelayRefuses
from parlour.mail.send import SmtpMailer
from parlour.mail.threads import message_id
from parlour.web.render import Renderer
from parlour.worker import LONGEST_DELAY, Worker
from tests.house import open_database, settings_for
from tests.jobs import time_passes
from tests.post_office import PostOffice

SYSTEM = Actor.system()
FACTS = {
    "workspace": {"name": "Acme", "slug": "acme"},
    "ticket": {"number": 7},
    "link": "https://desk.example/support/acme/access#s3cret-code",
    "code": "s3cret-code",
    "days": 7,
    "portal": "https://desk.example/support/acme",
    "auto_reply": "",
}


class PostRound:
    """A database, and a worker that mails."""

    def __init__(self, db: Database, post: Post) -> None:
        self.db = db
        self.worker = Worker(db, {"mail.confirmation": self._confirm})
        self.tried = 0
        self.post = post

    async def _confirm(self, job: Job) -> None:
        self.tried += 1
        await self.post.send(job, "confirmation", job.payload["email"], **FACTS)

    async def ask(self, email: str = "mary@example.test") -> None:
        await self.db.write(SYSTEM, lambda tx: tx.enqueue("mail.confirmation", {"email": email}))
        self.worker.wake()

    async def tries(self, count: int) -> None:
        """Wait until the job was tried `count` times and put back or ended."""
        async with asyncio.timeout(30):
            while self.tried < count or await self.db.read(SYSTEM, _held):
                await asyncio.sleep(0.01)

    async def tries_later(self, count: int) -> None:
        """The same, after the longest delay there is between two attempts."""
        await time_passes(self.db, LONGEST_DELAY)
        self.worker.wake()
        await self.tries(count)

    async def dead(self) -> list[StoredJob]:
        return list((await self.db.scan(SYSTEM, backlog.dead_jobs, limit=10)).jobs)


def _held(tx: Any) -> bool:
    return bool(tx.connection.exec_driver_sql("SELECT count(locked_until) FROM outbox").scalar())


@pytest.fixture
async def post(
    tmp_path: Path, office: PostOffice, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[PostRound]:
    """A job that was put back stays there until a test says that time has passed."""
    monkeypatch.setattr(worker, "delay_after", lambda _: LONGEST_DELAY)
    async with open_database(tmp_path) as db:
        settings = settings_for(tmp_path, PARLOUR_BASE_URL="https://desk.example")
        mailer = SmtpMailer(office.url, "support@desk.example")
        post = PostRound(db, Post(db, renderer, mailer, settings))
        running = asyncio.create_task(post.worker.run())
        yield post
        await post.worker.stop()
        await running


def subjects(mails: list[EmailMessage]) -> list[str]:
    return [str(mail["Subject"]) for mail in mails]


async def test_a_job_becomes_one_mail(post: PostRound, office: PostOffice) -> None:
    await post.ask()
    await post.tries(1)

    assert subjects(office.mails) == ["Your ticket at Acme (#7)"]


async def test_a_mail_that_is_too_large_is_given_up_at_once(post: PostRound, office: PostOffice) -> None:
    office.answers["MAIL"] = ["552 5.3.4 This mail is larger than we take"]
    await post.ask()
    await post.tries(1)
    [dead] = await post.dead()

    assert "552 5.3.4" in dead.error
    assert not post.post.refusing


async def test_a_server_that_comes_back_gets_the_mail_once(post: PostRound, office: PostOffice) -> None:
    await office.close()
    await post.ask()
    await post.tries(1)
    await office.open()

    await post.tries_later(2)

    assert subjects(office.mails) == ["Your ticket at Acme (#7)"]


async def test_a_mailbox_that_is_full_for_now_gets_the_mail_later(
    post: PostRound, office: PostOffice
) -> None:
    office.answers["RCPT"] = ["451 4.2.2 mailbox is full"]
    await post.ask()
    await post.tries(1)

    await post.tries_later(2)

    assert subjects(office.mails) == ["Your ticket at Acme (#7)"]


async def test_a_mailbox_that_does_not_exist_ends_the_job_in_the_servers_words(
    post: PostRound, office: PostOffice
) -> None:
    office.answers["RCPT"] = ["550 5.1.1 no such mailbox"]
    await post.ask()
    await post.tries(1)

    assert [(job.attempts, job.error) for job in await post.dead()] == [(1, "550 5.1.1 no such mailbox")]


async def test_what_was_given_up_before_it_was_plain_that_everybody_is_refused_comes_back(
    post: PostRound, office: PostOffice
) -> None:
    office.nobody = "550 5.1.1 no such user"
    for number in (1, 2, 3):
        await post.ask(f"c{number}@example.test")
        await post.tries(number)
    await post.tries(5)

    office.nobody = ""
    await post.tries_later(6)

    assert {mail["To"] for mail in office.mails} == {f"c{number}@example.test" for number in (1, 2, 3)}
    assert await post.dead() == []


async def test_they_come_back_also_when_a_mail_of_no_job_makes_it_plain(
    post: PostRound, office: PostOffice
) -> None:
    office.nobody = "550 5.1.1 no such user"
    for number in (1, 2):
        await post.ask(f"c{number}@example.test")
        await post.tries(number)
    with pytest.raises(RelayRefuses):
        await post.post.try_out("test", "ada@example.test", workspace=FACTS["workspace"])

    office.nobody = ""
    await post.tries_later(4)

    assert {mail["To"] for mail in office.mails} == {f"c{number}@example.test" for number in (1, 2)}
    assert await post.dead() == []


async def test_those_that_are_refused_at_the_same_moment_come_back_too(
    post: PostRound, office: PostOffice
) -> None:
    """One may find everybody refused before another has been given up: then the next mail looks again."""
    office.nobody = "550 5.1.1 no such user"
    await asyncio.gather(*[post.ask(f"c{number}@example.test") for number in (1, 2, 3)])
    await post.tries(3)
    office.nobody = ""
    await post.ask("c4@example.test")
    await post.tries(4)
    await time_passes(post.db, LONGEST_DELAY)
    post.worker.wake()

    async with asyncio.timeout(30):
        while len(office.mails) < 4:
            await asyncio.sleep(0.01)
    assert await post.dead() == []


async def test_a_revived_job_sends_its_mail_under_the_same_message_id(
    post: PostRound, office: PostOffice
) -> None:
    office.answers["RCPT"] = ["550 5.1.1 no such mailbox"]
    await post.ask()
    await post.tries(1)
    [dead] = await post.dead()

    await post.db.write(SYSTEM, outbox.revive, dead.job_id)
    post.worker.wake()
    await post.tries(2)

    assert [mail["Message-ID"] for mail in office.mails] == [message_id(dead.job_id, "desk.example")]


async def test_the_log_of_a_mail_tells_neither_address_nor_code(post: PostRound, office: PostOffice) -> None:
    office.answers["RCPT"] = ["451 later"]
    with capture_logs() as logs:
        await post.ask()
        await post.tries(1)
        await post.tries_later(2)
        async with asyncio.timeout(30):
            while logs[-1]["event"] != "job.finished":  # said after it is stored
                await asyncio.sleep(0.01)

    assert {line["event"] for line in logs} == {"job.retried", "mail.sent", "job.finished"}
    assert "mary" not in str(logs)
    assert "s3cret" not in str(logs)
