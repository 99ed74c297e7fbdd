"""Only our own pages may change things: every form, sent by anybody else, changes nothing."""

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from parlour.features.tickets.bulk.service import SAY
from tests.forms import FORMS
from tests.house import ORIGIN
from tests.people import Town, http_routes, open_town

pytestmark = pytest.mark.asyncio(loop_scope="module")

OUTSIDE = {"/auth/second-factor": "halfway"}


def sender(route: str) -> str:
    """Somebody whose own page could send that form."""
    if route in OUTSIDE:
        return OUTSIDE[route]
    if "{ticket_id}" in route and route.startswith("/support"):
        return "customer"
    return "owner" if route.startswith(("/workspace", "/profile", "/auth/logout")) else "nobody"


SENDING = "/support/{slug}/ticket/{ticket_id}/chat"
ANSWERING = "/workspace/{workspace_id}/tickets/{ticket_id}/chat"


def every_form_and_every(attack: Sequence[str]) -> list[tuple[str, str]]:
    """Each form under the first attack, and each attack on a customer's form and an agent's.

    All forms share one check, so these say what every form under every attack would.
    """
    tried = [(route, other) for route in (SENDING, ANSWERING) for other in attack[1:]]
    return [(route, attack[0]) for route in FORMS] + tried


FOREIGN = {
    "another site": {"origin": "http://evil.example"},
    "a site whose name begins like ours": {"origin": f"{ORIGIN}.evil.example"},
    "our host by another scheme": {"origin": ORIGIN.replace("http:", "https:")},
    "our host at another port": {"origin": f"{ORIGIN}:8080"},
    "no origin that may be named": {"origin": "null"},
    "a site of the same owner": {"sec-fetch-site": "same-site"},
    "what the browser calls another site": {"sec-fetch-site": "cross-site"},
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with open_town(tmp_path_factory.mktemp("town")) as town:
        handlers = dict(town.house.app.parlour.worker._handlers)  # noqa: SLF001
        del handlers[SAY]  # a job that comes by itself, and changes what is compared
        town.house.app.parlour.worker._handlers = handlers  # noqa: SLF001
        yield town


async def test_every_form_of_the_application_is_tried_here(town: Town) -> None:
    assert set(FORMS) == {path for method, path in http_routes(town.house) if method == "POST"}


@pytest.mark.parametrize(("route", "place"), every_form_and_every(list(FOREIGN)))
async def test_a_form_from_elsewhere_changes_nothing_though_its_token_is_right(
    town: Town, route: str, place: str
) -> None:
    form = await town.form(route)
    before = await town.stored()
    async with await town.come(sender(route)) as browser:
        fields = {"csrf": await browser.csrf("/support/acme"), **form}
        answer = await browser.post(town.path(route), data=fields, headers=FOREIGN[place])

    assert answer.status_code == 403
    assert answer.headers.get_list("set-cookie") == []
    assert await town.stored() == before


@pytest.mark.parametrize(
    ("route", "token"),
    every_form_and_every(["another browser's", "missing", "empty", "wrong", "another session's"]),
)
async def test_a_form_without_this_browsers_own_token_changes_nothing(
    town: Town, route: str, token: str
) -> None:
    fields = await town.form(route)
    before = await town.stored()
    async with await town.come(sender(route)) as browser, await town.come("agent") as other:
        right = await browser.csrf("/support/acme")
        given = {"empty": "", "wrong": right[::-1], "another browser's": await other.csrf("/support/acme")}
        if token == "another session's":  # the same browser, before it was signed in or by another agent
            given[token] = right
            browser.cookies.set("parlour_session", await town.session("viewer"))
        if token != "missing":
            fields["csrf"] = given[token]
        answer = await browser.post(town.path(route), data=fields)

    assert answer.status_code == 403
    assert await town.stored() == before


@pytest.mark.parametrize("route", FORMS)
async def test_a_token_in_the_address_counts_for_nothing(town: Town, route: str) -> None:
    async with await town.come(sender(route)) as browser:
        token = await browser.csrf("/support/acme")
        fields = {"with": "something in it", **await town.form(route)}
        answer = await browser.post(f"{town.path(route)}?csrf={token}", data=fields)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("route", "kind"),
    every_form_and_every(["text/plain", "application/json", "application/octet-stream", ""]),
)
async def test_a_body_that_is_no_form_is_refused(town: Town, route: str, kind: str) -> None:
    before = await town.stored()
    async with await town.come(sender(route)) as browser:
        token = await browser.csrf("/support/acme")
        headers = {"content-type": kind, "x-csrf-token": token}
        answer = await browser.post(town.path(route), content=b'{"status": "closed"}', headers=headers)

    assert answer.status_code == 400
    assert await town.stored() == before


@pytest.mark.parametrize("sent", ["as a header", "without an origin", "from the address bar"])
async def test_our_own_pages_and_programs_without_a_browser_are_heard(town: Town, sent: str) -> None:
    route = SENDING
    async with await town.come("customer") as browser:
        token, fields = await browser.csrf("/support/acme"), await town.form(route)
        headers = {"from the address bar": {"sec-fetch-site": "none"}}.get(sent, {})
        if sent == "without an origin":
            del browser.headers["origin"]
        if sent == "as a header":
            headers["x-csrf-token"] = token
        else:
            fields["csrf"] = token
        answer = await browser.post(town.path(route), data=fields, headers=headers)

    assert answer.status_code == 303
