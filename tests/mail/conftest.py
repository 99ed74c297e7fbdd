"""Mail servers in all states, and the real renderer."""

from collections.abc import AsyncIterator

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
