"""The moments that people put a ticket aside until: mornings where they are."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from parlour.kernel import clock
from parlour.kernel.errors import Invalid

MORNING = time(8)
TOMORROW, NEXT_WEEK = "tomorrow", "next-week"
A_WEEK = 7


def morning(choice: str, day: str, zone: ZoneInfo | None) -> datetime:
    """The morning of tomorrow, of the next Monday, or else of `day` (ISO 8601), in the zone or in UTC.

    Raises Invalid (`until`: required, unknown).
    """
    today = clock.now().astimezone(zone or UTC).date()
    if choice == TOMORROW:
        chosen = today + timedelta(days=1)
    elif choice == NEXT_WEEK:
        chosen = today + timedelta(days=A_WEEK - today.weekday())
    else:
        chosen = _day(day)
    try:
        return datetime.combine(chosen, MORNING, zone or UTC).astimezone(UTC)
    except OverflowError:  # the first or the last day that there is
        raise Invalid({"until": "unknown"}) from None


def _day(text: str) -> date:
    if not text:
        raise Invalid({"until": "required"})
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid({"until": "unknown"}) from None
