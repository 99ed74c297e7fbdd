"""Two nodes and two workers under load while database, Redis, a node and a worker are killed in turn.

Needs the server programs of PostgreSQL and Redis. It fails when an acknowledged message is lost or doubled,
or a page ends with anything else than what the database holds.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

import uvloop

from tests.cluster import open_cluster
from tests.faults import chaos


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tickets", type=int, default=20, help="rooms of three people (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is killed (%(default)s)")
    choice = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="parlour-chaos-") as folder,
        open_cluster(Path(folder), redis=True, nodes=2, workers=2) as cluster,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        course = runner.run(chaos.run(cluster, tickets=choice.tickets, rounds=choice.rounds, tell=print))
    report(course)
    return 0


def report(course: chaos.Course) -> None:
    at = course.delays
    print(f"\n{course.said} messages acknowledged, {course.stored} stored, 0 lost, 0 doubled")
    print(f"every page level with the database {course.level_after:.2f} s after the last word")
    print(f"from acknowledgement to page: p50 {at[len(at) // 2] * 1000:.0f} ms, max {at[-1]:.2f} s")
    for name in dict(course.recovery):
        times = [seconds for fault, seconds in course.recovery if fault == name]
        print(f"{name:9} back in {', '.join(f'{seconds:.2f}' for seconds in times)} s")
