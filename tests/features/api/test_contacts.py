"""The people who write, by the API."""

from typing import Any

from tests.house import House
from tests.programs import Program, program


async def added(api: Program, email: str = "nia@example.com", **more: Any) -> Any:
    return await api.made("/contacts", {"email": email, **more})


async def test_somebody_is_added_read_and_changed(api: Program) -> None:
    made = await added(api, " Nia@Example.com", name="Nia", note="Calls.")
    here = f"/contacts/{made['contact_id']}"
    assert set(made) == {"contact_id", "email", "name", "note", "blocked", "created_at"}
    assert (made["email"], made["name"], made["note"]) == ("nia@example.com", "Nia", "Calls.")
    assert made["blocked"] is False
    assert await api.read(here) == made

    for body, now in (
        ({}, {}),
        ({"name": "Nia Okafor"}, {"name": "Nia Okafor"}),
        ({"note": None, "blocked": True}, {"note": "", "blocked": True}),
        ({"blocked": False}, {"blocked": False}),
    ):
        made |= now
        answer = await api.patch(here, json=body)
        assert (answer.status_code, answer.json()) == (200, made)


async def test_who_cannot_be_is_refused(api: Program) -> None:
    for body, problems in (
        ({"email": "nia"}, {"email": "invalid"}),
        ({"email": ""}, {"email": "required"}),
        ({"email": "n@example.com", "name": "x" * 81}, {"name": "too_long"}),
        ({"email": "n@example.com", "note": "x" * 2001}, {"note": "too_long"}),
    ):
        answer = await api.post("/contacts", json=body)
        assert (answer.status_code, answer.json()["problems"]) == (422, problems)
    assert (await api.read("/contacts"))["items"] == []


async def test_one_address_is_one_person_in_each_workspace(house: House, api: Program) -> None:
    made = await added(api)
    again = await api.post("/contacts", json={"email": "NIA@example.com"})
    async with program(house, slug="other") as stranger:
        assert await added(stranger) != made

    assert (again.status_code, again.json()["code"]) == (409, "known_contact")


async def test_people_are_listed_by_address_from_a_beginning_on(api: Program) -> None:
    for name in ("b", "a", "ab", "ac"):
        await added(api, f"{name}@example.com")
    first = await api.read("/contacts", email="a", limit=2)
    second = await api.read("/contacts", cursor=first["next"])

    assert [each["email"] for each in first["items"]] == ["a@example.com", "ab@example.com"]
    assert [each["email"] for each in second["items"]] == ["ac@example.com"]
    assert second["next"] is None
