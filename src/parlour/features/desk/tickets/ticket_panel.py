"""What stands beside a ticket's conversation: its customer, what can be changed of it, its history."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from minijinja import Markup
from msgspec import Struct
from starlette.requests import Request

from parlour.features.accounts.models import Desk
from parlour.features.desk.frame import tickets_at
from parlour.features.desk.tickets.cells import ticket_view
from parlour.features.desk.units import TicketPage
from parlour.features.tickets.models import Priority, Status
from parlour.features.workspaces import audit
from parlour.features.workspaces.models import AuditEntry
from parlour.kernel.access import Permission
from parlour.kernel.errors import DomainError
from parlour.kernel.kept import KeptTogether
from parlour.web import csrf
from parlour.web.pages import problems_of
from parlour.web.site import site

PANELS = 300
"""Panels that are kept, of some 10 kB each."""
LONGEST = 16_000
"""Characters of one that is kept: with a longer description, or very many members, it is drawn each time."""
VERSIONED = ("status", "priority", "assignee", "snooze")
"""The fields whose every change raises the ticket's version by one and leaves one entry in the trail."""

_panels: KeptTogether[str] = KeptTogether(most=PANELS, length=len, longest=LONGEST)


class Stale(Struct, frozen=True):
    """A change that came too late, and how many others it had not seen."""

    field: str
    wanted: str
    missed: int


class Where(NamedTuple):
    """How the page says the ticket's address and the list behind it, and whether one writes a note there."""

    here: str
    came: str
    behind: bool


def panel(
    request: Request,
    desk: Desk,
    found: TicketPage,
    where: Where,
    refused: DomainError | None,
    stale: Stale | None,
) -> str:
    """As text. Without a refusal it looks the same whenever all that it shows is the same."""
    actor = desk.actor
    around = {
        "workspace_id": str(desk.workspace_id),
        "tickets_at": tickets_at(request, desk),
        "may_update": actor.may(Permission.TICKET_UPDATE) and not found.ticket.merged_into,
        "may_merge": actor.may(Permission.TICKET_MERGE),
        "participants": tuple(found.participants),
        **where._asdict(),
    }
    renderer, token = site(request).renderer, csrf.token(request)

    def draw() -> str:
        shown = {**around, **_shown(found), **_changes(found, stale)}
        problems = problems_of(refused) if refused else {}
        return Markup(renderer("desk/ticket_panel.html", page={"csrf": token}, problems=problems, **shown))

    if refused or stale:
        return draw()
    parts = found.others, found.members, found.tags, found.all_tags, found.merged, found.changes
    things = [renderer, found.ticket, found.contact, found.kept, *(each for part in parts for each in part)]
    return _panels.made(things, (token, tuple(map(len, parts)), *around.values()), draw)


def _shown(found: TicketPage) -> dict[str, Any]:
    answering = [member for member in found.members if member.answers]
    names = {member.user_id: member.name for member in answering}
    ticket = found.ticket
    return {
        "ticket": ticket_view(ticket),
        "contact": found.contact,
        "others": found.others,
        "kept": found.kept and ticket_view(found.kept),
        "merged": [ticket_view(each) for each in found.merged],
        "assignee_name": names.get(ticket.assignee_id) if ticket.assignee_id else None,
        "members": answering,
        "tags": found.tags,
        "other_tags": [tag for tag in found.all_tags if tag not in found.tags],
        "statuses": [
            value.value for value in Status if value is not Status.NEW or ticket.status is Status.NEW
        ],
        "priorities": [value.value for value in Priority],
    }


def _changes(found: TicketPage, stale: Stale | None) -> dict[str, Any]:
    """The trail, and of it what somebody who came too late had not seen."""
    missed: Sequence[AuditEntry] = []
    wanted = ""
    if stale:
        missed = [entry for entry in found.changes if entry.action in VERSIONED][: stale.missed]
        names = {str(member.user_id): member.name for member in found.members}
        wanted = names.get(stale.wanted, "") if stale.field == "assignee" else stale.wanted
    most = {"changes_shown": audit.SHOWN}
    return {"changes": found.changes, "stale": stale, "missed": missed, "wanted": wanted, **most}
