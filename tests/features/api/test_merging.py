"""Merging by the API: by the same rules as at the desk, and told to whoever follows."""

from typing import Any
from uuid import uuid4

import pytest

from parlour.kernel.access import Role
from tests.features.api.test_tickets import opened
from tests.house import House
from tests.programs import Program, program


@pytest.fixture
async def two(api: Program) -> tuple[Any, Any]:
    """Both are Maria's."""
    return await opened(api), await opened(api, subject="The tent still leaks")


async def merged(api: Program, ticket: Any, into: Any, **more: Any) -> Any:
    return await api.post(f"/tickets/{ticket['ticket_id']}/merge", json={"into": into["ticket_id"], **more})


async def test_a_merged_ticket_names_the_one_that_goes_on_and_followers_read_of_it(
    api: Program, two: tuple[Any, Any]
) -> None:
    first, second = two
    start = (await api.read("/changes", after="now"))["next"]
    kept = await merged(api, first, second)
    alone = await api.read(f"/tickets/{first['ticket_id']}")
    told = (await api.read("/changes", after=start))["items"]
    listed = {each["ticket_id"]: each for each in (await api.read("/tickets"))["items"]}

    assert (kept.status_code, kept.json()["ticket_id"]) == (200, second["ticket_id"])
    assert kept.headers["etag"] == f'"{kept.json()["version"]}"'
    assert kept.json() == await api.read(f"/tickets/{second['ticket_id']}")
    assert (alone["status"], alone["merged_into"]) == ("closed", second["ticket_id"])
    assert listed[first["ticket_id"]] == alone
    [told_of] = [each for each in told if each["changed"] == ["merged_into"]]
    assert (told_of["type"], told_of["by"], told_of["ticket"]) == ("ticket.updated", "program", alone)


async def test_what_the_kept_ticket_takes_over_is_told_of_it(api: Program) -> None:
    first = await opened(api, from_customer=True)
    second = await opened(api)
    start = (await api.read("/changes", after="now"))["next"]
    kept = (await merged(api, first, second)).json()
    told = (await api.read("/changes", after=start))["items"]

    assert kept["waiting_since"] == first["waiting_since"]
    of_kept = [each["changed"] for each in told if each["ticket_id"] == second["ticket_id"]]
    assert ["waiting_since"] in of_kept


async def test_undone_it_stands_alone_in_the_status_that_it_had(api: Program, two: tuple[Any, Any]) -> None:
    first, second = two
    here = f"/tickets/{first['ticket_id']}"
    await merged(api, first, second)
    refused = await api.patch(here, json={"priority": "low"}, headers={"if-match": "*"})
    alone = await api.post(f"{here}/unmerge")
    again = await api.post(f"{here}/unmerge")

    assert (refused.status_code, refused.json()["code"]) == (409, "ticket_merged")
    assert (alone.status_code, alone.json()["status"], alone.json()["merged_into"]) == (200, "open", None)
    assert again.json() == alone.json()


async def test_merging_twice_is_merging_once(api: Program, two: tuple[Any, Any]) -> None:
    first = await merged(api, *two)
    again = await merged(api, *two)

    assert again.json() == first.json()


async def test_tickets_of_two_people_are_merged_only_where_that_is_said(api: Program) -> None:
    first, second = await opened(api), await opened(api, email="boss@example.com")
    refused = await merged(api, first, second)
    done = await merged(api, first, second, two_people=True)

    assert (refused.status_code, refused.json()["problems"]) == (422, {"two_people": "required"})
    assert done.status_code == 200


async def test_what_cannot_be_merged_is_said_and_another_workspace_has_no_such_ticket(
    house: House, api: Program, two: tuple[Any, Any]
) -> None:
    first, second = two
    itself = await merged(api, first, first)
    nothing = await merged(api, first, {"ticket_id": str(uuid4())})
    async with program(house, Role.ADMIN, slug="other") as elsewhere:
        theirs = await opened(elsewhere)
        of_another = await merged(api, first, theirs)
        away = await merged(elsewhere, first, theirs)
        undone = await elsewhere.post(f"/tickets/{first['ticket_id']}/unmerge")
    async with program(house, Role.VIEWER) as viewer:
        not_allowed = await merged(viewer, first, second)

    assert [answer.json()["problems"] for answer in (itself, nothing, of_another)] == [
        {"into": "same"},
        {"into": "unknown"},
        {"into": "unknown"},
    ]
    assert (away.status_code, undone.status_code, not_allowed.status_code) == (404, 404, 403)
