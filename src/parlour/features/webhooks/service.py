"""Webhooks of a workspace: made, changed, tried out, and what was posted to them, by those who manage it.

What happens is posted by `delivering`. The secrets with which it is signed are kept sealed, because they have
to be read again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from msgspec import Struct

from parlour.db.database import Tx
from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.events import service as happenings
from parlour.features.events.models import Kind
from parlour.features.webhooks import queue, store
from parlour.features.webhooks.models import (
    TEST,
    Delivery,
    Made,
    Off,
    Outcome,
    Parcel,
    State,
    Told,
    Webhook,
)
from parlour.features.webhooks.signing import new_secret
from parlour.features.webhooks.urls import clean_url
from parlour.features.workspaces import audit
from parlour.kernel import clock
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import DomainError, Invalid, NotFound
from parlour.kernel.keyring import Keyring, Unreadable

WEBHOOKS_LIMIT = 20
"""Of a workspace: each of them is posted all that happens there."""
BOTH_VALID = timedelta(days=1)
"""How long what is posted is signed with the secret before the newest one as well."""
KEPT = timedelta(days=30)
SWEPT_AT_ONCE = 500
FORGET = "webhooks.forget"
REPLAY = "webhooks.replay"
KINDS = tuple(Kind)


class UnknownWebhook(NotFound):
    code = "unknown_webhook"
    message = "We could not find this webhook."


class UnknownDelivery(NotFound):
    code = "unknown_delivery"
    message = "We could not find this delivery. What was posted is kept for 30 days."


class UnreadableSecret(DomainError):
    """The key that sealed it is not among this server's any more."""

    status: ClassVar[int] = 409
    code = "unreadable_secret"
    message = "No key of this server opens the secret of this webhook, so nothing is posted. Make a new one."


class TooManyWebhooks(DomainError):
    status: ClassVar[int] = 409
    code = "too_many_webhooks"
    message = f"A workspace has at most {WEBHOOKS_LIMIT} webhooks."


class AlreadyMade(DomainError):
    """The same form came twice: the webhook is there, and its secret was shown to whoever sent the first."""

    status: ClassVar[int] = 409
    code = "already_made"
    message = "This webhook has been made already."


class WebhookOff(DomainError):
    """Nothing is posted to it, so that nothing can be asked to be posted."""

    status: ClassVar[int] = 409
    code = "webhook_off"
    message = "This webhook is off. Turn it on first."


class Wish(Struct, frozen=True):
    """What a webhook is to be; `plain_http` says whether it may do without TLS here."""

    url: str
    events: Sequence[str]
    except_key: UUID | None = None
    plain_http: bool = False


def keyring(secret_keys: Sequence[bytes]) -> Keyring:
    return Keyring(secret_keys, "webhook secrets")


def _checked(tx: Tx, wish: Wish, before: Webhook | None = None) -> tuple[str, tuple[Kind, ...]]:
    """What the webhook has already it may keep, though it could not be chosen anew: an address without TLS,
    a key that was revoked.

    Raises Invalid (`url`: as `clean_url` says; `events`: required, unknown; `except_key_id`: unknown).
    """
    had_url, had_key = (before.url, before.except_key) if before else ("", None)
    url, wrong = clean_url(wish.url, plain_http=wish.plain_http or wish.url == had_url)
    problems = {"url": wrong} if wrong else {}
    events = tuple(kind for kind in KINDS if kind in wish.events)
    if not set(wish.events) <= set(KINDS):
        problems["events"] = "unknown"
    elif not events:
        problems["events"] = "required"
    known = {None, had_key, *(key.key_id for key in api_keys.every(tx))}
    if wish.except_key not in known:
        problems["except_key_id"] = "unknown"
    if problems:
        raise Invalid(problems)
    return url, events


@requires(Permission.WEBHOOK_MANAGE)
def make(tx: Tx, webhook_id: UUID, wish: Wish, keys: Keyring) -> Made:
    """What happens from now on is posted to it. Raises Invalid, AlreadyMade, TooManyWebhooks."""
    url, events = _checked(tx, wish)
    if store.webhook(tx, webhook_id):
        raise AlreadyMade
    if store.how_many(tx) >= WEBHOOKS_LIMIT:
        raise TooManyWebhooks
    secret = new_secret()
    store.insert_webhook(
        tx,
        webhook_id=webhook_id,
        url=url,
        events=events,
        except_key=wish.except_key,
        secret=keys.seal(secret, webhook_id.hex),
        position=_head(tx),
    )
    store.follow(tx)
    audit.record(tx, "webhook_made", after=_place(url))
    return Made(webhook(tx, webhook_id), secret)


def _head(tx: Tx) -> int:
    """Where what happens from now on begins."""
    while happenings.settle(tx) == happenings.STEP:
        pass
    return happenings.bounds(tx)[1]


def _place(url: str) -> str:
    """As the audit trail has it: what follows the host may hold a password."""
    return url.partition("?")[0]


@requires(Permission.WEBHOOK_MANAGE)
def every(tx: Tx) -> Sequence[Webhook]:
    """The workspace's, the first one first."""
    return store.every(tx, limit=WEBHOOKS_LIMIT)


@requires(Permission.WEBHOOK_MANAGE)
def webhook(tx: Tx, webhook_id: UUID) -> Webhook:
    """Raises UnknownWebhook."""
    found = store.webhook(tx, webhook_id)
    if found is None:
        raise UnknownWebhook
    return found


def _locked(tx: Tx, webhook_id: UUID) -> Webhook:
    found = store.lock(tx, webhook_id)
    if found is None:
        raise UnknownWebhook
    return found


@requires(Permission.WEBHOOK_MANAGE)
def change(tx: Tx, webhook_id: UUID, wish: Wish) -> Webhook:
    """Of another address nothing is known to fail yet. Raises UnknownWebhook, Invalid."""
    before = _locked(tx, webhook_id)
    url, events = _checked(tx, wish, before)
    store.change(tx, webhook_id, url=url, events=",".join(events), except_key=wish.except_key)
    if url != before.url:
        store.change(tx, webhook_id, failing_since=None)
        audit.record(tx, "webhook_moved", before=_place(before.url), after=_place(url))
    return webhook(tx, webhook_id)


@requires(Permission.WEBHOOK_MANAGE)
def turn_on(tx: Tx, webhook_id: UUID) -> Webhook:
    """What still waited is posted; what happened meanwhile is not, but `replay` brings it.
    Raises UnknownWebhook.
    """
    now = _locked(tx, webhook_id)
    if now.off:
        store.change(tx, webhook_id, off=Off.ON.value, failing_since=None, position=_head(tx))
        store.follow(tx)
        queue.wake(tx, _locked(tx, webhook_id))
        audit.record(tx, "webhook_on", after=_place(now.url))
    return webhook(tx, webhook_id)


@requires(Permission.WEBHOOK_MANAGE)
def turn_off(tx: Tx, webhook_id: UUID) -> Webhook:
    """Nothing is posted to it from now on. Raises UnknownWebhook."""
    now = _locked(tx, webhook_id)
    if not now.off:
        store.change(tx, webhook_id, off=Off.BY_HAND.value)
        store.follow(tx)
        audit.record(tx, "webhook_off", after=_place(now.url))
    return webhook(tx, webhook_id)


@requires(Permission.WEBHOOK_MANAGE)
def renew_secret(tx: Tx, webhook_id: UUID, keys: Keyring) -> Made:
    """The one before signs as well for BOTH_VALID, so that receivers can follow. Raises UnknownWebhook."""
    now, secret = _locked(tx, webhook_id), new_secret()
    store.change_secret(tx, now, keys.seal(secret, webhook_id.hex), until=clock.now() + BOTH_VALID)
    audit.record(tx, "webhook_secret", after=_place(now.url))
    return Made(webhook(tx, webhook_id), secret)


@requires(Permission.WEBHOOK_MANAGE)
def delete(tx: Tx, webhook_id: UUID) -> Webhook:
    """With all that was posted to it, which goes in steps. Raises UnknownWebhook."""
    gone = _locked(tx, webhook_id)
    store.delete_webhook(tx, webhook_id)
    store.follow(tx)
    tx.enqueue(FORGET, {"webhook_id": str(webhook_id)})
    audit.record(tx, "webhook_deleted", before=_place(gone.url))
    return gone


def secrets(webhook: Webhook, keys: Keyring) -> list[str]:
    """Those with which what is posted now is signed.

    Raises UnreadableSecret when no key opens the current one.
    """
    owner = webhook.webhook_id.hex
    try:
        found = [keys.open(webhook.secret.text, owner)]
    except Unreadable:
        raise UnreadableSecret from None
    if webhook.previous and webhook.previous_until and webhook.previous_until > clock.now():
        try:
            found.append(keys.open(webhook.previous.text, owner))
        except Unreadable:
            return found
    return found


# -------------------------------------------------------------------------------------------- deliveries


@requires(Permission.WEBHOOK_MANAGE)
def deliveries(
    tx: Tx, webhook_id: UUID, *, before: UUID | None = None, state: State | None = None, limit: int
) -> tuple[Sequence[Delivery], UUID | None]:
    """The newest event first, and the one before which the next page begins. Raises UnknownWebhook."""
    webhook(tx, webhook_id)
    found = store.deliveries(tx, webhook_id, before=before, state=state, limit=limit + 1)
    return found[:limit], found[limit - 1].event_id if len(found) > limit else None


@requires(Permission.WEBHOOK_MANAGE)
def delivery(tx: Tx, webhook_id: UUID, event_id: UUID) -> Delivery:
    """Raises UnknownDelivery."""
    found = store.delivery(tx, webhook_id, event_id)
    if found is None or store.webhook(tx, webhook_id) is None:
        raise UnknownDelivery
    return found


@requires(Permission.WEBHOOK_MANAGE)
def retry(tx: Tx, webhook_id: UUID, event_id: UUID) -> Delivery:
    """Post it again, with all its tries, whatever became of it.
    Raises UnknownWebhook, UnknownDelivery, WebhookOff.
    """
    now = _locked(tx, webhook_id)
    if now.off:
        raise WebhookOff
    if not store.revive(tx, webhook_id, event_id):
        raise UnknownDelivery
    queue.wake(tx, now)
    return delivery(tx, webhook_id, event_id)


@requires(Permission.WEBHOOK_MANAGE)
def test_event(tx: Tx, webhook_id: UUID) -> Told:
    """What `note_test` is told of afterwards. Raises UnknownWebhook."""
    now = webhook(tx, webhook_id)
    event_id, at = clock.new_id(), clock.now().isoformat().replace("+00:00", "Z")
    body = f'{{"type":"{TEST}","timestamp":"{at}","data":{{"webhook_id":"{now.webhook_id}"}}}}'
    return Told(event_id, TEST, body)


@requires(Permission.WEBHOOK_MANAGE)
def note_test(tx: Tx, webhook_id: UUID, told: Told, outcome: Outcome) -> Delivery:
    """How it went; what went wrong is not tried again. Raises UnknownWebhook."""
    _locked(tx, webhook_id)
    state = State.DELIVERED if outcome.arrived else State.FAILED
    store.put_down(tx, webhook_id, told, outcome, state)
    return delivery(tx, webhook_id, told.event_id)


def parcel_of(told: Told) -> Parcel:
    return Parcel(told.event_id, told.body, 0)


@requires(Permission.WEBHOOK_MANAGE)
def replay(tx: Tx, webhook_id: UUID, after: datetime, before: datetime, *, all_of_them: bool) -> Webhook:
    """Post what happened in that span and is still known: what did not arrive, or all of it. A job does it.
    Raises UnknownWebhook, WebhookOff, Invalid (`before`: not_after).
    """
    now = _locked(tx, webhook_id)
    if now.off:
        raise WebhookOff
    if before <= after:
        raise Invalid({"before": "not_after"})
    span = {"after": after.isoformat(), "before": before.isoformat(), "all": all_of_them}
    tx.enqueue(REPLAY, {"webhook_id": str(webhook_id), **span})
    audit.record(tx, "webhook_replay", after=_place(now.url))
    return now


@requires(Permission.SYSTEM)
def forget(tx: Tx, webhook_id: UUID) -> bool:
    """Whether there is more to forget of a webhook that is gone."""
    return store.forget_deliveries(tx, webhook_id, limit=SWEPT_AT_ONCE) == SWEPT_AT_ONCE


@requires(Permission.SYSTEM)
def sweep(tx: Tx) -> int:
    """Forget some of what was posted long ago; says how much, nothing when all of it is gone."""
    return store.sweep(tx, clock.now() - KEPT, limit=SWEPT_AT_ONCE)
