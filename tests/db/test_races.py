"""PostgreSQL runs units at the same time: two at once must do what one after the other does."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pyotp
import pytest
from sqlalchemy import select, text, update

from parlour.db.database import Tx
from parlour.db.postgres.link import Unanswered
from parlour.db.schema import members, messages, workspaces
from parlour.features.accounts import service as accounts
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.models import Pending
from parlour.features.accounts.second_factor import service as second_factor
from parlour.features.contacts import service as contacts
from parlour.features.tickets import handover
from parlour.features.tickets import service as tickets
from parlour.features.tickets.access import service as access
from parlour.features.tickets.models import Draft, Status
from parlour.features.workspaces.service import LastOwner
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import DomainError, Unreachable
from parlour.kernel.keyring import Keyring
from parlour.kernel.keys import Keys
from parlour.kernel.secrets import new_secret
from tests import postgres_server
from tests.house import PASSWORD, Browser, House, behind_its_back
from tests.mailbox import mails
from tests.tickets import ada as owner

pytestmark = pytest.mark.postgresql

AT_ONCE = 12


async def outcomes(*doing: Any) -> list[object]:
    return list(await asyncio.gather(*doing, return_exceptions=True))


async def test_one_message_sent_many_times_at_once_is_one_row_and_one_answer(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    client_id = uuid4()
    sends = [
        house.db.write(customer, tickets.send_message, ticket.ticket_id, "Hello?", client_id)
        for _ in range(AT_ONCE)
    ]
    sent = await asyncio.gather(*sends)
    stored = behind_its_back(
        house.app.parlour.settings, "SELECT seq FROM messages WHERE client_id = ?", str(client_id)
    )

    assert len({one.message.message_id for one in sent}) == 1
    assert sorted(one.repeat for one in sent) == [False] + [True] * (AT_ONCE - 1)
    assert stored == [(2,)]


async def test_messages_sent_at_once_are_numbered_without_a_gap(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    said = [
        house.db.write(who, tickets.send_message, ticket.ticket_id, f"{number}", uuid4())
        for number in range(AT_ONCE)
        for who in (customer, owner(house))
    ]
    await asyncio.gather(*said)
    query = select(messages.c.seq).where(
        messages.c.workspace_id == ticket.workspace_id, messages.c.room_id == ticket.chat_room_id
    )
    stored = await house.as_system(lambda tx: sorted(tx.execute(query).scalars()))

    assert stored == list(range(1, len(stored) + 1))
    assert len(stored) >= 2 * AT_ONCE + 1


async def test_tickets_opened_at_once_get_numbers_without_a_gap_and_repeats_get_none(house: House) -> None:
    visitor = Actor.visitor(house.workspace.workspace_id)
    drafts = [Draft(f"Subject {n}", "Words", "maria@example.com", uuid4()) for n in range(AT_ONCE)]
    opened = await asyncio.gather(
        *[house.db.write(visitor, tickets.open_ticket, draft) for draft in drafts for _ in range(2)]
    )

    assert {one.ticket.number for one in opened} == set(range(1, AT_ONCE + 1))
    assert len({one.ticket.ticket_id for one in opened}) == AT_ONCE
    assert sum(one.repeat for one in opened) == AT_ONCE


async def test_of_two_owners_who_leave_at_once_one_stays(house: House) -> None:
    olga = await house.add_agent("olga@acme.example", Role.OWNER)
    here = house.workspace.workspace_id
    both = [Actor.agent(here, who, Role.OWNER, "Somebody") for who in (house.ada, olga)]
    left = await outcomes(*[house.db.write(actor, handover.remove_member, UUID(actor.id)) for actor in both])
    query = select(members.c.user_id).where(members.c.workspace_id == here)
    stayed = await house.as_system(lambda tx: tx.execute(query).all())

    assert sorted(type(one).__name__ for one in left) == [LastOwner.__name__, "NoneType"]
    assert len(stayed) == 1


async def test_a_ticket_is_not_left_with_somebody_who_leaves_at_the_same_moment(
    house: House, visitor: Browser
) -> None:
    for round_number in range(5):
        ticket = await house.open_ticket(visitor, subject=f"Round {round_number}")
        ben = await house.add_agent(f"ben{round_number}@acme.example", Role.AGENT)
        await outcomes(
            house.db.write(owner(house), tickets.assign_ticket, ticket.ticket_id, ben, seen_version=1),
            house.db.write(owner(house), handover.remove_member, ben),
        )

        assert (await house.as_system(tickets.ticket, ticket.ticket_id)).assignee_id is None


async def invited(house: House, email: str) -> str:
    """A token that works, made after the mail's own: the newer one takes the older one's place."""
    await house.db.write(owner(house), invitations.invite, email, Role.AGENT)
    await mails(house, email)
    pending = await house.db.read(owner(house), invitations.pending)
    mail = await house.as_system(invitations.issue, pending[0].invitation_id, new_secret())
    assert mail is not None
    return mail.token


async def test_an_invitation_accepted_twice_at_once_lets_one_in(house: House) -> None:
    await house.add_agent("nina@else.example", Role.AGENT, house.other)
    token = await invited(house, "nina@else.example")
    accepted = await outcomes(
        *[invitations.accept(house.db, token, "Nina", PASSWORD, None, "here") for _ in range(2)]
    )
    joined = [one for one in accepted if not isinstance(one, Exception)]

    assert len(joined) == 1, accepted
    assert [type(one) for one in accepted if isinstance(one, Exception)] == [invitations.InvitationExpired]


def keys(house: House) -> Keyring:
    return second_factor.keyring(house.app.parlour.settings.secret_keys)


async def with_second_factor(house: House) -> tuple[Pending, list[str]]:
    token = await accounts.sign_in(house.db, "ada@acme.example", PASSWORD, None)
    secret = second_factor.new_secret()
    code = pyotp.TOTP(secret).now()
    owner = Actor.person(house.ada, "Ada Moreau")
    on = await second_factor.turn_on(
        house.db, keys(house), owner, token, secret=secret, code=code, password=PASSWORD, device="here"
    )
    with pytest.raises(accounts.SecondFactorNeeded) as needed:
        await accounts.sign_in(house.db, "ada@acme.example", PASSWORD, None)
    return needed.value.pending, on.codes


async def test_a_recovery_code_used_many_times_at_once_signs_one_in(house: House) -> None:
    pending, codes = await with_second_factor(house)
    owner, finish = Actor.person(pending.user_id), second_factor.finish
    tries = [(keys(house), pending.mark, codes[0], None, "here") for _ in range(AT_ONCE)]
    signed_in = await outcomes(*[house.db.write(owner, finish, *one) for one in tries])

    assert len([one for one in signed_in if isinstance(one, str)]) == 1
    assert {type(one) for one in signed_in} == {str, second_factor.WrongCode}


async def test_whoever_comes_in_while_access_is_revoked_is_out_afterwards(
    house: House, visitor: Browser
) -> None:
    for _ in range(5):
        ticket = await house.open_ticket(visitor, client_id=str(uuid4()))
        link = await house.as_system(access.issue_link, ticket.ticket_id, new_secret())
        assert link is not None
        portal = Actor.visitor(ticket.workspace_id)
        came_in, _revoked = await outcomes(
            house.db.write(portal, access.exchange_link, link.token, Keys()),
            house.db.write(owner(house), access.revoke_access, ticket.ticket_id),
        )
        if isinstance(came_in, tuple):
            with pytest.raises(DomainError):
                await house.db.read(portal, access.customer_of, ticket.ticket_id, Keys(of_several=came_in[1]))


# ------------------------------------------------------------------------- retries and outages


async def test_units_that_wait_for_each_other_are_both_done_in_the_end(house: House) -> None:
    ours, theirs = house.workspace.workspace_id, house.other.workspace_id
    runs: list[UUID] = []

    def rename(tx: Tx, first: UUID, second: UUID) -> None:
        runs.append(first)
        for place in (first, second):
            here = tx.acting_as(Actor.system(place))
            rename = update(workspaces).where(workspaces.c.workspace_id == place)
            here.execute(rename.values(name=workspaces.c.name + "!"))
            here.execute(text("SELECT pg_sleep(0.3)"))

    await asyncio.gather(
        house.db.write(Actor.system(), rename, ours, theirs),
        house.db.write(Actor.system(), rename, theirs, ours),
    )
    named = behind_its_back(house.app.parlour.settings, "SELECT name FROM workspaces ORDER BY slug")

    assert [str(name).count("!") for (name,) in named] == [2, 2]
    assert len(runs) > 2


def told_once(deed: Callable[[Tx], None]) -> Callable[[Tx], int]:
    """A unit that does `deed` on its first run only, and says how many runs it took."""
    runs: list[int] = []

    def unit(tx: Tx) -> int:
        runs.append(1)
        tx.enqueue("nothing", {})
        if len(runs) == 1:
            deed(tx)
        return len(runs)

    return unit


def die(tx: Tx) -> None:
    tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def test_a_unit_whose_connection_dies_before_its_commit_is_run_again(house: House) -> None:
    assert await house.db.write(Actor.system(), told_once(die)) == 2
    assert await house.db.read(Actor.system(), told_once_reading(die)) == 2


def told_once_reading(deed: Callable[[Tx], None]) -> Callable[[Tx], int]:
    runs: list[int] = []

    def unit(tx: Tx) -> int:
        runs.append(1)
        if len(runs) == 1:
            deed(tx)
        return len(runs)

    return unit


async def test_a_unit_whose_connection_dies_in_its_commit_is_not_run_again(house: House) -> None:
    """Whether it was stored nobody knows: the answer says that it is not known."""
    settings = house.app.parlour.settings
    behind_its_back(
        settings,
        """CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
           AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
           CREATE CONSTRAINT TRIGGER die AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW WHEN (NEW.kind = 'last words') EXECUTE FUNCTION public.die()""",
    )
    runs: list[int] = []

    def unit(tx: Tx) -> None:
        runs.append(1)
        tx.enqueue("last words", {})

    with pytest.raises(Unanswered):
        await house.db.write(Actor.system(), unit)
    assert runs == [1]


async def test_a_message_sent_while_the_database_restarts_is_stored_when_it_is_back(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor)
    server = postgres_server.server()
    await asyncio.to_thread(server.stop)
    customer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    sending = asyncio.create_task(
        house.db.write(customer, tickets.send_message, ticket.ticket_id, "Into the dark", uuid4())
    )
    await asyncio.sleep(1)
    await asyncio.to_thread(server.start)

    assert (await sending).message.seq == 2
    assert (await house.as_system(tickets.ticket, ticket.ticket_id)).status is Status.NEW


async def test_a_database_that_stays_away_is_said_so_in_time(house: House) -> None:
    def ask(tx: Tx) -> None:
        tx.execute(text("SELECT 1"))

    server = postgres_server.server()
    await asyncio.to_thread(server.stop)
    try:
        async with asyncio.timeout(25):
            with pytest.raises(Unreachable):
                await house.db.read(Actor.system(), told_once_reading(ask))
    finally:
        await asyncio.to_thread(server.start)

    assert await house.db.write(Actor.system(), told_once(lambda _: None)) == 1


async def test_a_unit_that_swallows_an_error_of_the_database_is_not_taken_for_stored(house: House) -> None:
    def swallow(tx: Tx) -> None:
        tx.enqueue("swallowed", {})
        try:
            tx.execute(text("SELECT 1 / 0"))
        except Exception as error:
            assert "division" in str(error)  # noqa: PT017

    with pytest.raises(RuntimeError, match="nothing of it was stored"):
        await house.db.write(Actor.system(), swallow)


@pytest.mark.parametrize("sending", [False, True])
async def test_whoever_is_blocked_while_they_send_was_blocked_after_it(
    house: House, visitor: Browser, sending: bool
) -> None:
    """Else something loud would appear of a person who has been blocked already."""
    ticket = await house.open_ticket(visitor)
    known = await house.db.read(owner(house), contacts.at, ticket.email)
    assert known
    sent, blocked, first = threading.Event(), threading.Event(), []

    def send(tx: Tx) -> None:
        if sending:
            tickets.send_message(tx, ticket.ticket_id, "Hello?", uuid4())
        else:
            tickets.open_ticket(tx, Draft("Another", "Words", ticket.email, uuid4()))
        sent.set()
        first.append(blocked.wait(0.3))

    async def block() -> None:
        await asyncio.to_thread(sent.wait)
        await house.db.write(owner(house), contacts.block, known.contact_id)
        blocked.set()

    writer = Actor.visitor(ticket.workspace_id)
    if sending:
        writer = Actor.customer(ticket.workspace_id, ticket.ticket_id, ticket.email)
    await asyncio.gather(house.db.write(writer, send), block())

    assert first == [False]
