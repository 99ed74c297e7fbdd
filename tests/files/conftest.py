from collections.abc import Iterator
from pathlib import Path

import pytest

from parlour.files.store import FileStore
from tests.clamd_server import ClamdServer
from tests.object_storage import ObjectStorage


@pytest.fixture(scope="module")
def object_storage() -> Iterator[ObjectStorage]:
    with ObjectStorage() as server:
        yield server


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    """Each kind of store, empty or with nothing under the keys that a test makes."""
    if request.param == "folder":
        return FileStore.at(str(tmp_path / "files"))
    if request.param == "memory":
        return FileStore.at("memory:///")
    server: ObjectStorage = request.getfixturevalue("object_storage")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return FileStore.at(server.url)


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClamdServer]:
    with ClamdServer(tmp_path_factory.mktemp("clamd")) as server:
        yield server
