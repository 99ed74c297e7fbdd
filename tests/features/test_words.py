"""What people hand in goes through one cleaning, whichever door it comes through."""

import unicodedata
from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from parlour.features.accounts import service as accounts
from parlour.features.accounts.passwords import hash_password, password_matches
from parlour.features.tickets.views import service as views
from parlour.features.workspaces import service as workspaces
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Invalid
from tests.house import ORIGIN, Browser, House

NEW = "/support/acme/ticket/new"
NOBODY_SEES = ["\u200b\u200b", "\u3164", "\u2800", "\u0301", "\U000e0041", "\u202e", "\0"]


async def test_a_workspaces_name_is_one_line_that_both_databases_can_store(house: House) -> None:
    owner = Actor.agent(house.workspace.workspace_id, house.ada, Role.OWNER, "Ada")
    await house.db.write(owner, workspaces.rename_workspace, "\u200bAc\0me\r\n\r\nVisit\u2028us \u202e\u200f")

    assert (await house.as_system(workspaces.workspace)).name == "Acme Visit us"


@pytest.mark.parametrize("nothing", NOBODY_SEES)
async def test_a_name_that_nobody_sees_is_no_name(house: House, desk: Browser, nothing: str) -> None:
    here = f"/workspace/{house.workspace.workspace_id}"
    workspace = await desk.submit(f"{here}/settings", {"name": nothing}, page=f"{here}/settings")
    person = await desk.submit("/profile", {"form": "name", "name": nothing}, page="/profile")
    with pytest.raises(Invalid) as founding:
        await house.db.write(Actor.system(), workspaces.create_workspace, "third", nothing)
    with pytest.raises(Invalid) as view:
        await house.as_system(views.save_view, nothing, "", for_everyone=True)

    assert (workspace.status_code, person.status_code) == (422, 422)
    assert founding.value.problems == {"name": "length"}
    assert view.value.problems == {"name": "required"}


async def test_an_agents_name_is_one_line_and_none_is_cut(house: House) -> None:
    await house.add_agent("ben@acme.example", Role.AGENT, name="Ben\r\n\u202eOkafor\u200b")
    members = await house.as_system(workspaces.members)
    with pytest.raises(Invalid) as refused:
        await house.add_agent("eve@acme.example", Role.AGENT, name="E" * 81)

    assert [member.name for member in members if member.email == "ben@acme.example"] == ["Ben Okafor"]
    assert refused.value.problems == {"name": "too_long"}


@pytest.mark.parametrize("nothing", NOBODY_SEES)
async def test_a_ticket_of_words_that_nobody_sees_is_refused(visitor: Browser, nothing: str) -> None:
    words = {"subject": nothing, "description": nothing, "email": nothing, "client_id": str(uuid4())}
    answer = await visitor.submit(NEW, words, page=NEW)

    assert answer.status_code == 422
    assert "Enter your email address" in answer.text


async def test_a_ticket_is_kept_in_one_form(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(
        visitor,
        subject="\u200bMu\u0308ll\r\nand\u2028more",
        description="\r\n    indented\r\n    \u2067as well",
        email="\u200bJu\u0308rgen@xn--bcher-kva.example\u200b",
    )

    assert ticket.subject == "Müll and more"
    assert ticket.description == "    indented\n    \u2067as well\u2069"
    assert ticket.email == "jürgen@bücher.example"


@pytest.mark.parametrize(
    "typed",
    [
        "anna@bücher.example",
        "anna@xn--bcher-kva.example",
        "ANNA@bu\u0308cher.example",
        "\u200banna@bücher.ex",
        "\uff41nna@xn--bcher-kva.",
    ],
)
async def test_a_ticket_is_found_by_any_spelling_of_its_address(
    house: House, visitor: Browser, desk: Browser, typed: str
) -> None:
    await house.open_ticket(visitor, email="anna@bücher.example", subject="The one of Anna")
    found = await desk.get(f"/workspace/{house.workspace.workspace_id}/tickets", params={"q": typed})

    assert "The one of Anna" in found.text


async def test_an_agent_signs_in_with_any_spelling_of_address_and_password(house: House) -> None:
    password = "Schlüssel überall"
    await house.db.write(
        Actor.system(), accounts.create_agent, "jürgen@bücher.example", "J", password, hash_password(password)
    )
    for form in ("NFC", "NFD"):
        typed = {
            "email": unicodedata.normalize(form, "jürgen@bücher.example"),
            "password": unicodedata.normalize(form, password),
            "next": "/",
        }
        async with house.browser() as browser:
            answer = await browser.submit("/auth/login", typed)

        assert answer.status_code == 303


async def test_a_password_that_was_hashed_as_typed_keeps_working() -> None:
    typed = unicodedata.normalize("NFD", "Schlüssel überall")
    kept = PasswordHasher(memory_cost=64, time_cost=1).hash(typed)

    assert await password_matches(kept, typed)
    assert not await password_matches(kept, "something else")
    assert not await password_matches(None, typed)


@pytest.mark.parametrize("encoding", ["raw_unicode_escape", "utf-16", "utf-7"])
async def test_a_form_in_an_odd_encoding_is_read_or_refused_and_breaks_nothing(
    visitor: Browser, encoding: str
) -> None:
    token = await visitor.csrf(NEW)
    fields = {"csrf": token, "subject": "\\ud800", "description": "x\\u0000", "email": "a@b.example"}
    fields["client_id"] = str(uuid4())
    parts = [f'--b\r\ncontent-disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    answer = await visitor.post(
        NEW,
        content=("".join(parts) + "--b--\r\n").encode(),
        headers={"content-type": f"multipart/form-data; boundary=b; charset={encoding}", "origin": ORIGIN},
    )

    assert answer.status_code < 500
