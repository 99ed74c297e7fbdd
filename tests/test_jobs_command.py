"""`parlour jobs` as its operator meets it."""

from datetime import timedelta
from pathlib import Path

import pytest

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.lanes import Lane
from parlour.kernel.access import Actor
from tests.house import open_database
from tests.shell import Shell, sentence


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("furnished") / "data")
    assert shell.run("workspace", "create", "acme", "--name", "Acme Outdoor").returncode == 0
    return shell


def put(tx: Tx, email: str) -> None:
    tx.enqueue("mail.confirmation", {"email": email})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Name one job, as `parlour jobs dead` prints it, or say --all."),
        (
            ["--all", "00000000-0000-7000-8000-000000000000"],
            "Name one job, as `parlour jobs dead` prints it, or say --all.",
        ),
        (["00000000-0000-7000-8000-000000000000", "--kind", "mail.security"], "--kind goes with --all."),
        (["--all", "--kind", "nonsense"], "There are no jobs of the kind 'nonsense'. The kinds are "),
    ],
)
def test_what_is_to_run_again_is_one_job_or_all(furnished: Shell, arguments: list[str], says: str) -> None:
    said = sentence(furnished.run("jobs", "retry", *arguments))

    assert said.startswith(says)
    assert (says == said) != ("mail.confirmation" in said)


async def test_who_waits_for_a_mail_is_told_until_it_was_given_up_and_all_run_again(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "data")
    async with open_database(tmp_path / "data") as db:
        for number in range(3):
            await db.write(Actor.system(), put, f"c{number}@example.com")
        later, gone = await db.write(
            Actor.system(), outbox.claim, Lane.MAIL, lease=timedelta(seconds=30), limit=2
        )
        await db.write(
            Actor.system(), outbox.retry, later, after=timedelta(hours=1), error="451 later\nask\x1b[2J"
        )
        await db.write(Actor.system(), outbox.bury, gone, error="550 5.1.1 no such mailbox")
    waiting = shell.run("jobs", "waiting")
    dead = shell.run("jobs", "dead")
    other = shell.run("jobs", "retry", "--all", "--kind", "mail.security")
    retried = shell.run("jobs", "retry", "--all", "--kind", "mail.confirmation")
    after = shell.run("jobs", "dead")

    assert "\x1b" not in waiting.stdout
    untried, tried = waiting.stdout.splitlines()
    assert "not tried yet  mail/mail.confirmation  c2@example.com" in untried
    assert "tried 1×, next " in tried
    assert "c0@example.com  451 later" in tried
    assert waiting.stderr == "2 waiting.\n"
    assert "mail/mail.confirmation  c1@example.com  550 5.1.1 no such mailbox" in dead.stdout
    assert other.stdout.startswith("0 run again")
    assert retried.stdout.startswith("1 run again")
    assert after.stderr == "No job was given up.\n"
