"""What must be true when a day of mail is over."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from parlour.features.mailroom.models import Outcome
from tests.cluster import Cluster
from tests.dovecot import Dovecot
from tests.faults.correspondence import BY_IMAP, ODD, Letter
from tests.post_office import PostOffice
from tests.postfix import Postfix

if TYPE_CHECKING:
    from tests.faults.mail_day import Course

TOKEN = re.compile(r"\bt\d{5}x[0-9a-f]{6}\b")
QUEUES = ("incoming", "active", "deferred")


def unfinished(cluster: Cluster, dovecot: Dovecot, postfix: Postfix) -> list[str]:
    """What is still on its way, in words. Postfix is asked before, of what comes in, and after, of what goes
    out: what leaves one place in between is seen at the next.
    """
    left = queued(postfix)
    for address in (BY_IMAP, ODD):
        lie, stored = len(dovecot.mails(address)), len(rows_at(cluster, address))
        if lie > stored:
            left.append(f"{lie - stored} of {lie} at {address}")
    [(waiting,)] = cluster.rows("SELECT count(*) FROM mails WHERE outcome = 'waiting'")
    [(jobs,)] = cluster.rows(
        "SELECT count(*) FROM outbox WHERE finished_at IS NULL AND dead_at IS NULL "
        "AND (attempts > 0 OR run_at < now() + interval '1 minute')"
    )
    unread = [f"{waiting} unread"] if waiting else []
    return [*left, *unread, *([f"{jobs} jobs"] if jobs else []), *queued(postfix)]


def queued(postfix: Postfix) -> list[str]:
    """Mails go from queue to queue: what is in one of them twice over, or in none, is looked for again."""
    found = [(queue, postfix.waiting(queue)) for queue in (*QUEUES, *QUEUES)]
    return [f"{count} in {queue}" for queue, count in found if count]


def rows_at(cluster: Cluster, address: str) -> list[tuple[object, ...]]:
    return cluster.rows(
        "SELECT mails.message_id, mails.sender, mails.outcome FROM mails JOIN mailboxes USING (mailbox_id) "
        "WHERE address = %s",
        address,
    )


def check(cluster: Cluster, dovecot: Dovecot, office: PostOffice, course: "Course") -> None:
    check_ledger(cluster, dovecot, course)
    check_words(cluster, course.brought)
    check_mailed(cluster, office, course)


def check_ledger(cluster: Cluster, dovecot: Dovecot, course: "Course") -> None:
    """Every mail that lay in a mailbox has one line, and every other at least one; of those with one
    Message-ID one says what became of it, the others that it came before.
    """
    for address in (BY_IMAP, ODD):
        assert len(rows_at(cluster, address)) == len(dovecot.mails(address)), address
    found = dict[object, list[Outcome]]()
    for message_id, outcome in cluster.rows("SELECT message_id, outcome FROM mails"):
        found.setdefault(message_id, []).append(Outcome(str(outcome)))
        course.outcomes[str(outcome)] += 1
    for letter in course.brought:
        if letter.message_id:
            became = [each for each in found.get(letter.message_id, []) if each is not Outcome.DUPLICATE]
            assert set(became) <= letter.becomes, (letter.kind, letter.to, letter.message_id, became)
            assert len(became) == 1 or not letter.is_for_people, (
                letter.kind,
                letter.to,
                letter.message_id,
                became,
            )
            assert became, (letter.kind, letter.to, letter.message_id)


def check_words(cluster: Cluster, brought: Sequence[Letter]) -> None:
    """What people wrote stands once, and nobody else's words do."""
    stand = Counter(
        TOKEN.findall(" ".join(str(words) for (words,) in cluster.rows("SELECT content FROM messages")))
    )
    held = {
        str(each[0]) for each in cluster.rows("SELECT message_id FROM mails WHERE outcome = 'quarantined'")
    }
    should = {each.token for each in brought if each.is_for_people and each.message_id not in held}
    assert stand == Counter(should), (stand - Counter(should), Counter(should) - stand)


def check_mailed(cluster: Cluster, office: PostOffice, course: "Course") -> None:
    """Whoever opened a ticket has one mail that says so, and no machine has any."""
    mails = [(str(mail["To"]), str(mail["Message-ID"])) for mail in office.mails]
    once = set(mails)
    course.mailed, course.mailed_again = len(once), len(mails) - len(once)
    got = Counter(to for to, _ in once if to.endswith("@people.example"))
    opened = Counter(
        str(email)
        for (email,) in cluster.rows("SELECT email FROM tickets")
        if str(email).endswith("@people.example")
    )
    assert got == opened, (got - opened, opened - got)
    machines = [
        to for to, _ in once if to.endswith(("@machine.example", "@acme.example")) or "mailer-daemon" in to
    ]
    assert machines == []
