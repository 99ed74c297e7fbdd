"""A stranger's name for a file, and the header that carries it."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.files.names import BYTES_LIMIT, NAME_LIMIT, content_disposition, safe_name


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\Ada\photo.jpg", "photo.jpg"),
        ("annual\u202efdp.exe", "annualfdp.exe"),
        ("a\u2066b\u2069.png", "ab.png"),
        ("two\r\nlines.txt", "twolines.txt"),
        ('say "hi".txt', "say hi.txt"),
        ("счёт за май.pdf", "счёт за май.pdf"),
        ("请求.docx", "请求.docx"),
        ("cafe\u0301.txt", "caf\u00e9.txt"),
        ("  .hidden", "hidden"),
        ("...", "file"),
        ("", "file"),
        ("\u200b\u200d", "file"),
        ("nul\x00byte.gif", "nulbyte.gif"),
        ("lone \udc80 surrogate", "lone surrogate"),
        ("trailing.", "trailing"),
    ],
)
def test_names(given: str, safe: str) -> None:
    assert safe_name(given) == safe


def test_a_long_name_keeps_its_ending() -> None:
    assert safe_name("a" * 400 + ".tar.gz").endswith("aaa.gz")
    assert len(safe_name("a" * 400 + ".pdf")) == NAME_LIMIT
    assert len(safe_name("語" * 400 + ".pdf").encode()) <= BYTES_LIMIT


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_headers_and_disks_take(name: str) -> None:
    safe = safe_name(name)

    assert safe
    assert safe == safe_name(safe)
    assert not re.search(r'[\x00-\x1f\x7f-\x9f"/\\\u200e\u200f\u202a-\u202e\u2066-\u2069]', safe)
    header = content_disposition(safe, inline=False)
    header.encode("ascii")
    assert header.startswith('attachment; filename="')
    assert unquote(header.rpartition("UTF-8''")[2]) == safe


def test_the_header_says_whether_it_is_shown() -> None:
    assert (
        content_disposition("é.png", inline=True) == "inline; filename=\"e.png\"; filename*=UTF-8''%C3%A9.png"
    )
