"""Every route, every kind of visitor: who gets what is one table, and a route that is not in it fails."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.house import Browser, comparable
from tests.outline import faults
from tests.people import VISITORS, Town, http_routes, knock, open_town, socket_routes

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A number is the answer's status; a word is a 303 to what WORDS says. The visitors are those of people.py.
# A form that holds words gets them back with its 401; any other leads to the sign-in.
# A line that is only an address begins the addresses below it; `-` is that address itself.
TABLE = """
                                    nobody  customer neighbour stranger owner agent viewer outsider ended

/
GET  -                              200     200      200       200      own   own   own     own      200
GET  healthz                        200     200      200       200      200   200   200     200      200
GET  readyz                         200     200      200       200      200   200   200     200      200
GET  metrics                        200     200      200       200      200   200   200     200      200
GET  metrics/                       200     200      200       200      200   200   200     200      200
GET  static/{digest}/{name}         200     200      200       200      200   200   200     200      200

/auth
GET  /login                         200     200      200       200      start start start   start    200
POST /login                         start   start    start     start    start start start   start    start
POST /logout                        login   login    login     login    login login login   login    login
GET  /second-factor                 again   again    again     again    again again again   again    again
POST /second-factor                 again   again    again     again    again again again   again    again
GET  /mailbox                       400     400      400       400      400   400   400     400      400
GET  /forgot                        200     200      200       200      200   200   200     200      200
POST /forgot                        200     200      200       200      200   200   200     200      200
GET  /reset                         200     200      200       200      200   200   200     200      200
POST /reset                         reset   reset    reset     reset    reset reset reset   reset    reset

/invite
GET  -                              200     200      200       200      200   200   200     200      200
POST -                              200     200      200       200      200   200   200     200      200
POST /accept                        joined  joined   joined    joined   joined joined joined joined  joined

/profile
GET  -                              sign-in sign-in  sign-in   sign-in  200   200   200     200      sign-in
POST -                              sign-in sign-in  sign-in   sign-in  saved saved saved   saved    sign-in
GET  /{form:path}                   sign-in sign-in  sign-in   sign-in  mine  mine  mine    mine     sign-in
POST /password                      sign-in sign-in  sign-in   sign-in  saved saved saved   saved    sign-in
POST /preferences                   sign-in sign-in  sign-in   sign-in  saved saved saved   saved    sign-in
POST /sessions/end                  sign-in sign-in  sign-in   sign-in  saved saved saved   saved    sign-in
POST /sessions/end-all              sign-in sign-in  sign-in   sign-in  login login login   login    sign-in
GET  /second-factor                 sign-in sign-in  sign-in   sign-in  200   200   200     200      sign-in
POST /second-factor                 sign-in sign-in  sign-in   sign-in  422   422   422     422      sign-in

/support/{slug}
GET  -                              200     200      200       200      200   200   200     200      200
GET  /ticket/new                    200     200      200       200      200   200   200     200      200
POST /ticket/new                    opened  opened   opened    opened   opened opened opened opened  opened
GET  /accent.css                    200     200      200       200      200   200   200     200      200
GET  /logo.png                      200     200      200       200      200   200   200     200      200
GET  /access                        200     200      200       200      200   200   200     200      200
POST /access                        200     200      200       200      200   200   200     200      200
GET  /forget                        200     200      200       200      200   200   200     200      200
POST /forget                        gone    gone     gone      gone     gone  gone  gone    gone     gone
GET  /ticket/{ticket_id}            403     200      403       403      403   403   403     403      403
GET  /ticket/{ticket_id}/chat       403     200      403       403      403   403   403     403      403
POST /ticket/{ticket_id}/chat       403     sent     403       403      403   403   403     403      403
GET  /ticket/{ticket_id}/merged     opened  opened opened      opened   opened opened opened opened  opened
POST /ticket/{ticket_id}/merged     403     followed 403       403      403   403   403     403      403
POST /ticket/{ticket_id}/files      403     201      403       403      403   403   403     403      403
POST /ticket/{ticket_id}/files/{file_id}/remove 403 204 403    403      403   403   403     403      403
GET  /ticket/{ticket_id}/files/{file_id}/{name} 403 200 403    403      403   403   403     403      403
POST /files                         201     201      201       201      201   201   201     201      201
POST /files/{file_id}/remove        204     204      204       204      204   204   204     204      204

/workspace/new
GET  -                              sign-in sign-in  sign-in   sign-in  200   403   403     200      sign-in
POST -                              sign-in sign-in  sign-in   sign-in  desk  403   403     desk     sign-in
GET  /slug                          sign-in sign-in  sign-in   sign-in  200   200   200     200      sign-in

/workspace/{workspace_id}
GET  -                              sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
POST /first-steps                   sign-in sign-in  sign-in   sign-in  own   403   403     404      sign-in
GET  /palette                       sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /dialogs/{digest}              sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in

/workspace/{workspace_id}/contacts
GET  -                              sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /{contact_id}                  sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
POST /{contact_id}                  401     401      401       401      person person 403   404      401
POST /{contact_id}/block            sign-in sign-in  sign-in   sign-in  who    who   403    404      sign-in
POST /{contact_id}/unblock          sign-in sign-in  sign-in   sign-in  who    who   403    404      sign-in

/workspace/{workspace_id}/mail
GET  -                              sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /{mail_id}                     sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /{mail_id}/frame               sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /{mail_id}/original            sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
POST /{mail_id}/release             sign-in sign-in  sign-in   sign-in  mails mails 403     404      sign-in
POST /{mail_id}/note                401     401      401       401      mails mails 403     404      401
POST /{mail_id}/read                sign-in sign-in  sign-in   sign-in  mails mails 403     404      sign-in
POST /{letter_id}/send              sign-in sign-in  sign-in   sign-in  letters letters 403 404      sign-in

/workspace/{workspace_id}/notifications
GET  -                              sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
POST -                              sign-in sign-in  sign-in   sign-in  told  told  told    404      sign-in
GET  /choices                       sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
POST /choices                       sign-in sign-in  sign-in   sign-in  told  told  told    404      sign-in

/workspace/{workspace_id}/settings
GET  -                              sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST -                              sign-in sign-in  sign-in   sign-in  chosen 403  403     404      sign-in
POST /logo                          sign-in sign-in  sign-in   sign-in  chosen 403  403     404      sign-in
GET  /mail                          sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST /mail                          sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
GET  /auto-reply                    sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST /auto-reply                    401     401      401       401      answers 403 403     404      401
GET  /api-keys                      sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST /api-keys                      sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
GET  /api-keys/{key_id}/revoke      sign-in sign-in  sign-in   sign-in  keys  keys  keys    404      sign-in
POST /api-keys/{key_id}/revoke      sign-in sign-in  sign-in   sign-in  keys  403   403     404      sign-in
GET  /security                      sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST /security                      sign-in sign-in  sign-in   sign-in  secure 403  403     404      sign-in
GET  /retention                     sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST /retention                     sign-in sign-in  sign-in   sign-in  ending 403  403     404      sign-in
GET  /tags                          sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST /tags                          sign-in sign-in  sign-in   sign-in  tags  403   403     404      sign-in
GET  /tags/{tag_id}                 sign-in sign-in  sign-in   sign-in  tags  tags  tags    404      sign-in
POST /tags/{tag_id}                 sign-in sign-in  sign-in   sign-in  tags  403   403     404      sign-in
POST /tags/{tag_id}/delete          sign-in sign-in  sign-in   sign-in  tags  403   403     404      sign-in
GET  /audit                         sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
GET  /audit.csv                     sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in

/workspace/{workspace_id}/settings/mail
GET  /new                           sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST /new                           sign-in sign-in  sign-in   sign-in  box   403   403     404      sign-in
GET  /granted                       sign-in sign-in  sign-in   sign-in  400   403   403     404      sign-in

/workspace/{workspace_id}/settings/mail/{mailbox_id}
GET  -                              sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST -                              sign-in sign-in  sign-in   sign-in  422   403   403     404      sign-in
GET  /{form:path}                   sign-in sign-in  sign-in   sign-in  box   box   box     404      sign-in
POST /test                          sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST /signature                     401     401      401       401      box   403   403     404      401
POST /server                        sign-in sign-in  sign-in   sign-in  422   403   403     404      sign-in
POST /server/drop                   sign-in sign-in  sign-in   sign-in  box   403   403     404      sign-in
POST /stop                          sign-in sign-in  sign-in   sign-in  box   403   403     404      sign-in
POST /remove                        sign-in sign-in  sign-in   sign-in  boxes 403   403     404      sign-in

/workspace/{workspace_id}/settings/webhooks
GET  -                              sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST -                              sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in

/workspace/{workspace_id}/settings/webhooks/{webhook_id}
GET  -                              sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST -                              sign-in sign-in  sign-in   sign-in  hook  403   403     404      sign-in
GET  /{form:path}                   sign-in sign-in  sign-in   sign-in  hook  hook  hook    404      sign-in
POST /on                            sign-in sign-in  sign-in   sign-in  hook  403   403     404      sign-in
POST /off                           sign-in sign-in  sign-in   sign-in  hook  403   403     404      sign-in
POST /secret                        sign-in sign-in  sign-in   sign-in  200   403   403     404      sign-in
POST /test                          sign-in sign-in  sign-in   sign-in  hook  403   403     404      sign-in
POST /replay                        sign-in sign-in  sign-in   sign-in  hook  403   403     404      sign-in
POST /delete                        sign-in sign-in  sign-in   sign-in  hooks 403   403     404      sign-in

/workspace/{workspace_id}/settings/webhooks/{webhook_id}/deliveries/{delivery_id}
POST /retry                         sign-in sign-in  sign-in   sign-in  hook  403   403     404      sign-in

/workspace/{workspace_id}/people
GET  -                              sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /{form:path}                   sign-in sign-in  sign-in   sign-in  people people people 404     sign-in
POST /invite                        sign-in sign-in  sign-in   sign-in  invited 403 403     404      sign-in
POST /{user_id}/role                sign-in sign-in  sign-in   sign-in  people 403  403     404      sign-in
POST /{user_id}/remove              sign-in sign-in  sign-in   sign-in  people 403  403     404      sign-in
POST /invitations/{invitation_id}/withdraw sign-in sign-in sign-in sign-in people 403 403   404      sign-in

/workspace/{workspace_id}/replies
GET  -                              sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /new                           sign-in sign-in  sign-in   sign-in  200   200   403     404      sign-in
POST /new                           401     401      401       401      texts texts 403     404      401
GET  /{reply_id}                    sign-in sign-in  sign-in   sign-in  200   200   403     404      sign-in
POST /{reply_id}                    401     401      401       401      texts texts 403     404      401
POST /{reply_id}/delete             sign-in sign-in  sign-in   sign-in  texts texts 403     404      sign-in

/workspace/{workspace_id}/tickets
GET  -                              sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /new                           sign-in sign-in  sign-in   sign-in  200   200   403     404      sign-in
POST /new                           401     401      401       401      begun begun 403     404      401
POST /files                         sign-in sign-in  sign-in   sign-in  201   201   403     404      sign-in
POST /files/{file_id}/remove        sign-in sign-in  sign-in   sign-in  204   204   403     404      sign-in
GET  /views                         sign-in sign-in  sign-in   sign-in  list  list  list    404      sign-in
POST /views                         sign-in sign-in  sign-in   sign-in  list  list  403     404      sign-in
GET  /views/{view_id}               sign-in sign-in  sign-in   sign-in  list  list  list    404      sign-in
POST /views/{view_id}               sign-in sign-in  sign-in   sign-in  list  list  403     404      sign-in
POST /views/{view_id}/move          sign-in sign-in  sign-in   sign-in  list  list  403     404      sign-in
POST /views/{view_id}/delete        sign-in sign-in  sign-in   sign-in  list  list  403     404      sign-in
GET  /bulk                          sign-in sign-in  sign-in   sign-in  list  list  list    404      sign-in
POST /bulk                          sign-in sign-in  sign-in   sign-in  list  list  403     404      sign-in
GET  /bulk/{bulk_id}                sign-in sign-in  sign-in   sign-in  200   200   403     404      sign-in
POST /bulk/{bulk_id}/undo           sign-in sign-in  sign-in   sign-in  list  list  403     404      sign-in

/workspace/{workspace_id}/tickets/{ticket_id}
GET  -                              sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /row                           sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /next                          sign-in sign-in  sign-in   sign-in  beside beside beside 404     sign-in
GET  /previous                      sign-in sign-in  sign-in   sign-in  beside beside beside 404     sign-in
GET  /chat                          sign-in sign-in  sign-in   sign-in  ticket ticket ticket 404     sign-in
POST /chat                          401     401      401       401      replied replied 403 404      401
GET  /deliveries                    sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /notes                         sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
POST /notes                         401     401      401       401      noted noted 403     404      401
GET  /files                         sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
POST /files                         sign-in sign-in  sign-in   sign-in  201   201   403     404      sign-in
POST /files/{file_id}/remove        sign-in sign-in  sign-in   sign-in  204   204   403     404      sign-in
GET  /files/{file_id}/{name}        sign-in sign-in  sign-in   sign-in  200   200   200     404      sign-in
GET  /unscannable/{file_id}         sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
POST /unscannable/{file_id}         sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
GET  /replies                       sign-in sign-in  sign-in   sign-in  200   200   403     404      sign-in
GET  /replies/{reply_id}            sign-in sign-in  sign-in   sign-in  200   200   403     404      sign-in
POST /status                        sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
POST /priority                      sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
POST /assignee                      sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
POST /tags                          sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
POST /participants                  sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
GET  /mails/{client_id}             sign-in sign-in  sign-in   sign-in  ticket ticket ticket 404     sign-in
GET  /merge                         sign-in sign-in  sign-in   sign-in  200   200   403     404      sign-in
POST /merge                         sign-in sign-in  sign-in   sign-in  other other 403     404      sign-in
POST /merge/undo                    sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
POST /snooze                        sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
POST /access/revoke                 sign-in sign-in  sign-in   sign-in  ticket ticket 403   404      sign-in
"""

# `hello` is a socket that was let in; the numbers are close codes that the page's script knows.
SOCKETS = """
                                      nobody customer neighbour stranger owner agent viewer outsider ended

/realtime?workspace={workspace_id}          4401   4401   4401   4401   hello  hello hello  4403   4401
/realtime?ticket={ticket_id}&portal={slug}  4403   hello  4403   4403   4403   4403  4403   4403   4403
/realtime                                   4403   4403   4403   4403   4403   4403  4403   4403   4403
"""

UUID = "[0-9a-f]{8}(?:-[0-9a-f]+){4}"
WORDS = {
    "own": f"/workspace/{UUID}",
    "start": "/",
    "login": "/auth/login",
    "again": "/auth/login\\?next=%2F",
    "reset": "/auth/login\\?reset=done",
    "sign-in": "/auth/login\\?next=(the page that was asked for)",
    "joined": "{workspace}",
    "desk": f"/workspace/{UUID}",
    "mine": "/profile",
    "saved": "/profile\\?saved=(name|told|password|preferences|session)#[a-z-]+",
    "opened": f"/support/{{slug}}/ticket/{UUID}",
    "followed": f"/support/{{slug}}/ticket/{UUID}/chat",
    "other": f"{{workspace}}/tickets/{UUID}",
    "begun": f"{{workspace}}/tickets/{UUID}",
    "gone": "/support/{slug}/forget\\?done=1",
    "sent": "/support/{slug}/ticket/{ticket_id}/chat#latest",
    "who": "{workspace}/contacts/{contact_id}",
    "person": "{workspace}/contacts/{contact_id}\\?saved=1",
    "mails": "{workspace}/mail",
    "letters": "{workspace}/mail\\?direction=out",
    "told": "{workspace}/notifications(/choices\\?saved=yes)?",
    "invited": "{workspace}/people\\?invited=[0-9a-f-]{36}#invited",
    "people": "{workspace}/people",
    "chosen": "{workspace}/settings\\?saved=1",
    "secure": "{workspace}/settings/security",
    "answers": "{workspace}/settings/auto-reply\\?saved=1",
    "ending": "{workspace}/settings/retention\\?saved=1",
    "tags": "{workspace}/settings/tags",
    "keys": "{workspace}/settings/api-keys",
    "hooks": "{workspace}/settings/webhooks",
    "hook": f"{{workspace}}/settings/webhooks/{UUID}(\\?(tested={UUID}|replayed=yes|changed=yes))?",
    "boxes": "{workspace}/settings/mail\\?removed=yes",
    "box": f"{{workspace}}/settings/mail/{UUID}(\\?saved=(added|signed|stopped|houses))?",
    "texts": "{workspace}/replies",
    "list": f"{{workspace}}/tickets(\\?(bulk={UUID}|status=open))?",
    "ticket": "{workspace}/tickets/{ticket_id}",
    "beside": f"{{workspace}}/tickets(/{UUID})?\\?(from=)?status(=|%3D)active.*",
    "replied": "{workspace}/tickets/{ticket_id}#latest",
    "noted": "{workspace}/tickets/{ticket_id}/notes#latest",
}


def rows(table: str) -> dict[str, dict[str, str]]:
    """{route: {visitor: answer}}"""
    head, *lines = [line.split() for line in table.splitlines() if line.strip()]
    assert head == list(VISITORS)
    found, start = {}, ""
    for line in lines:
        route, answers = line[: -len(head)], line[-len(head) :]
        if len(line) == 1:
            start = line[0]
        elif len(route) == 1:
            found[route[0]] = dict(zip(head, answers, strict=True))
        else:
            method, rest = route
            found[f"{method} {start}{rest.removeprefix('-')}"] = dict(zip(head, answers, strict=True))
    return found


ROUTES = rows(TABLE)
CASES = [(route, kind, answer) for route, row in ROUTES.items() for kind, answer in row.items()]
SOCKET_CASES = [(route, kind, answer) for route, row in rows(SOCKETS).items() for kind, answer in row.items()]
GETS = [route for route in ROUTES if route.startswith("GET ")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with open_town(tmp_path_factory.mktemp("town")) as town:
        yield town


async def test_the_table_names_every_route_and_nothing_else(town: Town) -> None:
    offered = {f"{method} {path}" for method, path in http_routes(town.house)}

    assert set(ROUTES) == offered
    assert {route.partition("?")[0] for route in rows(SOCKETS)} == socket_routes(town.house)


@pytest.mark.parametrize(("route", "kind", "answer"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
async def test_every_visitor_gets_what_the_table_says(town: Town, route: str, kind: str, answer: str) -> None:
    method, template = route.split()
    async with await town.come(kind) as browser:
        if method == "POST":
            form = await town.form(template)
            path = town.path(template)
            given = await browser.submit(path, form, page="/support/acme")
        else:
            path = town.path(template)
            given = await browser.get(path)

    if answer.isdecimal():
        assert given.status_code == int(answer)
    else:
        assert given.status_code == 303
        page = path if method == "GET" else "/"
        # A change is said on the page that one comes to.
        there, said = expected_location(town, answer, page), r"(\?(bulk=[0-9a-f-]{36}|done=[a-z]+))?"
        assert re.fullmatch(there + said, given.headers["location"])


def expected_location(town: Town, word: str, page: str) -> str:
    """`page` is where a person who has to sign in goes on afterwards."""
    if word == "sign-in":
        return re.escape(f"/auth/login?next={quote(page, safe='')}")
    return town.path(WORDS[word].replace("{workspace}", "/workspace/{workspace_id}"))


@pytest.mark.parametrize(
    ("address", "kind", "answer"), SOCKET_CASES, ids=[f"{case[0]} {case[1]}" for case in SOCKET_CASES]
)
async def test_every_socket_gets_what_the_table_says(
    town: Town, address: str, kind: str, answer: str
) -> None:
    async with await town.come(kind) as browser:
        assert await knock(town.house, browser, town.path(address)) == answer


@pytest.mark.parametrize("kind", ["nobody", "customer", "owner", "viewer"])
async def test_every_page_is_in_order_for_somebody_who_hears_it(town: Town, kind: str) -> None:
    """Headings without a gap, landmarks that stand for themselves, and each control named once."""
    found: dict[str, list[str]] = {}
    async with await town.come(kind) as browser:
        for route in GETS:
            page = await browser.get(town.path(route.split()[1]))
            if page.headers.get("content-type", "").startswith("text/html") and "<html" in page.text:
                found[route] = faults(page.text)

    assert {route: wrong for route, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://parlour.test.evil.example"])
async def test_no_socket_opens_for_another_site(town: Town, origin: str | None) -> None:
    async with await town.come("agent") as browser:
        address = town.path("/realtime?workspace={workspace_id}")

        assert await knock(town.house, browser, address, origin) == "403"


@pytest.mark.parametrize("route", GETS)
async def test_head_is_get_without_a_body(town: Town, route: str) -> None:
    path = town.path(route.split()[1])
    async with await town.come("agent") as browser:
        get, head = await browser.get(path), await browser.head(path)

    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers.get("content-type") == get.headers.get("content-type")


def answers_at(template: str, path: str) -> bool:
    """Some addresses are also the general case of others: `/tickets/bulk` looks like a ticket's."""
    pattern = re.sub(r"\{\w+\}", "[^/]+", template.replace("{form:path}", ".+"))
    return re.fullmatch(pattern, path) is not None


@pytest.mark.parametrize("template", sorted({route.split()[1] for route in ROUTES}))
async def test_a_method_that_a_page_does_not_know_is_refused_and_the_others_are_named(
    town: Town, template: str
) -> None:
    path = town.path(template)
    methods = {route.split()[0] for route in ROUTES if answers_at(route.split()[1], path)}
    async with await town.come("agent") as browser:
        answers = {
            method: await browser.request(method, path)
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - methods
        }

    assert {answer.status_code for answer in answers.values()} == {405}
    allowed = {name.strip() for name in answers["PUT"].headers["allow"].split(",")} - {"HEAD"}
    assert allowed == methods


# ------------------------------------------------------------------------------- missing and not yours

BAD_IDS = ("not-an-id", "00000000-0000-7000-8000-000000000000", "' OR 1=1 --", "%00", "ü", "0" * 300)


async def bodies(browser: Browser, paths: list[str], accept: str = "text/html") -> set[tuple[int, str]]:
    answers = [await browser.get(path, headers={"accept": accept}) for path in paths]
    return {(answer.status_code, comparable(answer.text)) for answer in answers}


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("kind", ["agent", "viewer"])
@pytest.mark.parametrize("rest", ["", "/tickets", "/tickets/{ticket_id}", "/tickets/{ticket_id}/chat"])
async def test_a_workspace_that_is_missing_malformed_or_anothers_answers_the_same_bytes(
    town: Town, kind: str, rest: str, accept: str
) -> None:
    ids = [*BAD_IDS, str(town.house.other.workspace_id)]
    async with await town.come(kind) as browser:
        found = await bodies(browser, [town.path(f"/workspace/{one}{rest}") for one in ids], accept)

    assert [status for status, _ in found] == [404]


HTML, JSON = "text/html", "application/json"


@pytest.mark.parametrize(
    ("kind", "template", "accept"),
    [
        ("agent", "/workspace/{workspace_id}/tickets/ID", HTML),
        ("agent", "/workspace/{workspace_id}/tickets/ID", JSON),
        ("agent", "/workspace/{workspace_id}/tickets/ID/chat", JSON),
        ("viewer", "/workspace/{workspace_id}/tickets/ID", HTML),
        ("customer", "/support/{slug}/ticket/ID", HTML),
        ("customer", "/support/{slug}/ticket/ID/chat", HTML),
        ("customer", "/support/{slug}/ticket/ID/chat", JSON),
        ("nobody", "/support/{slug}/ticket/ID", HTML),
        ("stranger", "/support/{slug}/ticket/ID", HTML),
        ("stranger", "/support/{slug}/ticket/ID/chat", JSON),
    ],
)
async def test_a_ticket_that_is_missing_malformed_or_of_another_workspace_answers_the_same_bytes(
    town: Town, kind: str, template: str, accept: str
) -> None:
    known, elsewhere = str(town.ticket.ticket_id), str(town.elsewhere.ticket_id)
    spelt_otherwise = (f"%7B{known}%7D", f"urn:uuid:{known}", known.replace("-", ""))
    paths = [town.path(template.replace("ID", one)) for one in (*BAD_IDS, *spelt_otherwise, elsewhere)]
    async with await town.come(kind) as browser:
        found = await bodies(browser, paths, accept)

    # A portal says where the link is, as it does of a ticket of somebody else's.
    assert [status for status, _ in found] == [403 if template.startswith("/support/") else 404]


@pytest.mark.parametrize(
    "rest", ["", "/ticket/new", "/access", "/ticket/{ticket_id}", "/ticket/{ticket_id}/chat"]
)
async def test_a_portal_that_is_missing_or_malformed_answers_the_same_bytes(town: Town, rest: str) -> None:
    async with await town.come("customer") as browser:
        slugs = [*BAD_IDS, "nowhere", "NOWHERE", "acme%20"]
        found = await bodies(browser, [town.path(f"/support/{slug}{rest}") for slug in slugs])

    assert [status for status, _ in found] == [404]


@pytest.mark.parametrize("field", ["status", "priority", "assignee", "chat", "notes", "access/revoke"])
@pytest.mark.parametrize("place", ["acme", "other"])
async def test_nothing_of_another_workspace_can_be_changed_from_either_address(
    town: Town, field: str, place: str
) -> None:
    workspace = {"acme": town.house.workspace, "other": town.house.other}[place]
    template = f"/workspace/{{workspace_id}}/tickets/{{ticket_id}}/{field}"
    path = f"/workspace/{workspace.workspace_id}/tickets/{town.elsewhere.ticket_id}/{field}"
    async with await town.come("agent") as browser:
        answer = await browser.submit(path, await town.form(template), page="/support/acme")

    assert answer.status_code == 404
