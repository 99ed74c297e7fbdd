"""A day of mail through Dovecot and Postfix while server, worker, database and mail servers are killed.

Mail comes in by IMAP, by SMTP and by the pipe, and goes out by Postfix again: people's new mails, their
answers in every way in which one finds its ticket, mails that come twice or by two ways, what machines and
lists write, reports, loops, a flood and damaged ones. It fails unless in the end every mail has exactly one
outcome, every person's words stand exactly once, whoever opened a ticket has one mail that says so, and no
machine has any. Needs PostgreSQL, Dovecot, Postfix and curl, and root.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.faults import mail_day


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench mailday",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--mails", type=int, default=2_000, help="(%(default)s)")
    parser.add_argument("--kills", type=int, default=40, help="each server in turn (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of who writes what, and when (%(default)s)")
    parser.add_argument("--hurry", action="store_true", help="end the leases of what was killed at once")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="parlour-mailday-") as folder:
        day = mail_day.run(
            Path(folder), mails=chosen.mails, kills=chosen.kills, seed=chosen.seed, hurries=chosen.hurry
        )
        report(asyncio.run(day))
    return 0


def report(course: mail_day.Course) -> None:
    print(f"{len(course.brought)} mails were brought within {course.seconds:.0f} s")
    print(f"killed: {', '.join(f'{name} {often}' for name, often in course.killed.items())}")
    for outcome, count in course.outcomes.most_common():
        print(f"  {outcome:12}{count:6}")
    words = sum(each.is_for_people for each in course.brought)
    print(f"{words} of them of people; every one of their words stands once, and nobody else's does")
    again = f"{course.mailed_again} once more under the same Message-ID"
    print(f"{course.mailed} mails of ours arrived, {again}")
