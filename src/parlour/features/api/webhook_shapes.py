"""What the API takes and gives of webhooks. As in `shapes`, a field that stands here stays."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from parlour.features.api.shapes import Cursor, Given, Limit, Moment, Taken
from parlour.features.webhooks.urls import URL_LIMIT

Kinds = Annotated[
    list[Literal["ticket.created", "ticket.updated", "message.created", "note.created", "contact.updated"]],
    Meta(max_length=20, description="Of which it is told. One at least."),
]
Url = Annotated[
    str,
    Meta(description=f"Where to: https, public, up to {URL_LIMIT:,} characters."),
]
ExceptKey = Annotated[
    UUID | None,
    Meta(
        description="The `key_id` of a program whose own changes are not posted, so that none answers itself."
    ),
]
Secret = Annotated[str, Meta(description="`whsec_…`: with it every delivery is signed. Shown this once.")]


class Webhook(Given):
    webhook_id: UUID
    url: str
    events: list[str]
    active: bool
    off: Annotated[
        Literal["", "by_hand", "failing"],
        Meta(
            description="Why it is not active; `failing`: nothing came through for three days, or the "
            "receiver answered 410."
        ),
    ]
    except_key_id: UUID | None
    previous_secret_until: Annotated[
        Moment | None,
        Meta(description="Until when deliveries are signed with the secret before this one, too."),
    ]
    failing_since: Annotated[Moment | None, Meta(description="The first failure after the last success.")]
    created_at: Moment


class WebhookWithSecret(Webhook, kw_only=True):
    secret: Secret


class WebhookList(Given):
    items: list[Webhook]
    next: None = None


class Delivery(Given):
    """Of one event to one webhook."""

    delivery_id: Annotated[UUID, Meta(description="What the receiver gets as `webhook-id`, at every try.")]
    type: str
    state: Literal["pending", "delivered", "failed"]
    tries: int
    status: Annotated[int | None, Meta(description="Of the last answer.")]
    failure: Annotated[
        str,
        Meta(
            description="Why there was no good answer: `name`, `private`, `connection`, `tls`, `timeout`, "
            "`garbage`, `redirect`."
        ),
    ]
    answer: Annotated[str, Meta(description="How the body of the last answer began.")]
    milliseconds: int | None
    body: Annotated[str, Meta(description="What is posted, the same at every try.")]
    tried_at: Moment | None
    next_try_at: Moment | None
    created_at: Moment


class DeliveryList(Given):
    items: list[Delivery]
    next: str | None


class NewWebhook(Taken):
    url: Url
    events: Kinds
    except_key_id: ExceptKey = None


class WebhookChange(Taken):
    """Only what is sent changes."""

    url: Url | UnsetType = UNSET
    events: Kinds | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    except_key_id: ExceptKey | UnsetType = UNSET


class Span(Taken):
    after: Annotated[datetime, Meta(tz=True)]
    before: Annotated[datetime, Meta(tz=True)]
    all: Annotated[bool, Meta(description="Also what has arrived already.")] = False


class DeliveryQuery(Taken):
    state: Annotated[
        Literal["pending", "delivered", "failed"] | None, Meta(description="Only those that are so.")
    ] = None
    limit: Limit = 25
    cursor: Cursor | None = None
