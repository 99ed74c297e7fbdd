"""axe-core on a page as it stands: no violation of WCAG 2.2 A and AA, in both themes, wide and narrow.

The debugger hands the source to the page, so contexts that use it switch the content security policy off;
every other test keeps it. vendor/axe.min.js is axe-core 4.14.1, unchanged (MPL-2.0).
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from playwright.async_api import Page, ViewportSize

from tests.browser.people import DESKTOP, PHONE

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
EVERYTHING = {"type": "tag", "values": TAGS}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""What another theme can change on the same page: these, and nothing else that axe looks at."""

Screen = tuple[Literal["light", "dark"], str, ViewportSize, object]
# The system's theme, the visitor's own choice (the class that the server writes from the cookie), the window,
# and what is looked at.
SCREENS: list[Screen] = [
    ("light", "", DESKTOP, EVERYTHING),
    ("light", "dark", DESKTOP, COLOURS),
    ("dark", "", PHONE, EVERYTHING),
    ("dark", "light", PHONE, COLOURS),
]
BETWEEN: list[Screen] = [
    ("light", "", {"width": 900, "height": 800}, EVERYTHING),
    ("dark", "", {"width": 900, "height": 800}, COLOURS),
]
"""Where the desk's sidebar is a strip of icons."""
NARROW: ViewportSize = {"width": 320, "height": 640}
"""WCAG 1.4.10: nobody has to scroll sideways at 320 pixels, which is 1280 at 400 %."""

CHOOSE = """(theme) => {
    document.documentElement.className = theme;
    document.querySelector('meta[name="color-scheme"]').content = theme || "light dark";
}"""
TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll("[data-log], main, .card")]
    .filter((box) => box.scrollWidth > box.clientWidth)
    .map((box) => `${box.tagName} ${box.className}: ${box.scrollWidth} > ${box.clientWidth}`)"""
RUN = """async (which) => {
    await Promise.all(document.getAnimations()
        .filter((animation) => animation.effect.getComputedTiming().endTime < Infinity)
        .map((animation) => animation.finished.catch(() => {})));
    const found = await axe.run(document, {
        runOnly: which,
        resultTypes: ["violations"],
    });
    // Half under a bar or a list that floats, a target is smaller for as long as it lies there.
    const covered = (node) => {
        const target = document.querySelector(node.target[0]);
        const { left, right, top, bottom } = target.getBoundingClientRect();
        return [[left, top], [right, top], [left, bottom], [right, bottom]].some(([x, y]) => {
            const there = document.elementFromPoint(x < right ? x + 2 : x - 2, y < bottom ? y + 2 : y - 2);
            return there && !target.contains(there) && !there.contains(target);
        });
    };
    const nodes = ({ id, nodes }) => nodes.filter((node) => id !== "target-size" || !covered(node));
    return found.violations.flatMap((violation) => nodes(violation).map((node) =>
        `${violation.id}: ${node.html.slice(0, 160)}: ${node.failureSummary.replaceAll("\\n", " ")}`));
}"""


@cache
def source() -> str:
    return Path(__file__).with_name("vendor").joinpath("axe.min.js").read_text(encoding="utf-8")


async def too_wide(page: Page) -> list[str]:
    """What is wider than the window, or than the conversation or card that it stands in."""
    found: list[str] = await page.evaluate(TOO_WIDE)
    return found


async def violations(page: Page, screens: Sequence[Screen] = SCREENS) -> list[str]:
    """On every screen that we promise."""
    await page.evaluate(f"() => {{ {source()} }}")
    found: list[str] = []
    for system, chosen, size, which in screens:
        await page.set_viewport_size(size)
        await page.emulate_media(color_scheme=system)
        await page.evaluate(CHOOSE, chosen)
        where = f"{chosen or system} at {size['width']}"
        found += [f"{where}: {text}" for text in await page.evaluate(RUN, which)]
    await page.set_viewport_size(NARROW)
    return found + [f"at {NARROW['width']}: {text}" for text in await too_wide(page)]
