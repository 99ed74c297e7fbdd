"""A day of mail through Dovecot and Postfix, while whatever carries it is killed at moments drawn by lot."""

import asyncio
import random
import re
import signal
import smtplib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from tests.cluster import Cluster, open_cluster
from tests.dovecot import PASSWORD, Dovecot
from tests.faults.correspondence import BY_IMAP, BY_PIPE, BY_SMTP, HOST, ODD, Letter, Writers
from tests.faults.mail_day_end import check, unfinished
from tests.live import SLUG
from tests.pipe import Pipe
from tests.ports import free_port
from tests.post_office import PostOffice, parse
from tests.postfix import Postfix

AT_ONCE = 8
"""Mails that are being brought at the same moment."""
CROWD = 40
"""Writers at the same moment, most of whom wait for a confirmation."""
DOWN_SECONDS = (0.2, 1.5)
ANSWERED_WITHIN = 600.0
"""Seconds for whoever waits for a confirmation: leases of what was killed end after thirty, and what was
tried again and again waits longer and longer.
"""
HURRIED_WITHIN = 300.0
"""Seconds for all of it where nothing waits for its next turn."""
SHARES = {"robots": 0.25, "damaged": 0.1, "flood": 0.02}
"""Of all mails; the others are of people, who write four or five each."""


@dataclass
class Course:
    """What came of it."""

    brought: list[Letter] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    mailed: int = 0
    """Mails of ours that arrived, each once however often it was sent."""
    mailed_again: int = 0
    seconds: float = 0.0


class Day:
    """`hurries`: leases of what was killed end at once, as if their half minute had passed."""

    def __init__(
        self,
        cluster: Cluster,
        dovecot: Dovecot,
        postfix: Postfix,
        office: PostOffice,
        writers: Writers,
        *,
        hurries: bool,
    ) -> None:
        self.cluster, self.dovecot, self.postfix, self.office = cluster, dovecot, postfix, office
        self.writers = writers
        self.hurries = hurries
        self.course = Course()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._opened = 0
        self._first: dict[str, EmailMessage] = {}

    async def bring(self, letter: Letter) -> None:
        """Until it is taken, as a mail server does: what was taken without a word is brought again."""
        async with self._places:
            if letter.to in (BY_IMAP, ODD):
                await asyncio.to_thread(self.dovecot.deliver, letter.to, letter.raw)
            else:
                while True:
                    try:
                        await asyncio.to_thread(self.postfix.bring, letter.to, letter.raw, letter.sender)
                    except (OSError, smtplib.SMTPException):
                        await asyncio.sleep(0.1)
                    else:
                        break
        self.course.brought.append(letter)

    async def answer_to(self, address: str) -> EmailMessage:
        """The first mail that this person has got."""
        async with asyncio.timeout(ANSWERED_WITHIN):
            while address not in self._first:
                await asyncio.sleep(0.1)
                for envelope in self.office.envelopes[self._opened :]:
                    mail = parse(envelope.content)
                    self._first.setdefault(str(mail["To"]), mail)
                    self._opened += 1
        return self._first[address]

    async def customer(self, number: int) -> None:
        """Opens a ticket, and writes more in it in every way in which a mail finds its ticket."""
        me, writers = f"customer{number}@people.example", self.writers
        first = writers.person(me)
        await self.bring(first)
        answer = await self.answer_to(me)
        ours = str(answer["Message-ID"])
        more = [
            writers.person(me, answers=ours),
            writers.person(f"colleague{number}@people.example", answers=ours),
            writers.person(me, answers=first.message_id),
            writers.person(me, f"AW: Order 7 [{re.findall('#[0-9]+', answer['Subject'])[0]}]"),
            writers.again(first),
            writers.again(first, BY_SMTP if first.to == BY_IMAP else BY_IMAP),
            writers.robot("away", number, answers=ours),
            writers.report(number, about=ours),
        ]
        for letter in writers.chance.sample(more, 3):
            await self.bring(letter)

    async def kill(self, faults: "Sequence[Fault]", total: int, kills: int) -> None:
        """Each in turn, at so many moments of the whole."""
        chance = random.Random(self.writers.seed)
        moments = sorted(chance.sample(range(total // 10, total * 9 // 10), kills))
        for number, moment in enumerate(moments):
            while len(self.course.brought) < moment:
                await asyncio.sleep(0.02)
            fault = faults[number % len(faults)]
            await asyncio.to_thread(fault.kill)
            await asyncio.sleep(chance.uniform(*DOWN_SECONDS))
            await asyncio.to_thread(fault.start)
            self.course.killed[fault.name] += 1
            if self.hurries:
                self.end_leases()

    def end_leases(self) -> None:
        with self.cluster.postgres.admin_connection(self.cluster.database_url.rsplit("/", 1)[1]) as admin:
            admin.execute("UPDATE fetched_mailboxes SET due_at = looked_at")
            admin.execute(
                "UPDATE outbox SET locked_until = NULL, run_at = least(run_at, now()) "
                "WHERE finished_at IS NULL AND dead_at IS NULL AND attempts > 0"
            )

    def end_rests(self) -> None:
        """What failed is tried again at once: it may have failed after the last lease was ended."""
        with self.cluster.postgres.admin_connection(self.cluster.database_url.rsplit("/", 1)[1]) as admin:
            admin.execute("UPDATE fetched_mailboxes SET due_at = looked_at WHERE holder IS NULL")
            admin.execute(
                "UPDATE outbox SET run_at = least(run_at, now()) "
                "WHERE finished_at IS NULL AND dead_at IS NULL AND locked_until IS NULL AND attempts > 0"
            )


@dataclass(frozen=True)
class Fault:
    name: str
    kill: Callable[[], object]
    start: Callable[[], object]


def faults_of(day: Day) -> list[Fault]:
    cluster = day.cluster
    node, worker, postgres = cluster.nodes[0], cluster.workers[0], cluster.postgres
    return [
        Fault("server", node.kill, node.start),
        Fault("Postfix", day.postfix.stop, day.postfix.start),
        Fault("worker", worker.kill, worker.start),
        Fault("database", partial(postgres.stop, signal.SIGQUIT), postgres.start),
        Fault("Dovecot", day.dovecot.stop, day.dovecot.start),
    ]


async def run(folder: Path, *, mails: int, kills: int, seed: int, hurries: bool) -> Course:
    """Raises AssertionError when a mail has no outcome or two, or words are missing, doubled or answered
    that should not be.
    """
    async with AsyncExitStack() as stack:
        day = await opened(stack, folder, Writers(seed), hurries=hurries)
        began = monotonic()
        killing = asyncio.create_task(day.kill(faults_of(day), mails, kills))
        await in_turn(everybody(day, mails))
        await killing
        while left := unfinished(day.cluster, day.dovecot, day.postfix):
            assert monotonic() - began < (HURRIED_WITHIN if hurries else ANSWERED_WITHIN + mails), left
            if hurries:
                day.end_rests()
            await asyncio.sleep(0.2)
        day.course.seconds = monotonic() - began
        check(day.cluster, day.dovecot, day.office, day.course)
        return day.course


async def in_turn(writing: Iterable[Coroutine[Any, Any, None]]) -> None:
    """The next one begins when one of the crowd has finished."""
    every = iter(writing)

    async def one_after_another() -> None:
        for each in every:
            await each

    async with asyncio.TaskGroup() as crowd:
        for _ in range(CROWD):
            crowd.create_task(one_after_another())


def everybody(day: Day, mails: int) -> list[Coroutine[Any, Any, None]]:
    """The whole day's writers, in the order of the lot."""
    writers, robots = day.writers, day.writers.robots()
    made = [
        *(robots[number % len(robots)](number) for number in range(int(mails * SHARES["robots"]))),
        *(writers.damaged() for _ in range(int(mails * SHARES["damaged"]))),
        *(writers.flood() for _ in range(int(mails * SHARES["flood"]))),
    ]
    customers = (mails - len(made)) // 4
    alone = [writers.person(f"once{n}@people.example") for n in range(mails - len(made) - customers * 4)]
    every = [*map(day.bring, [*made, *alone]), *map(day.customer, range(customers))]
    writers.chance.shuffle(every)
    return every


async def opened(stack: AsyncExitStack, folder: Path, writers: Writers, *, hurries: bool) -> Day:
    """A node, a worker, and the mail servers before, beside and behind them."""
    office, port = PostOffice(), free_port()
    await office.open()
    stack.push_async_callback(office.close)
    outward = free_port()
    cluster = stack.enter_context(
        open_cluster(
            folder,
            redis=False,
            nodes=1,
            workers=1,
            PARLOUR_BASE_URL=f"https://{HOST}",
            PARLOUR_FILES_URL=str(folder / "files"),
            PARLOUR_SMTP_LISTEN=f"127.0.0.1:{port}",
            PARLOUR_SMTP_URL=f"smtp://127.0.0.1:{outward}",
        )
    )
    node = cluster.nodes[0]
    pipe = stack.enter_context(Pipe(node.environment))
    postfix = stack.enter_context(
        Postfix(port=outward, smtp={BY_SMTP: port}, piped=[BY_PIPE], beyond=office.port, script=pipe.script)
    )
    dovecot = stack.enter_context(Dovecot())
    for address in (BY_SMTP, BY_PIPE):
        node.command("mailbox", "add", address, "--workspace", SLUG)
    for address in (BY_IMAP, ODD):
        url = dovecot.url(address.replace("@", "%40"))
        options = ("--workspace", SLUG, "--imap-url", url, "--password-stdin")
        node.command("mailbox", "add", address, *options, typed=f"{PASSWORD}\n")
    return Day(cluster, dovecot, postfix, office, writers, hurries=hurries)
