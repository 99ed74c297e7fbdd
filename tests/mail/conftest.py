"""Mail servers in all states, and the real renderer."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parlour.mail.send import Mail
from parlour.web.render import Renderer
from tests.post_office import PostOffice


@pytest.fixture
async def closed_office() -> AsyncIterator[PostOffice]:
    """A test opens it in its own way."""
    office = PostOffice()
    yield office
    await office.close()


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
def renderer() -> Renderer:
    return Renderer(lambda name: f"/static/{name}")


@pytest.fixture
def mail() -> Mail:
    return Mail(
        to="mary@example.test",
        subject="Ticket #7 at Acme",
        text="Open the ticket.\n",
        html="<p>Open the ticket.</p>\n",
        message_id="<0192-abc@desk.example>",
        sender_name="Acme",
    )
