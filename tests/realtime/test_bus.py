from parlour.kernel import clock
from parlour.kernel.events import Event, JobQueued, RoomRead
from parlour.realtime.bus import MemoryBus


def event() -> RoomRead:
    return RoomRead(clock.new_id(), clock.new_id(), "agent", 1)


def test_everyone_who_listens_hears_everything_in_order() -> None:
    bus = MemoryBus()
    heard: list[tuple[str, Event | JobQueued]] = []
    bus.subscribe(lambda event: heard.append(("a", event)))
    bus.subscribe(lambda event: heard.append(("b", event)))
    first, second = event(), JobQueued("mail")

    bus.publish([first, second])

    assert heard == [("a", first), ("b", first), ("a", second), ("b", second)]


def test_whoever_stopped_listening_hears_nothing() -> None:
    bus = MemoryBus()
    heard: list[Event | JobQueued] = []
    stop = bus.subscribe(heard.append)

    stop()
    bus.publish([event()])

    assert heard == []


def test_a_listener_that_fails_harms_neither_the_others_nor_the_publisher() -> None:
    bus = MemoryBus()
    heard: list[Event | JobQueued] = []

    def broken(_: Event | JobQueued) -> None:
        raise RuntimeError

    bus.subscribe(broken)
    bus.subscribe(heard.append)

    bus.publish([event()])

    assert len(heard) == 1
