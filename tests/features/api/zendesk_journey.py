"""What a program does with zenpy, a public client of Zendesk's API, which the test that runs this has in a
place of its own.
"""

import tempfile
from collections.abc import Callable
from io import BytesIO
from os import environ
from pathlib import Path
from typing import Any

from zenpy import Zenpy
from zenpy.lib.api_objects import Comment, Ticket, User
from zenpy.lib.exception import APIException, RecordNotFoundException

there = Zenpy(subdomain="acme", email="robot@example.com", token=environ["PARLOUR_KEY"], ratelimit_budget=30)
me = there.users.me()
assert me.name == "Zen", me

# people
zoe = there.users.create(User(name="Zoe Katz", email="zoe@example.com", notes="Prefers to be called."))
assert (zoe.role, zoe.email) == ("end-user", "zoe@example.com"), zoe
assert there.users.create_or_update(User(name="Zoe K.", email="zoe@example.com")).id == zoe.id
zoe.name = "Zoe Katz-Ito"
assert there.users.update(zoe).name == "Zoe Katz-Ito"
assert [each.id for each in there.users.search(query="zoe@")] == [zoe.id]
everybody = {each.email: each.role for each in there.users()}
assert everybody["zoe@example.com"] == "end-user", everybody
assert everybody["ada@acme.example"] == "admin", everybody
ben = next(each for each in there.users() if each.email == "ben@acme.example")

# tickets, with a file
upload = there.attachments.upload(BytesIO(b"Hello"), target_name="hello.txt")
opened = there.tickets.create(
    Ticket(
        subject="The tent leaks",
        requester=User(name="Zoe", email="zoe@example.com"),
        comment=Comment(body="It is wet.", uploads=[upload.token]),
        priority="high",
        tags=["tents"],
    )
).ticket
assert (opened.status, opened.priority, opened.tags) == ("open", "high", ["tents"]), opened
assert opened.requester.id == zoe.id, opened
for number in range(4):
    there.tickets.create(Ticket(subject=f"No. {number}", description="?", requester_id=zoe.id))

ticket = there.tickets(id=opened.id)
ticket.status = "pending"
ticket.assignee_id = ben.id
ticket.comment = Comment(body="A new one is on its way.", public=True)
there.tickets.update(ticket)
there.tickets.update(Ticket(id=opened.id, comment=Comment(body="The third this week.", public=False)))
there.tickets.add_tags(opened.id, ["urgent-help"])
there.purge_cache("ticket")
ticket = there.tickets(id=opened.id)
assert (ticket.status, ticket.assignee.email) == ("pending", "ben@acme.example"), ticket
assert sorted(ticket.tags) == ["tents", "urgent-help"], ticket

said = list(there.tickets.comments(opened.id))
assert [(each.body, each.public, each.author_id) for each in said] == [
    ("It is wet.", True, zoe.id),
    ("A new one is on its way.", True, me.id),
    ("The third this week.", False, me.id),
], said
[file] = said[0].attachments
assert (file.file_name, file.size) == ("hello.txt", 5), file
with tempfile.TemporaryDirectory() as folder:
    assert Path(there.attachments.download(file.id, folder)).read_bytes() == b"Hello"

# lists and searches, page by page
assert {each.subject for each in there.tickets(cursor_pagination=2)} >= {
    f"No. {number}" for number in range(4)
}
found = there.search("tent", type="ticket", status="pending", tags="tents")
assert [each.id for each in found] == [opened.id], found
assert {each.id for each in there.search(type="ticket", requester="zoe@example.com")} >= {opened.id}
assert [each.id for each in there.search("zoe@example.com", type="user")] == [zoe.id]
assert [each.id for each in there.users.assigned(ben.id)] == [opened.id]
assert len(list(there.users.requested(zoe.id))) == 5

# what is not there, and what is not taken
refused = {}
tries: dict[str, Callable[[], Any]] = {
    "missing": lambda: there.tickets(id=99_999),
    "nobody's": lambda: there.tickets.create(Ticket(subject="From nobody", description="?")),
}
for name, ask in tries.items():
    try:
        ask()
    except APIException as error:
        refused[name] = error
assert isinstance(refused["missing"], RecordNotFoundException), refused
assert refused["nobody's"].response.json()["details"]["requester"][0]["error"] == "required", refused
print("there and back")
