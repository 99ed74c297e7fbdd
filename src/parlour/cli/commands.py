"""The parts of the command line: groups of commands, and commands that are imported when they are called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from parlour.kernel import garbage

INTERRUPTED = 130
"""What a shell says of a program that Ctrl C has ended."""


class Later(click.Command):
    """A command whose module is imported when it is called. What lists of commands say of it stands here."""

    def __init__(self, place: str, says: str) -> None:
        """`place` is its module in `parlour.cli` and, after a colon, its name there."""
        super().__init__(place, short_help=says)
        self._place = place

    def there(self) -> click.Command:
        module, _, name = self._place.partition(":")
        command: click.Command = getattr(import_module(f"parlour.cli.{module}"), name)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with garbage.importing():
            command = self.there()
        return command.make_context(info_name, args, parent, **extra)


class Group(click.Group):
    """Commands with a sentence about them all. Whoever interrupts one of them reads no word about it."""

    def __init__(self, says: str, commands: Mapping[str, click.Command]) -> None:
        super().__init__(help=says, short_help=says, commands=dict(commands))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 in the order of their table
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
