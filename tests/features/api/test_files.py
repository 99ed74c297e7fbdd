"""Files by the API: uploaded for a message, brought by it, downloaded."""

from typing import Any
from uuid import uuid4

from tests.features.api.test_tickets import opened
from tests.house import House
from tests.programs import Program, program

PDF = b"%PDF-1.7 of some kind"


async def uploaded(api: Program, ticket_id: str, **query: str) -> Any:
    asked = {"ticket_id": ticket_id, "name": "../Ticket \u202ezoë.pdf", **query}
    answer = await api.post("/files", params=asked, content=PDF)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def brought(api: Program, ticket_id: str) -> Any:
    """A message with a file and no words."""
    file = await uploaded(api, ticket_id)
    return await api.made(f"/tickets/{ticket_id}/messages", {"files": [file["file_id"]]})


async def test_a_message_brings_what_was_uploaded_for_it(house: House, api: Program) -> None:
    ticket_id = (await opened(api))["ticket_id"]
    message = await brought(api, ticket_id)
    [file] = message["files"]
    answer = await api.get(f"/files/{file['file_id']}")
    part = await api.get(f"/files/{file['file_id']}", headers={"range": "bytes=0-3"})

    assert set(file) == {"file_id", "name", "media_type", "size", "scan"}
    assert (message["content"], file["size"]) == ("", len(PDF))
    assert "/" not in file["name"]
    assert "\u202e" not in file["name"]
    assert (answer.content, part.status_code, part.content) == (PDF, 206, PDF[:4])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "ratelimit" in answer.headers
    assert (await api.read(f"/tickets/{ticket_id}/messages"))["items"][-1] == message
    async with program(house, slug="other") as stranger:
        theirs = await stranger.get(f"/files/{file['file_id']}")
        assert theirs.status_code == 404
        assert theirs.content == (await stranger.get(f"/files/{uuid4()}")).content


async def test_what_is_uploaded_is_its_uploaders_and_for_one_room(house: House, api: Program) -> None:
    ticket_id = (await opened(api))["ticket_id"]
    here, file_id = f"/tickets/{ticket_id}/messages", (await uploaded(api, ticket_id, note="true"))["file_id"]
    async with program(house) as colleague:
        assert (await colleague.get(f"/files/{file_id}")).status_code == 404
        taken = await colleague.post(here, json={"files": [file_id], "note": True})
    public = await api.post(here, json={"files": [file_id]})
    twice = await api.post("/files", params={"ticket_id": ticket_id}, content=PDF)

    for refused in (taken, public):
        assert (refused.status_code, refused.json()["problems"]) == (422, {"files": "gone"})
    assert (twice.status_code, twice.json()["code"]) == (400, "bad_query")
    await api.made(here, {"files": [file_id], "note": True, "content": "Look"})


async def test_a_file_that_is_too_large_is_a_problem(house: House, api: Program) -> None:
    ticket_id = (await opened(api))["ticket_id"]
    size = house.app.parlour.settings.file_limit + 1
    asked = {"ticket_id": ticket_id, "name": "a"}
    answer = await api.post("/files", params=asked, content=b"x" * size)

    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
