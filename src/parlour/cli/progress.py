"""How far something is that takes a while."""

import sys

import click

CLEARED = "\r\x1b[K"
"""Back to the beginning of the line, and everything on it gone."""


class Progress:
    """One line, written over and over where somebody watches a terminal, and gone in the end.

    Elsewhere a line for each thing of which it was known beforehand how much there is, when it is done.
    """

    def __init__(self) -> None:
        self._is_watched = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._over("")

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        if self._is_watched:
            self._over(f"{what}: {done:,}" if total is None else f"{what}: {done:,} of {total:,}")
        elif done == total and total:
            click.echo(f"{what}: {total:,}", err=True)

    def aside(self, line: str) -> None:
        """A line that stays."""
        self._over("")
        click.echo(line, err=True)

    def _over(self, text: str) -> None:
        if self._is_watched:
            click.echo(f"{CLEARED}{text}", nl=False, err=True)
