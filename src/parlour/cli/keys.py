"""`parlour apikey`: the keys with which programs act in a workspace."""

from uuid import UUID

import click

from parlour.cli.base import at_workspace, once
from parlour.features.accounts.api_keys import service as api_keys
from parlour.kernel.access import Actor, Role


@click.command
@at_workspace
@click.option(
    "--name",
    required=True,
    metavar="NAME",
    help="Which program it is for; customers see it where that answers.",
)
@click.option(
    "--role",
    type=click.Choice(tuple(map(str, Role))),
    default=str(Role.AGENT),
    show_default=True,
    help="What it may do: viewer, agent or admin.",
)
def create_key(workspace: str, name: str, role: str) -> None:
    """Make a key. The last line printed is the key itself, which nobody can read again."""
    made = once(lambda db: db.write(Actor.system(), api_keys.make_at, workspace, name, Role(role)))
    click.echo(f"{made.name} may now act at {workspace} as {role}.")
    click.echo(made.token)


@click.command
@at_workspace
def list_keys(workspace: str) -> None:
    """List the keys of a workspace: id, role, when it was last used, name."""
    for each in once(lambda db: db.scan(Actor.system(), api_keys.every_at, workspace)):
        used = f"{each.last_used_at:%Y-%m-%d %H:%M} UTC" if each.last_used_at else "never used"
        click.echo(f"{each.key_id}  {each.role.value}  {used}  {each.name}")


@click.command
@click.argument("key_id", type=click.UUID, help="As `parlour apikey list` has it.")
@at_workspace
def revoke_key(key_id: UUID, workspace: str) -> None:
    """End a key, also in a running server: it opens nothing from the next request on."""
    once(lambda db: db.write(Actor.system(), api_keys.revoke_at, workspace, key_id))
    click.echo("The key opens nothing any more.")
