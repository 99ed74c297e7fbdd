"""What a template says on a page: escaped, and with as much as possible put together beforehand."""

from functools import partial
from html import unescape

from parlour.web.render import icon, prepare
from tests.house import Browser, House

NASTY = """</a><script src="//x">'either/or' & "quotes" &#x2f; &amp;</script>"""

draw = partial(icon, "/static/icons.svg")


def said(template: str) -> str:
    return prepare(template, draw)


async def test_what_people_typed_is_escaped_once_and_slashes_are_left_as_they_are(
    house: House, visitor: Browser, desk: Browser
) -> None:
    await house.open_ticket(visitor, subject=NASTY)
    page = (await desk.get(f"/workspace/{house.workspace.workspace_id}/tickets")).text

    assert NASTY in unescape(page)
    assert "<script src=" not in page
    assert "&lt;script src=&quot;//x&quot;&gt;&#x27;either/or" in page
    assert "&#x2f;" not in page


def test_a_sentence_is_text_before_any_page_is_asked_for() -> None:
    assert said("<p>{{ _('Fish & chips') }}</p>") == "<p>Fish &amp; chips</p>"
    assert unescape(said("""{{ _("It's") }}""")) == "It's"


def test_a_sentence_is_put_together_around_what_the_template_fills_in() -> None:
    assert said('{{ _("Ticket #{number} of {who}", number=t.number, who=name) }}') == (
        "Ticket #{{ t.number }} of {{ name|apart }}"
    )
    assert said('{{ _("In {n} days", n="{n}") }}') == "In {n} days"


def test_what_is_computed_is_left_to_the_page() -> None:
    for template in ('{{ _("{n} days", n=days + 1) }}', '{{ _("A") if x else _("B") }}', "{{ icon(name) }}"):
        assert said(template).startswith("{{")


def test_an_icon_is_drawn_where_the_template_names_it() -> None:
    assert said('{{ icon("x", "size-5") }}') == str(draw("x", "size-5"))
    assert draw('"><script>') == (
        '<svg class="icon" aria-hidden="true"><use href="/static/icons.svg#&#34;&gt;&lt;script&gt;"/></svg>'
    )
