"""The contract as others read it: whatever schemathesis makes of it is answered as it says.

A few tries of each operation in the everyday run and on PostgreSQL; many where PARLOUR_TEST_FUZZ is set, as
in CI. What it does not think of (NUL, lone surrogates, numbers without end) is tried beside it.
"""

import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from parlour.features.api.catalogue import HOME, OPERATIONS
from parlour.features.api.contract import contract
from parlour.features.workspaces.mailboxes import service as mailboxes
from parlour.kernel.access import Role
from parlour.web.limits import Limit
from parlour.web.windows import Rate
from tests.features.api.test_files import brought
from tests.features.api.test_tickets import NEW
from tests.house import ORIGIN, House, open_house
from tests.postgres_server import ON_POSTGRESQL
from tests.programs import Program, program

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:Do not use the `random` module"),  # the house's own threads do
]

WHOLE = bool(os.environ.get("PARLOUR_TEST_FUZZ")) and not ON_POSTGRESQL
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
NAMES = [each.name for each in OPERATIONS]

schemathesis.serializer.alias("message/rfc822", "application/octet-stream")
document = schemathesis.openapi.from_dict({**contract(), "security": []})  # the key is the fixture's
tried = settings(
    max_examples=40 if WHOLE else 3,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Ids(dict[str, str]):
    """Of what there is not, an id that nothing has."""

    def __missing__(self, _: str) -> str:
        return str(UUID(int=7))


class Reached:
    """A house with one of each, and an admin's key to it."""

    def __init__(self, house: House, api: Program, ids: dict[str, str]) -> None:
        self.house, self.api, self.ids = house, api, ids

    async def ask(self, case: "schemathesis.Case[Any]") -> httpx.Response:
        sent = requests.Request(**case.as_transport_kwargs(base_url=f"{ORIGIN}{HOME}")).prepare()
        headers = [(name.encode(), str(value).encode("latin-1")) for name, value in sent.headers.items()]
        headers = [each for each in headers if each[0].lower() not in (b"authorization", b"cookie")]
        body: Any = sent.body
        return await self.api.request(str(sent.method), str(sent.url), content=body, headers=headers)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def reached(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Reached]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Limit.API, "rate", Rate(10**6, 1))
        async with open_house(tmp_path_factory.mktemp("house")) as house, program(house, Role.ADMIN) as api:
            house.app.parlour.followers.let_go()  # nobody waits
            await house.as_system(mailboxes.add, "support@acme.example")
            made = await api.made("/tickets", NEW)
            file = (await brought(api, made["ticket_id"]))["files"][0]
            ids = {
                "ticket_id": made["ticket_id"],
                "contact_id": made["contact"]["contact_id"],
                "file_id": file["file_id"],
            }
            yield Reached(house, api, ids)


@pytest.mark.parametrize("name", NAMES)
@tried
@given(data=st.data())
async def test_every_answer_is_one_that_the_contract_names(
    reached: Reached, name: str, data: st.DataObject
) -> None:
    operation = document.find_operation_by_id(name)
    named = [part.name for part in operation.path_parameters]
    known = {each: reached.ids[each] for each in named if each in reached.ids}
    ways = [
        operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known or None),
        operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=known or None),
        operation.as_strategy(GenerationMode.POSITIVE),
    ]
    case = data.draw(st.one_of(ways))
    case.validate_response(await reached.ask(case), checks=CHECKS)


STRANGE = [
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\xff"',
    b"1e999",
    b"-1" + b"0" * 5_000,
    b"[[]]",
    b"true",
    b'{"\\u0000": 1}',
]
ODD = ["%00", "%ED%A0%80", "9" * 400, "-1e999", "%F0%9F%98%80" * 300]


def with_field(example: Mapping[str, object], name: str, value: bytes) -> bytes:
    """The example as JSON, with this in that field."""
    rest = json.dumps({field: told for field, told in example.items() if field != name}).encode()
    return b'{"%b": %b%b' % (name.encode(), value, b", " + rest[1:] if len(rest) > 2 else b"}")


async def test_no_strange_value_anywhere_is_a_fault(reached: Reached) -> None:
    """In each field of each body, in each parameter, and in each address."""
    for each in OPERATIONS:
        path = each.path.format_map(Ids(reached.ids))
        asked = [f"{path}?{name}={odd}" for name in each.query.__struct_fields__ for odd in ODD]
        asked += [re.sub(r"\{\w+\}", odd, each.path) for odd in ODD if "{" in each.path]
        bodies = [
            with_field(each.example, name, value)
            for name in (each.takes.__struct_fields__ if each.takes else ())
            for value in STRANGE
        ]
        headers = {"content-type": each.raw or "application/json", "if-match": "*"}
        for address, body in [*((one, b"{}") for one in asked), *((path, one) for one in bodies)]:
            answer = await reached.api.request(each.method, address, content=body, headers=headers)
            assert answer.status_code < 500, (each.name, address, body)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", (
                    each.name,
                    address,
                    body,
                )
