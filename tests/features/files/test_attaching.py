"""A file from the form of a room to the browser of whoever may read there."""

from io import BytesIO
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image

from parlour.features.tickets.models import Ticket
from parlour.web.headers import SANDBOX
from tests.attaching import JSON, WORDS, File, desk_of, file_at, newest, room_of, say
from tests.features.test_search import found
from tests.files.test_heic import SECRET, taken_by_a_phone
from tests.house import Browser, House
from tests.web.test_weight import counted


@pytest.fixture
async def ticket(house: House, visitor: Browser) -> Ticket:
    return await house.open_ticket(visitor)


async def test_a_file_comes_with_its_message_and_is_handed_out_as_it_was(
    visitor: Browser, desk: Browser, ticket: Ticket
) -> None:
    answer = await say(visitor, room_of(ticket), ("receipt.txt", WORDS), content="Here it is.")

    assert answer.status_code == 303
    message = await newest(visitor, room_of(ticket))
    [file] = message["files"]
    about = {"media_type": "application/octet-stream", "size": len(WORDS), "width": 0, "height": 0}
    assert message["content"] == "Here it is."
    assert file == {"file_id": file["file_id"], "name": "receipt.txt", **about, "scan": "off"}
    for browser, address in (
        (visitor, file_at(ticket, file)),
        (desk, f"{desk_of(ticket)}/files/{file['file_id']}/receipt.txt"),
    ):
        got = await browser.get(address)
        assert (got.status_code, got.content) == (200, WORDS)


async def test_a_file_without_words_is_a_message_and_nothing_at_all_is_none(
    visitor: Browser, ticket: Ticket
) -> None:
    with_file = await say(visitor, room_of(ticket), ("a.txt", WORDS), ("b.txt", b"b"))
    nothing = await say(visitor, room_of(ticket), ("", b""))

    assert (with_file.status_code, nothing.status_code) == (303, 422)
    message = await newest(visitor, room_of(ticket))
    assert (message["content"], [file["name"] for file in message["files"]]) == ("", ["a.txt", "b.txt"])


async def test_an_answer_and_a_note_bring_files_and_a_customer_gets_only_the_answers(
    visitor: Browser, desk: Browser, ticket: Ticket
) -> None:
    sent = [
        (await say(desk, f"{desk_of(ticket)}/{room}", (f"{room}.txt", WORDS), headers=JSON)).json()
        for room in ("chat", "notes")
    ]
    answered, noted = (each["message"]["files"][0] for each in sent)

    assert (await visitor.get(file_at(ticket, answered))).content == WORDS
    assert (await visitor.get(file_at(ticket, noted))).status_code == 404
    assert (await desk.get(f"{desk_of(ticket)}/files/{noted['file_id']}/notes.txt")).content == WORDS


async def test_what_strangers_made_is_downloaded_and_can_do_nothing(visitor: Browser, ticket: Ticket) -> None:
    name = "caf\u00e9 \u202egnp.html"
    await say(visitor, room_of(ticket), (name, b"<script>alert(1)</script>"))
    [file] = (await newest(visitor, room_of(ticket)))["files"]

    got = await visitor.get(file_at(ticket, file))

    assert file["name"] == "caf\u00e9 gnp.html"
    assert got.headers.get_list("content-security-policy") == [SANDBOX]
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    disposition = "attachment; filename=\"cafe gnp.html\"; filename*=UTF-8''caf%C3%A9%20gnp.html"
    assert got.headers["content-disposition"] == disposition
    assert got.headers["cache-control"] == "private, no-cache"


RANGES = {
    "bytes=0-4": (206, slice(0, 5)),
    "bytes=10-": (206, slice(10, None)),
    "bytes=-6": (206, slice(-6, None)),
    "bytes=5-9999": (206, slice(5, None)),
    "bytes=31-31": (206, slice(31, 32)),
    "bytes=0-1,4-5": (200, slice(None)),
    "bytes=7-3": (200, slice(None)),
    "bytes=-": (200, slice(None)),
    "lines=1-2": (200, slice(None)),
}


async def test_a_part_of_a_file_is_handed_out_and_what_a_browser_has_is_not_sent_again(
    visitor: Browser, ticket: Ticket
) -> None:
    await say(visitor, room_of(ticket), ("receipt.txt", WORDS))
    [file] = (await newest(visitor, room_of(ticket)))["files"]
    address = file_at(ticket, file)
    whole = await visitor.get(address)
    tag = whole.headers["etag"]

    for asked, (status, part) in RANGES.items():
        got = await visitor.get(address, headers={"range": asked})
        assert (asked, got.status_code, got.content) == (asked, status, WORDS[part])
    got = await visitor.get(address, headers={"range": "bytes=2-5"})
    assert got.headers["content-range"] == f"bytes 2-5/{len(WORDS)}"
    beyond = await visitor.get(address, headers={"range": "bytes=32-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */32")
    for known in (tag, "*"):
        assert (await visitor.get(address, headers={"if-none-match": known})).status_code == 304
    assert (await visitor.get(address, headers={"if-none-match": f'"x", W/{tag}'})).status_code == 304
    for condition, status in ((tag, 206), ('"x"', 200)):
        got = await visitor.get(address, headers={"range": "bytes=2-5", "if-range": condition})
        assert got.status_code == status
    head = await visitor.head(address)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(WORDS)))
    assert head.headers["accept-ranges"] == "bytes"


async def test_the_same_form_twice_is_one_message_and_other_files_are_a_conflict(
    house: House, visitor: Browser, ticket: Ticket
) -> None:
    client_id = str(uuid4())

    async def send(*files: File) -> httpx.Response:
        return await say(visitor, room_of(ticket), *files, content="Here.", client_id=client_id, headers=JSON)

    first, again = await send(("a.txt", WORDS)), await send(("a.txt", WORDS))
    others = [await send(*files) for files in ([("a.txt", b"else")], [("b.txt", WORDS)], [])]

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["message"] == first.json()["message"]
    assert [other.status_code for other in others] == [409] * 3
    assert UUID((await newest(visitor, room_of(ticket)))["client_id"]) == UUID(client_id)


async def test_a_ticket_is_found_by_the_name_of_its_file_and_by_what_it_is(
    house: House, visitor: Browser, desk: Browser, ticket: Ticket
) -> None:
    """Whatever the name says: a type is that of the bytes."""
    other = await house.open_ticket(visitor)
    drawn = BytesIO()
    Image.new("RGB", (9, 9)).save(drawn, "JPEG")
    sent = [
        ("Quarterly zebra.xls", b"cells"),
        ("scan", drawn.getvalue()),
        ("offer.bin", b"%PDF-1.7 and so on"),
    ]
    for file in sent:
        await say(visitor, room_of(ticket), file)
    await say(visitor, room_of(other), ("photo.JPG", drawn.getvalue()), content="Another one")

    wanted = {words: [ticket.number] for words in ("zebra", "quarterly xls", "pdf", "scan", "scan jpg")}
    wanted |= {"photo jpeg": [other.number], "png": [], "octet": []}

    assert {words: await found(house, desk, words) for words in wanted} == wanted


async def test_a_page_with_files_asks_once_more_and_one_without_never(
    house: House, visitor: Browser, desk: Browser, ticket: Ticket
) -> None:
    """Also where it shows the answers and the notes. The least of some visits: in any of them the house may
    ask for something itself.
    """
    await house.app.parlour.worker.stop()  # it looks for jobs now and then
    pages = ((visitor, room_of(ticket)), (desk, desk_of(ticket)))

    async def asked() -> list[int]:
        counts = []
        for browser, page in pages:
            visits = []
            for _ in range(4):
                with counted() as statements:
                    await browser.get(page, headers=JSON)
                visits.append(len(statements))
            counts.append(min(visits))
        return counts

    without = await asked()
    for number in range(3):
        for place in ("chat", "notes"):
            await say(desk, f"{desk_of(ticket)}/{place}", (f"{number}.txt", WORDS), ("b.txt", WORDS))

    assert await asked() == [count + 1 for count in without]
    shown = (await desk.get(desk_of(ticket), headers=JSON)).json()["messages"]
    names = [[file["name"] for file in message["files"]] for message in shown if message["files"]]
    assert names == [[f"{number}.txt", "b.txt"] for number in range(3) for _ in range(2)]


async def test_a_picture_that_is_only_handed_out_does_not_say_where_it_was_taken(
    visitor: Browser, ticket: Ticket
) -> None:
    came = taken_by_a_phone()
    await say(visitor, room_of(ticket), ("IMG_1.heic", came))
    [file] = (await newest(visitor, room_of(ticket)))["files"]

    got = await visitor.get(file_at(ticket, file))

    assert (got.headers["content-type"], file["width"]) == ("image/heic", 0)
    assert got.headers["content-disposition"].startswith("attachment;")
    assert len(got.content) == len(came)
    assert SECRET.encode() not in got.content


async def test_a_picture_is_shown_in_place_and_has_a_small_one(visitor: Browser, ticket: Ticket) -> None:
    drawn = BytesIO()
    Image.effect_noise((900, 700), 90).save(drawn, "PNG")
    await say(visitor, room_of(ticket), ("noise.html", drawn.getvalue()))
    [file] = (await newest(visitor, room_of(ticket)))["files"]
    address = file_at(ticket, file)

    whole, small = await visitor.get(address), await visitor.get(f"{address}?size=small")
    kept = await visitor.get(f"{address}?download")

    assert (file["media_type"], file["width"], file["height"]) == ("image/png", 900, 700)
    assert [each.headers["content-type"] for each in (whole, small)] == ["image/png", "image/webp"]
    assert Image.open(BytesIO(small.content)).size == (640, 498)
    assert len(whole.content) == file["size"]
    assert whole.headers["etag"] != small.headers["etag"]
    assert whole.headers["content-disposition"].startswith("inline;")
    assert kept.headers["content-disposition"].startswith("attachment;")
    part = await visitor.get(f"{address}?size=small", headers={"range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, small.content[:10])
