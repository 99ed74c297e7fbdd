"""The profile page: name, preferences, password."""

from contextlib import aclosing
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from parlour.db.database import Tx
from parlour.db.schema import audit_log, users
from parlour.kernel.access import Actor
from tests.house import PASSWORD, Browser, House
from tests.mailbox import mails, text_of

NEW = "a rather long new password"


async def name_of_ada(house: House) -> str:
    def name(tx: Tx) -> str:
        return str(tx.execute(select(users.c.name).where(users.c.user_id == house.ada)).scalar_one())

    return str(await house.as_system(name))


async def settings_of_ada(house: House) -> dict[str, object]:
    def settings(tx: Tx) -> dict[str, object]:
        query = select(users.c.settings).where(users.c.user_id == house.ada)
        return dict(tx.execute(query).scalar_one())

    found: dict[str, object] = await house.as_system(settings)
    return found


async def signs_in(house: House, password: str) -> bool:
    async with house.browser("192.0.2.9") as browser:
        fields = {"email": "ada@acme.example", "password": password, "next": "/"}
        return (await browser.submit("/auth/login", fields)).status_code == 303


async def test_a_name_is_saved_tidied_and_recorded(house: House, desk: Browser) -> None:
    answer = await desk.submit("/profile", {"name": "  Ada \n Lovelace "}, page="/profile")
    page = await desk.get(answer.headers["location"])

    def recorded(tx: Tx) -> list[tuple[str, str, str]]:
        columns = (audit_log.c.action, audit_log.c.before, audit_log.c.after)
        query = select(*columns).where(audit_log.c.workspace_id == tx.workspace_id)
        return [(row[0], row[1], row[2]) for row in tx.execute(query)]

    assert answer.status_code == 303
    assert "The name is saved." in page.text
    assert await name_of_ada(house) == "Ada Lovelace"
    assert await house.as_system(recorded) == [("name", "Ada Moreau", "Ada Lovelace")]


@pytest.mark.parametrize(("name", "sentence"), [(" \n ", "Enter your name"), ("x" * 81, "Shorten your name")])
async def test_a_name_that_cannot_be_taken_is_refused_and_kept_in_its_field(
    house: House, desk: Browser, name: str, sentence: str
) -> None:
    answer = await desk.submit("/profile", {"name": name}, page="/profile")

    assert answer.status_code == 422
    assert sentence in answer.text
    assert name.strip() in answer.text
    assert await name_of_ada(house) == "Ada Moreau"


async def test_preferences_are_what_was_ticked_and_other_settings_stay(house: House, desk: Browser) -> None:
    def seed(tx: Tx) -> None:
        tx.execute(users.update().values(settings={"columns": ["subject"], "notify": "broken"}))

    await house.db.write(Actor.system(), seed)
    before = await desk.get("/profile")
    await desk.submit("/profile/preferences", {"undo_send": "on", "after": "list"}, page="/profile")
    after = await desk.get("/profile")

    def ticked(page: str) -> set[str]:
        names = ("undo_send", "shortcuts", "notify", "title_badge")
        return {name for name in names if f'name="{name}" value="on" checked' in page}

    assert ticked(before.text) == {"shortcuts", "title_badge"}
    assert ticked(after.text) == {"undo_send"}
    assert await settings_of_ada(house) == {
        "columns": ["subject"],
        "undo_send": True,
        "shortcuts": False,
        "notify": False,
        "title_badge": False,
        "after": "list",
    }


async def test_a_new_password_works_and_the_old_one_no_longer_does(house: House, desk: Browser) -> None:
    fields = {"password": PASSWORD, "new_password": NEW}
    answer = await desk.submit("/profile/password", fields, page="/profile")

    assert answer.status_code == 303
    assert await signs_in(house, NEW)
    assert not await signs_in(house, PASSWORD)


async def test_a_new_password_ends_every_other_session_and_renews_this_one(
    house: House, desk: Browser
) -> None:
    async with aclosing(await house.sign_in()) as elsewhere:
        before = desk.cookies["parlour_session"]
        fields = {"password": PASSWORD, "new_password": NEW}
        await desk.submit("/profile/password", fields, page="/profile")
        here, there = await desk.get("/profile"), await elsewhere.get("/profile")

    assert here.status_code == 200
    assert desk.cookies["parlour_session"] != before
    assert unquote(there.headers["location"]) == "/auth/login?next=/profile"


async def test_the_session_cookie_of_before_a_new_password_is_dead(house: House, desk: Browser) -> None:
    before = desk.cookies["parlour_session"]
    await desk.submit("/profile/password", {"password": PASSWORD, "new_password": NEW}, page="/profile")
    async with house.browser() as thief:
        thief.cookies.set("parlour_session", before)

        assert (await thief.get("/profile")).status_code == 303


async def test_the_owner_is_mailed_about_a_new_password(house: House, desk: Browser) -> None:
    desk.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    fields = {"password": PASSWORD, "new_password": NEW}
    await desk.submit("/profile/password", fields, page="/profile")
    [mail] = await mails(house, "ada@acme.example")

    assert mail["Subject"] == "The password of your Parlour account was changed"
    assert mail["From"].startswith("Parlour <")
    assert "Firefox on Linux" in text_of(mail)
    assert "http://parlour.test/auth/forgot" in text_of(mail)
    assert NEW not in mail.as_string()


@pytest.mark.parametrize(
    ("current", "new", "sentence"),
    [
        (PASSWORD, "too short", "at least 10 characters"),
        (PASSWORD, "x1y" * 342, "at most 1024 characters"),
        (PASSWORD, "Ada@Acme.Example", "not your email address"),
        (PASSWORD, "Password123", "harder to guess"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "harder to guess"),
        (PASSWORD, PASSWORD, "not the current one"),
        ("wrong", NEW, "This is not your current password"),
        ("", NEW, "Enter your current password"),
    ],
)
async def test_a_password_that_cannot_be_taken_changes_nothing(
    house: House, desk: Browser, current: str, new: str, sentence: str
) -> None:
    fields = {"password": current, "new_password": new}
    answer = await desk.submit("/profile/password", fields, page="/profile")

    assert answer.status_code == 422
    assert sentence in answer.text
    assert await signs_in(house, PASSWORD)


async def test_guessing_the_current_password_at_an_open_desk_comes_to_an_end(desk: Browser) -> None:
    token = await desk.csrf("/profile")
    fields = {"csrf": token, "password": "wrong", "new_password": NEW}
    answers = [await desk.post("/profile/password", data=fields) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/profile", "/profile/second-factor", "/profile/password"])
async def test_nobody_sees_a_profile_without_signing_in(visitor: Browser, path: str) -> None:
    answer = await visitor.get(path)

    assert unquote(answer.headers["location"]) == f"/auth/login?next={path}"


async def test_a_form_that_was_interrupted_by_signing_in_leads_back_to_its_page(desk: Browser) -> None:
    answer = await desk.get("/profile/password")

    assert answer.headers["location"] == "/profile"


@pytest.mark.parametrize(
    "path",
    [
        "/profile",
        "/profile/password",
        "/profile/preferences",
        "/profile/sessions/end",
        "/profile/sessions/end-all",
        "/profile/second-factor",
    ],
)
async def test_a_form_from_elsewhere_changes_nothing(house: House, desk: Browser, path: str) -> None:
    fields = {"name": "Mallory", "password": PASSWORD, "new_password": NEW, "action": "on"}
    answer = await desk.post(path, data={"csrf": "0" * 64, **fields})

    assert answer.status_code == 403
    assert (await desk.get("/profile")).status_code == 200
    assert await name_of_ada(house) == "Ada Moreau"
    assert await signs_in(house, PASSWORD)
