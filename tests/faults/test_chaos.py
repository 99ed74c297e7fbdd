"""A short run of `python -m bench chaos`: everything is killed once, under load."""

from pathlib import Path

import pytest

from tests.cluster import open_cluster
from tests.faults import chaos


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(300)
async def test_whatever_is_killed_under_load_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    with open_cluster(tmp_path, redis=True, nodes=2, workers=2) as cluster:
        course = await chaos.run(cluster, tickets=6, rounds=1, tell=print)

    assert course.said > 100
    assert [name for name, _ in course.recovery] == ["database", "redis", "node", "worker"]
    assert max(seconds for _, seconds in course.recovery) < 15
    assert max(course.during["redis"]) < 2
