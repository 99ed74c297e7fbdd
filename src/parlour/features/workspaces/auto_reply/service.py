"""What a workspace answers by itself, by its hours."""

from datetime import UTC, datetime, time

from msgspec.structs import replace

from parlour.db.database import Tx
from parlour.features.workspaces import audit
from parlour.features.workspaces.models import AutoReply
from parlour.features.workspaces.settings import service as choices
from parlour.features.workspaces.settings import store
from parlour.kernel import clock, seen, text
from parlour.kernel.access import Permission, requires
from parlour.kernel.errors import Invalid

LIMIT = 2000
_MIDNIGHT = time(0)


def is_open(hours: AutoReply, moment: datetime) -> bool:
    """Whether the moment is within the hours. What makes no sense is never open."""
    zone, opens, closes = clock.zone_named(hours.zone), _time(hours.opens), _time(hours.closes)
    if zone is None or opens is None or closes is None:
        return False
    there = moment.astimezone(zone)
    ends = closes == _MIDNIGHT or there.time() < closes
    return there.weekday() in hours.days and opens <= there.time() and ends


def text_at(chosen: AutoReply, moment: datetime) -> str:
    """What is answered then; empty for nothing."""
    if not chosen.on:
        return ""
    return chosen.within if is_open(chosen, moment) else chosen.outside


@requires(Permission.SYSTEM)
def text_then(tx: Tx, moment: datetime) -> str:
    """`text_at` by what is chosen now."""
    return text_at(choices.settings(tx).auto_reply, moment)


@requires(Permission.SYSTEM)
def text_now(tx: Tx) -> str:
    return text_then(tx, clock.now())


def shown(chosen: AutoReply) -> tuple[str, ...]:
    """What the form shows of it, as words."""
    days = " ".join(map(str, chosen.days))
    on = "yes" if chosen.on else ""
    return on, chosen.within, chosen.outside, chosen.zone, days, chosen.opens, chosen.closes


@requires(Permission.WORKSPACE_MANAGE)
def chosen(tx: Tx) -> AutoReply:
    return choices.settings(tx).auto_reply


@requires(Permission.WORKSPACE_MANAGE)
def choose(tx: Tx, wanted: AutoReply, seen_mark: str = "") -> None:
    """`seen_mark` is that of what was `shown`.

    Raises Invalid (`within`: required where both texts are empty, too_long; `outside`: too_long; `zone`:
    unknown; `days`: required; `opens`, `closes`: invalid; `closes`: early), ChangedMeanwhile.
    """
    before = store.lock(tx)
    seen.insist(seen_mark, *shown(before.auto_reply))
    within, outside = text.many_lines(wanted.within), text.many_lines(wanted.outside)
    problems = _problems(replace(wanted, within=within, outside=outside))
    if problems:
        raise Invalid(problems)
    after = replace(wanted, within=within, outside=outside)
    if after != before.auto_reply:
        store.change(tx, replace(before, auto_reply=after))
        audit.record(tx, "auto_reply", after="on" if after.on else "off")


def _problems(wanted: AutoReply) -> dict[str, str]:
    problems = {name: "too_long" for name in ("within", "outside") if len(getattr(wanted, name)) > LIMIT}
    if wanted.on and not (wanted.within or wanted.outside):
        problems["within"] = "required"
    if clock.zone_named(wanted.zone) is None:
        problems["zone"] = "unknown"
    if not wanted.days or not set(wanted.days) <= set(range(7)):
        problems["days"] = "required"
    opens, closes = _time(wanted.opens), _time(wanted.closes)
    problems |= {name: "invalid" for name, at in (("opens", opens), ("closes", closes)) if at is None}
    if opens and closes and closes != _MIDNIGHT and closes <= opens:
        problems["closes"] = "early"
    return problems


def _time(typed: str) -> time | None:
    """Hours and minutes; None for what is none."""
    try:
        return datetime.strptime(typed, "%H:%M").replace(tzinfo=UTC).time()
    except ValueError:
        return None
