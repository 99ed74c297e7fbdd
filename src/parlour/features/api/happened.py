"""What is posted to webhooks of what happened: the same that `GET /changes` says of it."""

from functools import partial
from uuid import UUID

import msgspec

from parlour.features.api import units
from parlour.features.api.changes import change_shape
from parlour.features.api.tickets import desk_at
from parlour.features.events.models import Event
from parlour.features.webhooks.delivering import Compose
from parlour.features.webhooks.models import Told

_ENCODER = msgspec.json.Encoder()


def told_of(base_url: str) -> Compose:
    """Bodies as Standard Webhooks has them: `type`, `timestamp`, `data`."""

    def told(event: Event, about: units.About, workspace_id: UUID) -> Told:
        change = change_shape(event, about, desk_at(base_url, workspace_id))
        body = {"type": change.type, "timestamp": change.created_at, "data": change}
        said = _ENCODER.encode(body).decode()
        return Told(event.event_id, event.kind.value, said, event.ticket_id, event.contact_id)

    return partial(units.told, tell=told)
