"""How well mails are read: subjects, senders, new words and reports, over a folder of mails that are known.

The folder holds `mails/*.eml`, each beside a `.json` with the subject and the sender that are right;
`replies.json`, a list of texts with the reply in each; `bounces/*.eml`, reports of mails that did not arrive.
Anything of this may be missing. None of it is ours to keep.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from parlour.kernel.text import many_lines
from parlour.mail.receive.cut import newly_written
from parlour.mail.receive.parse import UNREADABLE, parse
from parlour.mail.receive.parsed import Kind, Parsed
from tests.mail.receive.mutants import mutant

NO_LETTERS = {Kind.COMPLAINT, Kind.AUTOMATIC}
"""What lies among the reports and rightly is none."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench reading", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--mutants", type=int, default=10_000, help="so many damaged mails (default: %(default)s)"
    )
    parser.add_argument("--misses", action="store_true", help="name what was not read right")
    chosen = parser.parse_args(arguments)
    missed = [*_mails(chosen.folder), *_replies(chosen.folder), *_reports(chosen.folder)]
    _damaged(chosen.folder, chosen.mutants)
    if chosen.misses:
        print("\n".join(missed))
    return 0


def _mails(folder: Path) -> list[str]:
    right, missed = 0, []
    for path in sorted(folder.glob("mails/*.eml")):
        read, known = (
            parse(path.read_bytes()),
            json.loads(path.with_suffix(".json").read_text(encoding="utf-8")),
        )
        if _who_and_what(read) == (known["subject"] or "", _sender(known)):
            right += 1
        else:
            missed.append(path.name)
    _say("subject and sender right", right, right + len(missed))
    return missed


def _who_and_what(read: Parsed) -> tuple[str, str]:
    return read.subject, read.sender.address if read.sender else ""


def _sender(known: dict[str, Any]) -> str:
    boxes = ((known["from"] or {}).get("Address") or {}).get("List") or []
    return (boxes[0]["address"] or "") if boxes else ""


def _replies(folder: Path) -> list[str]:
    path = folder / "replies.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    exact = safe = empty = 0
    missed = []
    for each in known:
        reply = newly_written(many_lines(each["text"]))
        exact += reply.split() == each["reply"].split()
        safe += not Counter(each["reply"].split()) - Counter(reply.split())
        empty += not reply
        if reply.split() != each["reply"].split():
            missed.append(f"{each['source']} {each['name']}")
    _say("replies exact", exact, len(known))
    _say("replies without a word lost", safe, len(known))
    _say("replies empty", empty, len(known))
    return missed


def _reports(folder: Path) -> list[str]:
    told, others, missed = 0, 0, []
    for path in sorted(folder.glob("bounces/*.eml")):
        read = parse(path.read_bytes())
        if read.bounce and read.bounce.recipient and read.bounce.status:
            told += 1
        elif read.kind in NO_LETTERS:
            others += 1
        else:
            missed.append(path.name)
    _say("reports that give recipient and status", told, told + len(missed))
    _say("complaints and automatic answers among them", others, others)
    return missed


def _damaged(folder: Path, wanted: int) -> None:
    mails = [path.read_bytes() for path in sorted(folder.rglob("*.eml"))]
    if not mails:
        return
    unreadable, took = 0, []
    for number in range(wanted):
        mail = mutant(mails, number)
        began = time.process_time()
        unreadable += UNREADABLE in parse(mail).defects
        took.append(time.process_time() - began)
    _say("damaged mails read", wanted - unreadable, wanted)
    _say_times(took)


def _say(what: str, count: int, of: int) -> None:
    if of:
        print(f"{what:45}{count:7,} of {of:6,}  {count / of:6.1%}")


def _say_times(took: Iterable[float]) -> None:
    times = sorted(took)
    if times:
        middle, longest = statistics.median(times) * 1e3, times[-1] * 1e3
        print(f"processor time of one: median {middle:.1f} ms, longest {longest:.0f} ms")
