"""Where a workspace's events are posted to, and what became of them."""

from collections.abc import Callable
from functools import cache
from uuid import UUID

from parlour.features.api import cursors, units
from parlour.features.api import webhook_shapes as shapes
from parlour.features.api.answers import Answer, answer
from parlour.features.api.operations import HOME, Call, Operation
from parlour.features.webhooks import service as webhooks
from parlour.features.webhooks.models import Delivery, Made, State, Webhook
from parlour.features.webhooks.posting import Sender, post
from parlour.features.webhooks.service import Wish
from parlour.kernel import clock
from parlour.kernel.errors import Invalid
from parlour.kernel.keyring import Keyring
from parlour.web.counting import count
from parlour.web.limits import Limit
from parlour.web.site import site


def _fields(webhook: Webhook) -> dict[str, object]:
    return {
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "events": list(webhook.events),
        "active": not webhook.off,
        "off": webhook.off.value,
        "except_key_id": webhook.except_key,
        "previous_secret_until": webhook.previous_until,
        "failing_since": webhook.failing_since,
        "created_at": webhook.created_at,
    }


def _shape(webhook: Webhook) -> shapes.Webhook:
    return shapes.Webhook(**_fields(webhook))  # type: ignore[arg-type]


def _with_secret(status: int) -> Callable[[Made], Answer]:
    def given(made: Made) -> Answer:
        shape = shapes.WebhookWithSecret(**_fields(made.webhook), secret=made.secret)  # type: ignore[arg-type]
        return answer(shape, status, Location=f"{HOME}/webhooks/{made.webhook.webhook_id}")

    return given


def _delivery(delivery: Delivery) -> shapes.Delivery:
    return shapes.Delivery(
        delivery_id=delivery.event_id,
        type=delivery.kind,
        state=delivery.state.value,
        tries=delivery.tries,
        status=delivery.status,
        failure=delivery.failure,
        answer=delivery.answer if delivery.status else "",
        milliseconds=delivery.milliseconds,
        body=delivery.body,
        tried_at=delivery.tried_at,
        next_try_at=delivery.next_try_at,
        created_at=delivery.created_at,
    )


@cache
def _keyring(secret_keys: tuple[bytes, ...]) -> Keyring:
    return webhooks.keyring(secret_keys)


def _keys(call: Call) -> Keyring:
    return _keyring(site(call.request).settings.secret_keys)


def _sender(call: Call) -> Sender:
    sender: Sender = call.request.app.state.sender
    return sender


async def list_webhooks(call: Call) -> Answer:
    """List the webhooks."""
    return answer(shapes.WebhookList([_shape(each) for each in await call.read(webhooks.every)]))


async def add_webhook(call: Call) -> Answer:
    """Post what happens to an address.

    What happens from now on is posted there as JSON, signed as Standard Webhooks has it: `type`, `timestamp`,
    and as `data` the same that `GET /changes` says. The secret is in this answer alone. An Idempotency-Key is
    not heeded here, because the answer is not kept.
    """
    new: shapes.NewWebhook = call.body
    wish = Wish(new.url, new.events, new.except_key_id, plain_http=_sender(call).reach.is_wide)
    return await call.write(webhooks.make, _with_secret(201), clock.new_id(), wish, _keys(call))


async def renew_webhook_secret(call: Call) -> Answer:
    """Give a webhook another secret.

    For a day deliveries are signed with the one before as well, so that the receiver can follow. The new one
    is in this answer alone.
    """
    return await call.write(webhooks.renew_secret, _with_secret(200), call.id("webhook_id"), _keys(call))


async def test_webhook(call: Call) -> Answer:
    """Post a test to a webhook, and say how it went.

    Its type is `webhook.test`. It is tried once, at once, whether the webhook is active or not.
    """
    webhook_id = call.id("webhook_id")
    told = await call.read(webhooks.test_event, webhook_id)
    webhook = await call.read(webhooks.webhook, webhook_id)
    await count(call.request, Limit.TEST_WEBHOOK, str(call.program.actor.workspace_id))
    secrets = webhooks.secrets(webhook, _keys(call))
    async with _sender(call).to(webhook.url) as receiver:
        outcome = await post(receiver, webhooks.parcel_of(told), secrets)
    return await call.write(
        webhooks.note_test, lambda made: answer(_delivery(made)), webhook_id, told, outcome
    )


async def list_webhook_deliveries(call: Call) -> Answer:
    """Read what was posted to a webhook.

    The newest first, kept for 30 days, with what the receiver answered.
    """
    webhook_id = call.id("webhook_id")
    asked, before = cursors.unseal(call, f"deliveries|{webhook_id}")
    found, goes_on = await call.read(
        webhooks.deliveries,
        webhook_id,
        before=UUID(before) if before else None,
        state=State(asked.state) if asked.state else None,
        limit=asked.limit,
    )
    sealed = cursors.seal(call, f"deliveries|{webhook_id}", asked, str(goes_on)) if goes_on else None
    return answer(shapes.DeliveryList([_delivery(each) for each in found], sealed))


async def retry_webhook_delivery(call: Call) -> Answer:
    """Post something again.

    With the same id and body, and with all its tries, whatever became of it before.
    """
    return await call.write(
        webhooks.retry, lambda made: answer(_delivery(made)), call.id("webhook_id"), call.id("delivery_id")
    )


async def replay_webhook(call: Call) -> Answer:
    """Post what happened in a span of time.

    What did not arrive, or `all` of it; also what was never tried because the webhook was off. What is older
    than 30 days is not known any more.
    """
    span: shapes.Span = call.body
    return await call.write(
        webhooks.replay,
        lambda webhook: answer(_shape(webhook), 202),
        call.id("webhook_id"),
        span.after,
        span.before,
        all_of_them=span.all,
    )


async def get_webhook(call: Call) -> Answer:
    """Read a webhook."""
    return answer(_shape(await call.read(webhooks.webhook, call.id("webhook_id"))))


async def change_webhook(call: Call) -> Answer:
    """Change a webhook, turn it off or on.

    Only what you send changes. What happens while it is off is not posted afterwards, unless you replay it.
    """
    return await call.write(
        units.change_webhook,
        lambda webhook: answer(_shape(webhook)),
        call.id("webhook_id"),
        call.body,
        plain_http=_sender(call).reach.is_wide,
    )


async def delete_webhook(call: Call) -> Answer:
    """Delete a webhook, and what was posted to it.

    The answer says what it was.
    """
    return await call.write(webhooks.delete, lambda gone: answer(_shape(gone)), call.id("webhook_id"))


_ONE = "/webhooks/{webhook_id}"
_UNKNOWN = webhooks.UnknownWebhook

OPERATIONS = [
    Operation("GET", "/webhooks", list_webhooks, shapes.WebhookList, role="admin"),
    Operation(
        "POST",
        "/webhooks",
        add_webhook,
        shapes.WebhookWithSecret,
        role="admin",
        takes=shapes.NewWebhook,
        status=201,
        refusals=(Invalid, webhooks.TooManyWebhooks),
        example={"url": "https://example.com/parlour", "events": ["ticket.created", "message.created"]},
        once=False,
    ),
    Operation(
        "POST",
        f"{_ONE}/secret",
        renew_webhook_secret,
        shapes.WebhookWithSecret,
        role="admin",
        refusals=(_UNKNOWN,),
        once=False,
    ),
    Operation(
        "POST",
        f"{_ONE}/test",
        test_webhook,
        shapes.Delivery,
        role="admin",
        refusals=(_UNKNOWN, webhooks.UnreadableSecret),
        once=False,
    ),
    Operation(
        "GET",
        f"{_ONE}/deliveries",
        list_webhook_deliveries,
        shapes.DeliveryList,
        role="admin",
        query=shapes.DeliveryQuery,
        refusals=(_UNKNOWN,),
    ),
    Operation(
        "POST",
        f"{_ONE}/deliveries/{{delivery_id}}/retry",
        retry_webhook_delivery,
        shapes.Delivery,
        role="admin",
        refusals=(_UNKNOWN, webhooks.UnknownDelivery, webhooks.WebhookOff),
    ),
    Operation(
        "POST",
        f"{_ONE}/replay",
        replay_webhook,
        shapes.Webhook,
        role="admin",
        takes=shapes.Span,
        status=202,
        refusals=(_UNKNOWN, webhooks.WebhookOff, Invalid),
        example={"after": "2026-11-01T00:00:00Z", "before": "2026-11-02T00:00:00Z"},
    ),
    Operation("GET", _ONE, get_webhook, shapes.Webhook, role="admin", refusals=(_UNKNOWN,)),
    Operation(
        "PATCH",
        _ONE,
        change_webhook,
        shapes.Webhook,
        role="admin",
        takes=shapes.WebhookChange,
        refusals=(_UNKNOWN, Invalid),
        example={"events": ["ticket.created"]},
    ),
    Operation("DELETE", _ONE, delete_webhook, shapes.Webhook, role="admin", refusals=(_UNKNOWN,)),
]
