"""The settings of a workspace as its row holds them, in one column of JSON."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from parlour.features.workspaces.colours import colour
from parlour.features.workspaces.models import INKS, AutoReply, Logo, ReplyTime, WorkspaceSettings
from parlour.kernel import text
from parlour.kernel.graphemes import cut

WELCOME_LIMIT = 200
DAYS_LIMIT = 3_650
"""For which a ticket can be kept, if not for ever."""


def read(held: object) -> WorkspaceSettings:
    """What does not fit, because another release or somebody's hand left it there, is as if never chosen."""
    values: Mapping[str, object] = held if isinstance(held, dict) else {}
    welcome = values.get("welcome")
    return WorkspaceSettings(
        welcome=cut(text.one_line(welcome), WELCOME_LIMIT).rstrip() if isinstance(welcome, str) else "",
        reply_time=_reply_time(values.get("reply_time")),
        accent=colour(values.get("accent")) or "",
        auto_assign=values.get("auto_assign") is True,
        first_steps=values.get("first_steps") is not False,
        logo=_logo(values.get("logo")),
        auto_reply=_auto_reply(values.get("auto_reply")),
        close_after=_days(values.get("close_after")),
        delete_after=_days(values.get("delete_after")),
    )


def _days(value: object) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= DAYS_LIMIT
    return int(str(value)) if whole else 0


def _reply_time(value: object) -> ReplyTime:
    try:
        return ReplyTime(str(value))
    except ValueError:
        return ReplyTime.UNSAID


def _logo(value: object) -> Logo | None:
    match value:
        case {"mark": str(mark), "width": int(width), "height": int(height), "ink": ink} if ink in INKS:
            return Logo(mark, width, height, ink)
    return None


def _auto_reply(value: object) -> AutoReply:
    match value:
        case {
            "on": bool(on),
            "within": str(within),
            "outside": str(outside),
            "zone": str(zone),
            "days": [*days],
            "opens": str(opens),
            "closes": str(closes),
        }:
            weekdays = tuple(day for day in days if isinstance(day, int))
            return AutoReply(on, within, outside, zone, weekdays, opens, closes)
    return AutoReply()


def written(settings: WorkspaceSettings, held: object) -> dict[str, Any]:
    """To be kept: a newer release may have left choices in `held` that are none of ours to drop."""
    return {
        **(held if isinstance(held, dict) else {}),
        "welcome": settings.welcome,
        "reply_time": settings.reply_time.value,
        "accent": settings.accent,
        "auto_assign": settings.auto_assign,
        "first_steps": settings.first_steps,
        "logo": asdict(settings.logo) if settings.logo else None,
        "auto_reply": asdict(settings.auto_reply),
        "close_after": settings.close_after,
        "delete_after": settings.delete_after,
    }
