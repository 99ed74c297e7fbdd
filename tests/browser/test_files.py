"""Files in the browser: how they go up, what is in the way, and how they stand in the conversation."""

import wave
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import FilePayload, Locator, Page, Route, expect

from parlour.db.database import Tx
from parlour.features.chat import service as chat
from parlour.features.files import service as files
from parlour.features.files import store
from parlour.features.files.models import TICKET_BYTES
from parlour.features.tickets.models import Ticket
from parlour.files.scan import Scan
from tests.browser.axe import too_wide
from tests.browser.files import picture, text
from tests.browser.past import Past
from tests.browser.people import (
    NETWORK_LOST,
    PHONE,
    People,
    Person,
    Room,
    chat_of,
    desk_of,
    press,
    status_of,
)
from tests.house import behind_its_back
from tests.live import Live

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

UPLOADS = "**/files"
FILM = Path(__file__).with_name("film.webm")
"""Two seconds of 160 x 90 in VP8, recorded from a canvas."""
GIVE = """([area, kind, name]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([Uint8Array.from([1, 2, 3])], name, {type: "image/png"}));
    const event = kind === "paste"
        ? new ClipboardEvent(kind, {clipboardData: carried, bubbles: true, cancelable: true})
        : new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true});
    document.querySelector(area).dispatchEvent(event);
}"""
"""What a browser does when somebody pastes or drags a file; no driver can move a real one in."""


@dataclass
class Visit:
    ticket: Ticket
    person: Person
    room: Room

    @property
    def page(self) -> Page:
        return self.person.page

    @property
    def note(self) -> Locator:
        """What is said below the files."""
        return self.page.locator(".attach-note")

    async def choose(self, *files: FilePayload) -> None:
        await self.page.get_by_label("Attach files").first.set_input_files(list(files))

    async def chip_says(self, name: str, words: str) -> None:
        chip = self.page.locator(".chip").filter(has_text=name)
        await expect(chip.get_by_text(words)).to_be_visible()

    async def is_up(self, name: str) -> None:
        chip = self.page.locator(".chip").filter(has_text=name)
        await expect(chip).to_have_attribute("data-state", "up")


@pytest_asyncio.fixture(loop_scope="session")
async def visit(live: Live, past: Past, people: People) -> Visit:
    """Maria on her chat page, connected."""
    ticket = await past.ticket()
    maria = await people.customer(ticket)
    await maria.page.goto(chat_of(live, ticket))
    room = Room(maria.page)
    await room.is_live()
    return Visit(ticket, maria, room)


PLAYED = """async player => {
    player.muted = true;
    await player.play();
    await new Promise(done => player.addEventListener("timeupdate", done, {once: true}));
    player.currentTime = 25;
    await new Promise(done => player.addEventListener("seeked", done, {once: true}));
    player.pause();
    return [Math.round(player.duration), Math.round(player.currentTime)];
}"""


def sound(seconds: int = 30) -> bytes:
    """A tone, as a WAV of some hundred kilobytes."""
    kept = BytesIO()
    with wave.open(kept, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(range(0, 200, 4)) * (8_000 * 2 * seconds // 50))
    return kept.getvalue()


async def test_files_go_up_and_stand_in_both_rooms_with_the_words(
    live: Live, people: People, visit: Visit
) -> None:
    ada = await people.agent()
    await ada.page.goto(desk_of(live, visit.ticket))
    await Room(ada.page).is_live()
    voice = text("voice.wav", sound())
    await visit.choose(picture("pole.png"), picture("tent.png", (90, 2_000)), text("log (1) ñ.txt"), voice)
    for name in ("pole.png", "tent.png", "log (1) ñ.txt", "voice.wav"):
        await visit.is_up(name)
    await visit.room.send("Here it is broken")

    for page in (visit.page, ada.page):
        message = page.locator("li.message").filter(has_text="Here it is broken")
        player = message.locator("audio")
        await expect(player).to_have_attribute("preload", "none")
        async with page.expect_response(lambda answer: "voice.wav" in answer.url) as answer:
            assert await player.evaluate(PLAYED) == [30, 25]
        given = await answer.value
        assert (given.status, given.headers["content-type"]) == (206, "audio/wav")
        await expect(message.get_by_role("link", name="log (1) ñ.txt")).to_contain_text("TXT · 22 B")
        image = message.get_by_role("img", name="pole.png")
        await expect(image).to_have_attribute("width", "320")
        assert await image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    await expect(visit.page.locator(".chip")).to_have_count(0)
    await visit.page.get_by_role("link", name="pole.png").click()
    viewer = visit.page.get_by_role("dialog", name="Picture")
    await expect(viewer).to_contain_text("pole.png1 of 2")
    await press(visit.page, "ArrowRight")
    await expect(viewer.get_by_role("img", name="tent.png")).to_be_visible()
    await press(visit.page, "Escape")
    await expect(visit.page.get_by_role("link", name="tent.png")).to_be_focused()
    files = ada.page.locator("li.message .message-files")
    made_by_the_script = await files.evaluate("list => list.outerHTML")
    await ada.page.reload()
    assert await files.evaluate("list => list.outerHTML") == made_by_the_script


WATCHED = """async player => {
    player.muted = true;
    const size = () => [player.clientWidth, player.clientHeight].join();
    const before = size();
    await player.play();
    await new Promise(done => player.addEventListener("timeupdate", done, {once: true}));
    player.pause();
    return [player.videoWidth, player.videoHeight, size() === before];
}"""
"""Whether the room keeps its size when the film comes, too."""


async def test_a_film_is_played_in_place_and_nothing_jumps(visit: Visit) -> None:
    await visit.page.set_viewport_size(PHONE)
    film: FilePayload = {"name": "pole.webm", "mimeType": "video/webm", "buffer": FILM.read_bytes()}
    await visit.choose(film)
    await visit.is_up("pole.webm")
    await visit.room.send("See how it bends")

    player = visit.room.messages.last.locator("video")
    await expect(player).to_have_attribute("preload", "none")
    async with visit.page.expect_response(lambda answer: "pole.webm" in answer.url) as answer:
        assert await player.evaluate(WATCHED) == [160, 90, True]
    given = await answer.value
    assert (given.status, given.headers["content-type"]) == (206, "video/webm")
    assert await too_wide(visit.page) == []


async def test_a_file_that_is_withdrawn_goes_from_pages_that_stay_open(
    live: Live, past: Past, people: People, visit: Visit
) -> None:
    ada = await people.agent()
    await ada.page.goto(desk_of(live, visit.ticket))
    await Room(ada.page).is_live()
    await visit.choose(picture("pole.png"), text("log.txt"), text("fine.txt"))
    for name in ("pole.png", "log.txt", "fine.txt"):
        await visit.is_up(name)
    await visit.room.send("Look")
    await ada.page.get_by_role("link", name="pole.png").click()
    await expect(ada.page.get_by_role("dialog", name="Picture")).to_be_visible()
    shown = ada.page.locator("li.message [data-file]")
    ill = [str(await shown.nth(at).get_attribute("data-file")) for at in range(2)]
    for file_id in ill:
        await past.db.write(past.system, chat.withdraw, UUID(file_id))
    await visit.room.send("And now?")

    for page in (visit.page, ada.page):
        await expect(page.get_by_text("pole.png was withdrawn:")).to_be_visible()
        await expect(page.locator("li.message .file")).to_have_count(3)
        for file_id in ill:
            gone = page.locator(f'[data-file="{file_id}"]')
            await expect(gone).to_contain_text("Withdrawn: it contained a virus")
            await expect(gone.locator("a[href], img")).to_have_count(0)
        await expect(page.get_by_role("link", name="fine.txt")).to_be_visible()
    await expect(ada.page.get_by_role("dialog", name="Picture")).to_have_count(0)


async def both_see_two_unscanned(live: Live, visit: Visit, desk: Page) -> None:
    """The customer and an agent, each in the room anew."""
    await visit.page.reload()
    await desk.goto(desk_of(live, visit.ticket))
    await desk.locator("summary").filter(has_text="Files").click()
    for page in (visit.page, desk):
        await Room(page).is_live()
        await expect(page.locator(".chat-log").get_by_text("Not scanned for viruses yet")).to_have_count(2)
    await expect(desk.locator("#ticket-files")).to_contain_text("Not scanned for viruses yet")


async def test_what_the_scanner_says_later_is_seen_on_pages_that_stay_open(
    live: Live, past: Past, people: People, visit: Visit
) -> None:
    """The server's own scanner is asked, by the job that asks again."""
    ada = await people.agent()
    for person in (visit.person, ada):
        person.expects(status_of(409))  # of the picture, which customers do not get before
    await visit.choose(picture("pole.png"), text("log.txt"))
    for name in ("pole.png", "log.txt"):
        await visit.is_up(name)
    await visit.room.send("Look")
    shown = visit.room.messages.last.locator("[data-file]")
    await expect(visit.room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    sent = [UUID(str(await shown.nth(at).get_attribute("data-file"))) for at in range(2)]
    await past.db.write(past.system, unscanned, sent)
    await both_see_two_unscanned(live, visit, ada.page)

    await past.db.write(past.system, scanned_again, sent)

    for page in (visit.page, ada.page):
        await expect(page.get_by_text("Not scanned for viruses yet")).to_have_count(0)
        image = page.locator(".chat-log").get_by_role("img", name="pole.png")
        await expect(image).to_have_js_property("naturalWidth", 640)


async def test_what_the_scanner_said_meanwhile_is_asked_for_by_a_page_that_was_offline(
    live: Live, past: Past, people: People, visit: Visit
) -> None:
    ada = await people.agent()
    for person in (visit.person, ada):
        person.expects(NETWORK_LOST, status_of(409))  # of the picture, which customers do not get before
    for name in ("pole.png", "log.txt"):
        await visit.choose(picture(name) if name.endswith("png") else text(name))
        await visit.is_up(name)
        await visit.room.send(f"Look at {name}")
        await expect(visit.room.messages.last.get_by_text("Sent", exact=True)).to_be_visible()
    shown = visit.page.locator(".chat-log [data-file]")
    pole, log = [UUID(str(await shown.nth(at).get_attribute("data-file"))) for at in range(2)]
    await past.db.write(past.system, unscanned, [pole, log])
    await both_see_two_unscanned(live, visit, ada.page)

    for person in (visit.person, ada):
        await person.context.set_offline(True)
    await past.db.write(past.system, store.set_scan, pole, Scan.CLEAN.value)
    await past.db.write(past.system, store.set_scan, log, Scan.UNSCANNABLE.value)
    for person in (visit.person, ada):
        await person.context.set_offline(False)

    for page in (visit.page, ada.page):
        await expect(page.get_by_text("Not scanned for viruses yet")).to_have_count(0)
        await expect(page.locator(".chat-log").get_by_text("Too large for our virus scanner")).to_have_count(
            1
        )
        image = page.locator(".chat-log").get_by_role("img", name="pole.png")
        await expect(image).to_have_js_property("naturalWidth", 640)
    await expect(ada.page.locator("#ticket-files")).to_contain_text("Too large for our virus scanner")


def unscanned(tx: Tx, file_ids: list[UUID]) -> None:
    for file_id in file_ids:
        store.set_scan(tx, file_id, Scan.UNSCANNED.value)


def scanned_again(tx: Tx, file_ids: list[UUID]) -> None:
    for file_id in file_ids:
        tx.enqueue(files.SCAN, {"file_id": str(file_id)})


async def test_a_screenshot_is_pasted_and_a_file_dropped_and_they_go_without_words(visit: Visit) -> None:
    await visit.page.evaluate(GIVE, ["textarea", "paste", "image.png"])
    await visit.chip_says("screenshot-", "3 B")
    await visit.page.evaluate(GIVE, [".chat-log", "dragover", "plan.png"])
    await expect(visit.page.get_by_text("Drop files to attach them")).to_be_visible()
    await visit.page.evaluate(GIVE, [".chat-log", "drop", "plan.png"])
    await expect(visit.page.get_by_text("Drop files to attach them")).to_have_count(0)
    await visit.is_up("plan.png")
    await visit.room.send_button.click()

    sent = visit.room.messages.last
    await expect(sent.get_by_role("link", name="plan.png")).to_be_visible()
    await expect(sent.get_by_role("link", name="screenshot-")).to_be_visible()
    await expect(sent.get_by_text("Sent", exact=True)).to_be_visible()


async def test_a_message_waits_for_its_files_until_the_network_is_back(visit: Visit, past: Past) -> None:
    visit.person.expects(NETWORK_LOST)
    await visit.room.composer.focus()
    await visit.page.wait_for_load_state("networkidle")
    await visit.page.route(UPLOADS, lambda route: route.abort())
    await visit.choose(text("log.txt"), text("other.txt"))
    await visit.chip_says("log.txt", "Waits for the connection")
    await visit.room.send("With the log")
    await expect(visit.note).to_contain_text("Goes out as soon as the files are up.")
    await visit.page.get_by_role("button", name="Remove other.txt").press("Delete")
    await expect(visit.page.get_by_role("button", name="Remove log.txt")).to_be_focused()
    assert "With the log" not in await past.contents(visit.ticket)
    await visit.page.unroute(UPLOADS)
    await visit.page.evaluate("dispatchEvent(new Event('online'))")

    await visit.room.shows("With the log")
    await expect(visit.room.messages.last.get_by_role("link")).to_have_text("log.txtTXT · 22 B")


async def hold(route: Route) -> None:
    """One file never arrives."""
    if b"slow.txt" not in (route.request.post_data_buffer or b""):
        await route.continue_()


async def test_what_had_not_gone_up_before_a_reload_says_so(visit: Visit) -> None:
    await visit.page.route(UPLOADS, hold)
    await visit.choose(text("quick.txt"))
    await visit.is_up("quick.txt")
    await visit.choose(text("slow.txt"))
    await visit.room.composer.fill("Both of them")
    await visit.chip_says("slow.txt", "%")
    await visit.page.reload()

    await visit.chip_says("slow.txt", "Did not go up. Choose it again.")
    await visit.is_up("quick.txt")
    await visit.room.composer.press("Enter")
    await expect(visit.note).to_contain_text("Not sent: a file did not go up.")
    await visit.page.get_by_role("button", name="Remove slow.txt").click()
    await visit.room.composer.press("Enter")
    await expect(visit.room.messages.last.get_by_role("link", name="quick.txt")).to_be_visible()
    await visit.room.shows("Both of them")


async def test_an_older_page_sends_files_with_its_plain_form(visit: Visit, past: Past) -> None:
    await past.said(visit.ticket, [(past.customer(visit.ticket), f"Line {n}", None) for n in range(60)])
    await visit.page.goto(f"{visit.page.url}?before=20")
    await visit.choose(text("log.txt"))
    await visit.is_up("log.txt")
    await visit.room.send_button.click()

    await visit.room.is_live()
    await expect(visit.room.messages.last.get_by_role("link", name="log.txt")).to_be_visible()
    await visit.page.go_back()
    await expect(visit.page.locator(".chip")).to_have_count(0)


async def test_an_undone_reply_comes_back_with_its_files(live: Live, past: Past, people: People) -> None:
    ticket = await past.ticket()
    await past.hire("hasty", "Hanna Hasty")
    hanna = await people.agent("hasty")
    await hanna.page.goto("/profile")
    undo = hanna.page.locator("input[name=undo_send]")
    await undo.check()
    async with hanna.page.expect_navigation():
        await undo.evaluate("box => box.form.requestSubmit()")
    await hanna.page.goto(desk_of(live, ticket))
    visit = Visit(ticket, hanna, Room(hanna.page))
    await visit.room.is_live()
    await visit.choose(text("offer.txt"))
    await visit.is_up("offer.txt")
    await visit.room.send("Our offer")
    await visit.room.messages.last.get_by_role("button", name="Undo").click()

    await visit.is_up("offer.txt")
    await expect(visit.room.composer).to_have_value("Our offer")


async def test_a_new_ticket_takes_its_files_along_and_keeps_them_when_it_is_refused(
    live: Live, people: People
) -> None:
    maria = await people.stranger()
    maria.expects(status_of(422))
    page = maria.page
    await page.goto(f"{live.portal}/ticket/new")
    await page.get_by_label("Attach files").set_input_files([text("log.txt"), picture("pole.png")])
    await page.get_by_label("Subject").fill("The pole broke")
    await page.get_by_label("What can we help with?").fill("See the picture.")
    await page.get_by_role("button", name="Open the ticket").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter your email address")
    await expect(page.locator('.chip[data-state="up"]')).to_have_count(2)
    await page.get_by_label("Your email address").fill("maria.files@customer.example")
    await page.get_by_role("button", name="Remove log.txt").click()
    await page.get_by_role("button", name="Open the ticket").click()

    await expect(page.get_by_role("heading", name="The pole broke")).to_be_visible()
    await expect(page.get_by_role("img", name="pole.png")).to_be_visible()
    await expect(page.get_by_text("log.txt")).to_have_count(0)
    await page.goto(f"{live.portal}/ticket/new")
    await expect(page.locator(".chip")).to_have_count(0)


async def test_a_note_has_files_of_its_own_and_the_panel_lists_them(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    ada = await people.agent()
    await ada.page.goto(f"{desk_of(live, ticket)}/notes")
    visit = Visit(ticket, ada, Room(ada.page))
    await visit.room.is_live()
    await ada.page.evaluate(GIVE, [".chat-log", "dragover", "secret.png"])
    await expect(ada.page.get_by_text("Drop files to attach them to the note")).to_be_visible()
    await ada.page.evaluate(GIVE, [".chat-log", "drop", "secret.png"])
    await visit.is_up("secret.png")
    await ada.page.get_by_role("button", name="Add note for team").click()
    note = ada.page.locator("li.message[data-internal]")
    await expect(note.get_by_role("link", name="secret.png")).to_be_visible()

    await ada.page.locator("summary").filter(has_text="Files").click()
    await expect(ada.page.locator("#ticket-files")).to_contain_text("secret.pngPNG · 3 B · Note")


async def test_a_file_that_is_too_large_is_said_to_be_before_it_goes_up(visit: Visit) -> None:
    await visit.page.locator("[data-attach]").evaluate("form => form.dataset.fileLimit = '10'")
    await visit.choose(text("large.txt"))

    await visit.chip_says("large.txt", "Too large: 10 B at most")
    await expect(visit.page.get_by_role("button", name="Try large.txt again")).to_have_count(0)


async def test_what_is_refused_says_why_and_is_tried_again_and_what_is_on_its_way_is_given_up(
    live: Live, visit: Visit
) -> None:
    visit.person.expects(status_of(413), NETWORK_LOST)
    count, room = "UPDATE chat_rooms SET files_size = ? WHERE room_id = ?", visit.ticket.chat_room_id.hex
    behind_its_back(live.settings, count, TICKET_BYTES, room)
    await visit.choose(text("log.txt"))
    await visit.chip_says("log.txt", "The files of this ticket are more than we can keep together.")
    behind_its_back(live.settings, count, 0, room)
    await visit.page.get_by_role("button", name="Try log.txt again").click()
    await visit.is_up("log.txt")

    await visit.page.route(UPLOADS, hold)
    await visit.choose(text("slow.txt"))
    await visit.chip_says("slow.txt", "%")
    await visit.room.send("With the log")
    await expect(visit.note).to_contain_text("Goes out as soon as the files are up.")
    await visit.page.get_by_role("button", name="Remove slow.txt").click()

    await visit.room.shows("With the log")
    await expect(visit.room.messages.last.get_by_role("link")).to_have_text("log.txtTXT · 22 B")


async def test_without_a_script_files_go_with_the_form_from_a_phone(
    live: Live, past: Past, people: People
) -> None:
    ticket = await past.ticket()
    maria = await people.customer(ticket, javascript=False, viewport=PHONE)
    maria.expects("Applying inline style violates")  # of the browser's own page around a picture
    await maria.page.goto(chat_of(live, ticket))
    await maria.page.get_by_label("Attach files").set_input_files([picture("IMG_1.png"), text("log.txt")])
    await Room(maria.page).send_button.click()

    sent = Room(maria.page).messages.last
    await expect(sent.get_by_role("link", name="log.txt")).to_be_visible()
    await sent.get_by_role("link", name="IMG_1.png").click()
    await expect(maria.page.locator("img")).to_be_visible()
