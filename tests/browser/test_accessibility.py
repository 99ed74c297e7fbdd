"""Every page, in every state that a person can bring it into."""

from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from parlour.features.tickets.merging import service as merging
from parlour.features.tickets.models import Status, Ticket
from tests.browser.axe import violations
from tests.browser.files import picture, text
from tests.browser.past import Past
from tests.browser.people import NETWORK_LOST, People, Person, Room, chat_of, desk_of, status_of
from tests.house import behind_its_back
from tests.live import Live, email_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


class Scene:
    """What the pages of this module show: tickets in every state, and people who may see them."""

    def __init__(self, live: Live, past: Past, people: People, tickets: dict[str, Ticket]) -> None:
        self.live = live
        self.past = past
        self.people = people
        self.tickets = tickets

    async def stranger(self) -> Person:
        return await self.people.stranger(bypass_csp=True)

    async def customer(self) -> Person:
        return await self.people.customer(*self.tickets.values(), bypass_csp=True)

    async def agent(self, name: str = "ada") -> Person:
        return await self.people.agent(name, bypass_csp=True)

    def ticket_page(self, name: str) -> str:
        return f"{self.live.portal}/ticket/{self.tickets[name].ticket_id}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tickets(past: Past) -> dict[str, Ticket]:
    made = {}
    ada = await past.agent("ada")
    for name in (*Status, "long"):
        ticket = made[str(name)] = await past.ticket(
            subject=f"A ticket that is {name}", email="axe@customer.example"
        )
        if name not in (Status.NEW, "long"):
            await past.said(ticket, [(ada, "We look into it: https://example.com/help", None)])
            await past.status(ticket, Status(name))
    await past.hire("two", "Two Hats", second_workspace=True)
    both = (past.customer(made["long"]), ada)
    await past.said(made["long"], [(both[n % 2], f"Message {n} of a long talk", None) for n in range(60)])
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def scene(live: Live, past: Past, people: People, tickets: dict[str, Ticket]) -> Scene:
    return Scene(live, past, people, tickets)


async def go(person: Person, address: str, status: int = 200) -> Page:
    if status >= 400:
        person.expects(status_of(status))
    answer = await person.page.goto(address)
    assert answer is not None
    assert answer.status == status
    return person.page


async def portal_without_tickets(scene: Scene) -> Page:
    return await go(await scene.stranger(), scene.live.portal)


async def portal_with_tickets(scene: Scene) -> Page:
    page = await go(await scene.customer(), scene.live.portal)
    await expect(page.get_by_text("New reply").first).to_be_visible()
    return page


async def new_ticket(scene: Scene) -> Page:
    return await go(await scene.stranger(), f"{scene.live.portal}/ticket/new")


async def new_ticket_refused(scene: Scene) -> Page:
    maria = await scene.stranger()
    maria.expects(status_of(422))
    page = await go(maria, f"{scene.live.portal}/ticket/new")
    await page.get_by_label("Your email address").fill("no address")
    await page.get_by_role("button", name="Open the ticket").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    return page


async def new_ticket_too_many(scene: Scene) -> Page:
    maria = await scene.stranger()
    maria.expects(status_of(429))
    page = await go(maria, f"{scene.live.portal}/ticket/new")
    form = {
        "csrf": await page.locator("form [name=csrf]").input_value(),
        "email": f"{uuid4()}@customer.example",
        "subject": "One of many",
        "description": "Again and again.",
    }
    for number in range(10):
        another: dict[str, str | float | bool] = {
            **form,
            "subject": f"{number} of many",
            "client_id": str(uuid4()),
        }
        answer = await page.request.post(page.url, form=another, max_redirects=0)
        assert answer.status == 303
    await page.get_by_label("Your email address").fill(form["email"])
    await page.get_by_label("Subject").fill(form["subject"])
    await page.get_by_label("What can we help with?").fill(form["description"])
    await page.get_by_role("button", name="Open the ticket").click()
    await expect(page.get_by_text("Please wait a little")).to_be_visible()
    return page


async def ticket(scene: Scene) -> Page:
    return await go(await scene.customer(), scene.ticket_page("open"))


async def ticket_closed(scene: Scene) -> Page:
    return await go(await scene.customer(), scene.ticket_page("closed"))


async def ticket_merged(scene: Scene) -> Page:
    merged, kept = [await scene.past.ticket(email="axe@customer.example") for _ in range(2)]
    await scene.past.db.write(await scene.past.agent("ada"), merging.merge, merged.ticket_id, kept.ticket_id)
    maria = await scene.people.customer(merged, bypass_csp=True)
    page = await go(maria, f"{scene.live.portal}/ticket/{merged.ticket_id}")
    await expect(page.get_by_role("button", name="Go on in #")).to_be_visible()
    return page


async def chat(scene: Scene, name: str) -> Person:
    maria = await scene.customer()
    await go(maria, f"{scene.ticket_page(name)}/chat")
    await Room(maria.page).is_live()
    return maria


async def chat_new(scene: Scene) -> Page:
    return (await chat(scene, "new")).page


async def chat_long(scene: Scene) -> Page:
    return (await chat(scene, "long")).page


async def nothing(_: Route) -> None:
    """No answer comes."""


async def chat_with_files(scene: Scene) -> Page:
    """Some that were sent, and below them some on their way, up, and refused."""
    page = (await chat(scene, "open")).page
    field = page.get_by_label("Attach files")
    await field.set_input_files([picture("tent.png"), picture("pole.png"), text("log.txt")])
    await expect(page.locator('.chip[data-state="up"]')).to_have_count(3)
    await Room(page).send("All of it")
    await expect(page.locator("li.message").last.get_by_text("Sent", exact=True)).to_be_visible()
    await field.set_input_files([picture("other.png"), text("empty.txt", b"")])
    await expect(page.locator('.chip[data-state="up"]')).to_have_count(1)
    await page.route("**/files", nothing)
    await field.set_input_files([text("slow.txt")])
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await Room(page).send("And this")
    await expect(page.locator(".attach-note")).to_be_visible()
    return page


SCANS = {"unscanned.pdf": "Not scanned for viruses yet", "large.iso": "Too large for our virus scanner"}
FILM = b"\0\0\0\x20ftypisom" + bytes(4_000)
HEBREW = "\u05d3\u05d5\u05d7 \u05e2\u05dc \u05d4\u05d0\u05d5\u05d4\u05dc " * 7 + "(1).txt"


async def files_of_every_kind(scene: Scene) -> Page:
    """What the scanner said, what is played, and a name from right to left that is too long for its line."""
    page = (await chat(scene, "open")).page
    sent = [text(name) for name in (*SCANS, HEBREW)] + [text("film.mp4", FILM), text("voice.mp3", b"ID3\x03")]
    await page.get_by_label("Attach files").set_input_files(sent)
    await expect(page.locator('.chip[data-state="up"]')).to_have_count(5)
    await Room(page).send("Of every kind")
    await expect(page.locator("li.message").last.get_by_text("Sent", exact=True)).to_be_visible()
    behind_its_back(scene.live.settings, "UPDATE files SET scan = 'unscanned' WHERE name = 'unscanned.pdf'")
    behind_its_back(scene.live.settings, "UPDATE files SET unscannable = true WHERE name = 'large.iso'")
    await page.reload()
    message = page.locator("li.message").filter(has_text="Of every kind")
    for name, words in SCANS.items():
        await expect(message.locator(".file").filter(has_text=name)).to_contain_text(words)
    await expect(message.locator("video")).to_be_visible()
    await expect(message.locator("audio")).to_be_visible()
    direction = "name => getComputedStyle(name).direction"
    assert await message.locator("bdi").filter(has_text="(1).txt").evaluate(direction) == "rtl"
    return page


async def new_ticket_with_files(scene: Scene) -> Page:
    page = await new_ticket(scene)
    await page.get_by_label("Attach files").set_input_files([picture("tent.png"), text("empty.txt", b"")])
    await expect(page.locator('.chip[data-state="up"]')).to_have_count(1)
    return page


async def desk_ticket_with_files(scene: Scene) -> Page:
    """A note on its way, and the list beside it."""
    ada = await scene.agent()
    page = await go(ada, f"{desk_of(scene.live, scene.tickets['resolved'])}/notes")
    await Room(page).is_live()
    field = page.locator('[data-writes="note"] input[type=file]')
    await field.set_input_files([picture("plan.png"), text("log.txt")])
    await expect(page.locator('.chip[data-state="up"]')).to_have_count(2)
    await page.get_by_role("button", name="Add note for team").click()
    await expect(page.get_by_role("img", name="plan.png")).to_be_visible()
    await page.locator("summary").filter(has_text="Files").click()
    await expect(page.locator("#ticket-files li")).to_have_count(2)
    await field.set_input_files([picture("plan.png"), text("empty.txt", b"")])
    await expect(page.locator('.chip[data-state="up"]')).to_have_count(1)
    return page


async def picture_opened(scene: Scene) -> Page:
    page = (await chat(scene, "pending")).page
    await page.get_by_label("Attach files").set_input_files([picture("tent.png"), picture("pole.png")])
    await expect(page.locator('.chip[data-state="up"]')).to_have_count(2)
    await Room(page).send_button.click()
    await page.get_by_role("link", name="pole.png").click()
    await expect(page.get_by_role("dialog", name="Picture")).to_be_visible()
    return page


async def chat_closed(scene: Scene) -> Page:
    return (await chat(scene, "closed")).page


async def chat_with_an_agent_typing(scene: Scene) -> Page:
    maria = await chat(scene, "open")
    ada = await scene.agent()
    await go(ada, f"{scene.live.desk}/tickets/{scene.tickets['open'].ticket_id}")
    await Room(ada.page).is_live()
    await Room(ada.page).composer.press_sequentially("Let me")
    await expect(maria.page.get_by_text("Ada Moreau is typing…")).to_be_visible()
    return maria.page


async def chat_refused_message(scene: Scene) -> Page:
    ticket = await scene.past.ticket()
    maria = await scene.people.customer(ticket, bypass_csp=True)
    maria.expects(status_of(409))
    await go(maria, chat_of(scene.live, ticket))
    await Room(maria.page).is_live()
    await scene.past.status(ticket, Status.CLOSED)
    await Room(maria.page).send("One more thing")
    await expect(Room(maria.page).log.get_by_text("Not sent: the ticket is closed.")).to_be_visible()
    return maria.page


async def chat_offline(scene: Scene) -> Page:
    maria = await chat(scene, "pending")
    maria.expects(NETWORK_LOST)
    await maria.context.set_offline(True)
    await Room(maria.page).send("Into the tunnel")
    await expect(maria.page.get_by_text("Offline. Trying again…")).to_be_visible()
    await expect(maria.page.get_by_text("Not sent yet.").last).to_be_visible()
    return maria.page


async def access(scene: Scene) -> Page:
    return await go(await scene.stranger(), f"{scene.live.portal}/access")


async def access_refused(scene: Scene) -> Page:
    maria = await scene.stranger()
    maria.expects(status_of(422))
    page = await go(maria, f"{scene.live.portal}/access")
    await page.get_by_role("button", name="Open my ticket").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    return page


async def access_sent(scene: Scene) -> Page:
    page = await go(await scene.stranger(), f"{scene.live.portal}/access")
    await page.get_by_label("Your email address").fill(f"{uuid4()}@customer.example")
    await page.get_by_role("button", name="Mail me a fresh link").click()
    await expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    return page


async def access_expired(scene: Scene) -> Page:
    maria = await scene.stranger()
    maria.expects(status_of(410))
    await maria.page.goto(f"{scene.live.portal}/access#a-link-that-never-was-a-link")
    await expect(maria.page.get_by_role("heading", name="This link no longer works")).to_be_visible()
    return maria.page


async def locked(scene: Scene) -> Page:
    return await go(await scene.stranger(), scene.ticket_page("open"), 403)


async def unknown_workspace(scene: Scene) -> Page:
    return await go(await scene.stranger(), f"{scene.live.url}/support/nobody", 404)


async def unknown_page(scene: Scene) -> Page:
    return await go(await scene.stranger(), f"{scene.live.portal}/nowhere", 404)


async def landing(scene: Scene) -> Page:
    return await go(await scene.stranger(), scene.live.url)


async def sign_in(scene: Scene) -> Page:
    return await go(await scene.stranger(), f"{scene.live.url}/auth/login")


async def sign_in_refused(scene: Scene) -> Page:
    ada = await scene.stranger()
    ada.expects(status_of(422))
    page = await go(ada, f"{scene.live.url}/auth/login")
    await page.get_by_label("Email address").fill(email_of("nobody"))
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    return page


async def several_workspaces(scene: Scene) -> Page:
    page = await go(await scene.agent("two"), scene.live.url)
    await expect(page.get_by_role("heading", name="Your workspaces")).to_be_visible()
    return page


async def empty_desk(scene: Scene) -> Page:
    """The dashboard of the second workspace, where nobody has opened a ticket."""
    page = await several_workspaces(scene)
    await page.get_by_role("link", name="Second Company").click()
    await expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    return page


async def dashboard(scene: Scene) -> Page:
    return await go(await scene.agent(), scene.live.desk)


async def desk_tickets(scene: Scene) -> Page:
    return await go(await scene.agent(), f"{scene.live.desk}/tickets")


async def desk_ticket(scene: Scene) -> Page:
    page = await go(await scene.agent(), desk_of(scene.live, scene.tickets["long"]))
    await Room(page).is_live()
    return page


async def desk_ticket_closed(scene: Scene) -> Page:
    return await go(await scene.agent(), desk_of(scene.live, scene.tickets["closed"]))


async def desk_ticket_of_a_viewer(scene: Scene) -> Page:
    return await go(await scene.agent("viv"), desk_of(scene.live, scene.tickets["open"]))


async def desk_unknown_ticket(scene: Scene) -> Page:
    return await go(await scene.agent(), f"{scene.live.desk}/tickets/{uuid4()}", 404)


async def desk_stale_change(scene: Scene) -> Page:
    ticket = await scene.past.ticket()
    ada = await scene.agent()
    ada.expects(status_of(409))
    page = await go(ada, desk_of(scene.live, ticket))
    await scene.past.status(ticket, Status.RESOLVED)
    await page.get_by_label("Status", exact=True).select_option("pending")
    await expect(page.get_by_text("Somebody else changed this ticket")).to_be_visible()
    return page


async def form_from_elsewhere(scene: Scene) -> Page:
    """A form whose token is not this browser's, as after a sign-in in another tab."""
    ada = await scene.agent()
    ada.expects(status_of(403))
    page = await go(ada, scene.live.desk)
    await page.evaluate(
        "() => document.querySelectorAll('[name=csrf]').forEach((field) => { field.value = 'x' })"
    )
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="This page was open for too long")).to_be_visible()
    return page


STATES: list[Callable[[Scene], Awaitable[Page]]] = [
    portal_without_tickets,
    portal_with_tickets,
    new_ticket,
    new_ticket_refused,
    new_ticket_too_many,
    ticket,
    ticket_closed,
    ticket_merged,
    chat_new,
    chat_long,
    chat_with_files,
    files_of_every_kind,
    new_ticket_with_files,
    desk_ticket_with_files,
    picture_opened,
    chat_closed,
    chat_with_an_agent_typing,
    chat_refused_message,
    chat_offline,
    access,
    access_refused,
    access_sent,
    access_expired,
    locked,
    unknown_workspace,
    unknown_page,
    landing,
    sign_in,
    sign_in_refused,
    several_workspaces,
    empty_desk,
    dashboard,
    desk_tickets,
    desk_ticket,
    desk_ticket_closed,
    desk_ticket_of_a_viewer,
    desk_unknown_ticket,
    desk_stale_change,
    form_from_elsewhere,
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_axe_finds_nothing(scene: Scene, state: Callable[[Scene], Awaitable[Page]]) -> None:
    page = await state(scene)

    assert await violations(page) == []


async def test_axe_does_find_what_is_wrong(scene: Scene) -> None:
    page = await new_ticket(scene)
    await page.evaluate(
        """() => {
            document.querySelector("label[for=subject]").remove();
            document.querySelector("h1").style.color = "#777";
            document.querySelector("h1").style.backgroundColor = "#888";
        }"""
    )

    found = await violations(page)
    assert Counter(text.split(": ")[1] for text in found) == {"label": 2, "color-contrast": 4}
