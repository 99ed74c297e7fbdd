"""People who talk without a pause while, in turn, the database, Redis, a node and a worker are killed."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic

from tests.cluster import Cluster, Ear, RoamingAgent, RoamingCustomer
from tests.faults.people import Said, check_nothing_lost

DOWN_SECONDS = 3.0
CALM_SECONDS = 2.0
PAUSE = 1.2
"""Seconds between two messages of one person, at most: more than 20 in 10 s would be refused."""
LEVEL_WITHIN = 30.0


@dataclass(frozen=True)
class Fault:
    name: str
    kill: Callable[[], object]
    start: Callable[[], object]


@dataclass
class Course:
    """What came of it. `recovery` has, by fault, the seconds from its end until all rooms worked again."""

    recovery: list[tuple[str, float]] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    during: dict[str, list[float]] = field(default_factory=dict)
    said: int = 0
    stored: int = 0
    level_after: float = 0.0


@dataclass
class Place:
    """One ticket, the three who talk in it, and the two pages that listen."""

    ticket_id: str
    people: tuple[RoamingCustomer | RoamingAgent, ...]
    ears: list[Ear]
    said: list[Said] = field(default_factory=list)
    acknowledged: dict[str, float] = field(default_factory=dict)

    async def talk(self, who: RoamingCustomer | RoamingAgent, over: asyncio.Event) -> None:
        number = 0
        while not over.is_set():
            said = await who.say(self.ticket_id, f"{who.name} {number}")
            self.said.append(said)
            self.acknowledged[str(said.client_id)] = asyncio.get_running_loop().time()
            number += 1
            await asyncio.sleep(PAUSE * (0.5 + 0.5 * (number % 3) / 2))

    async def works_again(self, since: int) -> None:
        """Something said after the first `since` messages was acknowledged and is on both pages."""
        while True:
            for said in self.said[since:]:
                if all(str(said.client_id) in ear.heard_at for ear in self.ears):
                    return
            await asyncio.sleep(0.02)

    def delays(self, after: float, before: float) -> list[float]:
        """From the acknowledgement to a page, of what was acknowledged in that time."""
        chosen = {sent: at for sent, at in self.acknowledged.items() if after <= at < before}
        return [
            max(0.0, ear.heard_at[sent] - at)
            for ear in self.ears
            for sent, at in chosen.items()
            if sent in ear.heard_at
        ]


def faults_of(cluster: Cluster) -> list[Fault]:
    redis, node, worker = cluster.redis, cluster.nodes[0], cluster.workers[0]
    assert redis
    return [
        Fault("database", lambda: cluster.postgres.stop(signal.SIGQUIT), cluster.postgres.start),
        Fault("redis", redis.stop, redis.start),
        Fault("node", node.kill, node.start),
        Fault("worker", worker.kill, worker.start),
    ]


async def run(cluster: Cluster, *, tickets: int, rounds: int, tell: Callable[[str], None]) -> Course:
    """Raises AssertionError when anything acknowledged was lost, doubled or shown otherwise than stored."""
    database = cluster.database_url.rsplit("/", 1)[1]
    with cluster.postgres.admin_connection() as admin:  # an acknowledged commit outlives a crash
        admin.execute(f'ALTER DATABASE "{database}" SET synchronous_commit = on')
    course = Course()
    async with AsyncExitStack() as stack:
        places = await furnish(cluster, stack, tickets)
        listening = [asyncio.create_task(ear.listen()) for place in places for ear in place.ears]
        over = asyncio.Event()
        async with asyncio.TaskGroup() as load:
            for place in places:
                for who in place.people:
                    load.create_task(place.talk(who, over))
            await asyncio.sleep(CALM_SECONDS)
            for fault in faults_of(cluster) * rounds:
                await suffer(fault, places, course, tell)
            over.set()
        await settle(cluster, places, course)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    for place in places:
        check_nothing_lost(cluster, place.ticket_id, place.said)
    return course


async def furnish(cluster: Cluster, stack: AsyncExitStack, tickets: int) -> list[Place]:
    agents = [await stack.enter_async_context(RoamingAgent(cluster, name)) for name in ("ada", "ben")]
    for agent in agents:
        await agent.sign_in()
    places = []
    for number in range(tickets):
        customer = await stack.enter_async_context(RoamingCustomer(cluster, f"c{number}"))
        ticket_id = await customer.open_ticket()
        room = cluster.room_of(ticket_id)
        ears = [Ear(customer, room), Ear(agents[number % 2], room)]
        places.append(Place(ticket_id, (customer, *agents), ears))
    return places


async def suffer(fault: Fault, places: Sequence[Place], course: Course, tell: Callable[[str], None]) -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    await asyncio.to_thread(fault.kill)
    await asyncio.sleep(DOWN_SECONDS)
    await asyncio.to_thread(fault.start)
    back = clock()
    async with asyncio.timeout(60):
        await asyncio.gather(*(place.works_again(len(place.said)) for place in places))
    recovered = clock() - back
    course.recovery.append((fault.name, recovered))
    await asyncio.sleep(CALM_SECONDS)
    delays = sorted(each for place in places for each in place.delays(began, back))
    course.during.setdefault(fault.name, []).extend(delays)
    worst = f", pages at most {delays[-1]:.2f} s late meanwhile" if delays else ""
    tell(f"{fault.name:9} away {back - began:.1f} s, all rooms work again after {recovered:.2f} s{worst}")


async def settle(cluster: Cluster, places: Sequence[Place], course: Course) -> None:
    """Everyone's page comes to show what is stored."""
    began = monotonic()
    for place in places:
        stored = [(seq, words) for seq, _, words, _ in cluster.conversation(place.ticket_id)]
        while any(ear.log != stored for ear in place.ears):
            assert monotonic() - began < LEVEL_WITHIN, [
                (len(ear.log), len(stored), ear.url) for ear in place.ears
            ]
            await asyncio.sleep(0.05)
        course.stored += len(stored)
        course.said += len(place.said)
        course.delays += place.delays(0.0, float("inf"))
    course.level_after = monotonic() - began
    course.delays.sort()
