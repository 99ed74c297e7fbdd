"""The one job that posts to a webhook. It waits for its own receiver and for no other; those that take their
time stand in a lane of their own (`db/lanes.py`).
"""

from datetime import datetime

from parlour.db import outbox
from parlour.db.database import Tx
from parlour.features.webhooks import store
from parlour.features.webhooks.models import Webhook
from parlour.kernel.access import Permission, requires

QUICK = "webhooks.post"
SLOW = "slow.post"


def kind_of(webhook: Webhook) -> str:
    return SLOW if webhook.slow else QUICK


@requires(Permission.WEBHOOK_MANAGE)
def wake(tx: Tx, webhook: Webhook) -> None:
    """There is something to post to a webhook whose row this transaction has locked."""
    system = tx.as_system()
    if webhook.job_id is None or not outbox.hurry(system, webhook.job_id):
        wait(system, webhook, None)


@requires(Permission.SYSTEM)
def wait(tx: Tx, webhook: Webhook, until: datetime | None) -> None:
    """A new job for it, at that moment or at once; whichever there was before it is no longer the one."""
    job_id = tx.enqueue(kind_of(webhook), {"webhook_id": str(webhook.webhook_id)}, at=until)
    store.change(tx, webhook.webhook_id, job_id=job_id)
