"""What travels between nodes, and what never does."""

import json
from datetime import datetime
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import Any, get_type_hints
from uuid import UUID

import pytest

from parlour.kernel import clock
from parlour.kernel.events import AccessChanged, Event, JobQueued, MessageSent, TicketChanged
from parlour.kernel.messages import Message
from parlour.realtime import wire
from parlour.realtime.bus import Head, PeopleHere, SomeoneTypes

import_module("parlour.app")  # whoever declares events is imported by it

KINDS = wire.kinds()


def sample(hint: Any) -> Any:
    values = {UUID: clock.new_id(), int: 7, str: "agent", bool: True, datetime: clock.now()}
    if hint in values:
        return values[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    return ("a", "b") if "tuple" in str(hint) else None


def made(kind: wire.Kind) -> Event | JobQueued:
    hints = get_type_hints(kind)
    return kind(*(sample(hints[name]) for name in kind.__struct_fields__))


def there(*events: Event | JobQueued) -> list[Event | JobQueued]:
    """What another node reads."""
    [payload], _ = wire.pack("n1", 1, [wire.encode(event) for event in events], 100_000)
    found = wire.decode(payload)
    assert found
    return found.events


@pytest.mark.parametrize("name", sorted(set(KINDS) - {"MessageSent"}))
def test_every_event_that_there_is_arrives_as_it_was_sent(name: str) -> None:
    event = made(KINDS[name])

    assert there(event) == [event]


def test_the_events_of_kernel_and_bus_are_among_them() -> None:
    assert {"AccessChanged", "TicketChanged", "RoomRead", "JobQueued", "Head", "PeopleHere"} <= set(KINDS)


def test_a_new_event_that_cannot_travel_is_noticed() -> None:
    class Paid(Event, frozen=True):
        amount: Decimal

    with pytest.raises(wire.CannotTravel):
        wire.encode(Paid(clock.new_id(), Decimal(1)))


def test_absent_values_stay_absent() -> None:
    event = AccessChanged(clock.new_id(), user_id=None, ticket_id=clock.new_id())

    assert there(event) == [event]


def test_nobodys_words_and_nobodys_address_travel() -> None:
    place = (clock.new_id(), clock.new_id())
    sender = ("customer", "grace@x.example", "grace@x.example")
    said = Message(clock.new_id(), place[1], 3, "my secret", *sender, clock.new_id(), clock.now())
    message = MessageSent(place[0], said)
    typing = SomeoneTypes(*place, "customer", "grace@x.example", "0a1b")
    text = wire.encode(message) + wire.encode(typing)

    assert "secret" not in text
    assert "grace" not in text
    assert there(message) == [Head(*place, 3)]


def test_the_name_of_an_agent_who_types_travels() -> None:
    event = SomeoneTypes(clock.new_id(), clock.new_id(), "agent", "Ada", "0a1b")

    assert there(event) == [event]


def test_many_events_fill_payloads_up_to_their_limit_and_no_further() -> None:
    events = [wire.encode(made(TicketChanged)) for _ in range(500)]
    payloads, following = wire.pack("n1", 10, events, 7_900)
    found = [wire.decode(payload) for payload in payloads]

    assert all(len(payload.encode()) <= 7_900 for payload in payloads)
    assert [each.number for each in found if each] == list(range(10, following))
    assert sum(len(each.events) for each in found if each) == 500


def test_the_limit_counts_bytes() -> None:
    here = PeopleHere(clock.new_id(), clock.new_id(), "n1", ("id",), ("ж" * 60,), (), customer=False)
    payloads, _ = wire.pack("n1", 1, [wire.encode(here)] * 100, 7_900)

    assert all(len(payload.encode()) <= 7_900 for payload in payloads)


def test_what_is_too_long_alone_leaves_a_hole_that_others_see() -> None:
    here = PeopleHere(clock.new_id(), clock.new_id(), "n1", (), ("x" * 9_000,), (), customer=True)
    long = wire.encode(here)
    payloads, following = wire.pack("n1", 1, [long, wire.encode(JobQueued("mail"))], 7_900)
    found = wire.decode(payloads[0])

    assert found == ("n1", 2, [JobQueued("mail")])
    assert following == 3


def test_nothing_to_say_still_is_a_sign_of_life() -> None:
    payloads, following = wire.pack("n1", 4, [], 7_900)

    assert wire.decode(payloads[0]) == ("n1", 4, [])
    assert following == 5


@pytest.mark.parametrize("unknown", [["Invented", 5], ["JobQueued"], ["Head", "x", "y", 1], [], 7])
def test_an_event_that_only_a_newer_node_knows_is_let_pass(unknown: object) -> None:
    known = json.loads(wire.encode(JobQueued("mail")))
    text = json.dumps([1, "n2", 1, [unknown, known]])

    assert wire.decode(text) == ("n2", 1, [JobQueued("mail")])


NONSENSE = ["", "null", "[]", "{}", "hello", "[2,'n',1,[]]", '[2,"n",1,[]]', '[1,"n","x",[]]', "[" * 5_000]


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_nobodys_payload(text: str) -> None:
    assert wire.decode(text) is None
