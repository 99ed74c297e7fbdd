"""A colour that a workspace chose, made so that it can be read: contrast as WCAG 2.2 measures it."""

import re

from msgspec import Struct

READABLE = 4.5
"""Text on its ground, AA (1.4.3)."""

_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.ASCII)
_STEPS = 50

# The grounds of frontend/css/theme.css on which a portal sets text in its accent: the one of each theme that
# leaves the least contrast, `--muted`.
_LIGHT_GROUND = "#f0f3f3"
_DARK_GROUND = "#1e2526"
_TINT = 0.15
"""So much of the accent is in the ground of an agent's initials, the rest is the card."""
_CARDS = {True: "#ffffff", False: "#141a1b"}

WHITE, BLACK = "#ffffff", "#000000"

_Channels = tuple[float, float, float]


class Accent(Struct, frozen=True):
    """A chosen colour in both themes, each as near to it as can be read there."""

    light: str
    dark: str


def colour(typed: object) -> str | None:
    """#rrggbb, of whatever people write for it; None for what is no colour."""
    found = _HEX.fullmatch(typed.strip().lower()) if isinstance(typed, str) else None
    if found is None:
        return None
    digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
    return f"#{digits}"


def accent(chosen: str) -> Accent:
    """The colour itself where it can be read, else darker in the light theme, lighter in the dark one."""
    return Accent(_readable(chosen, light=True), _readable(chosen, light=False))


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _readable(chosen: str, *, light: bool) -> str:
    ground, card, end = (_LIGHT_GROUND if light else _DARK_GROUND), _CARDS[light], BLACK if light else WHITE
    for step in range(_STEPS):
        tried = _mixed(chosen, end, step / _STEPS)
        if min(contrast(tried, ground), contrast(tried, _mixed(card, tried, _TINT))) >= READABLE:
            return tried
    return end


def _channels(colour: str) -> _Channels:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _mixed(one: str, other: str, share: float) -> str:
    """`one` with so large a share of `other`."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(255 * (a + (b - a) * share)):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
