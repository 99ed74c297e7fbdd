from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.db.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.server.drop(place.name)
    with place.server.admin_connection() as admin:
        admin.execute(f'DROP ROLE IF EXISTS "{place.role}"'.encode())
