"""Deliveries a second, beside the same POSTs by the same client without signing and log.

The receiver is a process of its own, which answers 204. `posts` is what the client alone can do with 8
requests at once; `deliveries` is all of it: claimed, signed, posted, judged, kept. Each is processor time of
this process, so that what else the machine does counts for neither; the median of rounds that take turns.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import report
from parlour import logs
from parlour.db.database import Tx
from parlour.features.webhooks import queue, service, store
from parlour.features.webhooks.jobs import AT_ONCE
from parlour.features.webhooks.models import Told
from parlour.features.webhooks.posting import HEADERS, Sender
from parlour.features.webhooks.service import Wish
from parlour.kernel import clock, garbage
from parlour.kernel.access import Actor
from parlour.outbound.addresses import Reach
from tests.house import House, open_house

RECEIVER = """
import asyncio
from tests.receiver import Receiver

async def main():
    async with Receiver() as receiver:
        print(receiver.port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
BODY = '{"type":"message.created","data":{"message":{"content":"' + "x" * 800 + '"}}}'
AT_LEAST = 0.5
ROUNDS = 3


async def posts(url: str, reach: Reach, times: int) -> float:
    """Seconds of a core."""
    slots, body = asyncio.Semaphore(AT_ONCE), BODY.encode()
    async with Sender(reach).to(url) as receiver:

        async def one() -> None:
            async with slots:
                await receiver.post(body, HEADERS)

        started = time.process_time()
        await asyncio.gather(*(one() for _ in range(times)))
        return time.process_time() - started


async def deliveries(house: House, url: str, times: int) -> float:
    """Seconds of a core."""
    settings = house.app.parlour.settings
    wish, keys = Wish(url, ["ticket.created"], plain_http=True), service.keyring(settings.secret_keys)
    made = await house.as_system(service.make, clock.new_id(), wish, keys)

    def put(tx: Tx) -> None:
        webhook_id = made.webhook.webhook_id
        for start in range(0, times, 100):
            some = range(start, min(start + 100, times))
            told = [Told(clock.new_id(), "ticket.created", BODY) for _ in some]
            store.insert_deliveries(tx, webhook_id, told)
        queue.wake(tx, made.webhook)

    await house.as_system(put)
    started = time.process_time()
    system = Actor.system(house.workspace.workspace_id)
    while (await house.db.read(system, service.webhook, made.webhook.webhook_id)).job_id:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return time.process_time() - started


async def measure(folder: Path, url: str, times: int) -> int:
    async with open_house(folder, PARLOUR_WEBHOOKS_PRIVATE="127.0.0.0/8") as house:
        garbage.settle()
        reach = Reach(house.app.parlour.settings.webhooks_private)
        await posts(url, reach, 100)
        rounds = [
            (times / await posts(url, reach, times), times / await deliveries(house, url, times))
            for _ in range(ROUNDS)
        ]
    alone, whole = ([1e6 / rate for rate in each] for each in zip(*rounds, strict=True))
    found = report.Found("a delivery", "µs", whole, alone, report.Goal(times=1 / AT_LEAST))
    print(report.table([found]))
    report.save("webhooks", [found], {"times": times})
    return 0 if found.met else 1


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m bench webhooks", description=__doc__)
    parser.add_argument("times", type=int, nargs="?", default=2_000)
    given = parser.parse_args(arguments)
    logs.configure("text")
    receiver = subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True)
    assert receiver.stdout
    try:
        url = f"http://127.0.0.1:{receiver.stdout.readline().strip()}/hook"
        with TemporaryDirectory() as folder:
            return asyncio.run(measure(Path(folder), url, given.times))
    finally:
        receiver.kill()
        receiver.wait()
