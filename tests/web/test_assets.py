"""Built files: found by their fingerprint, kept for ever, sent small."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import brotli
import pytest
import pytest_asyncio

from parlour.web.assets import FOLDER, Assets
from tests.house import Browser, House, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = sorted(path.name for path in FOLDER.iterdir())


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def own_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def browser(own_house: House) -> AsyncIterator[Browser]:
    async with own_house.browser() as browser:
        yield browser


@pytest.fixture
def here(own_house: House) -> str:
    return f"/static/{own_house.app.parlour.site.assets.digest}"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("accepted", ["identity", "gzip", "br", "gzip, deflate, br, zstd"])
async def test_every_file_arrives_as_it_was_built(
    browser: Browser, here: str, name: str, accepted: str
) -> None:
    answer = await browser.get(f"{here}/{name}", headers={"accept-encoding": accepted})

    assert answer.status_code == 200
    assert answer.content == (FOLDER / name).read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("br", "br"), ("gzip, br", "br"), ("", None), ("identity", None), ("zstd", None)],
)
async def test_the_smallest_that_the_browser_takes_is_sent(
    browser: Browser, here: str, accepted: str, encoding: str | None
) -> None:
    answer = await browser.get(f"{here}/app.css", headers={"accept-encoding": accepted})
    raw = (FOLDER / "app.css").read_bytes()

    assert answer.headers.get("content-encoding") == encoding
    assert int(answer.headers["content-length"]) == {
        "gzip": len(gzip.compress(raw, 9, mtime=0)),
        "br": len(brotli.compress(raw, quality=10)),
    }.get(encoding or "", len(raw))


@pytest.mark.parametrize("accepted", ["br;q=0", "gzip;q=0, br;q=0", "identity, br;q=0.0"])
async def test_what_the_browser_rules_out_is_not_sent(browser: Browser, here: str, accepted: str) -> None:
    answer = await browser.get(f"{here}/app.css", headers={"accept-encoding": accepted})

    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("app.css", "text/css; charset=utf-8"),
        ("desk.js", "text/javascript; charset=utf-8"),
        ("icons.svg", "image/svg+xml"),
        ("geist-latin.woff2", "font/woff2"),
    ],
)
async def test_a_file_says_what_it_is(browser: Browser, here: str, name: str, media_type: str) -> None:
    assert (await browser.get(f"{here}/{name}")).headers["content-type"] == media_type


async def test_an_older_page_gets_todays_file_but_must_not_keep_it(browser: Browser) -> None:
    answer = await browser.get("/static/0123456789abcdef/app.css")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "nothing.css",
        "",
        ".",
        "..",
        "..%2f..%2fapp.py",
        "%2e%2e%2fassets.py",
        "..\\..\\app.py",
        "%2fetc%2fpasswd",
        "app.css%00.js",
        "app.css/",
        "APP.CSS",
        "x" * 5000,
    ],
)
async def test_only_built_files_are_served(browser: Browser, here: str, name: str) -> None:
    answer = await browser.get(f"{here}/{name}", follow_redirects=False)

    assert answer.status_code in (404, 307)
    assert b"import" not in answer.content


async def test_the_fingerprint_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "app.css").write_text("a{}")
    first = Assets(tmp_path).digest
    (tmp_path / "app.css").write_text("b{}")
    second = Assets(tmp_path).digest
    (tmp_path / "more.js").write_text("")

    assert len({first, second, Assets(tmp_path).digest}) == 3


async def test_a_page_cannot_name_a_file_that_was_not_built(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        Assets(tmp_path).url("app.css")
