"""Sign-ins, failures and refusals, as the managers of a workspace read them and nobody else."""

import html
import re
from contextlib import aclosing
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from parlour.db.database import Tx
from parlour.db.schema import security_events
from parlour.features.accounts.events import service as events
from parlour.features.accounts.events import store as events_store
from parlour.features.accounts.events.service import Event
from parlour.kernel import clock
from parlour.kernel.access import Actor, Role
from parlour.kernel.errors import Forbidden
from tests.features.authenticator import PAGE, introduce, turn_on
from tests.features.test_second_factor import after_the_password, enter
from tests.house import PASSWORD, Browser, House

ADA, BEN = "ada@acme.example", "ben@acme.example"
FIREFOX = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
async def ben(house: House) -> None:
    await house.add_agent(BEN, Role.AGENT, name="Ben Okafor")


def page_of(house: House) -> str:
    return f"/workspace/{house.workspace.workspace_id}/settings/audit"


async def shown(house: House, desk: Browser, query: str = "") -> list[str]:
    """The lines of the trail, the newest first, each as its words."""
    page = await desk.get(page_of(house) + query)
    assert page.status_code == 200
    lines = re.findall(r"<li class=\"flex flex-wrap items-baseline.*?</li>", page.text, re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", line)).split()) for line in lines]


async def tries(house: House, email: str, password: str, address: str = "203.0.113.7") -> int:
    async with house.browser(address) as browser:
        browser.headers.update(FIREFOX)
        typed = {"email": email, "password": password, "next": "/"}
        return (await browser.submit("/auth/login", typed)).status_code


async def count_rows(house: House) -> int:
    def count(tx: Tx) -> int:
        query = select(func.count()).select_from(security_events)
        query = query.where(security_events.c.workspace_id == tx.workspace_id)
        found: int = tx.execute(query).scalar_one()
        return found

    return await house.as_system(count)


@pytest.mark.usefixtures("ben")
async def test_an_owner_reads_who_came_in_and_from_where(house: House, desk: Browser) -> None:
    assert await tries(house, BEN, PASSWORD) == 303

    newest = (await shown(house, desk))[0]

    assert newest.startswith("Signed in 203.0.113.7, Firefox on Linux Ben Okafor")


@pytest.mark.usefixtures("ben")
async def test_an_owner_reads_of_wrong_passwords_and_of_too_many(house: House, desk: Browser) -> None:
    answers = [await tries(house, BEN, "a wrong guess") for _ in range(12)]

    lines = await shown(house, desk)

    assert (answers[0], answers[-1]) == (422, 429)
    assert [line.partition(" 203.")[0] for line in lines[:2]] == [
        "Too many tries to sign in",
        "Wrong password 10 times in an hour",
    ]


async def test_an_owner_reads_of_a_wrong_second_factor_and_of_the_right_one(
    house: House, desk: Browser
) -> None:
    _, codes = await turn_on(desk, clock.now())
    async with aclosing(await after_the_password(house)) as browser:
        await enter(browser, "no code at all")
        await enter(browser, codes[0])

    lines = await shown(house, desk)

    assert [line.partition(" 127.")[0] for line in lines if " 127." in line] == [
        "Signed in",
        "Wrong code of the second factor",
    ]


async def test_an_owner_reads_of_wrong_passwords_of_whoever_is_signed_in(house: House, desk: Browser) -> None:
    """An open desk is a way to guess, too. What a form merely lacks is no guess."""
    await desk.submit("/profile/password", {"password": "", "new_password": "short"}, page="/profile")
    nothing = await shown(house, desk, "?kind=wrong_password")
    wrong = {"password": "a wrong guess", "new_password": "short", "action": "codes", "code": "", "seal": ""}
    await desk.submit("/profile/password", wrong, page="/profile")
    for action in ("on", "off", "codes"):
        _, fields = await introduce(desk)
        await desk.submit(PAGE, {**fields, **wrong, "seal": fields["seal"], "action": action}, page=PAGE)
    for _ in range(8):
        await desk.submit("/profile/password", wrong, page="/profile")

    assert nothing == []
    assert [line.partition(" 127.")[0] for line in (await shown(house, desk))[:2]] == [
        "Too many tries to sign in",
        "Wrong password 9 times in an hour",
    ]


@pytest.mark.usefixtures("ben")
async def test_an_owner_reads_of_a_refused_right(house: House, desk: Browser) -> None:
    async with aclosing(await house.sign_in(BEN)) as browser:
        here = f"/workspace/{house.workspace.workspace_id}"
        await browser.submit(f"{here}/settings", {"name": "Mine"}, page=f"{here}/people")
        await browser.get(page_of(house))

    lines = await shown(house, desk, "?kind=refused")

    assert len(lines) == 1
    assert lines[0].startswith("Refused: the role does not allow it 2 times in an hour GET /settings/audit")
    assert "Ben Okafor" in lines[0]


async def test_a_form_that_is_not_ours_is_no_refused_right(house: House, desk: Browser) -> None:
    here = f"/workspace/{house.workspace.workspace_id}"

    answer = await desk.post(f"{here}/settings", data={"name": "Mine", "csrf": "forged"})

    assert answer.status_code == 403
    assert await shown(house, desk, "?kind=refused") == []


async def test_signing_out_everywhere_is_read_by_another_owner(house: House, desk: Browser) -> None:
    await house.add_agent("eve@acme.example", Role.OWNER, name="Eve")
    await desk.submit("/profile/sessions/end-all", {}, page="/profile")
    async with aclosing(await house.sign_in("eve@acme.example")) as eve:
        assert (await shown(house, eve, "?kind=signed_out_everywhere"))[0].startswith("Signed out everywhere")


@pytest.mark.usefixtures("ben")
async def test_changes_of_people_stand_in_the_same_list(house: House, desk: Browser) -> None:
    here = f"/workspace/{house.workspace.workspace_id}"
    invited = {"email": "new@acme.example", "role": "agent"}
    await desk.submit(f"{here}/people/invite", invited, page=f"{here}/people")
    await tries(house, BEN, PASSWORD)

    lines = await shown(house, desk)

    assert [line.split()[0] for line in lines[:2]] == ["Signed", "Invitation"]
    assert "new@acme.example: agent" in lines[1]


@pytest.mark.usefixtures("ben")
async def test_one_person_and_one_kind_can_be_chosen(house: House, desk: Browser) -> None:
    await tries(house, ADA, PASSWORD)
    await tries(house, BEN, "a wrong guess")

    by_kind = await shown(house, desk, "?kind=wrong_password")
    by_person = await shown(house, desk, f"?person={house.ada}")

    assert len(by_kind) == 1
    assert "Ben Okafor" in by_kind[0]
    assert by_person
    assert not any("Ben Okafor" in line for line in by_person)


@pytest.mark.parametrize("query", ["?person=nobody", "?before=x&after=y", "?kind=%00%ff", "?kind=unheard"])
async def test_a_filter_that_is_none_breaks_nothing(house: House, desk: Browser, query: str) -> None:
    assert (await desk.get(page_of(house) + query)).status_code == 200


async def test_the_pages_lead_through_all_of_it_and_back(house: House, desk: Browser) -> None:
    def fill(tx: Tx) -> None:
        for number in range(2 * events.PAGE + 5):
            events_store.count(tx, actor_id=f"{number}", actor_name=f"N{number}.", action="x", detail="")

    await house.as_system(fill)
    start = await desk.get(page_of(house) + "?kind=x")
    pages, seen = [start.text], []
    while older := re.search(r'href="([^"]+)"[^>]*>Older', pages[-1]):
        pages.append((await desk.get(html.unescape(older[1]))).text)
    for page in pages:
        seen += re.findall(r"\bN(\d+)\.", page)
    newer = re.search(r'href="([^"]+)"[^>]*>Newer', pages[1])

    assert sorted(map(int, seen)) == list(range(2 * events.PAGE + 5))
    assert newer
    back = (await desk.get(html.unescape(newer[1]))).text
    assert re.findall(r"\bN(\d+)\.", back) == seen[: events.PAGE]


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_whoever_does_not_manage_reads_none_of_it(house: House, role: Role) -> None:
    await house.add_agent(BEN, role)
    async with aclosing(await house.sign_in(BEN)) as browser:
        assert (await browser.get(page_of(house))).status_code == 403


async def test_another_workspace_reads_none_of_it(house: House) -> None:
    await house.add_agent("mallory@other.example", Role.OWNER, house.other, name="Mallory")
    await tries(house, ADA, "a wrong guess")
    own = f"/workspace/{house.other.workspace_id}/settings/audit"
    async with aclosing(await house.sign_in("mallory@other.example")) as mallory:
        theirs, page = await mallory.get(page_of(house)), (await mallory.get(own)).text

    assert theirs.status_code == 404
    assert "Ada" not in page


async def test_a_thousand_wrong_tries_are_one_row(house: House) -> None:
    for _ in range(1_000):
        await house.db.write(Actor.system(), events.note, house.ada, Event.WRONG_PASSWORD, "203.0.113.7")

    assert await count_rows(house) == 1


async def test_an_address_that_nobody_has_leaves_no_row(house: House) -> None:
    assert await tries(house, "nobody@acme.example", "a wrong guess") == 422

    assert await count_rows(house) == 0


async def test_what_is_old_is_swept_and_the_rest_stays(house: House) -> None:
    await house.db.write(Actor.system(), events.note, house.ada, Event.SIGNED_IN, "")

    def age(tx: Tx) -> None:
        old = clock.now() - events.KEEP - timedelta(hours=1)
        tx.execute(
            update(security_events).where(security_events.c.workspace_id == tx.workspace_id).values(hour=old)
        )

    await house.as_system(age)
    await house.db.write(Actor.system(), events.note, house.ada, Event.SIGNED_IN, "")

    assert [await house.db.write(Actor.system(), events.sweep) for _ in range(2)] == [1, 0]
    assert await count_rows(house) == 1


@pytest.mark.postgresql
@pytest.mark.parametrize(("role", "rows"), [("owner", 1), ("admin", 1), ("agent", 0), ("viewer", 0)])
async def test_the_database_shows_events_to_managers_alone(house: House, role: str, rows: int) -> None:
    await house.db.write(Actor.system(), events.note, house.ada, Event.SIGNED_IN, "")

    def look(tx: Tx) -> int:
        here = security_events.c.workspace_id == tx.workspace_id
        found: int = tx.execute(select(func.count()).select_from(security_events).where(here)).scalar_one()
        return found

    somebody = Actor.agent(house.workspace.workspace_id, house.ada, Role(role), "Ada")
    elsewhere = Actor.agent(house.other.workspace_id, house.ada, Role(role), "Ada")

    assert await house.db.read(somebody, look) == rows
    assert await house.db.read(elsewhere, look) == 0


async def test_the_service_refuses_whoever_does_not_manage(house: House) -> None:
    viewer = Actor.agent(house.workspace.workspace_id, house.ada, Role.VIEWER, "Ada")

    with pytest.raises(Forbidden):
        await house.db.read(viewer, events.trail)
