"""The contract: what the code says, and nothing taken back; its page; its examples, each of them run."""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from parlour.features.api import examples
from parlour.features.api.catalogue import OPERATIONS
from parlour.features.api.contract import contract, promises
from tests.features.api.test_door import WRONG
from tests.features.api.test_tickets import NEW
from tests.house import House
from tests.live import SLUG, Live
from tests.programs import Program
from tools import openapi


def test_the_committed_contract_is_what_the_code_says() -> None:
    assert openapi.main(["check"]) == 0


def _without_an_operation(document: Any) -> None:
    del document["paths"]["/me"]["get"]


def _without_a_field(document: Any) -> None:
    del document["components"]["schemas"]["Ticket"]["properties"]["url"]


def _that_asks_for_more(document: Any) -> None:
    document["components"]["schemas"]["NewTicket"]["required"].append("name")


def _of_another_kind(document: Any) -> None:
    document["components"]["schemas"]["Ticket"]["properties"]["number"] = {"type": "string"}


def _with_a_parameter_that_is_needed(document: Any) -> None:
    schema = {"type": "string"}
    wanted = {"name": "why", "in": "query", "required": True, "schema": schema}
    document["paths"]["/me"]["get"]["parameters"].append(wanted)


def _without_a_word(document: Any) -> None:
    document["components"]["schemas"]["Status"]["enum"].remove("pending")


@pytest.mark.parametrize(
    "change",
    [
        _without_an_operation,
        _without_a_field,
        _that_asks_for_more,
        _of_another_kind,
        _without_a_word,
        _with_a_parameter_that_is_needed,
    ],
)
def test_what_programs_rely_on_cannot_be_taken_back(change: Callable[[Any], None]) -> None:
    now = contract()
    after = copy.deepcopy(now)
    change(after)

    assert openapi.broken(promises(now), promises(after)) != []


def test_what_is_added_and_what_is_asked_for_no_more_breaks_nothing() -> None:
    now = contract()
    after = copy.deepcopy(now)
    after["components"]["schemas"]["Ticket"]["properties"]["colour"] = {"type": "string"}
    after["components"]["schemas"]["NewTicket"]["properties"]["colour"] = {"type": "string"}
    after["components"]["schemas"]["NewTicket"]["required"].remove("email")
    after["paths"]["/colours"] = after["paths"]["/tags"]

    assert openapi.broken(promises(now), promises(after)) == []


async def test_the_page_tells_of_every_operation_and_finds_them_by_words(house: House) -> None:
    async with Program(house, "") as anybody:
        whole = (await anybody.get("/docs")).text
        some = (await anybody.get("/docs", params={"q": "IDEMPOTENCY contacts"})).text
        none = await anybody.get("/docs", params={"q": "\0<script>"})
        document = await anybody.get("/openapi.json")

    assert [each.name for each in OPERATIONS if f'<h2 id="{each.name}">' not in whole] == []
    assert [each.name for each in OPERATIONS if f'<h2 id="{each.name}">' in some] == ["add_contact"]
    assert none.status_code == 200
    assert "Nothing found" in none.text
    assert document.json() == contract()


async def test_every_link_of_the_page_leads_somewhere_also_among_what_was_found(house: House) -> None:
    async with Program(house, "") as anybody:
        whole = (await anybody.get("/docs")).text
        some = (await anybody.get("/docs", params={"q": "merge"})).text

    there = {*re.findall(r'id="([^"]+)"', whole)}
    assert {*re.findall(r'href="#([^"]+)"', whole)} <= there
    assert {*re.findall(r'href="#([^"]+)"', some)} <= {*re.findall(r'id="([^"]+)"', some)}
    assert {*re.findall(r'href="/api/v1/docs#([^"]+)"', some)} <= there
    assert "names it in <code>merged_into</code>" in some


async def test_the_type_of_a_problem_leads_to_its_words(house: House, api: Program) -> None:
    page = (await api.get("/docs")).text
    for method, path, *_ in WRONG:
        where = (await api.request(method, path)).json()["type"]
        assert where.startswith("/api/v1/docs#")
        assert f'id="{where.partition("#")[2]}"' in page


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What examples read from the environment."""
    with Live(tmp_path_factory.mktemp("examples")) as live:
        role = ("--role", "admin")
        key = live.command("apikey", "create", "--workspace", SLUG, "--name", "Examples", *role).splitlines()[
            -1
        ]
        live.command("mailbox", "add", "support@example.com", "--workspace", SLUG)
        told = {**os.environ, "PARLOUR_URL": live.url, "PARLOUR_KEY": key}
        headers = {"authorization": f"Bearer {key}"}
        into = httpx.post(f"{live.url}/api/v1/tickets", json=NEW, headers=headers).json()
        told["INTO"] = into["ticket_id"]
        for path, body in (("tickets", NEW), ("contacts", {"email": "zoe@example.com"})):
            made = httpx.post(f"{live.url}/api/v1/{path}", json=body, headers=headers).json()
            told |= {name.upper(): value for name, value in made.items() if name.endswith("_id") and value}
        upload = {"ticket_id": told["TICKET_ID"], "name": "hello.txt"}
        made = httpx.post(f"{live.url}/api/v1/files", params=upload, content=b"Hello", headers=headers).json()
        told["FILE_ID"] = made["file_id"]
        yield told


@pytest.fixture
def hooked(reached: dict[str, str]) -> dict[str, str]:
    """With a webhook, which one of the examples deletes."""
    at, headers = (
        f"{reached['PARLOUR_URL']}/api/v1/webhooks",
        {"authorization": f"Bearer {reached['PARLOUR_KEY']}"},
    )
    wanted = {"url": "https://127.0.0.1/hook", "events": ["contact.updated"]}
    made = httpx.post(at, json=wanted, headers=headers).json()["webhook_id"]
    tried = httpx.post(f"{at}/{made}/test", headers=headers).json()["delivery_id"]
    return {**reached, "WEBHOOK_ID": made, "DELIVERY_ID": tried}


def _run(command: list[str], told: dict[str, str]) -> str:
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, (command[-1], done.stdout, done.stderr)
    return done.stdout


@pytest.mark.curl
def test_every_example_by_curl_works(hooked: dict[str, str]) -> None:
    for each in OPERATIONS:
        answer = _run(["sh", "-c", examples.curl(each)], hooked)
        assert isinstance(json.loads(answer), dict) if each.gives else answer == "Hello", each.name


class Heard(Exception):
    """Ends the loop of the guide, which goes on for ever."""


def test_the_loop_that_the_guide_shows_follows_what_happens(reached: dict[str, str]) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    loop = guide.partition("```python\n")[2].partition("```")[0]
    asked: list[str] = []
    headers = {"authorization": f"Bearer {reached['PARLOUR_KEY']}"}
    with httpx.Client(base_url=f"{reached['PARLOUR_URL']}/api/v1", headers=headers, timeout=40) as client:

        def get(path: str) -> Any:
            if asked:
                assert client.post("/contacts", json={"email": "followed@example.com"}).status_code == 201
            asked.append(path)
            return client.get(path).raise_for_status().json()

        def heard(*words: object) -> None:
            raise Heard(*words)

        with pytest.raises(Heard) as told:
            exec(loop, {"get": get, "print": heard})  # noqa: S102 our own words

    assert told.value.args == ("contact.updated", None, "program")
    assert [each.partition("=")[0] for each in asked] == ["/changes?after"] * 2


def test_a_client_that_others_generate_makes_a_journey(reached: dict[str, str], tmp_path: Path) -> None:
    here = Path(__file__).parent
    made = tmp_path / "parlour_client"
    generate = ["openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    given = ["--path", str(openapi.DOCUMENT), "--config", str(here / "generator.yaml")]
    _run([sys.executable, "-m", *generate, *given, "--output-path", str(made)], reached)
    told = {**reached, "PYTHONPATH": str(tmp_path)}

    assert _run([sys.executable, str(here / "journey.py")], told) == "there and back\n"


def test_every_example_in_python_works(hooked: dict[str, str], tmp_path: Path) -> None:
    """All in one process, which starts once; of another webhook than before, so with keys of its own."""
    whole = "\n".join(examples.python(each) for each in OPERATIONS)
    script = tmp_path / "examples.py"
    script.write_text(re.sub(r"(-webhook[a-z-]*)-4711", r"\1-4712", whole))
    assert len(_run([sys.executable, str(script)], hooked).splitlines()) == len(OPERATIONS)
