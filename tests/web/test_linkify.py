"""Links in messages: the rules that the server and the browser share."""

import json
from itertools import groupby
from pathlib import Path

import pytest

from parlour.web.linkify import split_links
from parlour.web.render import linkify

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "linkify.json").read_text())


def parts(text: str) -> list[dict[str, str]]:
    found = [{"text": shown, "href": href} if href else {"text": shown} for shown, href in split_links(text)]
    merged: list[dict[str, str]] = []
    for is_link, run in groupby(found, key=lambda part: "href" in part):
        pieces = list(run)
        merged += pieces if is_link else [{"text": "".join(piece["text"] for piece in pieces)}]
    return merged


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["text"][:40] for vector in VECTORS])
def test_addresses_become_links_and_nothing_else_does(vector: dict[str, object]) -> None:
    assert parts(str(vector["text"])) == vector["parts"]


def test_what_people_type_cannot_become_markup() -> None:
    shown = linkify("""<script>alert(1)</script> https://example.com/?a=1&b="><img src=x>""")

    assert "<script" not in shown
    assert "<img" not in shown
    assert 'href="https://example.com/?a=1&amp;b="' in shown


def test_a_very_long_line_is_read_in_one_pass() -> None:
    assert sum(len(text) for text, _ in split_links("www." * 5_000 + "a@" * 5_000)) == 30_000


@pytest.mark.parametrize(
    "piece",
    ["(www.a", "http://a/" + ")" * 500_000, "http://a" + "-" * 500_000, "x@" + "a." * 250_000],
    ids=["names without an @", "brackets", "hyphens", "labels"],
)
def test_a_text_made_to_take_long_does_not(piece: str) -> None:
    """Half a million characters: with a step that looks through the rest at each this would not end."""
    text = piece * (500_000 // len(piece) or 1)

    assert "".join(part for part, _ in split_links(text)) == text
