"""The pages of webhooks: made, tried out, turned off and on, and what was posted, without a script."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest

from parlour.features.accounts.api_keys import service as api_keys
from parlour.features.events.models import Kind
from parlour.features.webhooks import delivering
from parlour.features.webhooks import service as webhooks
from parlour.features.webhooks.models import Off, Webhook
from parlour.kernel.access import Role
from tests.house import ORIGIN, Browser, House, behind_its_back, open_house
from tests.mailbox import mails, text_of
from tests.programs import program
from tests.receiver import Receiver, http
from tests.tickets import ada
from tests.until import until

SPAN = ("after", "before")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Whose operator lets webhooks lead to this machine."""
    async with open_house(tmp_path, PARLOUR_WEBHOOKS_PRIVATE="127.0.0.0/8") as house:
        yield house


@pytest.fixture
def page(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings/webhooks"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as server:
        yield server


def secrets_in(html: str) -> list[str]:
    return re.findall(r'value="(whsec_[^"]+)"', html)


async def added(browser: Browser, house: House, page: str, url: str) -> tuple[Webhook, str]:
    """A webhook, and the secret that the answer shows."""
    form = {"url": url, "events": "ticket.created", "webhook_id": str(uuid4())}
    answer = await browser.submit(page, form, page=page)
    assert answer.status_code == 200, answer.text
    [secret] = secrets_in(answer.text)
    [made] = await house.db.read(ada(house), webhooks.every)
    return made, secret


async def test_a_secret_is_shown_once_and_the_one_before_it_stays_valid_for_a_day(
    house: House, desk: Browser, page: str
) -> None:
    made, first = await added(desk, house, page, "https://example.com/hook?key=1")
    one = f"{page}/{made.webhook_id}"
    seen = await desk.get(one)
    renewed = await desk.submit(f"{one}/secret", {}, page=page)
    keys = webhooks.keyring(house.app.parlour.settings.secret_keys)
    now = await house.db.read(ada(house), webhooks.webhook, made.webhook_id)

    assert (seen.status_code, secrets_in(seen.text)) == (200, [])
    assert "stays valid beside it for a day" in renewed.text
    assert webhooks.secrets(now, keys) == [*secrets_in(renewed.text), first]
    assert secrets_in((await desk.get(one)).text) == []
    assert "https://example.com/hook?key=1" in unescape((await desk.get(page)).text)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"url": ""}, "Enter the address of your server"),
        ({"url": "example.com"}, "Enter a whole address"),
        ({"url": "https://me:secret@example.com/"}, "Leave name and password out"),
        ({"url": f"https://example.com/{'x' * 2_000}"}, "Shorten the address"),
        ({"events": ""}, "Choose from what is listed"),
    ],
)
async def test_what_cannot_be_a_webhook_comes_back_with_what_was_typed(
    house: House, desk: Browser, page: str, fields: dict[str, str], says: str
) -> None:
    form = {"url": "https://example.com/", "events": "note.created", "webhook_id": str(uuid4()), **fields}
    answer = await desk.submit(page, form, page=page)

    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{form["url"]}"' in unescape(answer.text)
    assert ("checked" in re.findall(r'value="note.created"[^>]*', answer.text)[0]) == bool(form["events"])
    assert await house.db.read(ada(house), webhooks.every) == []


async def test_the_same_form_twice_makes_one_webhook(house: House, desk: Browser, page: str) -> None:
    made, _ = await added(desk, house, page, "https://example.com/hook")
    form = {"url": made.url, "events": "ticket.created", "webhook_id": str(made.webhook_id)}
    again = await desk.submit(page, form, page=page)

    assert (again.status_code, again.headers["location"]) == (303, page)
    assert len(await house.db.read(ada(house), webhooks.every)) == 1


async def test_a_webhook_is_led_elsewhere_and_told_of_other_things(
    house: House, desk: Browser, page: str
) -> None:
    made, secret = await added(desk, house, page, "https://example.com/hook")
    behind_its_back(house.app.parlour.settings, "UPDATE webhooks SET failing_since = created_at")
    await house.db.write(ada(house), api_keys.make, uuid4(), "Sorter", Role.AGENT)
    one = f"{page}/{made.webhook_id}"
    [sorter] = re.findall(r'<option value="([^"]+)">Sorter', (await desk.get(one)).text)
    fields = {"url": "https://example.org/other", "events": "note.created", "except_key_id": sorter}
    saved = await desk.submit(one, fields, page=one)
    seen = (await desk.get(saved.headers["location"])).text
    now = await house.db.read(ada(house), webhooks.webhook, made.webhook_id)
    keys = webhooks.keyring(house.app.parlour.settings.secret_keys)

    assert saved.headers["location"] == f"{one}?changed=yes"
    assert (now.url, now.events, str(now.except_key)) == (fields["url"], (Kind.NOTE_CREATED,), sorter)
    assert (now.failing_since, webhooks.secrets(now, keys)) == (None, [secret])
    assert "It is changed." in seen
    assert f'<option value="{sorter}" selected>Sorter' in seen


async def test_a_change_that_cannot_be_comes_back_as_typed_and_changes_nothing(
    house: House, desk: Browser, page: str
) -> None:
    made, _ = await added(desk, house, page, "https://example.com/hook")
    one = f"{page}/{made.webhook_id}"
    wrong = {"url": "example.org", "events": "", "except_key_id": str(uuid4())}
    refused = await desk.submit(one, wrong, page=one)

    assert refused.status_code == 422
    for sentence in ("Enter a whole address", "Choose from what is listed", "Choose a program from the list"):
        assert sentence in refused.text
    assert 'value="example.org"' in refused.text
    assert await house.db.read(ada(house), webhooks.webhook, made.webhook_id) == made


async def test_what_could_not_be_chosen_anew_may_stay(house: House, desk: Browser, page: str) -> None:
    """A key that was revoked, and an address without TLS where the operator allows none any more."""
    made, _ = await added(desk, house, page, "http://10.1.2.3/hook")
    one, sorter = f"{page}/{made.webhook_id}", uuid4()
    fields = {"url": made.url, "events": "note.created", "except_key_id": str(sorter)}
    await house.db.write(ada(house), api_keys.make, sorter, "Sorter", Role.AGENT)
    await desk.submit(one, fields, page=one)
    await house.db.write(ada(house), api_keys.revoke, sorter)
    seen = await desk.get(one)
    saved = await desk.submit(one, fields, page=one)
    async with program(house, Role.ADMIN) as api:
        patched = await api.patch(f"/webhooks/{made.webhook_id}", json={"events": ["contact.updated"]})
    wish = webhooks.Wish(made.url, ["ticket.created"], sorter, plain_http=False)
    now = await house.db.write(ada(house), webhooks.change, made.webhook_id, wish)

    assert "A program whose key was revoked" in seen.text
    assert saved.status_code == 303
    assert (patched.status_code, patched.json()["except_key_id"]) == (200, str(sorter))
    assert (now.url, now.except_key) == (made.url, sorter)


async def test_a_test_says_in_words_how_it_went(
    house: House, desk: Browser, page: str, receiver: Receiver
) -> None:
    made, _ = await added(desk, house, page, receiver.url)
    one = f"{page}/{made.webhook_id}"
    went = await desk.submit(f"{one}/test", {}, page=page)
    well = await desk.get(went.headers["location"])
    receiver.answer = lambda _: http(500, "<b>broken</b>")
    went = await desk.submit(f"{one}/test", {}, page=page)
    badly = await desk.get(went.headers["location"])
    receiver.answer = lambda _: http(410)
    went = await desk.submit(f"{one}/test", {}, page=page)
    gone = " ".join((await desk.get(went.headers["location"])).text.split())

    assert "The test arrived. The server answered 204." in " ".join(well.text.split())
    assert "The test did not arrive. The server answered 500." in " ".join(badly.text.split())
    assert "The test did not arrive. The server answered that this address is gone (410)." in gone
    assert ">On</span>" in gone
    assert "&lt;b&gt;broken&lt;" in badly.text


async def test_a_test_that_must_not_go_to_a_private_address_says_so(
    house: House, desk: Browser, page: str
) -> None:
    made, _ = await added(desk, house, page, "http://10.1.2.3/hook")
    went = await desk.submit(f"{page}/{made.webhook_id}/test", {}, page=page)

    assert "The address is not public" in (await desk.get(went.headers["location"])).text


async def test_a_test_with_a_secret_that_no_key_opens_says_so_until_there_is_another(
    house: House, desk: Browser, page: str, receiver: Receiver
) -> None:
    made, _ = await added(desk, house, page, receiver.url)
    behind_its_back(house.app.parlour.settings, "UPDATE webhooks SET secret = ?", "sealed by a lost key")
    one = f"{page}/{made.webhook_id}"
    refused = await desk.submit(f"{one}/test", {}, page=page)
    async with program(house, Role.ADMIN) as api:
        told = await api.post(f"/webhooks/{made.webhook_id}/test")
    await desk.submit(f"{one}/secret", {}, page=page)
    went = await desk.submit(f"{one}/test", {}, page=page)

    assert refused.status_code == 409
    assert "No key of this server opens the secret of this webhook" in refused.text
    assert (told.status_code, told.json()["code"]) == (409, "unreadable_secret")
    assert "The test arrived." in (await desk.get(went.headers["location"])).text


async def test_what_is_off_is_said_and_what_failed_is_posted_again(
    house: House, desk: Browser, page: str, receiver: Receiver
) -> None:
    made, _ = await added(desk, house, page, receiver.url)
    one = f"{page}/{made.webhook_id}"
    receiver.answer = lambda _: http(404)
    await desk.submit(f"{one}/test", {}, page=page)
    await desk.submit(f"{one}/off", {}, page=page)
    off = await house.db.read(ada(house), webhooks.webhook, made.webhook_id)
    said = await desk.get(one)
    [failed], _ = await house.db.read(ada(house), webhooks.deliveries, made.webhook_id, limit=2)
    refused = await desk.submit(f"{one}/deliveries/{failed.event_id}/retry", {}, page=page)
    await desk.submit(f"{one}/on", {}, page=page)
    receiver.answer = lambda _: http(200)
    await desk.submit(f"{one}/deliveries/{failed.event_id}/retry", {}, page=page)

    assert off.off is Off.BY_HAND
    assert "What happens now is not posted" in said.text
    assert "Post again" not in said.text
    assert refused.status_code == 409
    await until(lambda: len(receiver.posts) == 2)
    assert {post.id for post in receiver.posts} == {str(failed.event_id)}


async def test_one_whose_receiver_is_gone_is_shown_as_turned_off(
    house: House, visitor: Browser, desk: Browser, page: str, receiver: Receiver
) -> None:
    made, _ = await added(desk, house, page, receiver.url)
    receiver.answer = lambda _: http(410)
    await house.open_ticket(visitor)
    turned_off = "SELECT 1 FROM webhooks WHERE \"off\" = 'failing'"
    await until(lambda: behind_its_back(house.app.parlour.settings, turned_off))
    shown = [(await desk.get(address)).text for address in (page, f"{page}/{made.webhook_id}")]

    assert all(">Off: it failed</span>" in each for each in shown)
    assert "this address is gone (410)" in shown[1]


@pytest.mark.parametrize("begin", ["", "0001-01-01T00:00"])
async def test_what_happened_while_it_was_off_comes_when_its_span_is_asked_for(
    house: House, desk: Browser, visitor: Browser, page: str, receiver: Receiver, begin: str
) -> None:
    made, _ = await added(desk, house, page, receiver.url)
    one = f"{page}/{made.webhook_id}"
    await desk.submit(f"{one}/off", {}, page=page)
    await house.open_ticket(visitor)
    await desk.submit(f"{one}/on", {}, page=page)
    shown = await desk.get(one)
    fields = {name: re.findall(rf'name="{name}"[^>]*value="([^"]*)"', shown.text)[0] for name in SPAN}
    fields |= {"after": begin} if begin else {}
    asked = await desk.submit(f"{one}/replay", fields, page=page)

    assert asked.headers["location"] == f"{one}?replayed=yes"
    await until(lambda: len(receiver.posts) == 1)


@pytest.mark.parametrize(
    ("after", "before", "says"),
    [
        ("2026-01-02T00:00", "2026-01-01T00:00", "an end that is after the beginning"),
        ("yesterday", "2026-01-01T00:00", "Enter from when on"),
        ("2026-01-01T00:00", "0001-01-01T00:00+23:59", "Enter until when"),
    ],
)
async def test_a_span_that_is_none_comes_back_as_typed(
    house: House, desk: Browser, page: str, after: str, before: str, says: str
) -> None:
    made, _ = await added(desk, house, page, "https://example.com/hook")
    one = f"{page}/{made.webhook_id}"
    answer = await desk.submit(f"{one}/replay", {"after": after, "before": before}, page=page)

    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{after}"' in answer.text


async def test_deliveries_go_on_on_another_page(
    house: House, desk: Browser, page: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parlour.features.desk.settings.webhooks.DELIVERIES", 1)
    made, _ = await added(desk, house, page, receiver.url)
    one = f"{page}/{made.webhook_id}"
    for _ in range(2):
        await desk.submit(f"{one}/test", {}, page=page)
    [second, first], _ = await house.db.read(ada(house), webhooks.deliveries, made.webhook_id, limit=2)
    newest = await desk.get(one)
    older = await desk.get(f"{one}?before={second.event_id}")

    assert [str(each.event_id) in newest.text for each in (second, first)] == [True, False]
    assert f'href="{one}?before={second.event_id}"' in newest.text
    assert f"{first.event_id}:" in older.text
    assert "?before=" not in older.text


async def test_a_deleted_webhook_is_gone_with_its_page(house: House, desk: Browser, page: str) -> None:
    made, _ = await added(desk, house, page, "https://example.com/hook")
    gone = await desk.submit(f"{page}/{made.webhook_id}/delete", {}, page=page)

    assert gone.headers["location"] == page
    assert (await desk.get(f"{page}/{made.webhook_id}")).status_code == 404
    assert "No webhooks yet" in (await desk.get(page)).text


async def test_the_mail_to_an_owner_leads_to_the_webhook_that_was_turned_off(
    house: House, desk: Browser, page: str
) -> None:
    made, _ = await added(desk, house, page, "https://example.com/hook")
    about = {"email": "ada@acme.example", "webhook_id": str(made.webhook_id), "url": made.url}
    await house.as_system(lambda tx: tx.enqueue(delivering.DISABLED, about))
    [mail] = await mails(house, "ada@acme.example")

    assert f"{ORIGIN}{page}/{made.webhook_id}\n" in text_of(mail)
