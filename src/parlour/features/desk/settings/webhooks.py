"""Where what happens is posted to, and what was posted, for those who manage a workspace."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.accounts.models import Desk
from parlour.features.desk.agent import desk_in, render_at
from parlour.features.webhooks import service as webhooks
from parlour.features.webhooks.models import Delivery, Made, Webhook
from parlour.features.webhooks.posting import Sender, post
from parlour.kernel import clock
from parlour.kernel.access import permitted
from parlour.kernel.errors import DomainError, Invalid
from parlour.kernel.graphemes import cut
from parlour.kernel.keyring import Keyring
from parlour.web.counting import count
from parlour.web.forms import REFUSALS, every, read_form, read_form_leniently, uuid_field
from parlour.web.ids import id_in, id_of
from parlour.web.limits import Limit
from parlour.web.pages import redirect
from parlour.web.site import db, site

DELIVERIES = 50
"""On one page."""
BODY_SHOWN = 2_000
"""Characters of what was posted; the API gives all of it."""
USUAL = ("ticket.created", "ticket.updated", "message.created")
"""Chosen on an empty form: what customers see and do, without what the team says among itself."""
A_DAY = timedelta(days=1)
A_MINUTE = timedelta(minutes=1)


def _home(desk: Desk) -> str:
    return f"/workspace/{desk.workspace_id}/settings/webhooks"


def _sender(request: Request) -> Sender:
    sender: Sender = request.app.state.sender
    return sender


def _keys(request: Request) -> Keyring:
    return webhooks.keyring(site(request).settings.secret_keys)


def _shown(webhook: Webhook) -> dict[str, object]:
    return {
        "webhook_id": str(webhook.webhook_id),
        "url": webhook.url,
        "events": [kind.value for kind in webhook.events],
        "off": webhook.off.value,
        "failing_since": webhook.failing_since,
        "previous_until": _still_to_come(webhook.previous_until),
        "created_at": webhook.created_at,
    }


def _still_to_come(moment: datetime | None) -> datetime | None:
    return moment if moment and moment > clock.now() else None


def _delivery(delivery: Delivery) -> dict[str, object]:
    return {
        "delivery_id": str(delivery.event_id),
        "kind": delivery.kind,
        "state": delivery.state.value,
        "tries": delivery.tries,
        "status": delivery.status,
        "failure": delivery.failure,
        "answer": delivery.answer if delivery.status else "",
        "body": cut(delivery.body, BODY_SHOWN),
        "is_cut": len(delivery.body) > BODY_SHOWN,
        "tried_at": delivery.tried_at,
        "next_try_at": delivery.next_try_at,
        "created_at": delivery.created_at,
    }


def _typed(fields: Mapping[str, str], chosen: Sequence[str]) -> dict[str, object]:
    return {
        "url": fields.get("url", ""),
        "events": list(chosen),
        "except_key_id": fields.get("except_key_id", ""),
    }


def _wish(request: Request, fields: Mapping[str, str], chosen: Sequence[str]) -> webhooks.Wish:
    """Raises BadForm."""
    but = uuid_field(fields, "except_key_id") if fields.get("except_key_id") else None
    return webhooks.Wish(fields.get("url", ""), chosen, but, plain_http=_sender(request).reach.is_wide)


async def _choices(request: Request, desk: Desk) -> dict[str, Any]:
    """What a form of a webhook offers, and what its pages say of it."""
    keys = await db(request).read(desk.actor, api_keys.every)
    return {
        "kinds": [kind.value for kind in webhooks.KINDS],
        "programs": [{"key_id": str(each.key_id), "name": each.name} for each in keys],
        "plain_http": _sender(request).reach.is_wide,
        "most": webhooks.WEBHOOKS_LIMIT,
    }


# ------------------------------------------------------------------------------------------ all of them


async def index(request: Request) -> Response:
    return await _index(request, await desk_in(request))


async def _index(
    request: Request,
    desk: Desk,
    typed: Mapping[str, str] | None = None,
    chosen: Sequence[str] = USUAL,
    refused: DomainError | None = None,
) -> Response:
    typed = typed or {}
    known = await db(request).read(desk.actor, webhooks.every)
    return await render_at(
        request,
        desk,
        "desk/settings_webhooks.html",
        refused=refused,
        webhooks=[_shown(each) for each in known],
        form={**_typed(typed, chosen), "webhook_id": typed.get("webhook_id") or str(clock.new_id())},
        **await _choices(request, desk),
    )


async def make(request: Request) -> Response:
    """The secret stands in this answer alone: no address leads to it again."""
    desk = await desk_in(request)
    fields, stale = await read_form_leniently(request)
    chosen = await every(request, "events")
    try:
        if stale:
            raise stale
        webhook_id = uuid_field(fields, "webhook_id")
        wish = _wish(request, fields, chosen)
        made = await db(request).write(desk.actor, webhooks.make, webhook_id, wish, _keys(request))
    except webhooks.AlreadyMade:
        return redirect(_home(desk))
    except (*REFUSALS, webhooks.TooManyWebhooks) as error:
        permitted(desk.actor, webhooks.make)
        return await _index(request, desk, fields, chosen, error)
    return await _one(request, desk, made.webhook.webhook_id, made=made)


# ---------------------------------------------------------------------------------------------- one of them


async def one(request: Request) -> Response:
    return await _one(request, await desk_in(request), id_in(request, "webhook_id"))


async def back(request: Request) -> Response:
    """Whoever loads the page again to which a form of a webhook was sent sees the webhook."""
    return redirect(_at(await desk_in(request), id_in(request, "webhook_id")))


def _at(desk: Desk, webhook_id: UUID) -> str:
    return f"{_home(desk)}/{webhook_id}"


async def _one(
    request: Request,
    desk: Desk,
    webhook_id: UUID,
    typed: Mapping[str, object] | None = None,
    refused: DomainError | None = None,
    made: Made | None = None,
) -> Response:
    actor, asked, now = desk.actor, request.query_params, clock.now()
    before = id_of(asked["before"]) if "before" in asked else None
    webhook = await db(request).read(actor, webhooks.webhook, webhook_id)
    found, older = await db(request).read(
        actor, webhooks.deliveries, webhook_id, before=before, limit=DELIVERIES
    )
    span = {"after": _minute(webhook.failing_since or now - A_DAY), "before": _minute(now + A_MINUTE)}
    return await render_at(
        request,
        desk,
        "desk/settings_webhook.html",
        refused=refused,
        webhook=_shown(webhook),
        secret=made.secret if made else "",
        deliveries=[_delivery(each) for each in found],
        tested=[_delivery(each) for each in found if str(each.event_id) == asked.get("tested")],
        replayed="replayed" in asked,
        changed="changed" in asked,
        changing="url" in (typed or {}),
        before=before and str(before),
        older=older and str(older),
        form={**_said(webhook), **span, **(typed or {})},
        **await _choices(request, desk),
    )


def _said(webhook: Webhook) -> dict[str, object]:
    """As a form has it."""
    but = webhook.except_key
    return {"url": webhook.url, "events": [*webhook.events], "except_key_id": str(but) if but else ""}


def _minute(moment: datetime) -> str:
    """As a browser's field for a moment has it, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}"


async def change(request: Request) -> Response:
    desk, webhook_id = await desk_in(request), id_in(request, "webhook_id")
    fields, stale = await read_form_leniently(request)
    chosen = await every(request, "events")
    try:
        if stale:
            raise stale
        wish = _wish(request, fields, chosen)
        await db(request).write(desk.actor, webhooks.change, webhook_id, wish)
    except REFUSALS as error:
        permitted(desk.actor, webhooks.change)
        return await _one(request, desk, webhook_id, _typed(fields, chosen), error)
    return redirect(f"{_at(desk, webhook_id)}?changed=yes")


async def turn_on(request: Request) -> Response:
    desk, webhook_id = await desk_in(request), id_in(request, "webhook_id")
    await read_form(request)
    await db(request).write(desk.actor, webhooks.turn_on, webhook_id)
    return redirect(_at(desk, webhook_id))


async def turn_off(request: Request) -> Response:
    desk, webhook_id = await desk_in(request), id_in(request, "webhook_id")
    await read_form(request)
    await db(request).write(desk.actor, webhooks.turn_off, webhook_id)
    return redirect(_at(desk, webhook_id))


async def renew_secret(request: Request) -> Response:
    """As with a new webhook, the secret stands in this answer alone."""
    desk, webhook_id = await desk_in(request), id_in(request, "webhook_id")
    await read_form(request)
    made = await db(request).write(desk.actor, webhooks.renew_secret, webhook_id, _keys(request))
    return await _one(request, desk, webhook_id, made=made)


async def test(request: Request) -> Response:
    """Post a test, and lead to how it went."""
    desk, webhook_id = await desk_in(request), id_in(request, "webhook_id")
    await read_form(request)
    actor = desk.actor
    webhook = await db(request).read(actor, webhooks.webhook, webhook_id)
    try:
        await count(request, Limit.TEST_WEBHOOK, str(desk.workspace_id))
    except REFUSALS as error:
        return await _one(request, desk, webhook_id, refused=error)
    told = await db(request).read(actor, webhooks.test_event, webhook_id)
    try:
        secrets = webhooks.secrets(webhook, _keys(request))
    except webhooks.UnreadableSecret as error:
        return await _one(request, desk, webhook_id, refused=error)
    async with _sender(request).to(webhook.url) as receiver:
        outcome = await post(receiver, webhooks.parcel_of(told), secrets)
    await db(request).write(actor, webhooks.note_test, webhook_id, told, outcome)
    return redirect(f"{_at(desk, webhook_id)}?tested={told.event_id}")


async def delete(request: Request) -> Response:
    desk = await desk_in(request)
    await read_form(request)
    await db(request).write(desk.actor, webhooks.delete, id_in(request, "webhook_id"))
    return redirect(_home(desk))


async def retry(request: Request) -> Response:
    desk, webhook_id = await desk_in(request), id_in(request, "webhook_id")
    await read_form(request)
    await db(request).write(desk.actor, webhooks.retry, webhook_id, id_in(request, "delivery_id"))
    return redirect(_at(desk, webhook_id))


async def replay(request: Request) -> Response:
    desk, webhook_id = await desk_in(request), id_in(request, "webhook_id")
    fields, stale = await read_form_leniently(request)
    actor = desk.actor
    permitted(actor, webhooks.replay)
    try:
        if stale:
            raise stale
        span, all_of_them = _span(fields), "all" in fields
        await db(request).write(actor, webhooks.replay, webhook_id, *span, all_of_them=all_of_them)
    except REFUSALS as error:
        return await _one(request, desk, webhook_id, fields, error)
    return redirect(f"{_at(desk, webhook_id)}?replayed=yes")


def _span(fields: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Raises Invalid (`after`, `before`: not_a_moment)."""
    moments = {name: _moment(fields.get(name, "")) for name in ("after", "before")}
    after, before = moments.values()
    if after is None or before is None:
        raise Invalid({name: "not_a_moment" for name, moment in moments.items() if moment is None})
    return after, before


def _moment(typed: str) -> datetime | None:
    """In UTC, as the page says."""
    try:
        moment = datetime.fromisoformat(typed.strip())
    except ValueError:
        return None
    return None if moment.tzinfo else moment.replace(tzinfo=UTC)
