import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import settings

from tests import compiled, tenants
from tests.house import Browser, House, open_house
from tests.post_office import PostOffice
from tests.servers import pytest_collection_modifyitems, pytest_sessionfinish, pytest_terminal_summary

__all__ = ["pytest_collection_modifyitems", "pytest_sessionfinish", "pytest_terminal_summary"]

pytest_plugins = ["tests.engines"]
# What these check fails with both sides shown, as in a test; modules of several folders use them.
pytest.register_assert_rewrite("tests.faults.people", "tests.faults.rooms")

# The same examples in every run, so that what fails was changed; `--hypothesis-profile=default` draws others.
settings.register_profile("parlour", derandomize=True, deadline=None)
settings.load_profile("parlour")

tenants.watch_every_engine()
compiled.remember_for_every_engine()
compiled.remember_templates()


@pytest.fixture(autouse=True)
def every_statement_names_its_workspace() -> Iterator[None]:
    """Also for the statements whose error somebody caught."""
    tenants.watch.found.clear()
    yield
    assert tenants.watch.found == []


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Self-signed, key and certificate in one file: what a mail server has before anybody cares."""
    path = tmp_path_factory.mktemp("tls") / "office.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=office.test -keyout - -out -"
    command += " -addext subjectAltName=DNS:localhost"
    made = subprocess.run(command.split(), check=True, capture_output=True)
    path.write_bytes(made.stdout)
    return path


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    office = PostOffice()
    await office.open()
    yield office
    await office.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as house:
        yield house


@pytest.fixture
async def visitor(house: House) -> AsyncIterator[Browser]:
    async with house.browser() as browser:
        yield browser


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Browser]:
    """Ada's browser, signed in."""
    async with aclosing(await house.sign_in()) as browser:
        yield browser
