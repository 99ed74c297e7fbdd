"""What a workspace has chosen for itself, and its people to choose."""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.workspaces import audit
from parlour.features.workspaces import service as workspaces
from parlour.features.workspaces.choices import WELCOME_LIMIT
from parlour.features.workspaces.colours import colour
from parlour.features.workspaces.models import WorkspaceSettings
from parlour.features.workspaces.settings import store
from parlour.kernel import seen, text
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import Invalid


@requires(Permission.WORKSPACE_SEE)
def settings(tx: Tx) -> WorkspaceSettings:
    return store.settings(tx)


def shown(name: str, settings: WorkspaceSettings) -> tuple[str, ...]:
    """What the form shows of them, as words."""
    auto_assign = "yes" if settings.auto_assign else ""
    return name, settings.welcome, settings.reply_time.value, settings.accent, auto_assign


@requires(Permission.WORKSPACE_MANAGE)
def choose(tx: Tx, name: str, chosen: WorkspaceSettings, seen_mark: str = "") -> None:
    """The workspace's name and all that is chosen, but for what has a form of its own; each change is noted.

    `seen_mark` is that of what was `shown`. Raises Invalid with a code for each of `name`, `welcome` and
    `accent`, ChangedMeanwhile.
    """
    before = store.lock(tx)
    seen.insist(seen_mark, *shown(workspaces.workspace(tx).name, before))
    problems = {}
    welcome = text.one_line(chosen.welcome)
    if len(welcome) > WELCOME_LIMIT:
        problems["welcome"] = "too_long"
    accent = colour(chosen.accent) if chosen.accent.strip() else ""
    if accent is None:
        problems["accent"] = "no_colour"
    try:
        workspaces.rename_workspace(tx, name)
    except Invalid as refused:
        problems |= refused.problems
    if problems or accent is None:
        raise Invalid(problems)
    after = replace(before, welcome=welcome, accent=accent)
    after = replace(after, reply_time=chosen.reply_time, auto_assign=chosen.auto_assign)
    store.change(tx, after)
    _note(tx, before, after)


def _note(tx: Tx, before: WorkspaceSettings, after: WorkspaceSettings) -> None:
    for what in ("welcome", "reply_time", "accent"):
        was, now = str(getattr(before, what)), str(getattr(after, what))
        if was != now:
            audit.record(tx, what, before=was or None, after=now or None)
    if before.auto_assign != after.auto_assign:
        audit.record(tx, "auto_assign", after="yes" if after.auto_assign else "no")


def kept(settings: WorkspaceSettings) -> tuple[str, str]:
    """What the form of `keep_for` shows, as words."""
    return str(settings.close_after or ""), str(settings.delete_after or "")


@requires(Permission.WORKSPACE_MANAGE)
def keep_for(tx: Tx, close_after: int, delete_after: int, seen_mark: str) -> None:
    """For so many days: idle tickets until they are closed, closed ones until they are erased. 0 is for ever.

    `seen_mark` is that of what was `kept`. Raises ChangedMeanwhile.
    """
    before = store.lock(tx)
    seen.insist(seen_mark, *kept(before))
    store.change(tx, replace(before, close_after=close_after, delete_after=delete_after))
    for what, was, now in (
        ("close_after", before.close_after, close_after),
        ("delete_after", before.delete_after, delete_after),
    ):
        if was != now:
            audit.record(tx, what, before=str(was or "") or None, after=str(now or "") or None)


@requires(Permission.SYSTEM)
def that_keep_for_a_time(tx: Tx) -> Sequence[tuple[UUID, WorkspaceSettings]]:
    """The workspaces in which tickets are closed or erased some day."""
    return store.that_keep_for_a_time(tx)


@requires(Permission.WORKSPACE_MANAGE)
def dismiss_first_steps(tx: Tx) -> None:
    """The dashboard says no more how to begin."""
    store.change(tx, replace(store.lock(tx), first_steps=False))
