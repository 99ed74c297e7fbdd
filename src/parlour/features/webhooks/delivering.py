"""From what happened to what is posted: a copy for each webhook, tries, and what follows from their ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

import structlog

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.db.moments import present
from parlour.db.outbox import Job, Postponed
from parlour.features.events import service as happenings
from parlour.features.events.models import Event
from parlour.features.webhooks import queue, service, store
from parlour.features.webhooks.models import Off, Outcome, Parcel, State, Told, Webhook
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.kernel import clock
from parlour.kernel.access import PROGRAM, Actor, Permission, Role, requires
from parlour.kernel.keyring import Keyring, Sealed, Unreadable

DISABLED = "mail.webhook_disabled"
FAILING_LIMIT = timedelta(days=3)
"""A receiver to which nothing has come through for so long is turned off, and its owners are told."""
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Between tries, as Standard Webhooks proposes: eleven in three days."""
STEP = 100
"""Events that are copied in one transaction."""
BATCH = 100
SLOW_BATCH = 8
SLOW_MILLISECONDS = 3_000
RESEALED_AT_ONCE = 100

Compose = Callable[[Tx, Sequence[Event]], Sequence[Told]]
"""What is posted of these events; what is not there any more is left out."""

log = structlog.get_logger("parlour.webhooks")


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be posted next; nothing when the job has come to its end."""

    url: str
    parcels: Sequence[Parcel]
    secrets: Sequence[str] = field(repr=False)


NOTHING = Turn("", (), ())


@requires(Permission.SYSTEM)
def fan_out(tx: Tx, job: Job, compose: Compose) -> bool:
    """A copy of the next events for each webhook that follows them. Says whether there are more.

    Other jobs to do the same, as each change stores one, are done with this one: what they were stored for
    is committed, so it is among what is read here, after them.
    """
    outbox.absorb(tx, job)
    followed = store.lock_all_on(tx, limit=service.WEBHOOKS_LIMIT)
    if not followed:
        return False
    try:
        found = happenings.sequenced_after(tx, min(each.position for each in followed), limit=STEP)
    except happenings.Forgotten:
        head = happenings.bounds(tx)[1]
        for each in followed:
            store.change(tx, each.webhook_id, position=head)
        return False
    if not found:
        return False
    wanted = [event for event in found if any(_wants(each, event) for each in followed)]
    told = {each.event_id: each for each in compose(tx, wanted)}
    for each in followed:
        mine = [told[event.event_id] for event in wanted if _wants(each, event) and event.event_id in told]
        if mine and store.insert_deliveries(tx, each.webhook_id, mine):
            queue.wake(tx, each)
        if each.position < found[-1].position:
            store.change(tx, each.webhook_id, position=found[-1].position)
    return len(found) == STEP


def _wants(webhook: Webhook, event: Event) -> bool:
    own = webhook.except_key is not None and event.actor == f"{PROGRAM}{webhook.except_key}"
    return event.position > webhook.position and event.kind in webhook.events and not own


@requires(Permission.SYSTEM)
def replay_some(
    tx: Tx, webhook_id: UUID, after: UUID, before: UUID, compose: Compose, *, all_of_them: bool
) -> UUID | None:
    """The next events of a span, which begins after that event; answers where it goes on, if it does."""
    webhook = store.lock(tx, webhook_id)
    if webhook is None or webhook.off:
        return None
    found = happenings.between(tx, after, before, limit=STEP)
    if not found:
        return None
    told = compose(tx, [event for event in found if event.kind in webhook.events])
    if told and store.insert_or_revive(tx, webhook_id, told, all_of_them=all_of_them):
        queue.wake(tx, webhook)
    return found[-1].event_id if len(found) == STEP else None


@requires(Permission.SYSTEM)
def turn(tx: Tx, job: Job, outcomes: Sequence[Outcome], keys: Keyring, *, go_on: bool) -> Turn:
    """Keep how the last tries ended, and take the next. Nothing, when the job is not the webhook's any more,
    when nothing is due, or when it is another job's turn, which is stored here.
    """
    webhook = store.lock(tx, UUID(job.payload["webhook_id"]))
    if webhook is None or webhook.job_id != job.job_id:
        return NOTHING
    outbox.hold(tx, job)
    if outcomes:
        webhook = _keep(tx, webhook, outcomes)
    if webhook.off:
        store.change(tx, webhook.webhook_id, job_id=None)
        return NOTHING
    if go_on and queue.kind_of(webhook) == job.kind:
        limit = SLOW_BATCH if webhook.slow else BATCH
        if parcels := store.due(tx, webhook.webhook_id, present(tx.connection), limit=limit):
            return Turn(webhook.url, parcels, _secrets(webhook, keys))
    next_try = store.next_try(tx, webhook.webhook_id)
    if next_try is None:
        store.change(tx, webhook.webhook_id, job_id=None)
    else:
        queue.wait(tx, webhook, next_try)
    return NOTHING


def _keep(tx: Tx, webhook: Webhook, outcomes: Sequence[Outcome]) -> Webhook:
    store.settle(tx, webhook.webhook_id, [(each, *_follows(each)) for each in outcomes])
    arrived = any(each.arrived for each in outcomes)
    slow = any(map(is_slow, outcomes))
    since = None if arrived else webhook.failing_since or clock.now()
    if (since, slow) != (webhook.failing_since, webhook.slow):
        store.change(tx, webhook.webhook_id, failing_since=since, slow=slow)
    gone = any(each.status == HTTPStatus.GONE for each in outcomes)
    if gone or (since and clock.now() - since >= FAILING_LIMIT):
        _give_up(tx, webhook, gone=gone)
    return service.webhook(tx, webhook.webhook_id)


def is_slow(outcome: Outcome) -> bool:
    return outcome.milliseconds > SLOW_MILLISECONDS


def _follows(outcome: Outcome) -> tuple[State, timedelta]:
    """What becomes of a delivery, and when it is tried again."""
    if outcome.arrived:
        return State.DELIVERED, timedelta()
    if not outcome.again or outcome.parcel.tries >= len(PAUSES):
        return State.FAILED, timedelta()
    pause = PAUSES[outcome.parcel.tries]
    return State.PENDING, max(pause, timedelta(seconds=outcome.retry_after))


def _give_up(tx: Tx, webhook: Webhook, *, gone: bool) -> None:
    """What waits is kept for the day on which somebody turns it on again. `gone`: as the receiver itself said
    (410), which Standard Webhooks takes for its wish to get nothing more.
    """
    store.change(tx, webhook.webhook_id, off=Off.FAILING.value)
    store.follow(tx)
    audit.record(tx, "webhook_gone" if gone else "webhook_failing", after=webhook.url.partition("?")[0])
    log.warning("webhook.disabled", webhook_id=str(webhook.webhook_id))
    for member in workspaces.members(tx):
        if member.role is Role.OWNER and not member.disabled:
            about = {"webhook_id": str(webhook.webhook_id), "url": webhook.url.partition("?")[0]}
            tx.enqueue(DISABLED, {"email": member.email, "gone": gone, **about})


def _secrets(webhook: Webhook, keys: Keyring) -> Sequence[str]:
    """Raises Postponed: nothing goes out unsigned."""
    try:
        return service.secrets(webhook, keys)
    except service.UnreadableSecret:
        raise Postponed(f"No key of ours opens the secret of the webhook {webhook.webhook_id}.") from None


@requires(Permission.SYSTEM)
def reseal(tx: Tx, keys: Keyring) -> int:
    """Bring the next secrets under the newest key; says how many. What none of our keys opens is noted as
    such, so that the next round does not meet it.
    """
    unreadable = f"not {keys.current}"
    waiting = store.sealed_otherwise(tx, keys=(keys.current, unreadable), limit=RESEALED_AT_ONCE)
    for workspace_id, webhook in waiting:
        here, owner = tx.acting_as(Actor.system(workspace_id)), webhook.webhook_id.hex
        try:
            sealed = keys.seal(keys.open(webhook.secret.text, owner), owner)
        except Unreadable:
            log.warning("webhook.unreadable", webhook_id=str(webhook.webhook_id))
            sealed = Sealed(webhook.secret.text, unreadable)
        store.reseal(here, webhook, sealed)
    return len(waiting)


def resealing(keys: Keyring) -> Callable[[Tx], int]:
    """`reseal` with these keys, as a chore of the worker."""

    def reseal_webhooks(tx: Tx) -> int:
        return reseal(tx, keys)

    return reseal_webhooks
