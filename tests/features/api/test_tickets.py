"""Tickets by the API: opened, read, changed, answered, as at the desk."""

import asyncio
from typing import Any
from uuid import uuid4

from parlour.features.tickets import service as tickets
from parlour.features.tickets.models import Status
from parlour.features.tickets.tags import service as tags
from parlour.kernel.access import Role
from tests.house import Browser, House
from tests.mailbox import mails, text_of
from tests.programs import Program, program
from tests.tickets import ada

NEW = {"subject": "The tent leaks", "description": "We send you another one.", "email": "Maria@Example.com"}
FIELDS = {
    *(
        "ticket_id",
        "number",
        "subject",
        "description",
        "status",
        "priority",
        "email",
        "contact",
        "assignee_id",
    ),
    *("tags", "version", "created_at", "updated_at", "last_message_at", "waiting_since"),
    *("snoozed_until", "merged_into", "url"),
}


async def opened(api: Program, **more: Any) -> Any:
    return await api.made("/tickets", {**NEW, **more})


async def test_a_program_opens_a_ticket_and_the_customer_is_mailed(house: House, api: Program) -> None:
    await house.db.write(ada(house), tags.make, "Late", "red")
    made = await opened(api, name="Maria", priority="urgent", tags=["late"], assignee_id=str(house.ada))

    assert set(made) == FIELDS
    assert (made["status"], made["priority"], made["tags"]) == ("open", "urgent", ["Late"])
    assert (made["email"], made["contact"]["name"]) == ("maria@example.com", "Maria")
    assert made["assignee_id"] == str(house.ada)
    assert made["url"].endswith(f"/workspace/{house.workspace.workspace_id}/tickets/{made['ticket_id']}")
    assert made == await api.read(f"/tickets/{made['ticket_id']}")
    assert len(await mails(house, "maria@example.com")) == 1


async def test_a_program_passes_on_what_a_customer_wrote(house: House, desk: Browser, api: Program) -> None:
    """As from a contact form with files: the customer's own words, which nobody has answered yet."""
    upload = await api.post("/files", params={"name": "tent.txt"}, content=b"It is wet.")
    words = {"description": "My tent leaks.", "from_customer": True, "files": [upload.json()["file_id"]]}
    again = {"client_id": str(uuid4())}
    made = await opened(api, **words, **again)
    [said] = (await api.read(f"/tickets/{made['ticket_id']}/messages"))["items"]
    page = (await desk.get(f"/workspace/{house.workspace.workspace_id}/tickets/{made['ticket_id']}")).text
    [created, _] = (await api.read("/changes"))["items"]

    assert (made["status"], made["waiting_since"]) == ("new", made["created_at"])
    assert (said["sender_type"], said["content"]) == ("customer", "My tent leaks.")
    assert [each["name"] for each in said["files"]] == ["tent.txt"]
    assert "Importer (API key) passed on what the customer wrote" in page
    assert (created["type"], created["by"]) == ("ticket.created", "program")
    assert "My tent leaks." not in text_of((await mails(house, "maria@example.com"))[0])
    repeat = await api.post("/tickets", json={**NEW, **words, **again})
    assert (repeat.status_code, repeat.json()) == (200, made)


async def test_files_come_with_the_first_word_of_an_agent_too(house: House, api: Program) -> None:
    file_id = (await api.post("/files", params={"name": "a.txt"}, content=b"Hello")).json()["file_id"]
    made = await opened(api, files=[file_id])
    [said] = (await api.read(f"/tickets/{made['ticket_id']}/messages"))["items"]
    note = await api.post("/files", params={"name": "a.txt", "note": "true"}, content=b"Hello")

    assert [each["file_id"] for each in said["files"]] == [file_id]
    assert (note.status_code, note.json()["code"]) == (400, "bad_query")


async def test_what_a_program_does_is_said_to_be_its(house: House, desk: Browser, api: Program) -> None:
    made = await opened(api)
    here = f"/tickets/{made['ticket_id']}"
    await api.made(f"{here}/messages", {"content": "It is on its way."})
    await api.patch(here, json={"priority": "low"}, headers={"if-match": "*"})
    page = (await desk.get(f"/workspace/{house.workspace.workspace_id}{here}")).text

    assert "Importer (API key) changed the priority from Medium to Low" in page
    assert "Importer (API key) opened the ticket for the customer" in page


async def test_words_of_a_program_stand_in_the_room_under_its_name(
    house: House, visitor: Browser, api: Program
) -> None:
    ticket = await house.open_ticket(visitor)
    here = f"/tickets/{ticket.ticket_id}/messages"
    said = await api.made(here, {"content": "It is on its way. "})
    noted = await api.made(here, {"content": "Ask the carrier.", "note": True})
    room = (await api.read(here))["items"]

    assert (said["sender_type"], said["sender_name"], said["content"]) == (
        "agent",
        "Importer",
        "It is on its way.",
    )
    assert [each["content"] for each in room] == [ticket.description, "It is on its way.", "status:open"]
    assert [each["seq"] for each in room] == [1, 2, 3]
    assert [each["content"] for each in (await api.read(here, note=True))["items"]][-1] == "Ask the carrier."
    assert noted["seq"] > 0
    assert "It is on its way." in (await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")).text


async def test_the_same_client_id_makes_one_message_and_one_ticket(api: Program) -> None:
    again = {"client_id": str(uuid4())}
    made = await opened(api, **again)
    answer = await api.post("/tickets", json={**NEW, **again})
    assert (answer.status_code, answer.json()) == (200, made)
    other = await api.post("/tickets", json={**NEW, **again, "subject": "Other"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")

    here, again = f"/tickets/{made['ticket_id']}/messages", {"client_id": str(uuid4())}
    said = await api.made(here, {"content": "Once", **again})
    answer = await api.post(here, json={"content": "Once", **again})
    assert (answer.status_code, answer.json()) == (200, said)


async def test_messages_go_on_after_a_number_and_by_a_cursor(house: House, api: Program) -> None:
    made = await opened(api)
    here = f"/tickets/{made['ticket_id']}/messages"
    for number in range(4):
        await api.made(here, {"content": f"Word {number}"})
    first = await api.read(here, limit=2)
    rest = await api.read(here, cursor=first["next"], limit=100)

    assert [each["seq"] for each in first["items"]] == [1, 2]
    assert [each["seq"] for each in rest["items"]] == [3, 4, 5]
    assert rest["next"] is None
    assert [each["seq"] for each in (await api.read(here, after=4))["items"]] == [5]
    assert (await api.read(here, after=99))["items"] == []


async def test_a_change_of_what_somebody_else_has_changed_is_refused_and_does_nothing(
    house: House, api: Program
) -> None:
    made = await opened(api)
    here = f"/tickets/{made['ticket_id']}"
    etag = (await api.get(here)).headers["etag"]
    first = await api.patch(here, json={"status": "pending"}, headers={"if-match": etag})
    second = await api.patch(here, json={"priority": "high"}, headers={"if-match": etag})
    either = await api.patch(
        here, json={"priority": "high"}, headers={"if-match": f'{etag}, "{first.json()["version"]}"'}
    )

    assert (first.status_code, first.json()["status"]) == (200, "pending")
    assert (second.status_code, second.json()["code"]) == (412, "stale_ticket")
    assert second.json()["problems"] == {"version": str(first.json()["version"])}
    assert (either.status_code, either.json()["priority"]) == (200, "high")
    assert either.headers["etag"] == f'"{either.json()["version"]}"'


async def test_a_change_needs_the_version_that_was_seen(api: Program) -> None:
    here = f"/tickets/{(await opened(api))['ticket_id']}"
    for header, status in ((None, 428), ("3", 400), ('W/"1"', 412), ('"x"', 412), ("", 400), ("*", 200)):
        headers = {} if header is None else {"if-match": header}
        answer = await api.patch(here, json={"status": "closed"}, headers=headers)
        kind = "application/json" if status == 200 else "application/problem+json"
        assert (answer.status_code, answer.headers["content-type"]) == (status, kind), header


async def test_versions_come_in_one_list_however_it_is_written(api: Program) -> None:
    here = f"/tickets/{(await opened(api))['ticket_id']}"
    lists = [
        ['"9", "1"'],
        ['"9"', '"1"'],
        ['"9",, "1",'],
        [', "1"'],
        ['"9"', 'W/"1"'],
        ['"1"', "x"],
        ['"1"', "*"],
    ]
    said = [await api.patch(here, json={}, headers=[("if-match", line) for line in lines]) for lines in lists]

    assert [answer.status_code for answer in said] == [200, 200, 200, 200, 412, 400, 400]


async def test_only_what_is_sent_changes_and_null_empties(house: House, api: Program) -> None:
    for name in ("Late", "Tent"):
        await house.db.write(ada(house), tags.make, name, "red")
    made = await opened(api, assignee_id=str(house.ada), tags=["Late"])

    async def change(**body: Any) -> Any:
        answer = await api.patch(f"/tickets/{made['ticket_id']}", json=body, headers={"if-match": "*"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert await change() == made
    tagged = await change(tags=["tent", "TENT"])
    assert (tagged["tags"], tagged["assignee_id"]) == (["Tent"], str(house.ada))
    given = await change(assignee_id=None, tags=[])
    assert (given["assignee_id"], given["tags"], given["status"]) == (None, [], "open")


async def test_a_change_that_cannot_be_is_refused_as_a_whole(api: Program) -> None:
    made = await opened(api)
    here = f"/tickets/{made['ticket_id']}"
    for body, problems in (
        ({"tags": ["Nothing"]}, {"tags": "unknown"}),
        ({"assignee_id": str(uuid4())}, {"assignee_id": "unknown"}),
        ({"priority": "low", "status": "new"}, {"status": "never_new"}),
        ({"status": "pending", "tags": ["Nothing"]}, {"tags": "unknown"}),
    ):
        answer = await api.patch(here, json=body, headers={"if-match": "*"})
        assert (answer.status_code, answer.json()["problems"]) == (422, problems)
    assert await api.read(here) == made


async def test_lists_are_narrowed_and_go_on(house: House, api: Program) -> None:
    await house.db.write(ada(house), tags.make, "Late", "red")
    ours = [await opened(api, subject=f"Tent {number}", priority="high") for number in range(5)]
    await opened(api, subject="A lamp", tags=["Late"], assignee_id=str(house.ada))

    async def subjects(**query: Any) -> list[str]:
        return [each["subject"] for each in (await api.read("/tickets", **query))["items"]]

    first = await api.read("/tickets", priority="high", sort="created", limit=2)
    second = await api.read("/tickets", cursor=first["next"], limit=2)
    third = await api.read("/tickets", cursor=second["next"], priority="high", sort="created")

    assert [each for page in (first, second, third) for each in page["items"]] == ours[::-1]
    assert third["next"] is None
    assert await subjects(tag="LATE") == ["A lamp"]
    assert await subjects(tag="Nothing") == []
    assert await subjects(assignee_id=str(house.ada)) == ["A lamp"]
    assert len(await subjects(assignee_id="none")) == 5
    assert await subjects(status="closed") == []
    assert await subjects(waiting="true") == []
    assert await subjects(q="lamp") == ["A lamp"]
    assert (await subjects(q="#1"))[0] == "Tent 0"


NO_QUESTIONS: list[dict[str, Any]] = [
    {"statos": "open"},
    {"status": "opne"},
    {"limit": "0"},
    {"limit": "101"},
    {"limit": "1e400"},
    {"limit": "9" * 5000},
    {"assignee_id": "me"},
    {"waiting": "perhaps"},
    {"q": "a\0b"},
    {"q": "x" * 201},
    {"cursor": "x"},
    {"cursor": "é"},
    {"cursor": "A" * 40},
    {"limit": ["1", "2"]},
    {"priority": "null"},
    {"assignee_id": "NULL"},
]


async def test_a_list_that_was_given_before_says_what_has_changed(house: House, api: Program) -> None:
    tag = await house.db.write(ada(house), tags.make, "Late", "red")
    made = await opened(api, tags=["late"])
    here = f"/tickets/{made['ticket_id']}"
    given = [await api.read("/tickets")]

    await house.db.write(ada(house), tags.change, tag.tag_id, "Very late", "red")
    given.append(await api.read("/tickets"))
    await api.patch(here, json={"status": "pending"}, headers={"if-match": "*"})
    given.append(await api.read("/tickets"))

    said = [(ticket["tags"], ticket["status"]) for page in given for ticket in page["items"]]
    assert said == [(["Late"], "open"), (["Very late"], "open"), (["Very late"], "pending")]
    assert given[-1] == {"items": [await api.read(here)], "next": None}


async def test_a_parameter_that_is_none_is_no_other_question(api: Program) -> None:
    for query in NO_QUESTIONS:
        answer = await api.get("/tickets", params=query)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_query"), query


async def test_a_cursor_is_of_its_list_alone(house: House, api: Program) -> None:
    made = [await opened(api) for _ in range(2)]
    cursor = (await api.read("/tickets", limit=1))["next"]
    here = f"/tickets/{made[0]['ticket_id']}/messages"

    changed = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    for path, query in (
        ("/tickets", {"cursor": cursor, "status": "closed"}),
        ("/tickets", {"cursor": changed}),
        ("/contacts", {"cursor": cursor}),
        (here, {"cursor": cursor}),
    ):
        assert (await api.get(path, params=query)).status_code == 400, query
    async with program(house, slug="other") as stranger:
        assert (await stranger.get("/tickets", params={"cursor": cursor})).status_code == 400


async def test_pages_over_a_list_that_changes_miss_nothing_that_stood_still(
    house: House, api: Program
) -> None:
    """What is answered meanwhile moves to the front; what nobody touches is on some page, and on one."""
    made = [(await opened(api, subject=f"Tent {number}"))["ticket_id"] for number in range(24)]
    touched, seen, cursor = set(made[::3]), list[str](), None
    for step in range(12):
        page = await api.read("/tickets", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [each["ticket_id"] for each in page["items"]]
        if step < 8:
            await api.made(f"/tickets/{made[::3][7 - step]}/messages", {"content": "Moved"})
        cursor = page["next"]
        if cursor is None:
            break

    assert len(seen) == len(set(seen))
    assert set(made) - touched <= set(seen)


async def test_of_another_workspace_there_is_nothing(house: House, visitor: Browser, api: Program) -> None:
    ticket = await house.open_ticket(visitor)
    async with program(house, Role.ADMIN, slug="other") as stranger:
        theirs, nothing = f"/tickets/{ticket.ticket_id}", f"/tickets/{uuid4()}"
        for rest in ("", "/messages"):
            one, other = await stranger.get(f"{theirs}{rest}"), await stranger.get(f"{nothing}{rest}")
            assert one.status_code == 404
            assert one.content == other.content
        changed = await stranger.patch(theirs, json={"status": "closed"}, headers={"if-match": "*"})
        said = await stranger.post(f"{theirs}/messages", json={"content": "Hello"})
        assert (changed.status_code, said.status_code) == (404, 404)
        assert (await stranger.read("/tickets"))["items"] == []
    assert (await house.as_system(tickets.ticket, ticket.ticket_id)).status is Status.NEW


async def test_a_closed_ticket_takes_no_more_words(api: Program) -> None:
    made = await opened(api)
    here = f"/tickets/{made['ticket_id']}"
    await api.patch(here, json={"status": "closed"}, headers={"if-match": "*"})
    answer = await api.post(f"{here}/messages", json={"content": "Hello"})

    assert (answer.status_code, answer.json()["code"]) == (409, "ticket_closed")


async def test_many_at_once_are_each_opened_once(api: Program) -> None:
    made = await asyncio.gather(*(opened(api, subject=f"Tent {number}") for number in range(10)))

    assert sorted(each["number"] for each in made) == list(range(1, 11))
