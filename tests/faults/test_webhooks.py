"""The server is killed while it posts to a webhook."""

from collections import defaultdict
from pathlib import Path

import httpx
import pytest

from tests.house import behind_its_back
from tests.live import SLUG, Live
from tests.postgres_server import ON_POSTGRESQL
from tests.receiver import Receiver, http
from tests.until import until

WAITING = 1_000
NEW_ID = "gen_random_uuid()" if ON_POSTGRESQL else "lower(hex(randomblob(16)))"
LEASES_RUN_OUT = "UPDATE outbox SET locked_until = run_at WHERE locked_until IS NOT NULL"
"""Half a minute later."""
STORE = f"""
WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?)
INSERT INTO webhook_deliveries (workspace_id, webhook_id, event_id, kind, body, state, tries, answer,
    failure, next_try_at, created_at)
SELECT workspace_id, webhook_id, {NEW_ID}, 'contact.updated',
    '{{"number": ' || number || '}}', 'pending', 0, '', '', created_at, created_at
FROM webhooks, numbers
"""  # noqa: S608 one of two names


@pytest.mark.timeout(300)
async def test_each_delivery_arrives_with_the_same_id_and_body_though_the_server_is_killed(
    tmp_path: Path,
) -> None:
    async with Receiver() as receiver:
        with Live(tmp_path, PARLOUR_WEBHOOKS_PRIVATE="127.0.0.0/8") as live:
            admin = ("--workspace", SLUG, "--name", "Admin", "--role", "admin")
            key = live.command("apikey", "create", *admin).splitlines()[-1]
            headers = {"authorization": f"Bearer {key}"}
            async with httpx.AsyncClient(base_url=f"{live.url}/api/v1", headers=headers) as api:
                await api.post("/webhooks", json={"url": receiver.url, "events": ["contact.updated"]})
                behind_its_back(live.settings, STORE, WAITING)
                receiver.answer = lambda _: http(204) if len(receiver.posts) <= WAITING // 3 else None
                await api.post("/contacts", json={"email": "zoe@example.com"})
            await until(lambda: len(receiver.posts) > WAITING // 3, within=60)
            live.kill()
            behind_its_back(live.settings, LEASES_RUN_OUT)
            receiver.answer = lambda _: http(204)
            live.start()
            waiting = "SELECT event_id FROM webhook_deliveries WHERE state = 'pending'"
            await until(lambda: behind_its_back(live.settings, waiting) == [], within=60)

    bodies = defaultdict(set)
    for post in receiver.posts:
        bodies[post.id].add(post.body)
    assert len(bodies) == WAITING + 1
    assert {len(each) for each in bodies.values()} == {1}
    assert len(receiver.posts) > len(bodies), "What was not answered before the end came only once."
