"""What comes in at a support address in a day: people's mails, and what nobody wrote to be answered.

Made by lot, the same for the same seed. Each holds a token that stands in nothing else.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.policy import SMTP

from parlour.features.mailroom.models import Outcome
from tests.mail.receive.mutants import mutant
from tests.mail.receive.seeds import SEEDS

BY_IMAP, BY_SMTP, BY_PIPE = "support@acme.example", "help@acme.example", "sales@acme.example"
ODD = "odd@acme.example"
"""Fetched by IMAP, too; here come the damaged ones, of which nobody says what they become."""
WAYS = (BY_IMAP, BY_IMAP, BY_SMTP, BY_SMTP, BY_PIPE)
HOST = "desk.acme.example"
"""Parlour's own."""
WORDS = (
    "The tent leaks.",
    "Größe 38 fehlt.",
    "退款在哪里？",
    "The stove will not light.",
    "Where is parcel 7?",
)
_HEADERS = {
    "automatic": {"Auto-Submitted": "auto-generated"},
    "away": {"Auto-Submitted": "auto-replied", "Subject": "Out of office: until Monday"},
    "away, by its subject": {"X-Auto-Response-Suppress": "All", "Subject": "Automatic reply: I am away"},
    "newsletter": {"Precedence": "bulk", "List-Unsubscribe": "<mailto:out@news.example>"},
    "list": {"List-Id": "<hikers.example>", "Precedence": "list"},
    "daemon": {"From": "Cron Daemon <mailer-daemon@machine.example>"},
}


@dataclass(frozen=True)
class Letter:
    """`to` says how it comes in. `token` stands once at the desk if its kind is one of people's words, and
    never if not; `becomes` are the outcomes that are right for it.
    """

    kind: str
    raw: bytes
    to: str
    sender: str
    message_id: str
    token: str
    becomes: frozenset[Outcome]

    @property
    def is_for_people(self) -> bool:
        return bool(self.becomes & {Outcome.OPENED, Outcome.ADDED})


class Writers:
    """Everybody who writes, with one chance for all."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self._count = 0

    def way(self) -> str:
        return self.chance.choice(WAYS)

    def person(self, sender: str, subject: str = "", *, to: str = "", answers: str = "") -> Letter:
        """Opens a ticket, or with `answers`, a Message-ID, is added to one."""
        headers = {"In-Reply-To": answers, "References": answers} if answers else {}
        becomes = Outcome.ADDED if answers or "[#" in subject else Outcome.OPENED
        return self._letter("person", sender, becomes, to=to, Subject=subject or "Order 7", **headers)

    def robot(self, kind: str, number: int, answers: str = "") -> Letter:
        headers = {"Subject": "Note", **_HEADERS[kind]}
        if answers:
            headers |= {"In-Reply-To": answers, "References": answers}
        return self._letter(kind, f"robot{number}@machine.example", Outcome.AUTOMATIC, **headers)

    def robots(self) -> Sequence[Callable[[int], Letter]]:
        """One maker a kind."""
        kinds = [lambda number, kind=kind: self.robot(kind, number) for kind in _HEADERS]
        return [
            *kinds,
            self.report,
            self.receipt,
            self.complaint,
            self.loop,
            self.from_ourselves,
            self.nobody,
        ]

    def report(self, number: int, about: str = "<unknown@elsewhere.example>") -> Letter:
        """A mail server's, that a mail did not arrive."""
        sender = f"mailer-daemon@mx{number}.example"
        status = (
            "Reporting-MTA: dns; mx.example\n\n"
            "Final-Recipient: rfc822; gone@example.com\nAction: failed\nStatus: 5.1.1\n"
        )
        parts = [("message/delivery-status", status), ("text/rfc822-headers", f"Message-ID: {about}\n")]
        return self._report("report", sender, Outcome.BOUNCE, "delivery-status", parts)

    def receipt(self, number: int) -> Letter:
        said = (
            "Final-Recipient: rfc822; reader@example.com\n"
            "Disposition: automatic-action/MDN-sent-automatically; displayed\n"
        )
        sender, parts = f"reader{number}@machine.example", [("message/disposition-notification", said)]
        return self._report("receipt", sender, Outcome.AUTOMATIC, "disposition-notification", parts)

    def complaint(self, number: int) -> Letter:
        said = "Feedback-Type: abuse\nUser-Agent: Loop/1\nVersion: 1\n"
        sender, parts = f"abuse{number}@machine.example", [("message/feedback-report", said)]
        return self._report("complaint", sender, Outcome.AUTOMATIC, "feedback-report", parts)

    def loop(self, number: int) -> Letter:
        """A mail of Parlour's own comes home."""
        sender = f"other{number}@machine.example"
        return self._letter("loop", sender, Outcome.LOOP, id_at=HOST, Subject="Your ticket")

    def from_ourselves(self, number: int) -> Letter:
        return self._letter(
            "from ourselves", self.chance.choice(WAYS), Outcome.LOOP, Subject=f"Note {number}"
        )

    def nobody(self, _: int) -> Letter:
        return self._letter("nobody", "", Outcome.QUARANTINED, to=BY_IMAP, Subject="Unsigned")

    def damaged(self) -> Letter:
        """Of hostile mails; it may become anything, and whether its words are somebody's nobody can say."""
        raw, every = mutant(SEEDS, self.chance.randrange(10**6)), frozenset(Outcome) - {Outcome.WAITING}
        return Letter("damaged", raw, ODD, "", "", "", every)

    def flood(self) -> Letter:
        """Of one sender who writes more in an hour than is read: what comes on top is held back."""
        letter = self.person("flood@people.example")
        return replace(letter, kind="flood", becomes=frozenset({Outcome.OPENED, Outcome.QUARANTINED}))

    def again(self, letter: Letter, to: str = "") -> Letter:
        """The same mail once more, by the same way or by another."""
        return replace(letter, kind="again", to=to or letter.to)

    def _letter(
        self,
        kind: str,
        sender: str,
        becomes: Outcome,
        *,
        to: str = "",
        id_at: str = "people.example",
        **headers: str,
    ) -> Letter:
        mail, to, token = EmailMessage(policy=SMTP), to or self.way(), self._token()
        given = {"To": to, "Message-ID": f"<{token}@{id_at}>", **({"From": sender} if sender else {})}
        for name, value in {
            **given,
            **{name.replace("_", "-"): each for name, each in headers.items()},
        }.items():
            mail[name] = value
        mail.set_content(f"{self.chance.choice(WORDS)}\n{token}\n")
        return self._sealed(kind, mail, to, sender, becomes, token)

    def _report(
        self, kind: str, sender: str, becomes: Outcome, what: str, parts: Sequence[tuple[str, str]]
    ) -> Letter:
        to, token, edge = self.way(), self._token(), "edge-of-a-part"
        lines = [
            *(f"From: {sender}", f"To: {to}", f"Message-ID: <{token}@machine.example>", "Subject: Report"),
            f'Content-Type: multipart/report; report-type={what}; boundary="{edge}"',
            *("MIME-Version: 1.0", "", f"--{edge}", "Content-Type: text/plain", "", f"Report {token}"),
        ]
        for media_type, said in parts:
            lines += [f"--{edge}", f"Content-Type: {media_type}", "", said]
        raw = "\r\n".join([*lines, f"--{edge}--", ""]).replace("\r\n", "\n").replace("\n", "\r\n").encode()
        return Letter(kind, raw, to, sender, f"<{token}@machine.example>", token, frozenset({becomes}))

    def _sealed(
        self, kind: str, mail: EmailMessage, to: str, sender: str, becomes: Outcome, token: str
    ) -> Letter:
        return Letter(kind, mail.as_bytes(), to, sender, mail["Message-ID"], token, frozenset({becomes}))

    def _token(self) -> str:
        self._count += 1
        return f"t{self._count:05}x{self.chance.randrange(16**6):06x}"
