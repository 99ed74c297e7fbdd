"""A route that is found by the look of an address is the one that a router finds by trying all of them."""

import re
from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from starlette.testclient import TestClient

from parlour.web.ways import Ways
from tests.house import House


def _route(path: str, **more: Any) -> Route:
    async def answer(request: Request) -> PlainTextResponse:
        told = "&".join(f"{name}={value}" for name, value in request.path_params.items())
        return PlainTextResponse(f"{request.method} {request.scope['route'].path} {told}")

    return Route(path, answer, **more)


ROUTES = [
    Mount("/api", routes=[_route("/things/{thing}")]),
    _route("/desk/new"),
    _route("/desk/{here}"),
    _route("/desk/{here}", methods=["POST"]),
    _route("/desk/{here}/list"),
    _route("/desk/{here}/{form:path}"),
    _route("/desk/{here}/list/new", methods=["POST"]),
    _route("/desk/{here}/list/{one}"),
    _route("/{any}/first"),
    _route("/desk/second"),
    _route("/"),
]
ADDRESSES = (
    "/",
    "/api/things/1",
    "/api/none",
    "/desk",
    "/desk/",
    "/desk/new",
    "/desk/new/",
    "/desk/first",
    "/desk/second",
    "/desk/a/list",
    "/desk/a/list/",
    "/desk/a/list/new",
    "/desk/a/list/b",
    "/desk/a/b/c/d/e",
    "/other/first",
    "/other",
    "//first",
    "/desk//list",
)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("root", ["", "/below"])
def test_it_answers_as_any_router(method: str, root: str) -> None:
    answers = []
    for kind in (Router, Ways):
        app = Starlette()
        app.router = kind(ROUTES)
        with TestClient(app, root_path=root, follow_redirects=False) as client:
            found = [client.request(method, f"{root}{address}") for address in ADDRESSES]
        answers.append([(each.status_code, each.text, each.headers.get("location")) for each in found])

    assert answers[0] == answers[1]
    assert {200, 404} <= {status for status, *_ in answers[1]} or method == "DELETE"


def test_a_page_is_found_without_trying_those_that_cannot_be_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    matches = Route.matches

    def note(route: Route, scope: Any) -> Any:
        tried.append(route.path)
        return matches(route, scope)

    monkeypatch.setattr(Route, "matches", note)
    app = Starlette()
    app.router = Ways([*(_route(f"/other/{n}") for n in range(50)), *ROUTES[1:]])

    assert TestClient(app).get("/desk/a/list").status_code == 200
    assert tried == ["/desk/{here}/list"]


def test_no_route_takes_an_address_that_another_one_spells_out(house: House) -> None:
    """Of two that fit, the one with a word is meant, not the one with an id in its place."""
    routes = [route for route in house.app.pages.routes if isinstance(route, Route)]
    taken = {}
    for route in routes:
        address = re.sub(r"{[^}]+}", str(UUID(int=0)), route.path)
        for method in route.methods or ():
            first = next(
                one for one in routes if method in (one.methods or ()) and one.path_regex.match(address)
            )
            if first.path != route.path:
                taken[method, route.path] = first.path

    assert taken == {}
