"""The picture that stands for a workspace: put among its settings, shown to customers, taken away again."""

import re
from collections.abc import Callable
from io import BytesIO

import httpx
import pytest
from PIL import Image

from parlour.features.desk.settings.general import LOGO_LIMIT
from parlour.web.headers import SANDBOX
from tests.house import Browser, House, behind_its_back
from tests.mailbox import html_of, mails

SECRET = b"<script>taken at home</script>"
PORTAL = "/support/acme"


def picture(size: tuple[int, int], form: str = "PNG", colour: str = "teal") -> bytes:
    into = BytesIO()
    exif = Image.Exif()
    exif[0x010F] = SECRET.decode()
    Image.new("RGB", size, colour).save(into, form, exif=exif)
    return into.getvalue() + SECRET


def settings_of(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings"


async def choose(desk: Browser, house: House, content: bytes | None, **fields: str) -> httpx.Response:
    page = {"csrf": await desk.csrf(settings_of(house)), **fields}
    files = [] if content is None else [("files", ("logo.png", content, "image/png"))]
    return await desk.post(f"{settings_of(house)}/logo", data=page, files=files)


def shown(page: str) -> re.Match[str] | None:
    size = r'width="(?P<width>\d+)" height="(?P<height>\d+)" alt="(?P<alt>[^"]*)"'
    return re.search(rf'<img class="logo" src="(?P<src>[^"]+)" {size}', page)


async def test_a_logo_is_drawn_anew_and_shown_on_the_portal_until_it_is_removed(
    house: House, desk: Browser, visitor: Browser
) -> None:
    assert not shown((await visitor.get(PORTAL)).text)
    put = await choose(desk, house, picture((1200, 300), "JPEG"))
    assert (put.status_code, put.headers["location"]) == (303, f"{settings_of(house)}?saved=1")

    page = (await visitor.get(PORTAL)).text
    there = shown(page)
    assert there
    assert (there["width"], there["height"]) == ("144", "36")
    assert there["alt"] == house.workspace.name
    got = await visitor.get(there["src"])
    assert got.headers["content-type"] == "image/png"
    assert got.headers.get_list("content-security-policy") == [SANDBOX]
    assert SECRET not in got.content
    with Image.open(BytesIO(got.content)) as kept:
        assert (kept.size, dict(kept.getexif())) == ((288, 72), {})

    await choose(desk, house, picture((50, 50), colour="navy"))
    square = shown((await visitor.get(PORTAL)).text)
    assert square
    assert (square["width"], square["src"] != there["src"]) == ("36", True)
    removed = await choose(desk, house, None, remove="yes")
    assert removed.status_code == 303
    assert not shown((await visitor.get(PORTAL)).text)
    assert (await visitor.get(square["src"])).status_code == 404
    trail = behind_its_back(house.app.parlour.settings, "SELECT after FROM audit_log WHERE action = 'logo'")
    assert trail == [("yes",), ("yes",), ("no",)]


# Made by the test: every process of a run reads this module, and few draw the bomb.
REFUSED: dict[str, tuple[Callable[[], bytes | None], str]] = {
    "nothing": (lambda: None, "Choose a picture for the logo"),
    "a drawing": (
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "Choose a PNG",
    ),
    "a bomb": (lambda: picture((9_000, 9_000)), "too many pixels"),
    "more than may be": (lambda: picture((9, 9)) + bytes(LOGO_LIMIT), "of 2.0 MB at most"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_a_logo_leaves_the_one_before(house: House, desk: Browser, what: str) -> None:
    content, sentence = REFUSED[what]
    await choose(desk, house, picture((100, 100)))

    refused = await choose(desk, house, content())

    assert refused.status_code == 422
    assert sentence in refused.text
    assert shown((await desk.get(PORTAL)).text)


async def test_saving_the_other_settings_keeps_it(house: House, desk: Browser) -> None:
    await choose(desk, house, picture((100, 100)))
    page = settings_of(house)
    form = {"csrf": await desk.csrf(page), "name": "Acme", "welcome": "Hello"}

    assert (await desk.post(page, data=form)).status_code == 303

    assert shown((await desk.get(PORTAL)).text)


async def test_customers_see_it_in_their_mails_from_our_own_address(house: House, desk: Browser) -> None:
    await choose(desk, house, picture((100, 100)))
    async with house.browser() as maria:
        await house.open_ticket(maria, email="maria@example.com")
    [mail] = await mails(house, "maria@example.com")

    base = house.app.parlour.settings.base_url
    [address] = re.findall(r'<img class="logo" src="([^"]+)"', html_of(mail))
    assert address.startswith(f"{base}{PORTAL}/logo.png?")
    picture_of_us = await desk.get(address.removeprefix(base))
    assert picture_of_us.headers.get_list("cross-origin-resource-policy") == ["cross-origin"]  # for webmail
