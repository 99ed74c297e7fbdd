"""A workspace full of believable tickets, made through the same services that people use.

stories.json holds them, and what the agents keep beside them: canned replies, views, invitations. A story
is opened `hours_ago`; each of its steps happens so many minutes `after` the one before, and `who` then says
something, notes it for colleagues, changes the ticket, or (with nothing else in the step) has only read it.
The status at the end follows from the steps, as it would at any desk. A story that is `snoozed` is put aside
now, for so many hours.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from parlour.db import outbox
from parlour.db.database import Database, Tx
from parlour.features.accounts import service as accounts
from parlour.features.accounts.invitations import service as invitations
from parlour.features.accounts.passwords import hash_password
from parlour.features.chat import service as chat
from parlour.features.contacts import service as contacts
from parlour.features.tickets import service as tickets
from parlour.features.tickets.canned import service as canned
from parlour.features.tickets.models import Draft, Priority, Status, Ticket
from parlour.features.tickets.notifications import service as notifications
from parlour.features.tickets.outgoing import service as outgoing
from parlour.features.tickets.snooze import service as snooze
from parlour.features.tickets.tags import service as tags
from parlour.features.tickets.views import service as views
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.logo import service as logos
from parlour.features.workspaces.models import ReplyTime, WorkspaceSettings
from parlour.features.workspaces.settings import service as choices
from parlour.kernel import clock
from parlour.kernel.access import Actor, Permission, Role, requires

SLUG = "acme"
NAME = "Acme Outdoor"
EMAIL = "ada@acme.example"
COLLEAGUE = "ben@acme.example"
PASSWORD = "parlour-demo"  # noqa: S105 printed on the screen, good on this machine only
STORIES = Path(__file__).with_name("stories.json")
LOGO = Path(__file__).with_name("logo.png")
FRESH = timedelta(hours=6)
"""How long ago agents last looked at what they had been told of."""
OPENED = timedelta(weeks=8)
"""How long ago the desk was set up: before anything that is told of it."""


async def fill(db: Database) -> None:
    """Make the workspace unless the data folder holds it already."""
    hashed = hash_password(PASSWORD)
    await db.write(Actor.system(), _fill, hashed)


@requires(Permission.SYSTEM)
def _fill(tx: Tx, password_hash: str) -> None:
    try:
        workspaces.workspace_at(tx, SLUG)
    except workspaces.UnknownWorkspace:
        script = json.loads(STORIES.read_text(encoding="utf-8"))
        with clock.at(clock.now() - OPENED):
            workspace = workspaces.create_workspace(tx, SLUG, NAME)
            here = tx.acting_as(Actor.system(workspace.workspace_id))
            agents = {person["key"]: _agent(here, person, password_hash) for person in script["agents"]}
            _furnish(here, agents, script)
        for invitation in script["invitations"]:
            with clock.at(clock.now() - timedelta(hours=float(invitation["hours_ago"]))):
                host = here.acting_as(agents[invitation["by"]])
                invitations.invite(host, invitation["email"], Role(invitation["role"]))
        stories = sorted(script["stories"], key=lambda story: -float(story["hours_ago"]))
        told = [(_play(here, agents, story), story) for story in stories]
        outgoing.drop_waiting(here)
        outbox.drop_waiting(here)  # nobody should be mailed about what only looks as if it had happened
        _finish(here, agents, script, told)


def _finish(
    tx: Tx,
    agents: Mapping[str, Actor],
    script: Mapping[str, Any],
    told: Sequence[tuple[UUID, Mapping[str, Any]]],
) -> None:
    """What is so now: who is known, what is put aside and comes back by itself, what has been looked at."""
    for known in script["contacts"]:
        theirs = tx.acting_as(agents[known["by"]])
        who = contacts.at(theirs, known["email"])
        if who:
            contacts.change(theirs, who.contact_id, known["name"], known["note"])
    theirs = tx.acting_as(agents["ada"])
    for ticket_id, story in told:
        if "snoozed" in story:
            until = clock.now() + timedelta(hours=float(story["snoozed"]))
            snooze.put_aside(theirs, tickets.locked_all(theirs, [ticket_id]), until)
    for agent in agents.values():
        notifications.read_all(tx.acting_as(agent), clock.now() - FRESH)


def _agent(tx: Tx, person: Mapping[str, str], password_hash: str) -> Actor:
    role = Role(person["role"])
    user_id = accounts.create_agent(tx, person["email"], person["name"], PASSWORD, password_hash)
    workspaces.add_member(tx, user_id, role)
    return Actor.agent(tx.workspace_id, user_id, role, person["name"])


def _furnish(tx: Tx, agents: Mapping[str, Actor], script: Mapping[str, Any]) -> None:
    """What agents have put within their reach (texts they write often, lists they look at often), and what
    customers are told.
    """
    said = script["settings"]
    chosen = WorkspaceSettings(welcome=said["welcome"], reply_time=ReplyTime(said["reply_time"]))
    manager = tx.acting_as(agents[said["by"]])
    choices.choose(manager, NAME, chosen)
    logos.put(manager, LOGO.read_bytes(), 72, 72, "")
    for kept in script["replies"]:
        theirs = tx.acting_as(agents[kept["by"]])
        canned.add(theirs, kept["name"], kept["content"], shared=kept["everyone"])
    for tag in script["tags"]:
        tags.make(tx.acting_as(agents[tag["by"]]), tag["name"], tag["colour"])
    for view in script["views"]:
        theirs = tx.acting_as(agents[view["by"]])
        views.save_view(theirs, view["name"], view["query"], for_everyone=view["everyone"])


def _open(tx: Tx, agents: Mapping[str, Actor], story: Mapping[str, Any]) -> Ticket:
    draft = Draft(
        story["subject"], story["description"], story["email"], clock.new_id(), story.get("name", "")
    )
    if "opened_by" in story:
        ticket = tickets.open_for(tx.acting_as(agents[story["opened_by"]]), draft).ticket
    else:
        ticket = tickets.open_ticket(tx.acting_as(Actor.visitor(tx.workspace_id)), draft).ticket
    sorting = tx.acting_as(agents["chloe"])
    for name in story.get("tags", ()):
        tags.put_on_all(sorting, [ticket], tags.fitting(sorting, ticket, name).tag_id)
    return ticket


def _play(tx: Tx, agents: Mapping[str, Actor], story: Mapping[str, Any]) -> UUID:
    moment = clock.now() - timedelta(hours=float(story["hours_ago"]))
    with clock.at(moment):
        ticket = _open(tx, agents, story)
    customer = Actor.customer(tx.workspace_id, ticket.ticket_id, ticket.email)
    notes: UUID | None = None
    for step in story["steps"]:
        moment += timedelta(minutes=float(step["after"]))
        who = customer if step["who"] == "customer" else agents[step["who"]]
        with clock.at(moment):
            _step(tx.acting_as(who), ticket.ticket_id, step, agents)
            if "notes" in step:
                notes = chat.notes_room(tx, ticket.ticket_id)
                _read(tx, notes, [who])
                continue
            # When one agent acts, all of them have read so far: unread is only what nobody has dealt with.
            _read(tx, ticket.chat_room_id, [customer] if who is customer else agents.values())
            if notes and who is not customer:
                _read(tx, notes, agents.values())
    return ticket.ticket_id


def _read(tx: Tx, room_id: UUID, readers: Iterable[Actor]) -> None:
    """Whoever acts has read what is there, the own words included."""
    newest = chat.history(tx, room_id, limit=1)
    for reader in (each for each in readers if each.may(Permission.TICKET_REPLY)):
        chat.mark_read(tx.acting_as(reader), room_id, newest.room.last_seq)


def _step(tx: Tx, ticket_id: UUID, step: Mapping[str, Any], agents: Mapping[str, Actor]) -> None:
    if "says" in step:
        tickets.send_message(tx, ticket_id, step["says"], clock.new_id())
    if "blocks" in step:
        who = contacts.at(tx, tickets.ticket(tx, ticket_id).email)
        if who:
            contacts.block(tx, who.contact_id)
    if "notes" in step:
        tickets.add_note(tx, ticket_id, step["notes"], clock.new_id())
    if "priority" in step:
        version = tickets.ticket(tx, ticket_id).version
        tickets.update_ticket_priority(tx, ticket_id, Priority(step["priority"]), seen_version=version)
    if "assignee" in step:
        version = tickets.ticket(tx, ticket_id).version
        tickets.assign_ticket(tx, ticket_id, agents[step["assignee"]].user_id, seen_version=version)
    if "status" in step:
        version = tickets.ticket(tx, ticket_id).version
        tickets.update_ticket_status(tx, ticket_id, Status(step["status"]), seen_version=version)
